"""How well the map is known so far, as one number: the standard error over the anatomy.

The number is the root mean square, over the foreground of the fixed image on the network's
lattice, of the standard error of the total uncertainty (see `variance`). It is taken at every s-th
voxel along each axis, so that it costs next to nothing beside a pass; thousands of voxels give the
mean to about one per cent.

While a run is under way the perturbations so far are taken for independent draws. Once all points
of a two-level design are there, a column that its factors do not use tells more (`two_level`).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..review.foreground import foreground_of
from ..variance import NestedVariance, SpareContrast
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
    spare
        Shape (K,): a column of the design that no factor uses; None where there is none.
    """

    def __init__(self, fixed: Tensor, spare: NDArray[np.float64] | None = None) -> None:
        self._fixed = fixed[0, 0]
        self._voxels: Tensor | None = None
        self._spare = None if spare is None else SpareContrast(spare)

    def assess(self, variance: NestedVariance) -> Convergence | None:
        """Return how well the map is known; None before three perturbations are complete.

        To be asked after each perturbation.
        """
        voxels = self._voxels_on(variance.mean.device)
        if self._spare is not None:
            self._spare.follow(variance.mean.flatten(1)[:, voxels], variance.groups)
        return self._known(variance, voxels)

    def begin_again(self) -> None:
        """Forget what was seen: the run begins anew."""
        if self._spare is not None:
            self._spare.restore({})

    def state(self) -> dict[str, Tensor]:
        """Return what a later session needs to go on, as tensors on the CPU."""
        return {} if self._spare is None else self._spare.state()

    def restore(self, state: dict[str, Tensor], variance: NestedVariance) -> Convergence | None:
        """Take up what `state` returned, and return how well the map was known then."""
        if self._spare is not None:
            self._spare.restore(state)
        return self._known(variance, self._voxels_on(variance.mean.device))

    def _known(self, variance: NestedVariance, voxels: Tensor) -> Convergence | None:
        if variance.groups < 3:
            return None
        whole = self._spare if self._spare is not None and self._spare.complete else None
        total, error = variance.total_and_error(voxels, whole)
        known = torch.isfinite(error)
        squares = torch.stack([error[known].double().square(), total[known].double().square()])
        if squares.shape[1] == 0:
            return None
        standard_error, root = squares.mean(1).sqrt().tolist()
        return Convergence(variance.groups, standard_error, root)

    def _voxels_on(self, device: torch.device) -> Tensor:
        if self._voxels is None:
            self._voxels = _sampled_foreground(self._fixed)
        self._voxels = self._voxels.to(device)
        return self._voxels


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
