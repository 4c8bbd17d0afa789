"""Computing the cues of a run, on the network's fixed lattice."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine import Outcome
from ..geometry import sample
from ..models import PreparedPair
from ..review.foreground import foreground_of
from .kinds import Cue

#: Side of the box in which intensities are correlated, voxels.
NCC_WINDOW = 7

#: Jacobians at or below this fold; their logarithm stops here.
_SMALLEST_JACOBIAN = 1e-3


def compute_cues(outcome: Outcome, pair: PreparedPair) -> dict[Cue, Tensor]:
    """Return every cue that a run has.

    Parameters
    ----------
    outcome
        Of the engine; provisional ones are welcome.
    pair
        The images it was made from.

    Returns
    -------
    dict
        float32 [D, H, W] on the fixed lattice, on the CPU, in the unit of each cue, never negative.
        The variances' cues are missing before two perturbations are complete, intrinsic spread
        and jitter where the design has single passes, inverse consistency where no reverse pass
        was made.
    """
    fixed = pair.fixed.cpu().float()
    warped = sample(pair.moving.cpu().float(), outcome.prediction[None])
    cues = {
        Cue.NCC_GAP: ncc_gap(warped[0, 0], fixed[0, 0]),
        Cue.RESIDUAL: (warped - fixed).abs_()[0, 0] / contrast(fixed[0, 0]),
        Cue.LOG_JACOBIAN: outcome.jacobian.clamp(min=_SMALLEST_JACOBIAN).log().abs_(),
        Cue.DISPLACEMENT: outcome.transform().displacement.square().sum(0).sqrt_(),
    }
    if outcome.inverse_consistency is not None:
        cues[Cue.INVERSE_CONSISTENCY] = outcome.inverse_consistency
    if outcome.variance is not None:
        traces = outcome.variance.traces()
        terms = {
            Cue.TOTAL: traces.total,
            Cue.INTRINSIC: traces.intrinsic,
            Cue.JITTER: traces.jitter,
        }
        cues |= {cue: v.clamp(min=0).sqrt_() for cue, v in terms.items() if v is not None}
    return cues


def anatomy(pair: PreparedPair) -> Tensor:
    """Return where the fixed image shows anatomy, bool [D, H, W] on the CPU."""
    return torch.from_numpy(foreground_of(pair.fixed[0, 0].cpu().float().numpy()))


def contrast(image: Tensor) -> float:
    """Return the standard deviation of an image's voxels that are not background."""
    values = image[image > image.min()]
    return max(float(values.double().std()) if values.numel() > 1 else 0.0, 1e-6)


def ncc_gap(first: Tensor, second: Tensor, window: int = NCC_WINDOW) -> Tensor:
    """Return 1 minus the squared local correlation of two images.

    Parameters
    ----------
    first, second
        [D, H, W] on one lattice.
    window
        Side of the box, voxels; odd. At the border, the box is cut off.

    Returns
    -------
    Tensor
        [D, H, W], 0 (the same but for gain and offset, whatever their sign) to 1. Where an image
        has no contrast, 1: nothing there supports the answer.

    Notes
    -----
    The squared correlation is what registration by local cross-correlation maximises (Avants et
    al., Medical Image Analysis 12 (2008)).
    """
    a, b = (image.double() - image.double().mean() for image in (first, second))
    count = _box(torch.ones_like(a), window)
    mean_a, mean_b = (_box(image, window) / count for image in (a, b))
    cross = _box(a * b, window) / count - mean_a * mean_b
    variances = [
        _box(image * image, window) / count - mean * mean
        for image, mean in ((a, mean_a), (b, mean_b))
    ]
    plain = (variances[0] <= (1e-3 * contrast(first)) ** 2) | (
        variances[1] <= (1e-3 * contrast(second)) ** 2
    )
    squared = cross * cross / (variances[0] * variances[1]).clamp(min=1e-30)
    return torch.where(plain, 1.0, 1.0 - squared.clamp(0.0, 1.0)).float()


def _box(values: Tensor, window: int) -> Tensor:
    """Return the sum over a box about every voxel, [D, H, W]; outside counts as zero."""
    total = values[None, None]
    for axis in range(3):
        size, pad = [1, 1, 1], [0, 0, 0]
        size[axis], pad[axis] = window, window // 2
        total = F.avg_pool3d(total, size, 1, pad) * window
    return total[0, 0]
