"""A review gathered from the scene and written as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from TTAUncertaintyLib.results.review_report import Picture, ReviewContent, write_review
from TTAUncertaintyLib.scene.landmarks import measure_landmarks
from TTAUncertaintyLib.scene.review_content import content_search
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
    return write_review(folder, review_content(stage, result, parameters, pictures)())


def review_content(
    stage: Stage, result: Any, parameters: Any, pictures: Sequence[Picture] = ()
) -> Callable[[], ReviewContent]:
    """Gather from the scene what a report shows, and return what computes the rest of it."""
    node = parameters.structures
    lists = (parameters.landmarksFixed, parameters.landmarksMoving)
    placed = all(one is not None and one.GetNumberOfControlPoints() for one in lists)
    return content_search(
        result,
        None if node is None else structures_on(stage, node, result.warped),
        measure_landmarks(result, *lists) if placed else (),
        pictures,
        parameters.toleranceMm if parameters.toleranceMm > 0 else None,
        parameters.hotSpotThresholdMm if parameters.hotSpotThresholdMm > 0 else None,
    )
