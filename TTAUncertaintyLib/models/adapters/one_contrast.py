"""Two contrasts made one, for a network that compares intensities.

A network that was trained on pairs of one contrast can be given two of different contrasts if one
image is first given the other's: its intensities are replaced by those that the other image has,
on average, where it has them. That average is known only where the images are aligned, so they are
aligned first by the strength of their edges, which no inversion changes, and then again by what
the average made of them (intensity correction by regression: Guimond et al., IEEE TMI 20, 2001;
the correlation ratio: Roche et al., MICCAI 1998).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..contract import PreparedPair
from ..networks.displacement_fields import pad_by_repeating, sample_displaced

#: Darker than this share of the range is background.
_SHOWN = 0.02

#: Steps of intensity in which the average is taken, and their smoothing, in steps.
_STEPS, _SMOOTHING = 32, 1.0

#: One contrast: a straight line explains at least this share of what any line explains.
_STRAIGHT = 0.5

#: How often the average is taken, each time on better aligned images.
_ROUNDS = 2

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
    curved = max(_Curve(one, other).explained, _Curve(other, one).explained)
    # one intensity throughout says nothing of contrast
    return not bool(together <= 0) and not bool(together**2 < _STRAIGHT * curved)


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
    matched, which = pair, ""
    for again in range(_ROUNDS):
        warped = sample_displaced(pair.moving, displacement)
        to_fixed, to_moving = _Curve(warped, pair.fixed), _Curve(pair.fixed, warped)
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
        f"that the {other} one has there."
    )
    return replace(matched, notes=(*pair.notes, note), changed_contrast=True)


def edges(image: Tensor) -> Tensor:
    """Return the length of an image's gradient, [1, 1, D, H, W], 0..1."""
    padded = pad_by_repeating(image)
    inside = slice(1, -1)
    squares = torch.zeros_like(image)
    for axis in (2, 3, 4):
        at = [slice(None), slice(None), inside, inside, inside]
        at[axis] = slice(2, None)
        ahead = padded[tuple(at)]
        at[axis] = slice(None, -2)
        squares += (ahead - padded[tuple(at)]).square()
    return _in_range(squares.sqrt())


class _Curve:
    """The mean of some values as a function of others, where either shows something.

    Parameters
    ----------
    source, target
        Of one shape, 0..1; at least one voxel shows something.
    """

    def __init__(self, source: Tensor, target: Tensor) -> None:
        shown = (source > _SHOWN) | (target > _SHOWN)
        source, target = source[shown], target[shown].double()
        below, share = _between(source)
        places, weights = torch.cat((below, below + 1)), torch.cat((1 - share, share)).double()
        count = torch.bincount(places, weights, _STEPS)
        sums = torch.bincount(places, weights * torch.cat((target, target)), _STEPS)
        steps = torch.arange(_STEPS, dtype=torch.float64)
        kernel = torch.exp(-0.5 * ((steps[:, None] - steps) / _SMOOTHING).square())
        few = 1e-3 * count.sum() / _STEPS
        self._table = ((kernel @ sums + few * target.mean()) / (kernel @ count + few)).float()

        left = (target - self(source)).square().mean()
        spread = target.var(correction=0).clamp(min=1e-12)
        self.explained = float(1 - left / spread)
        """The correlation ratio: the share of the target's variance that the curve explains."""

    def __call__(self, source: Tensor) -> Tensor:
        """Return the curve's value at every intensity, in any shape."""
        below, share = _between(source)
        return torch.lerp(self._table[below], self._table[below + 1], share)


def _between(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the step below each value, and how far it is on the way to the next."""
    at = values.clamp(0, 1) * (_STEPS - 1)
    below = at.floor().clamp(max=_STEPS - 2)
    return below.long(), at - below


def _in_range(values: Tensor) -> Tensor:
    """Map the range from the darkest value to a quantile onto [0, 1]."""
    flat = values.flatten()
    low = flat.min()
    high = torch.quantile(flat[:: 1 + len(flat) // 1_000_000], _BRIGHTEST)
    return ((values - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
