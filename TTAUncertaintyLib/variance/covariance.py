"""How 3x3 covariances at every voxel are laid out."""

from __future__ import annotations

from torch import Tensor

#: Order of the components of a full covariance.
COMPONENTS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


def trace(values: Tensor) -> Tensor:
    """Return the traces [D, H, W] of covariances [6, D, H, W]; of traces, these themselves."""
    return values if values.ndim == 3 else values[0] + values[3] + values[5]
