"""A network's own order of axes and components, and its unit, turned into the contract's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...geometry import identity_map
from ..manifest import AxisOrder, InputSpec, OutputSpec, PassedAs, Quantity, Unit


class InVoxels(nn.Module):
    """A network behind the contract's arrays: axes (k, j, i), displacements (i, j, k) in voxels.

    Parameters
    ----------
    input_spec
        Of which the order of the axes, and how the images are passed, count here.
    """

    def __init__(self, network: nn.Module, input_spec: InputSpec, output_spec: OutputSpec) -> None:
        super().__init__()
        self.network = network
        self.input = input_spec
        self.output = output_spec

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Return displacements [B, 3, D, H, W] for images [B, 1, D, H, W]."""
        turned = self.input.array_order is AxisOrder.IJK
        arrays = {"moving": moving, "fixed": fixed}
        if turned:
            arrays = {name: array.transpose(2, 4) for name, array in arrays.items()}
        pair = [arrays[name] for name in self.input.images]
        channels = self.input.passed_as is PassedAs.CHANNELS
        field: Tensor = self.network(torch.cat(pair, 1)) if channels else self.network(*pair)
        field = field.float()
        if self.output.components is AxisOrder.KJI:
            field = field.flip(1)
        if turned:
            field = field.transpose(2, 4)
        return displacement_in_voxels(field, self.output, self.input.spacing_mm)


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
    # made on the device: a tensor made beside it would be sent to a GPU in every pass
    sizes = [torch.full((1, 1, 1, 1), float(n), device=field.device) for n in field.shape[:1:-1]]
    size = torch.cat(sizes)
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
