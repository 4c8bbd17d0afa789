"""From a given transform and a second opinion to the same findings as of a run of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from ..auditing import SecondOpinion
from ..calibration import CalibratedMaps
from ..cues import Cue
from ..engine.fields import jacobian_determinant_mm
from ..geometry import (
    DeformableTransform,
    Image,
    Lattice,
    affine_map,
    points_on,
    resample_array,
)
from ..geometry.given_transform import GivenTransform, after, displacement_of
from ..review import foreground
from .findings import Findings, on_fixed
from .maps import MapKind


@dataclass(frozen=True, eq=False)
class GivenAnswer(DeformableTransform):
    """A given transform at the fixed image's voxels, which is written as it was given.

    Parameters
    ----------
    given
        The transform itself.
    """

    given: GivenTransform

    @classmethod
    def at(cls, given: GivenTransform, lattice: Lattice) -> GivenAnswer:
        """Return a transform at the voxels of a lattice."""
        return cls(torch.from_numpy(given.displacement(lattice)), lattice, np.eye(4), given)

    def to_itk(self) -> sitk.CompositeTransform:
        """Return the transform as it was given."""
        whole = sitk.CompositeTransform([self.given.itk])
        whole.FlattenTransform()
        return whole


@dataclass(frozen=True)
class AuditRecord:
    """What is recorded of an audit.

    Parameters
    ----------
    transform, inverse
        Files, in the order in which they are applied; the latter may be empty.
    kind
        What the transform is, in words.
    suspicions
        Sentences.
    above_bound
        Share of the region in which the two disagree by more than the network's own error bound;
        None where it has none.
    """

    transform: tuple[GivenTransform, ...]
    inverse: tuple[GivenTransform, ...]
    kind: str
    suspicions: tuple[str, ...]
    above_bound: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready record."""
        return {
            "transform": [each.as_dict() for each in self.transform],
            "inverse": [each.as_dict() for each in self.inverse],
            "kind": self.kind,
            "suspicions": list(self.suspicions),
            "region_above_opinions_bound_fraction": self.above_bound,
        }


def joined(parts: Sequence[GivenTransform]) -> GivenTransform:
    """Return several transforms, applied one after the other, as one."""
    whole = parts[0]
    for part in parts[1:]:
        kind = f"{whole.kind}, then {part.kind}"
        whole = GivenTransform(after(whole.itk, part.itk), whole.path, whole.sha256, kind)
    return whole


def find_audited(
    opinion: SecondOpinion,
    inverse: GivenTransform | None,
    fixed: Image,
    moving: Image,
    mask: Image | None,
    calibrated: CalibratedMaps | None,
) -> Findings:
    """Carry an audit to the fixed image's lattice.

    Parameters
    ----------
    opinion
        The given transform beside the network's answer.
    inverse
        Moving to fixed, as the other program gives it; for the inverse-consistency gap.
    fixed, moving
        The images.
    mask
        On the fixed image's lattice: where to compute statistics; None takes the foreground.
    calibrated
        Expected error and bound of the given transform, on the network's fixed lattice.
    """
    lattice = fixed.lattice
    answer = GivenAnswer.at(opinion.given, lattice)
    ends = affine_map(torch.from_numpy(moving.lattice.inverse), points_on(answer, lattice))
    network = {
        MapKind.DISAGREEMENT: opinion.disagreement,
        MapKind.LOCAL_MISMATCH: opinion.cues[Cue.NCC_GAP],
    }
    if opinion.own is not None:
        network[MapKind.OPINION_BOUND] = opinion.own.error_bound
    if calibrated is not None:
        network[MapKind.EXPECTED_ERROR] = calibrated.expected_error
        network[MapKind.ERROR_BOUND] = calibrated.error_bound
    lattices = opinion.outcome.fixed_lattice, lattice
    maps = {
        kind: resample_array(values[None], *lattices, outside=float("nan"))[0].numpy()
        for kind, values in network.items()
    }
    maps[MapKind.JACOBIAN] = jacobian_determinant_mm(ends, moving.lattice, lattice).numpy()
    if inverse is not None:
        maps[MapKind.INVERSE_CONSISTENCY] = _gap(opinion.given, inverse, lattice)
    outside = None if calibrated is None else on_fixed(calibrated.outside, opinion.outcome, fixed)
    return Findings(
        outcome=opinion.outcome,
        fixed=fixed,
        moving=moving,
        warped=answer.warp(moving, lattice),
        transform=answer,
        mean_transform=None,
        maps={kind: maps[kind] for kind in MapKind if kind in maps},
        variances={},
        region=foreground(fixed) if mask is None else mask.intensities.numpy() > 0,
        outside=outside,
    )


def above_bound(findings: Findings) -> float | None:
    """Return the share of the region where the disagreement exceeds the opinion's own bound."""
    bound = findings.maps.get(MapKind.OPINION_BOUND)
    if bound is None:
        return None
    inside = findings.region & np.isfinite(bound)
    if not inside.any():
        return None
    return float((findings.maps[MapKind.DISAGREEMENT][inside] > bound[inside]).mean())


def _gap(there: GivenTransform, back: GivenTransform, lattice: Lattice) -> NDArray[np.float32]:
    """Return how far the way to the moving image and back misses its start, mm."""
    moved = displacement_of(after(there.itk, back.itk), lattice)
    return np.asarray(np.sqrt((moved**2).sum(axis=0)), dtype=np.float32)
