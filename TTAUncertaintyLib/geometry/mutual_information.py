"""Mutual information of two images under an affine map, with its gradient."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .lattice import Lattice, Matrix
from .sampling import affine_grid, identity_map, sample_grid

#: Bins of either intensity, as many as Mattes et al. had use for.
_BINS = 32

#: Bins left free at either end, where the splines of the outermost intensities reach.
_MARGIN = 2

#: Share of the fixed image's voxels that have to meet the moving image.
_LEAST_SHARE = 0.05


class MutualInformation:
    """How well one image's intensities tell the other's, as a function of the map between them.

    Parameters
    ----------
    fixed, moving
        float32 [D, H, W], axes (k, j, i), any contrast.
    fixed_lattice, moving_lattice
        Where they lie, LPS mm.

    Notes
    -----
    The joint histogram of Mattes et al., IEEE TMI 22 (2003): the fixed intensity falls into one
    bin, the moving one is spread over four by a cubic B-spline, so that the histogram can be
    differentiated. Sums are made in float64 and in one order.
    """

    def __init__(
        self, fixed: Tensor, moving: Tensor, fixed_lattice: Lattice, moving_lattice: Lattice
    ) -> None:
        self._fixed_lattice, self._moving_lattice = fixed_lattice, moving_lattice
        self._fixed_bins = _in_bins(fixed).long().flatten()
        binned = _in_bins(moving)
        # in the order (i, j, k), per voxel
        slopes = [
            torch.gradient(binned, dim=axis)[0] if binned.shape[axis] > 1 else 0 * binned
            for axis in (2, 1, 0)
        ]
        self._moving = torch.stack((binned, *slopes))[None]
        voxels = identity_map(fixed.shape).double().flatten(1)
        self._voxels = torch.cat((voxels, torch.ones_like(voxels[:1])))

    def __call__(self, world: Matrix) -> tuple[float, Matrix]:
        """Return the mutual information, in nats, and its derivative.

        Parameters
        ----------
        world
            Shape (4, 4), affine, fixed world to moving world, LPS mm.

        Returns
        -------
        float
            -inf where the images hardly overlap.
        Matrix
            Shape (3, 4): by each entry of the upper part of `world`.
        """
        source, target = self._moving.shape[2:], self._fixed_lattice.array_shape
        matrix = self._moving_lattice.inverse @ world @ self._fixed_lattice.matrix
        grid = affine_grid(torch.from_numpy(matrix), source, target)
        inside = ((grid >= -1) & (grid <= 1)).all(-1).flatten().nonzero()[:, 0]
        if len(inside) < _LEAST_SHARE * grid[..., 0].numel():
            return -np.inf, np.zeros((3, 4))
        value, *slope = sample_grid(self._moving, grid)[0].flatten(1)[:, inside]
        first = value.floor().long() - 1
        rest = value - value.floor()
        weights, derivatives = _cubic_spline(rest.double())
        bins = self._fixed_bins[inside] * _BINS + first
        joint = torch.zeros(_BINS * _BINS, dtype=torch.float64)
        for n, weight in enumerate(weights):
            joint += torch.bincount(bins + n, weight, _BINS * _BINS)
        joint = joint.view(_BINS, _BINS) / len(inside)
        apart = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
        information = torch.special.xlogy(joint, joint / apart.clamp(min=1e-300)).sum()
        # a voxel that moves from bin to bin changes the sum by the logarithms of what is there
        gain = (joint.clamp(min=1e-12) / joint.sum(0, keepdim=True).clamp(min=1e-12)).log()
        by_value = sum(
            gain.flatten()[bins + n] * derivative for n, derivative in enumerate(derivatives)
        )
        by_place = torch.stack([by_value * s for s in slope]) / len(inside)
        by_matrix = (by_place @ self._voxels[:, inside].T).numpy()
        # matrix = moving^-1 world fixed
        back = np.linalg.inv(self._moving_lattice.linear).T
        return float(information), np.asarray(back @ by_matrix @ self._fixed_lattice.matrix.T)


def _in_bins(image: Tensor) -> Tensor:
    """Scale intensities to positions among the bins."""
    low, high = float(image.min()), float(image.max())
    scale = (_BINS - 1 - 2 * _MARGIN) / max(high - low, 1e-30)
    return (image - low) * scale + _MARGIN


def _cubic_spline(t: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the weights of the four bins around a value, and their derivatives by it.

    Parameters
    ----------
    t
        Share of the way from the second bin to the third, 0..1.
    """
    u = 1 - t
    weights = (
        u**3 / 6,
        2 / 3 - t**2 + t**3 / 2,
        2 / 3 - u**2 + u**3 / 2,
        t**3 / 6,
    )
    slopes = (-(u**2) / 2, 1.5 * t**2 - 2 * t, 2 * u - 1.5 * u**2, t**2 / 2)
    return weights, slopes
