"""The one contract: what a registration network is to the engine.

    prepare(fixed, moving, initial) -> the two tensors, and the lattice of each
    predict(moving, fixed)          -> for every fixed voxel, the moving voxel it corresponds to

and, for a network that looks at each image by itself before it compares them,

    encode_fixed(fixed)             -> what `predict` may be given instead of the fixed tensor

Everything else (millimetres, world, perturbing, composing) belongs to the engine. Any map-valued
function fits, an optimisation-based registration too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ModelError
from ..geometry import Image, Lattice, Matrix

if TYPE_CHECKING:
    import torch
    from torch import Tensor


#: Nothing chosen: every option of a model at its default.
NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class WeightsFile:
    """The file that a model's weights were read from."""

    #: Where it lies.
    path: Path
    #: Of its bytes.
    sha256: str
    #: Whether the hash is the publisher's; None where none is known.
    published: bool | None


@dataclass(frozen=True)
class PublishedFile:
    """A weights file as its publisher offers it."""

    #: File name under which it is kept.
    name: str
    #: Where its bytes are, https.
    url: str
    #: Where a person reads about it.
    page: str
    #: Its size; None where it is not known. A download that differs is refused.
    size_bytes: int | None = None
    #: Of its bytes, where the publisher's file was seen; None where it was not: then the hash of
    #: the first download is recorded and enforced from then on.
    sha256: str | None = None
    #: Of the file that it is converted to, where it is converted and the result is known.
    converted_sha256: str | None = None


@dataclass(frozen=True)
class ModelOption:
    """Something about a model that a person may choose."""

    #: As on the command line: `--option NAME=VALUE`.
    name: str
    #: For the screen.
    title: str
    #: What it can be, the default first.
    choices: tuple[str, ...]
    #: One sentence: what it changes, and when to change it.
    help: str

    @property
    def default(self) -> str:
        """The choice where nothing is said."""
        return self.choices[0]


@dataclass(frozen=True)
class ModelDescription:
    """What a person needs to know about a model before choosing it."""

    #: Short name, as on the command line.
    name: str
    #: Name for the screen.
    title: str
    #: What it is for: anatomy, modality, what it expects of the images.
    purpose: str
    licence: str
    citation: str
    #: Spacing of the model's lattice; None where it follows from the images.
    spacing_mm: float | None
    #: Whether the images should be aligned affinely before it sees them.
    expects_affine_alignment: bool
    #: Whether there is a weights file; optimisation-based registration has none.
    needs_weights: bool = True
    #: The weights file that its publisher offers; None for bundled weights, or a user's own.
    published: PublishedFile | None = None
    #: What may be chosen about it.
    options: tuple[ModelOption, ...] = ()
    #: Returns the path of an image that lies as the network's training images did; None for a
    #: network that takes images as they lie.
    frame_reference: Callable[[], Path] | None = None

    def chosen(self, options: Mapping[str, str]) -> dict[str, str]:
        """Return the value of every option, defaults where `options` says nothing.

        Raises
        ------
        ModelError
            If there is no such option or choice.
        """
        known = {option.name: option for option in self.options}
        for name, value in options.items():
            if name not in known:
                having = ", ".join(known) or "none"
                raise ModelError(
                    f"The model '{self.name}' has no option '{name}'.", f"It has: {having}."
                )
            if value not in known[name].choices:
                raise ModelError(
                    f"The option '{name}' of '{self.name}' cannot be '{value}'.",
                    f"Choose one of {', '.join(known[name].choices)}.",
                )
        return {name: options.get(name, option.default) for name, option in known.items()}

    def differing(self, options: Mapping[str, Any]) -> dict[str, str]:
        """Return what differs from the defaults; what is no option or choice is left out."""
        return {
            option.name: options[option.name]
            for option in self.options
            if options.get(option.name) in option.choices[1:]
        }


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """Two images as a network wants them."""

    #: float32 [1, 1, D, H, W] on the CPU, axes (k, j, i), the network's intensities.
    moving: Tensor
    fixed: Tensor
    #: Voxels of `moving` to the moving world, LPS mm, any initial transform included.
    moving_lattice: Lattice
    #: Voxels of `fixed` to the fixed world, LPS mm.
    fixed_lattice: Lattice
    #: What a person should know of how they were prepared, a sentence each.
    notes: tuple[str, ...] = ()
    #: Whether one image was given the other's contrast: nothing was calibrated on such pairs.
    changed_contrast: bool = False

    def __post_init__(self) -> None:
        for tensor, lattice in (
            (self.moving, self.moving_lattice),
            (self.fixed, self.fixed_lattice),
        ):
            if tuple(tensor.shape) != (1, 1, *lattice.array_shape):
                raise ValueError(f"A tensor of shape {tuple(tensor.shape)} is not on its lattice.")


class RegistrationModel(Protocol):
    """A pretrained registration model."""

    @property
    def description(self) -> ModelDescription:
        """What it is."""
        ...

    @property
    def weights(self) -> WeightsFile | None:
        """Where its weights come from; None if it has none."""
        ...

    @property
    def options(self) -> Mapping[str, str]:
        """What was chosen of the description's options: every name, with its value."""
        ...

    @property
    def has_dropout(self) -> bool:
        """Whether `set_dropout` changes anything."""
        ...

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Turn two images into the tensors the network wants.

        Parameters
        ----------
        initial
            Shape (4, 4), affine, fixed world to moving world, LPS mm.

        Raises
        ------
        InputError
            If the network cannot take these images.
        """
        ...

    def predict(self, moving: Tensor, fixed: Any) -> Tensor:
        """Register a batch.

        Parameters
        ----------
        moving
            [B, 1, D, H, W] on the model's device.
        fixed
            The same; or, where the model has a method `encode_fixed`, what that returned for one
            fixed image [1, 1, D, H, W], to be compared with all of the batch.

        Returns
        -------
        Tensor
            float32 [B, 3, D, H, W]: at each voxel of `fixed`, the continuous voxel coordinate in
            `moving`, components (i, j, k).
        """
        ...

    def place(self, device: torch.device, channels_last: bool = False) -> None:
        """Move the weights to a device, in a memory format."""
        ...

    def set_dropout(self, active: bool) -> None:
        """Switch the network's dropout layers, and nothing else, on or off."""
        ...


def encode_fixed(model: RegistrationModel, fixed: Tensor) -> Any:
    """Return what `predict` is to be given for a fixed image that many images are registered to.

    Parameters
    ----------
    fixed
        [1, 1, D, H, W] on the model's device.

    Returns
    -------
    Any
        What the model's own `encode_fixed` makes of it, good until the model is placed anew or
        run in another precision; the tensor itself where the model has no such method. It is made
        once, so that nothing of it may depend on the network's own noise (dropout): a network with
        dropout in the part that sees the fixed image alone has no such method.
    """
    encode = getattr(model, "encode_fixed", None)
    return fixed if encode is None else encode(fixed)


def describe(model: RegistrationModel) -> dict[str, Any]:
    """Return a JSON-ready record of a model for the provenance of a result."""
    weights = model.weights
    return {
        "name": model.description.name,
        "title": model.description.title,
        "licence": model.description.licence,
        "citation": model.description.citation,
        "options": dict(model.options),
        "weights": None
        if weights is None
        else {
            "file": weights.path.name,
            "sha256": weights.sha256,
            "published": weights.published,
        },
    }
