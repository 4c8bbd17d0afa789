"""A network as its manifest describes it, with its conventions turned into the contract's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ...errors import ModelError
from ...geometry import Image, Matrix, identity_map
from ..contract import PreparedPair, WeightsFile
from ..manifest import AxisOrder, Manifest, OutputSpec, PassedAs, Quantity, Unit
from .manifest_lattice import prepare_as_specified
from .network_model import NetworkModel


class ManifestNetwork(NetworkModel):
    """A network that is called, and answers, as its manifest says.

    Parameters
    ----------
    network
        Any module that takes two images as the manifest's input section says, in batches of one,
        and answers one field.
    manifest
        With its sections input and output.
    weights
        The record of its file.

    Raises
    ------
    ModelError
        On the first pass, where its answer is not what the manifest says.
    """

    def __init__(self, network: nn.Module, manifest: Manifest, weights: WeightsFile) -> None:
        super().__init__(InVoxels(network, manifest), manifest.description(), weights)
        self.manifest = manifest

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Prepare as the manifest's input section says; see `RegistrationModel.prepare`."""
        if self.manifest.input is None:
            raise ValueError("The manifest has no section 'input'.")
        return prepare_as_specified(self.manifest.input, fixed, moving, initial)


class OneAtATime(nn.Module):
    """A network that is shown one pair at a time, whatever the batch.

    An exported graph is often bound to the batch that it was exported with, and a traced one may be
    so without saying it.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *images: Tensor) -> Any:
        """Return the answers as one batch; the first one as it is, where it is no tensor."""
        answers = []
        for n in range(images[0].shape[0]):
            answer = self.network(*(image[n : n + 1] for image in images))
            if not isinstance(answer, Tensor):
                return answer
            answers.append(answer)
        return torch.cat(answers)


class InVoxels(nn.Module):
    """A network behind the contract's arrays: axes (k, j, i), displacements (i, j, k) in voxels.

    Parameters
    ----------
    network
        In the manifest's conventions.
    manifest
        With its sections input and output.
    """

    def __init__(self, network: nn.Module, manifest: Manifest) -> None:
        super().__init__()
        if manifest.input is None or manifest.output is None:
            raise ValueError("The manifest lacks a section 'input' or 'output'.")
        self.network: nn.Module = OneAtATime(network)
        self.name = manifest.name
        self.input = manifest.input
        self.output = manifest.output

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Return displacements [B, 3, D, H, W] for images [B, 1, D, H, W]."""
        turned = self.input.array_order is AxisOrder.IJK
        arrays = {"moving": moving, "fixed": fixed}
        if turned:
            arrays = {name: array.transpose(2, 4) for name, array in arrays.items()}
        pair = [arrays[name].contiguous() for name in self.input.images]
        channels = self.input.passed_as is PassedAs.CHANNELS
        answer = self.network(torch.cat(pair, 1)) if channels else self.network(*pair)
        shape = (moving.shape[0], 3, *pair[0].shape[2:])
        field = checked_field(answer, shape, self.name).float()
        if self.output.components is AxisOrder.KJI:
            field = field.flip(1)
        if turned:
            field = field.transpose(2, 4)
        return displacement_in_voxels(field, self.output, self.input.spacing_mm)


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


def displacement_in_voxels(field: Tensor, spec: OutputSpec, spacing_mm: float | None) -> Tensor:
    """Turn a field in a manifest's unit into displacements in voxels.

    Parameters
    ----------
    field
        float32 [B, 3, D, H, W], components (i, j, k). Both images have this size.
    spec
        Its quantity, unit and `align_corners`.
    spacing_mm
        Of both lattices, for the unit mm.

    Notes
    -----
    With N voxels along an axis, a position g of `grid_sample` is voxel (g + 1) (N - 1) / 2 with
    `align_corners` and ((g + 1) N - 1) / 2 without (torch.nn.functional.grid_sample). Without it a
    voxel v of a network that divides by N - 1 is therefore sampled at v N / (N - 1) - 1/2.
    """
    place = identity_map(field.shape[2:], field.device)
    size = torch.tensor(field.shape[:1:-1], dtype=torch.float32, device=field.device)
    size = size.view(3, 1, 1, 1)
    exact = spec.align_corners is not False
    is_map = spec.quantity is Quantity.MAP
    if spec.unit is Unit.VOXEL and exact:
        return field - place if is_map else field
    if spec.unit is Unit.VOXEL:
        position = field if is_map else place + field
        return position * (size / (size - 1).clamp(min=1)) - 0.5 - place
    if spec.unit is Unit.MM:
        if spacing_mm is None:
            raise ValueError("Millimetres need a spacing.")
        return field / spacing_mm
    length = size - 1 if exact else size
    unit = field / 2 if spec.unit is Unit.GRID_SAMPLE else field
    if not is_map:
        return unit * length
    if spec.unit is Unit.GRID_SAMPLE:
        unit = unit + 0.5
    return unit * length - (0.0 if exact else 0.5) - place
