"""A review gathered from the scene and written as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from TTAUncertaintyLib.results.review_report import Picture, ReviewContent, write_review
from TTAUncertaintyLib.review import Review
from TTAUncertaintyLib.scene.landmarks import measure_landmarks
from TTAUncertaintyLib.scene.review_state import (
    find_spots,
    map_volumes,
    read_review,
    statistics_of,
)
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.scene.structures import structures_on


def export_review(
    stage: Stage,
    result: Any,
    folder: Path,
    parameters: Any,
    pictures: Sequence[Picture] | Mapping[str, bytes] = (),
) -> Path:
    """Write the review of a result: tables as CSV, the review itself, and a report in HTML.

    Parameters
    ----------
    stage
        Where the result is.
    result
        `ResultNodes`.
    folder
        Made where it is absent; what an earlier review left there is replaced.
    parameters
        The parameter node: names the structures and the landmark lists.
    pictures
        Of the views: `Picture` objects, or PNG files by their caption.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    InputError
        If the stored review, the structures or the landmarks cannot be used.
    OutputError
        If it cannot be written there.
    """
    if isinstance(pictures, Mapping):
        pictures = [Picture(caption, png) for caption, png in pictures.items()]
    return write_review(folder, review_content(stage, result, parameters, pictures))


def review_content(
    stage: Stage, result: Any, parameters: Any, pictures: Sequence[Picture] = ()
) -> ReviewContent:
    """Gather what a report shows; see `export_review`."""
    maps = map_volumes(result)
    review = _settled(read_review(result), parameters, [volume.key for volume in maps])
    node = parameters.structures
    structures = None if node is None else structures_on(stage, node, result.warped)
    lists = (parameters.landmarksFixed, parameters.landmarksMoving)
    placed = all(one is not None and one.GetNumberOfControlPoints() for one in lists)
    fixed, moving = _names(result)
    return ReviewContent(
        fixed_name=fixed,
        moving_name=moving,
        record=result.record,
        review=review,
        matched=find_spots(result, review, structures).matched,
        maps=maps,
        statistics=() if structures is None else statistics_of(result, review, structures),
        landmarks=measure_landmarks(result, *lists) if placed else (),
        pictures=pictures,
    )


def _settled(review: Review, parameters: Any, keys: Sequence[str]) -> Review:
    """Fill in from the panel what the review itself does not say."""
    if review.map_key not in keys and keys:
        review = replace(review, map_key=keys[0])
    if review.tolerance_mm is None and parameters.toleranceMm > 0:
        review = replace(review, tolerance_mm=parameters.toleranceMm)
    if review.threshold_mm is None and parameters.hotSpotThresholdMm > 0:
        review = replace(review, threshold_mm=parameters.hotSpotThresholdMm)
    return review


def _names(result: Any) -> tuple[str, str]:
    """Return what the fixed and the moving image are called; files where the nodes are gone."""
    inputs = result.record["inputs"]
    nodes = {"fixed": result.fixed, "moving": result.moving}
    fixed, moving = (
        str(node.GetName()) if node is not None else Path(inputs[role]["path"]).name
        for role, node in nodes.items()
    )
    return fixed, moving
