"""The review of one result as a panel works on it: what was found, and what is decided.

No widgets. Everything that is decided is written into the scene at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..background_work import BackgroundWork
from ..results import MapKind
from ..review import (
    HotSpotRegions,
    LandmarkFinding,
    LandmarkPair,
    MatchedReview,
    Review,
    ReviewedSpot,
    StructureStatistics,
    Verdict,
    decide,
    hot_spot_table,
    landmark_table,
    match_verdicts,
    structure_tables,
)
from .hot_spots import hide_hot_spots, show_hot_spots
from .landmarks import measure_pairs
from .review_state import (
    keep_review,
    map_volume,
    map_volumes,
    read_review,
    spot_search,
    statistics_search,
    suggested_threshold,
)
from .structures import Structures
from .tables import show_table

#: Key of the text on the result's node that holds a map's own threshold.
_THRESHOLD_KEY = "hot_spot_threshold.{kind}"


class ReviewDesk:
    """Reads and writes a result's review.

    Parameters
    ----------
    stage, result
        Whose review; `Stage` and `ResultNodes`.

    Attributes
    ----------
    review
        `Review`, as it is in the scene.

    Raises
    ------
    InputError
        If the scene holds a review that cannot be read; it is left untouched then.
    """

    def __init__(self, stage: Any, result: Any) -> None:
        self._stage = stage
        self.result = result
        self.review: Review = read_review(result)
        self._highest: dict[MapKind, float] = {}
        self._search: BackgroundWork[HotSpotRegions] | None = None
        self._searched_for: Any = None
        self._matched: MatchedReview | None = None
        self._measured_of: Structures | None = None
        self._measuring: BackgroundWork[list[StructureStatistics]] | None = None
        self._statistics: list[StructureStatistics] | None = None

    # what is reviewed

    @property
    def kind(self) -> MapKind:
        """The map under review."""
        return MapKind(self.review.map_key)

    @property
    def threshold(self) -> float:
        """Above which hot spots are looked for, in the map's unit."""
        if self.review.threshold_mm is not None:
            return self.review.threshold_mm
        return suggested_threshold(self.result, self.kind)

    @property
    def highest(self) -> float:
        """The highest value of the map under review, in its unit; 0 where it has no estimate."""
        if self.kind not in self._highest:
            values = map_volume(self.result, self.kind).values
            self._highest[self.kind] = float(np.fmax.reduce(values, axis=None, initial=0.0))
        return self._highest[self.kind]

    def choose_map(self, kind: MapKind) -> None:
        """Review another map; it goes on with the threshold that it had last."""
        if kind.value != self.review.map_key:
            kept = self.result.text(_THRESHOLD_KEY.format(kind=kind.value))
            threshold = float(kept) if kept else None
            self._keep(replace(self.review, map_key=kind.value, threshold_mm=threshold))

    def set_threshold(self, value: float) -> None:
        """Look for hot spots above another value."""
        if value != self.threshold:
            self.result.set_text(_THRESHOLD_KEY.format(kind=self.kind.value), repr(value))
            self._keep(replace(self.review, threshold_mm=value))

    def set_tolerance(self, value: float | None) -> None:
        """Count what lies above another tolerance, mm; None for none."""
        if value != self.review.tolerance_mm:
            self._measuring = self._statistics = None
            self._keep(replace(self.review, tolerance_mm=value))

    def set_reviewer(self, name: str) -> None:
        """Say who reviews."""
        if name != self.review.reviewer:
            self._keep(replace(self.review, reviewer=name))

    # hot spots

    def spots(self, structures: Structures | None = None) -> MatchedReview:
        """Return the hot spots with their verdicts; found anew where map or threshold changed."""
        search = self.search(structures)
        if self._matched is None:
            self._matched = match_verdicts(self.review, search.take())
        return self._matched

    def search(self, structures: Structures | None = None) -> BackgroundWork[HotSpotRegions]:
        """Begin to find them in a thread, where that is not done; `spots` waits for its end."""
        wanted = (self.review.map_key, self.threshold, structures)
        if self._search is None or self._searched_for != wanted:
            self._search = BackgroundWork(spot_search(self.result, self.review, structures))
            self._searched_for, self._matched = wanted, None
        return self._search

    def decide_spot(
        self, spot: ReviewedSpot, verdict: Verdict | None = None, comment: str | None = None
    ) -> MatchedReview:
        """Give a spot a verdict or a comment, keep it, and return the spots as they are then."""
        self._keep(decide(self.review, spot, verdict, comment))
        assert self._search is not None
        self._matched = match_verdicts(self.review, self._search.take())
        return self._matched

    def decide_overall(self, verdict: Verdict | None = None, comment: str | None = None) -> None:
        """Decide on the registration as a whole; None leaves verdict or comment as it is."""
        said = self.review.comment if comment is None else comment
        verdict = self.review.verdict if verdict is None else verdict
        if (verdict, said) != (self.review.verdict, self.review.comment):
            self._keep(self.review.with_overall(verdict, said))

    def show_spots(self, matched: MatchedReview) -> None:
        """Put the spots into the views and into their table node."""
        titles = {kind.value: kind.facts.title for kind in MapKind}
        show_hot_spots(self._stage, self.result, matched)
        table = hot_spot_table(matched, map_volume(self.result, self.kind), titles)
        show_table(self._stage, self.result, table)

    def hide_spots(self) -> None:
        """Take the spots out of the views."""
        hide_hot_spots(self.result)

    def leave(self) -> None:
        """Another result is reviewed: nothing of this one stays in the views."""
        scene = self._stage.scene
        if scene.IsNodePresent(self.result.node) and not scene.IsClosing():
            self.hide_spots()

    # structures and landmarks

    def statistics(self, structures: Structures) -> list[StructureStatistics]:
        """Return every map over every structure, and write them into their table nodes."""
        measuring = self.measuring(structures)
        if self._statistics is None:
            self._statistics = measuring.take()
            for table in structure_tables(self._statistics, self.review.tolerance_mm):
                show_table(self._stage, self.result, table)
        return self._statistics

    def measuring(self, structures: Structures) -> BackgroundWork[list[StructureStatistics]]:
        """Begin to measure in a thread, where that is not done; `statistics` waits for its end."""
        if self._measuring is None or self._measured_of is not structures:
            search = statistics_search(self.result, self.review, structures)
            self._measuring, self._statistics = BackgroundWork(search), None
            self._measured_of = structures
        return self._measuring

    def landmarks(self, pairs: Sequence[LandmarkPair]) -> list[LandmarkFinding]:
        """Measure pairs of points, and write them into their table node.

        Raises
        ------
        InputError
            If the transform is not in the scene any more.
        """
        findings = measure_pairs(self.result, pairs)
        in_mm = [volume for volume in map_volumes(self.result) if volume.unit == "mm"]
        show_table(self._stage, self.result, landmark_table(findings, in_mm))
        return findings

    def _keep(self, review: Review) -> None:
        self.review = review
        keep_review(self.result, review)
