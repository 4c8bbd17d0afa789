"""From a given transform and a second opinion to the same findings as of a run of our own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..auditing import SecondOpinion
from ..calibration import CalibratedMaps
from ..geometry import DeformableTransform, Image
from ..geometry.given_transform import GivenTransform, after, displacement_of
from .findings import Findings
from .maps import MapKind


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
    region: NDArray[np.bool_],
    calibrated: CalibratedMaps | None,
) -> Findings:
    """Make of an audit what a person looks at.

    Parameters
    ----------
    inverse
        Moving to fixed, as the other program gives it; for the inverse-consistency gap.
    region
        bool, axes (k, j, i), on the fixed image's lattice: where to compute statistics.
    calibrated
        Expected error and bound of the given transform, on the network's fixed lattice.

    Returns
    -------
    Findings
        Maps on the network's fixed lattice; the transform as it was given, at the fixed image's
        voxels.
    """
    given, lattice = opinion.given, opinion.outcome.fixed_lattice
    layers = {
        MapKind.DISAGREEMENT: opinion.disagreement,
        MapKind.LOCAL_MISMATCH: opinion.local_mismatch,
        MapKind.JACOBIAN: opinion.jacobian,
    }
    if opinion.own is not None:
        layers[MapKind.OPINION_BOUND] = opinion.own.error_bound
    if calibrated is not None:
        layers[MapKind.EXPECTED_ERROR] = calibrated.expected_error
        layers[MapKind.ERROR_BOUND] = calibrated.error_bound
    if inverse is not None:
        gap = displacement_of(after(given.itk, inverse.itk), lattice)
        layers[MapKind.INVERSE_CONSISTENCY] = torch.from_numpy(np.sqrt((gap**2).sum(axis=0)))
    field = torch.from_numpy(given.displacement(fixed.lattice))
    return Findings(
        fixed=fixed,
        moving=moving,
        transform=DeformableTransform(field, fixed.lattice, np.eye(4)),
        lattice=lattice,
        maps={kind: layers[kind].float().numpy() for kind in MapKind if kind in layers},
        variances={},
        outside=None if calibrated is None else calibrated.outside.numpy(),
        mask=region,
    )


def audit_record(
    findings: Findings,
    transform: Sequence[GivenTransform],
    inverse: Sequence[GivenTransform],
    suspicions: Sequence[str],
    name: str | None = None,
) -> dict[str, Any]:
    """Return the JSON-ready record of an audit.

    Parameters
    ----------
    transform, inverse
        Files, in the order in which they are applied; the latter may be empty.
    suspicions
        Sentences.
    name
        What the transform is called; None for the names of its files.
    """
    return {
        "name": name or ", ".join(each.path.name for each in transform),
        "transform": [each.as_dict() for each in transform],
        "inverse": [each.as_dict() for each in inverse],
        "kind": joined(transform).kind,
        "suspicions": list(suspicions),
        "region_above_opinions_bound_fraction": _above_bound(findings),
    }


def _above_bound(findings: Findings) -> float | None:
    """Return the share of the region where the disagreement exceeds the opinion's own bound."""
    bound = findings.maps.get(MapKind.OPINION_BOUND)
    if bound is None or not findings.inside.any():
        return None
    apart = findings.maps[MapKind.DISAGREEMENT]
    return float((apart > bound)[findings.inside].mean())
