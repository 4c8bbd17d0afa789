"""What a review finds in a result: looked for in threads, and written into the scene's tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from ..background_work import BackgroundWork
from ..results import MapKind
from ..review import (
    HotSpotRegions,
    LandmarkFinding,
    LandmarkPair,
    MatchedReview,
    Review,
    StructureStatistics,
    hot_spot_table,
    landmark_table,
    structure_tables,
)
from ..scene.hot_spots import show_hot_spots
from ..scene.landmarks import measure_pairs
from ..scene.result import ResultNodes
from ..scene.review_state import map_volume, map_volumes, spot_search, statistics_search
from ..scene.stage import Stage
from ..scene.structures import Structures
from ..scene.tables import show_table

#: Seconds that a search may hold the screen.
_SHORT_S = 0.05

_Found = TypeVar("_Found")


class _Sought(Generic[_Found]):
    """Something that takes a while to find, and is found anew when it is asked for another way."""

    def __init__(self) -> None:
        self._asked: object = None
        self._work: BackgroundWork[_Found] | None = None

    def get(
        self, asked: object, search: Callable[[], Callable[[], _Found]], wait_s: float | None
    ) -> _Found | None:
        if self._work is None or self._asked != asked:
            self._asked, self._work = asked, BackgroundWork(search())
        return self._work.take() if self._work.wait(wait_s) else None


class ReviewFindings:
    """Finds places, measures structures and landmarks, each once as long as nothing changes.

    Parameters
    ----------
    stage, result
        Where; what is found is written into table nodes of the result.
    """

    def __init__(self, stage: Stage, result: ResultNodes) -> None:
        self._stage = stage
        self._result = result
        self._regions: _Sought[HotSpotRegions] = _Sought()
        self._statistics: _Sought[list[StructureStatistics]] = _Sought()
        self._written: object = None
        self._highest: dict[str, float] = {}

    def highest(self, key: str) -> float:
        """Return the highest value of a map, in its unit; 0 where it has no estimate."""
        if key not in self._highest:
            values = map_volume(self._result, MapKind(key)).values
            self._highest[key] = float(np.fmax.reduce(values, axis=None, initial=0.0))
        return self._highest[key]

    def regions(
        self, review: Review, structures: Structures | None, wait: bool = False
    ) -> HotSpotRegions | None:
        """Return the hot spots of a review; None while they are looked for, unless it may wait."""

        def search() -> Callable[[], HotSpotRegions]:
            return spot_search(self._result, review, structures)

        asked = (review.map_key, review.threshold_mm, structures)
        return self._regions.get(asked, search, None if wait else _SHORT_S)

    def show(self, review: Review, matched: MatchedReview) -> None:
        """Put the hot spots into the views and into their table."""
        titles = {kind.value: kind.facts.title for kind in MapKind}
        volume = map_volume(self._result, MapKind(review.map_key))
        show_hot_spots(self._stage, self._result, matched)
        show_table(self._stage, self._result, hot_spot_table(matched, volume, titles))

    def statistics(
        self, review: Review, structures: Structures
    ) -> list[StructureStatistics] | None:
        """Return every map over every structure; None while that is measured."""

        def search() -> Callable[[], list[StructureStatistics]]:
            return statistics_search(self._result, review, structures)

        found = self._statistics.get((review.tolerance_mm, structures), search, _SHORT_S)
        if found is not None and found is not self._written:
            self._written = found
            for table in structure_tables(found, review.tolerance_mm):
                show_table(self._stage, self._result, table)
        return found

    def landmarks(self, pairs: Sequence[LandmarkPair]) -> list[LandmarkFinding]:
        """Measure pairs of points.

        Raises
        ------
        InputError
            If the transform is not in the scene any more.
        """
        found = measure_pairs(self._result, pairs)
        in_mm = [volume for volume in map_volumes(self._result) if volume.unit == "mm"]
        show_table(self._stage, self._result, landmark_table(found, in_mm))
        return found
