"""One case through one network: the error, and every cue that is to predict it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..calibration import CalibratedMaps, head_mismatch, shipped_head
from ..cues import Cue, compute_cues
from ..cues.features import compute_features
from ..engine import Engine, Execution, Outcome, place, prepare
from ..errors import InputError
from ..geometry import Prealignment, points_on, resample_array
from ..models import PreparedPair, RegistrationModel
from ..perturbations import DesignRequest
from .cases import KnownCase

#: Fewer voxels than this say nothing.
_FEWEST_VOXELS = 100


@dataclass(frozen=True, eq=False)
class Measurement:
    """What one case gave; flat tensors over the voxels that count, in one order."""

    #: Of the case.
    name: str
    subject: str
    kind: str
    #: float32 [n] each: of `design`, and of the unperturbed and the reverse pass.
    cues: Mapping[Cue, Tensor]
    #: float32 [n], mm: distance of the answer from the truth, in the moving world.
    error: Tensor
    #: Root mean square of the displacement that had to be found, relative to the initial
    #: alignment.
    displacement_mm: float
    #: float32 [n] each: total uncertainty of further designs, mm, by name.
    others: Mapping[str, Tensor]
    #: Perturbed passes of each of `others`.
    passes: Mapping[str, int]
    #: Of the unperturbed pass.
    seconds: float
    #: What a calibration has to match: mean voxel spacing of the network's fixed lattice, and
    #: the design of the cues as `Design.as_dict`.
    spacing_mm: float
    design: Mapping[str, Any]
    #: int32 [n]: the structure of each voxel, 0 for none; None without a segmentation.
    labels: Tensor | None = None
    #: What the head that comes with the software says, flat too; None where it is not for the
    #: design.
    expected: CalibratedMaps | None = None


def measure(
    case: KnownCase,
    model: RegistrationModel,
    request: DesignRequest,
    others: Mapping[str, DesignRequest] | None = None,
    execution: Execution | None = None,
    prealignment: Prealignment | None = Prealignment.NONE,
) -> Measurement:
    """Run a network on a case whose answer is known.

    Parameters
    ----------
    others
        Further designs, by name, of which only the total uncertainty is taken.
    prealignment
        Nothing by default: the deformation is what is to be found. None takes what the model
        expects.

    Raises
    ------
    InputError
        If the network's lattice does not cover the anatomy.
    """
    placement = place(case.fixed, case.moving, model, prealignment=prealignment)
    pair = prepare(case.fixed, case.moving, model, placement)
    region = _region(case, pair)
    design = request.resolve(pair.moving_lattice)
    engine = Engine(model, pair, design, execution)
    began = time.perf_counter()
    next(iter(engine))
    seconds = time.perf_counter() - began
    outcome = engine.run()
    prediction = engine.state()["prediction"]
    totals, passes = {}, {}
    for name, other in (others or {}).items():
        resolved = other.resolve(pair.moving_lattice)
        engine = Engine(model, pair, resolved, execution, reverse_pass=False)
        engine.restore({"prediction": prediction})  # the answer is the same for every design
        engine.run()
        total = engine.total_so_far()
        if total is None:
            raise InputError(f"The design {name} has fewer than two perturbations.")
        totals[name], passes[name] = total[region], resolved.passes
    return Measurement(
        name=case.name,
        subject=case.subject,
        kind=case.kind,
        cues={cue: values[region] for cue, values in compute_cues(outcome, pair).items()},
        error=error_of(outcome, case)[region],
        displacement_mm=_asked(outcome, case, region),
        others=totals,
        passes=passes,
        seconds=seconds,
        spacing_mm=pair.fixed_lattice.mean_spacing,
        design=design.as_dict(),
        labels=None if case.labels is None else _labels(case, pair)[region],
        expected=_expected(model, outcome, pair, design.as_dict(), region),
    )


def _expected(
    model: RegistrationModel,
    outcome: Outcome,
    pair: PreparedPair,
    design: Mapping[str, Any],
    region: Tensor,
) -> CalibratedMaps | None:
    """Return what the head says of the voxels of a region; outside the anatomy its mean there."""
    if outcome.inverse_consistency is None or head_mismatch(design, True) is not None:
        return None
    maps = shipped_head().maps(
        compute_features(outcome, pair), model.description.name, outcome.fixed_lattice.mean_spacing
    )
    expected, bound = (
        values.nan_to_num(float(values.nanmean()))
        for values in (maps.expected_error, maps.error_bound)
    )
    return CalibratedMaps(expected[region], bound[region], maps.outside[region])


def error_of(outcome: Outcome, case: KnownCase) -> Tensor:
    """Return the distance of an answer from the truth, float32 [D, H, W] on the network's lattice.

    In mm in the moving world.
    """
    lattice = outcome.fixed_lattice
    truth = points_on(case.truth, lattice)
    return (points_on(outcome.transform(), lattice) - truth).square_().sum(0).sqrt_()


def _asked(outcome: Outcome, case: KnownCase, region: Tensor) -> float:
    """Return the root mean square of what the network had to find, mm."""
    found = outcome.transform()
    rest = replace(found, displacement=torch.zeros_like(found.displacement))
    lattice = outcome.fixed_lattice
    offset = points_on(case.truth, lattice) - points_on(rest, lattice)
    return float(offset.square().sum(0)[region].mean().sqrt())


def _labels(case: KnownCase, pair: PreparedPair) -> Tensor:
    """Return the case's structures on the network's fixed lattice, int32 [D, H, W]."""
    values = torch.from_numpy(np.asarray(case.labels, np.float32))[None]
    onto = resample_array(
        values, case.fixed.lattice, pair.fixed_lattice, outside=0.0, mode="nearest"
    )
    return onto[0].to(torch.int32)


def _region(case: KnownCase, pair: PreparedPair) -> Tensor:
    """Return the case's mask on the network's fixed lattice, bool [D, H, W]."""
    mask = torch.from_numpy(case.mask).float()[None]
    region = resample_array(mask, case.fixed.lattice, pair.fixed_lattice, outside=0.0)[0] > 0.5
    if int(region.sum()) < _FEWEST_VOXELS:
        raise InputError(
            f"The network's lattice hardly meets the anatomy of {case.name}.",
            "Give images whose middle shows the anatomy, or a mask that lies in it.",
        )
    return region
