"""The maps of a result: what each is called, its unit, and what it says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class MapFacts:
    """What a person and a file need to know about a kind of map."""

    file: str
    title: str
    #: "mm" or "" (dimensionless).
    unit: str
    #: One sentence in plain words.
    meaning: str


class MapKind(Enum):
    """Kinds of map; the value is the key in `result.json`."""

    TOTAL = "total"
    INTRINSIC = "intrinsic"
    JITTER = "jitter"
    EXPECTED_ERROR = "expected_error"
    ERROR_BOUND = "error_bound"
    INVERSE_CONSISTENCY = "inverse_consistency"
    JACOBIAN = "jacobian"
    DISAGREEMENT = "disagreement"
    OPINION_BOUND = "second_opinion_bound"
    LOCAL_MISMATCH = "local_mismatch"

    @property
    def facts(self) -> MapFacts:
        """Name, unit and meaning."""
        return _FACTS[self]

    @property
    def is_error(self) -> bool:
        """Whether it may be called an error: it comes from a calibration."""
        return self in (MapKind.EXPECTED_ERROR, MapKind.ERROR_BOUND)

    @classmethod
    def foremost(cls, kinds: Collection[MapKind]) -> MapKind:
        """Return the map that says where to look first: the expected error where there is one."""
        if cls.EXPECTED_ERROR in kinds:
            return cls.EXPECTED_ERROR
        return cls.DISAGREEMENT if cls.DISAGREEMENT in kinds else cls.TOTAL


_FACTS = {
    MapKind.TOTAL: MapFacts(
        "uncertainty_total.nrrd",
        "Total uncertainty",
        "mm",
        "How far the answer moves when the moving image is slightly shifted, turned or deformed "
        "and the shift is taken back. It is a spread, not an error: where it is large the "
        "network contradicts itself; where it is small it may still be wrong.",
    ),
    MapKind.INTRINSIC: MapFacts(
        "uncertainty_intrinsic.nrrd",
        "Intrinsic spread",
        "mm",
        "The part of the spread that is noise: it is there even when the same perturbation is "
        "repeated.",
    ),
    MapKind.JITTER: MapFacts(
        "uncertainty_jitter.nrrd",
        "Bias jitter",
        "mm",
        "The part of the spread that comes from the network's systematic error changing with the "
        "perturbation.",
    ),
    MapKind.EXPECTED_ERROR: MapFacts(
        "expected_error.nrrd",
        "Expected error",
        "mm",
        "How far the answer lies from the truth on average, judged by registrations whose truth "
        "was known. It holds for images and deformations like those.",
    ),
    MapKind.ERROR_BOUND: MapFacts(
        "error_bound.nrrd",
        "Error bound (90 %)",
        "mm",
        "What the error stayed below in 90 % of the voxels of such deformations. One voxel in ten "
        "may lie above it.",
    ),
    MapKind.INVERSE_CONSISTENCY: MapFacts(
        "inverse_consistency.nrrd",
        "Inverse-consistency gap",
        "mm",
        "How far one ends from where one began, going from the fixed image to the moving one and "
        "back with the same network.",
    ),
    MapKind.JACOBIAN: MapFacts(
        "jacobian.nrrd",
        "Jacobian determinant",
        "",
        "Local change of volume: 1 keeps it, below 1 shrinks, above 1 grows, 0 or less is a fold, "
        "which anatomy cannot do.",
    ),
    MapKind.DISAGREEMENT: MapFacts(
        "disagreement.nrrd",
        "Distance from second opinion",
        "mm",
        "How far apart the given registration and the network's own send the same place. Where "
        "that is more than the second opinion's error bound, one of them is wrong.",
    ),
    MapKind.OPINION_BOUND: MapFacts(
        "second_opinion_bound.nrrd",
        "Second opinion's bound",
        "mm",
        "What the error of the network's own registration stayed below in 90 % of the voxels of "
        "deformations whose truth was known.",
    ),
    MapKind.LOCAL_MISMATCH: MapFacts(
        "local_mismatch.nrrd",
        "Local mismatch",
        "",
        "1 minus the squared correlation of the fixed and the warped image in a box of 7 voxels of "
        "the network's lattice: 0 is the same structure, 1 is nothing in common.",
    ),
}
