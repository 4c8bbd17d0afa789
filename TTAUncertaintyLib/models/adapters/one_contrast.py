"""Two contrasts made one, for a network that compares intensities.

A network that was trained on pairs of one contrast can be given two of different contrasts if one
image is first given the other's: its intensities are replaced by those that a regression on what
the image shows at each voxel and around it expects the other image to have. The regression needs
aligned images, so they are aligned first by the strength of their edges, which no inversion
changes, and then again by what the regression made of them. (Intensities corrected by regression:
Guimond et al., IEEE TMI 20, 2001, on each voxel's own intensity. That alone cannot tell two
tissues apart that are equally bright in one image; their surroundings do. One contrast is told
from two by the correlation ratio: Roche et al., MICCAI 1998.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ...geometry import Matrix
from ...geometry.resample import gaussian_smooth
from ..contract import PreparedPair
from ..networks.displacement_fields import sample_displaced, slopes_of

#: Darker than this share of the range is background.
_SHOWN = 0.02

#: Steps of intensity of the correlation ratio.
_STEPS = 32

#: One contrast: a straight line explains at least this share of what any line explains.
_STRAIGHT = 0.5

#: A share of the variance below which not even the best line says anything.
_NOTHING = 0.02

#: How often the regression is fitted, each time to better aligned images.
_ROUNDS = 2

#: Where its surroundings are looked at: standard deviations of Gaussians, in mm.
_WIDTHS_MM = (2.0, 4.0, 8.0)

#: Random features of the regression, how much their weights are held down, and how many voxels
#: it is fitted to, at most twice as many.
_FEATURES, _RIDGE, _FITTED = 96, 1e-3, 50_000

_BRIGHTEST = 0.999

Register = Callable[[Tensor, Tensor], Tensor]
"""Moving and fixed [1, 1, D, H, W], 0..1, to the displacement [1, 3, D, H, W] in voxels."""


def of_one_contrast(moving: Tensor, fixed: Tensor) -> bool:
    """Tell whether two roughly aligned images have one contrast.

    Where both show something, bright has to go with bright, and a straight line has to explain the
    one by the other about as well as the best curve does.

    Parameters
    ----------
    moving, fixed
        Shape [1, 1, D, H, W], 0..1.
    """
    shown = (moving > _SHOWN) & (fixed > _SHOWN)
    if not shown.any():
        return True
    one, other = moving[shown], fixed[shown]
    together = torch.corrcoef(torch.stack((one, other)))[0, 1]
    curved = max(_correlation_ratio(one, other), _correlation_ratio(other, one))
    # neither do images that lie beside each other say anything of contrast, nor one intensity
    # throughout, of which no correlation is known
    return curved < _NOTHING or not bool((together <= 0) | (together**2 < _STRAIGHT * curved))


def in_one_contrast(pair: PreparedPair, register: Register) -> PreparedPair:
    """Give one image of a pair the other's contrast; the network is run twice for it.

    Parameters
    ----------
    pair
        Both images on one lattice, roughly aligned.
    register
        The network.

    Returns
    -------
    PreparedPair
        That image replaced whose intensities say more about the other's, with a note.
    """
    displacement = register(edges(pair.moving), edges(pair.fixed))
    matched, which, spacing = pair, "", pair.fixed_lattice.spacing
    for again in range(_ROUNDS):
        warped = sample_displaced(pair.moving, displacement)
        to_fixed = _Regression(warped, pair.fixed, spacing)
        to_moving = _Regression(pair.fixed, warped, spacing)
        if to_fixed.explained > to_moving.explained:
            which = "moving"
            matched = replace(pair, moving=_in_range(to_fixed(pair.moving)))
        else:
            which = "fixed"
            matched = replace(pair, fixed=_in_range(to_moving(pair.fixed)))
        if again < _ROUNDS - 1:
            displacement = register(matched.moving, matched.fixed)
    other = "fixed" if which == "moving" else "moving"
    note = (
        f"The images are of two contrasts: the network saw the {which} image with the intensities "
        f"that the {other} one is expected to have there."
    )
    return replace(matched, notes=(*pair.notes, note), changed_contrast=True)


def edges(image: Tensor) -> Tensor:
    """Return the length of an image's gradient, [1, 1, D, H, W], 0..1."""
    return _in_range(slopes_of(image).square().sum(1, keepdim=True).sqrt())


