"""Applying a calibration to the cues of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..cues import Cue
from .calibration import Calibration

#: From a mask to the reasons of its voxels.
Reasons = Callable[[NDArray[np.bool_]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class CalibratedMaps:
    """What a calibration makes of a run; all [D, H, W] on the cues' lattice."""

    #: float32, mm.
    expected_error: Tensor
    #: float32, mm: holds for the calibration's share of the voxels of images like its own.
    error_bound: Tensor
    #: bool: a cue lies outside the range that the calibration has seen.
    outside: Tensor
    #: Takes a mask, bool [D, H, W], and returns float32 [n, R] for its voxels that show anatomy:
    #: what each `cues.reasons.Reason` adds to the logarithm of the expected error; None where
    #: that is not known.
    reasons: Reasons | None = None
    #: Why the whole case is unlike those that the maps come from, in a sentence; else "".
    unlike: str = ""


def apply(calibration: Calibration, cues: Mapping[Cue, Tensor]) -> CalibratedMaps:
    """Turn cues into millimetres.

    Parameters
    ----------
    calibration
        Which has to be of the run's network and design: see `mismatch`.

    Raises
    ------
    ValueError
        If a cue that it uses is missing.
    """
    missing = [term.cue.value for term in calibration.score.terms if term.cue not in cues]
    if missing:
        raise ValueError(f"The calibration needs cues that are missing: {', '.join(missing)}.")
    first = cues[calibration.score.terms[0].cue]
    outside = torch.zeros_like(first, dtype=torch.bool)
    for term in calibration.score.terms:
        values = cues[term.cue]
        # below the floor all values are the same to the score: none is less than what was seen
        low, high = term.calibrated_range
        low = low if low > term.cue.facts.floor else 0.0
        outside |= ~((values >= low) & (values <= high))
    expected = expected_error(calibration, score(calibration, cues))
    return CalibratedMaps(expected, calibration.error_bound.factor * expected, outside)


def adjusted(
    calibration: Calibration, cues: Mapping[Cue, Tensor], head: CalibratedMaps
) -> CalibratedMaps:
    """Return what a calibration makes of what the head says of a run.

    Parameters
    ----------
    calibration
        That uses the head's expected error.
    cues
        From `compute_cues`.
    head
        Its maps. Where it says nothing, the calibration does not; its reasons are kept: they are
        shares, and the calibration rises with it.
    """
    found = apply(calibration, {**cues, Cue.EXPECTED: head.expected_error})
    nothing = head.expected_error.isnan()
    return replace(
        found,
        expected_error=found.expected_error.masked_fill(nothing, math.nan),
        error_bound=found.error_bound.masked_fill(nothing, math.nan),
        outside=found.outside & ~nothing,
        reasons=head.reasons,
    )


def score(calibration: Calibration, cues: Mapping[Cue, Tensor]) -> Tensor:
    """Return the calibration's score, float32, of cues of any one shape."""
    terms = calibration.score.terms
    total = torch.full_like(cues[terms[0].cue], calibration.score.bias, dtype=torch.float32)
    for term in terms:
        low, high = term.calibrated_range
        values = cues[term.cue].float().nan_to_num(high, posinf=high)
        total += term.weight * values.clamp(min=max(low, term.cue.facts.floor)).log()
    return total


def expected_error(calibration: Calibration, scores: Tensor) -> Tensor:
    """Return the expected error of scores, mm, float32, of the scores' shape."""
    knots = torch.tensor(calibration.expected_error_mm, dtype=torch.float32, device=scores.device)
    x, y = knots[:, 0].contiguous(), knots[:, 1]
    right = torch.searchsorted(x, scores.contiguous()).clamp(1, len(x) - 1)
    left = right - 1
    share = ((scores - x[left]) / (x[right] - x[left])).clamp(0, 1)
    beyond = (scores - x[-1]).clamp(min=0)
    return torch.lerp(y[left], y[right], share) * (1 + beyond)
