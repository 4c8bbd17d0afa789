"""How well the map is known so far, as one number: the standard error over the anatomy.

The number is the root mean square, over the foreground of the fixed image on the network's
lattice, of the standard error of the total uncertainty (see `variance`). It is taken at every s-th
voxel along each axis, so that it costs next to nothing beside a pass; thousands of voxels give the
mean to about one per cent.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..review.foreground import foreground_of
from ..variance import NestedVariance
from .progress import Convergence

#: Points of the lattice that are looked at, at most about this many.
_POINTS = 1 << 17


class ConvergenceMonitor:
    """Takes the standard error of a map from its accumulator.

    Parameters
    ----------
    fixed
        float32 [1, 1, D, H, W]: the fixed image as the network is given it. Its foreground is
        found as in the images themselves (`review.foreground_of`); where it has none, all of the
        lattice counts.
    """

    def __init__(self, fixed: Tensor) -> None:
        self._fixed = fixed[0, 0]
        self._voxels: Tensor | None = None

    def assess(self, variance: NestedVariance) -> Convergence | None:
        """Return how well the map is known; None before three perturbations are complete."""
        if variance.groups < 3:
            return None
        if self._voxels is None:
            self._voxels = _sampled_foreground(self._fixed)
        self._voxels = self._voxels.to(variance.mean.device)
        total, error = variance.total_and_error(self._voxels)
        known = torch.isfinite(error)
        squares = torch.stack([error[known].double().square(), total[known].double().square()])
        if squares.shape[1] == 0:
            return None
        standard_error, root = squares.mean(1).sqrt().tolist()
        return Convergence(variance.groups, standard_error, root)


def _sampled_foreground(image: Tensor) -> Tensor:
    """Return indices into the flattened lattice, int64 [N]."""
    step = max(1, round((image.numel() / _POINTS) ** (1 / 3)))
    # from half a step on, so that a border of background is not favoured
    first = tuple((step // 2) % n for n in image.shape)
    part = image[first[0] :: step, first[1] :: step, first[2] :: step]
    inside = torch.from_numpy(foreground_of(part.cpu().numpy()))
    if not inside.any():
        inside[:] = True
    places = zip(inside.nonzero(as_tuple=True), first, strict=True)
    k, j, i = (axis * step + start for axis, start in places)
    return (k * image.shape[1] + j) * image.shape[2] + i