def _correlation_ratio(source: Tensor, target: Tensor) -> float:
    """Return the share of the target's variance that a curve over the source explains.

    Parameters
    ----------
    source, target
        Shape [n], 0..1.
    """
    step = (source * (_STEPS - 1)).round().long()
    target = target.double()
    count = torch.bincount(step, minlength=_STEPS)
    curve = torch.bincount(step, target, _STEPS) / count.clamp(min=1)
    spread = (target - target.mean()).square().mean().clamp(min=1e-12)
    return float(1 - (target - curve[step]).square().mean() / spread)


class _Regression:
    """What one image is expected to show where another shows what it shows.

    Ridge regression on random features (Rahimi and Recht, NeurIPS 2007) of local properties that
    no turn changes: they say what lies around a voxel, never on which side, so that an image
    that is not quite aligned is made blurred by them, and not shifted.

    Parameters
    ----------
    source, target
        Shape [1, 1, D, H, W], 0..1, roughly aligned; at least one voxel shows something.
    spacing
        Shape (3,), of their voxels along (i, j, k), mm.
    """

    def __init__(self, source: Tensor, target: Tensor, spacing: Matrix) -> None:
        self._spacing = spacing
        shown = ((source > _SHOWN) | (target > _SHOWN))[0, 0]
        there = _surroundings(source, spacing)[:, shown].T
        every = max(1, len(there) // _FITTED)
        there, values = there[::every], target[0, 0][shown][::every].double()
        self._middle, self._scale = there.mean(0), there.std(0, correction=0).clamp(min=1e-3)
        drawn = torch.Generator().manual_seed(0)
        self._mixing = torch.randn(there.shape[1], _FEATURES, generator=drawn)
        self._mixing *= 1.5 / there.shape[1] ** 0.5
        self._offset = torch.randn(_FEATURES, generator=drawn)
        features = self._features(there).double()
        self._mean = values.mean()
        squares = features.T @ features
        squares.diagonal().add_(_RIDGE * len(values))
        self._weights = torch.linalg.solve(squares, features.T @ (values - self._mean))
        left = (values - self._mean - features @ self._weights).square().mean()
        spread = values.var(correction=0).clamp(min=1e-12)
        self.explained = float(1 - left / spread)
        """The share of the target's variance that is explained."""

    def __call__(self, source: Tensor) -> Tensor:
        """Return what is expected, [1, 1, D, H, W], 0..1; 0 far from all that the source shows."""
        shown = (source > _SHOWN).float()[0]
        near = gaussian_smooth(shown, _WIDTHS_MM[0] / self._spacing) > _SHOWN
        there = _surroundings(source, self._spacing)[:, near[0]].T
        parts = [self._features(part) @ self._weights.float() for part in there.split(_FITTED)]
        expected = torch.zeros_like(source)
        expected[0][near] = (torch.cat(parts) + self._mean.float()).clamp(0, 1)
        return expected

    def _features(self, there: Tensor) -> Tensor:
        standard = (there - self._middle) / self._scale
        random = torch.relu(standard @ self._mixing + self._offset)
        return torch.cat((standard, random, torch.ones(len(there), 1)), 1)


def _surroundings(image: Tensor, spacing: Matrix) -> Tensor:
    """Return the intensity, edges, and local mean and contrast, [8, D, H, W]."""
    found = [image[0], edges(image)[0]]
    for width in _WIDTHS_MM:
        both = torch.cat((image[0], image[0] ** 2))
        mean, squares = gaussian_smooth(both, width / spacing)
        found += [mean[None], (squares - mean**2).clamp(min=0).sqrt()[None]]
    return torch.cat(found)


def _in_range(values: Tensor) -> Tensor:
    """Map the range from the darkest value to a quantile onto [0, 1]."""
    flat = values.flatten()
    low = flat.min()
    high = torch.quantile(flat[:: 1 + len(flat) // 1_000_000], _BRIGHTEST)
    return ((values - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
