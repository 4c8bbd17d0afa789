"""A review gathered from the scene, as its report shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..results.naming import input_name
from ..results.review_report import Picture, ReviewContent
from ..review import LandmarkFinding, match_verdicts
from .result import ResultNodes
from .review_state import map_volumes, read_review, spot_search, statistics_search
from .structures import Structures


def content_search(
    result: ResultNodes,
    structures: Structures | None = None,
    landmarks: Sequence[LandmarkFinding] = (),
    pictures: Sequence[Picture] = (),
    tolerance_mm: float | None = None,
    threshold_mm: float | None = None,
) -> Callable[[], ReviewContent]:
    """Gather from the scene what a report shows; what is returned computes the rest.

    Parameters
    ----------
    structures
        From `structures_on`; None where there are none.
    tolerance_mm, threshold_mm
        Fill in what the review itself does not say.

    Raises
    ------
    InputError
        If the stored review cannot be used.
    """
    maps = map_volumes(result)
    review = read_review(result)
    keys = [volume.key for volume in maps]
    if review.map_key not in keys and keys:
        review = replace(review, map_key=keys[0])
    if review.tolerance_mm is None:
        review = replace(review, tolerance_mm=tolerance_mm)
    if review.threshold_mm is None:
        review = replace(review, threshold_mm=threshold_mm)
    fixed, moving = _names(result)
    record = result.record
    spots = spot_search(result, review, structures)
    statistics = None if structures is None else statistics_search(result, review, structures)
    return lambda: ReviewContent(
        fixed_name=fixed,
        moving_name=moving,
        record=record,
        review=review,
        matched=match_verdicts(review, spots()),
        maps=maps,
        statistics=() if statistics is None else statistics(),
        landmarks=landmarks,
        pictures=pictures,
    )


def _names(result: Any) -> tuple[str, str]:
    """Return what the fixed and the moving image are called; as recorded if the nodes are gone."""
    nodes = {"fixed": result.fixed, "moving": result.moving}
    fixed, moving = (
        str(node.GetName()) if node is not None else input_name(result.record, role)
        for role, node in nodes.items()
    )
    return fixed, moving
