"""A review gathered from the scene and the parameter node, for whoever exports it by a script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from TTAUncertaintyLib.results.review_report import Picture, ReviewContent
from TTAUncertaintyLib.scene.landmarks import measure_landmarks
from TTAUncertaintyLib.scene.review_content import content_search
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.scene.structures import structures_on


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
