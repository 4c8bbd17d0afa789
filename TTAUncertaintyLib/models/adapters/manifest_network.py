"""A network as its manifest describes it, with its conventions turned into the contract's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...errors import ModelError
from ...geometry import Image, Matrix
from ..contract import PreparedPair, WeightsFile
from ..manifest import Manifest
from .conventions import InVoxels
from .manifest_lattice import prepare_as_specified
from .network_model import NetworkModel


class ManifestNetwork(NetworkModel):
    """A network that is called, and answers, as its manifest says.

    Parameters
    ----------
    network
        Any module that takes two images as the manifest's input section says, in batches of one,
        and answers one field.

    Raises
    ------
    ModelError
        On the first pass, where its answer is not what the manifest says.
    """

    def __init__(self, network: nn.Module, manifest: Manifest, weights: WeightsFile) -> None:
        if manifest.input is None or manifest.output is None:
            raise ValueError("The manifest lacks a section 'input' or 'output'.")
        one_at_a_time = OneAtATime(network, manifest.name)
        converted = InVoxels(one_at_a_time, manifest.input, manifest.output)
        super().__init__(converted, manifest.description(), weights)
        self.manifest = manifest
        self.input = manifest.input

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Prepare as the manifest's input section says; see `RegistrationModel.prepare`."""
        return prepare_as_specified(self.input, fixed, moving, initial)


class OneAtATime(nn.Module):
    """A network that is shown one pair at a time, whatever the batch, and whose answer is checked.

    An exported graph is often bound to the batch that it was exported with, and a traced one may be
    so without saying it.
    """

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__()
        self.network = network
        self.name = name

    def forward(self, *images: Tensor) -> Tensor:
        """Return the answers as one batch."""
        shape = (1, 3, *images[0].shape[2:])
        return torch.cat(
            [
                checked_field(
                    self.network(*(i[n : n + 1].contiguous() for i in images)), shape, self.name
                )
                for n in range(images[0].shape[0])
            ]
        )


def checked_field(answer: object, shape: tuple[int, ...], name: str) -> Tensor:
    """Return a network's answer if it is a finite tensor of a shape.

    Raises
    ------
    ModelError
        If not; the message says what it is.
    """
    wanted = " x ".join(map(str, shape))
    if not isinstance(answer, Tensor):
        raise ModelError(
            f"The network '{name}' answers a {type(answer).__name__}, not one tensor of {wanted}.",
            "Let it return the field alone.",
        )
    if tuple(answer.shape) != shape:
        found = " x ".join(map(str, answer.shape))
        raise ModelError(
            f"The network '{name}' answers a tensor of {found}, not of {wanted}.",
            "It has to answer three components for every voxel that it is shown.",
        )
    if not answer.is_floating_point():
        raise ModelError(f"The network '{name}' answers {answer.dtype}, not floating-point.")
    if not bool(torch.isfinite(answer).all()):
        raise ModelError(
            f"The network '{name}' answers NaN or infinite values.",
            "Try --precision f32; check that the images are of the kind that it was trained on.",
        )
    return answer
