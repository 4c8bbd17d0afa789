"""The controls of a review: from what a person decides to the result's review and the views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from ..errors import InputError
from ..results import MapKind
from ..results.labels import RecordedLabels
from ..results.review_report import Picture, write_review
from ..review import (
    LandmarkFinding,
    MatchedReview,
    Review,
    ReviewedSpot,
    Verdict,
    decide,
    match_verdicts,
)
from ..review.landmark_files import PairedLandmarks
from ..scene.hot_spots import go_to_spot, hide_hot_spots
from ..scene.landmarks import go_to_landmark
from ..scene.outlines import show_outline_of
from ..scene.result import ResultNodes
from ..scene.review_content import content_search
from ..scene.review_state import keep_review, read_review, suggested_threshold
from ..scene.stage import Stage
from ..scene.structures import Structures
from .clock import Clock
from .option import Phrase, sentences
from .review_findings import ReviewFindings
from .review_view import (
    NO_LANDMARKS,
    NO_STRUCTURES,
    OVERALL_VERDICTS,
    ReviewView,
    TablesView,
    carried_view,
    key_of,
    landmarks_view,
    spots_view,
    structures_view,
)

#: Milliseconds that a slider or a point rests before places are found and distances measured, and
#: after which a search that goes on is looked at again.
_REST_MS, _LOOK_MS = 250, 50

#: Key of the text on the result's node that holds a map's own threshold.
_THRESHOLD_KEY = "hot_spot_threshold.{map}"

_VERDICTS = [option.value for option in OVERALL_VERDICTS]


class ReviewScreen(Protocol):
    """Where a review is shown; a panel or a page."""

    #: Number of the hot spot that is looked at, from 0 on; -1 for none.
    selected: int

    @property
    def stage(self) -> Stage:
        """The scene and what surrounds it."""

    @property
    def hints(self) -> Mapping[str, str]:
        """Where a person chooses "structures" and "landmarks", in sentences."""

    def begin(self) -> Review:
        """Return what a review starts with where it says nothing: reviewer, values in mm."""

    def in_sight(self) -> frozenset[str]:
        """Return which of "spots", "structures" and "landmarks" the person sees."""

    def structures(self) -> Structures | None:
        """Return the structures on the result's voxels, if any; raise InputError if unusable."""

    def pairs(self) -> PairedLandmarks | None:
        """Return the landmarks; None while they are not all chosen; raise InputError as above."""

    def show(self, view: ReviewView) -> None:
        """Show the controls; that is not the person's doing."""

    def decided(self, review: Review, before: Review) -> None:
        """The person has decided something, which the scene keeps by now."""


class ReviewControls:
    """Shows a result's review, and keeps what is decided in the scene at once."""

    def __init__(self, screen: ReviewScreen, clock: Clock) -> None:
        self._screen = screen
        #: What was shown last.
        self.view = ReviewView()
        #: What is reviewed, and what is decided so far; None for none.
        self.result: ResultNodes | None = None
        self.review: Review | None = None
        #: Something else has the views for a while: no place is drawn into them.
        self.suspended = False
        self._trouble = ""
        self._matched = MatchedReview(())
        self._landmarks: Sequence[LandmarkFinding] = ()
        self._rested = clock.after(_REST_MS, self.refresh)
        self._looking = clock.after(_LOOK_MS, self.refresh)

    # what happens around them

    def on_result(self, result: ResultNodes | None) -> None:
        """Open the review of another result."""
        self.hold()
        before, scene = self.result, self._screen.stage.scene
        if before is not None and scene.IsNodePresent(before.node) and not scene.IsClosing():
            hide_hot_spots(before)
        self.result = self.review = None
        self.view, self._trouble, self._landmarks = ReviewView(), "", ()
        if result is not None:
            if before is not None:
                self._screen.selected = -1
            self._open(result)
        self.refresh()

    def _open(self, result: ResultNodes) -> None:
        try:
            review = read_review(result)
        except InputError as error:
            self._trouble = str(error)
            return
        self.result, self._findings = result, ReviewFindings(self._screen.stage, result)
        self._carried = carried_view(RecordedLabels.of(result.record))
        begin, self.review = self._screen.begin(), review
        for name in ("reviewer", "tolerance_mm", "threshold_mm"):
            if getattr(review, name) in (None, "") and getattr(begin, name):
                review = replace(review, **{name: getattr(begin, name)})
                self._keep(review)

    def on_map(self, kind: MapKind) -> None:
        """Review the map that is shown, where it is one in mm, with its own threshold."""
        result, review = self.result, self.review
        if result and review and kind.facts.unit == "mm" and kind.value != review.map_key:
            kept = result.text(_THRESHOLD_KEY.format(map=kind.value))
            threshold = float(kept) if kept else None
            self._keep(replace(review, map_key=kind.value, threshold_mm=threshold))
            self._screen.selected = -1
            self.refresh()

    def changed(self) -> None:
        """Something else is to be measured: once it rests."""
        self._rested.start()

    def hold(self) -> None:
        """Let nothing happen by itself."""
        self._rested.stop()
        self._looking.stop()

    def suspend(self) -> None:
        """Leave the views to something else."""
        self.suspended = True
        if self.result is not None:
            hide_hot_spots(self.result)

    def show_again(self) -> None:
        """The views are free again."""
        self.suspended = False
        self.refresh()

    # what is to be seen

    def refresh(self) -> None:
        """Find what is in sight, and show it."""
        result, review, seen = self.result, self.review, self._screen.in_sight()
        if result is None or review is None:
            nothing = Phrase(self._trouble) if self._trouble else ReviewView().nothing
            self._show(ReviewView(nothing))
        elif not seen:
            hide_hot_spots(result)
        elif MapKind(review.map_key) not in result.maps:
            gone = "The map under review is not in the scene any more."
            self._show(replace(self.view, nothing=Phrase(gone)))
        else:
            self.view = replace(self.view, nothing=Phrase())
            structures, trouble = self._structures()
            if "structures" in seen:
                self.view = replace(self.view, carried=self._carried)
                self._measure_structures(review, structures, trouble)
            if "landmarks" in seen:
                self._measure_landmarks(review)
            if not self._find(structures):
                self._looking.start()
                looking, above = Phrase("Looking for places…"), self._threshold()
                searching = replace(self.view.spots, words=looking, threshold=above)
                self.view = replace(self.view, spots=searching)
            self._show(self.view)

    def _structures(self) -> tuple[Structures | None, str]:
        try:
            return self._screen.structures(), ""
        except InputError as error:
            return None, str(error)

    def _measure_structures(
        self, review: Review, structures: Structures | None, trouble: str
    ) -> None:
        if structures is None:
            found = self._nothing("structures", trouble, NO_STRUCTURES)
        else:
            statistics = self._findings.statistics(review, structures)
            if statistics is None:
                found = TablesView(Phrase("Measuring…"), self.view.structures.tables)
                self._looking.start()
            else:
                found = structures_view(statistics, MapKind(review.map_key), review.tolerance_mm)
        self.view = replace(self.view, structures=found)

    def _measure_landmarks(self, review: Review) -> None:
        self._landmarks, paired, trouble = (), None, ""
        try:
            paired = self._screen.pairs()
            if paired is not None:
                self._landmarks = self._findings.landmarks(paired.pairs)
        except InputError as error:
            trouble = str(error)
        found = self._nothing("landmarks", trouble, NO_LANDMARKS)
        row = self.view.landmark if self.view.landmark < len(self._landmarks) else -1
        if paired is not None and self._landmarks:
            self._paired = paired.how
            found = self._seen_landmarks(review, row)
        self.view = replace(self.view, landmarks=found, landmark=row)

    def _seen_landmarks(self, review: Review, row: int) -> TablesView:
        return landmarks_view(self._landmarks, MapKind(review.map_key), self._paired, row)

    def _nothing(self, what: str, trouble: str, words: str) -> TablesView:
        hint = Phrase(self._screen.hints.get(what, ""))
        return TablesView(Phrase(trouble) if trouble else sentences(Phrase(words), hint))

    def _find(self, structures: Structures | None, wait: bool = False) -> bool:
        """Find the hot spots at the threshold as it is now; return whether they are found."""
        result, review = self.result, self.review
        if result is None or review is None or MapKind(review.map_key) not in result.maps:
            self._matched = MatchedReview(())
            return False
        regions = self._findings.regions(review, structures, wait)
        if regions is None:
            return False
        self._matched = match_verdicts(review, regions)
        self._draw_spots()
        return True

    def _draw_spots(self) -> None:
        """Write the hot spots into view and scene, as they are judged now."""
        review, number = self.review, self._screen.selected
        assert review is not None and self.result is not None
        if not self.suspended:
            self._findings.show(review, self._matched)
        highest = self._findings.highest(review.map_key)
        seen = spots_view(
            self._matched, number, MapKind(review.map_key), self._threshold(), highest
        )
        self.view = replace(self.view, spots=seen)

    def _show(self, view: ReviewView) -> None:
        self.view = view if self.review is None else replace(view, said=self.review)
        self._screen.show(self.view)

    # what a person does

    def step(self, by: int) -> None:
        """Go to the next hot spot or the one before; the list is a ring."""
        self._find(self._structures()[0], wait=True)
        count = len(self._matched.spots)
        if count:
            first = 0 if by > 0 else count - 1
            self.select(first if self._spot is None else (self._screen.selected + by) % count)

    def select(self, number: int) -> None:
        """Look at a hot spot, from 0 on."""
        if self.review is not None and 0 <= number < len(self._matched.spots):
            self._screen.selected = number
            self._draw_spots()
            self._show(self.view)
            go_to_spot(self._screen.stage, self._matched, number + 1)

    def select_structure(self, number: int) -> None:
        """Look at a label that was carried, from 0 on; at the same one again, at none."""
        if self.result is not None:
            number = -1 if number == self.view.structure else number
            if not self.suspended:
                show_outline_of(self._screen.stage, self.result, number)
            self._show(replace(self.view, structure=number))

    def select_landmark(self, number: int) -> None:
        """Look at a landmark on the fixed image, from 0 on."""
        if 0 <= number < len(self._landmarks):
            go_to_landmark(self._screen.stage, self._landmarks[number])
            view = replace(self.view, landmark=number)
            if self.review is not None:
                view = replace(view, landmarks=self._seen_landmarks(self.review, number))
            self._show(view)

    def decide(self, verdict: str) -> None:
        """Give the chosen hot spot a verdict; the same one again takes it back."""
        spot, review = self._spot, self.review
        if spot is not None and review is not None and verdict in _VERDICTS:
            self._decided(decide(review, spot, _pressed(verdict, spot.verdict)))

    def decide_overall(self, verdict: str) -> None:
        """Decide on the registration as a whole; the same verdict again takes it back."""
        review = self.review
        if review is not None and verdict in _VERDICTS:
            self._decided(review.with_overall(_pressed(verdict, review.verdict)))

    def comment_on_spot(self, text: str, key: str = "", before: str | None = None) -> None:
        """Take what was written about a hot spot.

        Parameters
        ----------
        before
            What stood there when the writing began; what others wrote meanwhile is kept.

        Raises
        ------
        InputError
            If the place is not in the list any more.
        """
        if text == before:
            return
        spots, review = self._matched.spots, self.review
        spot = next((one for one in spots if key_of(one) == key), None) if key else self._spot
        if spot is not None and review is not None:
            said = _both(spot.comment, before, text)
            if said != spot.comment:
                self._decided(decide(review, spot, comment=said))
        elif key:
            raise InputError("The place is not in the list any more.", f"You wrote: {text}")

    def comment_on_all(self, text: str, before: str | None = None) -> None:
        """Take what was written about the registration as a whole; else as `comment_on_spot`."""
        review = self.review
        if review is not None and text not in (before, review.comment):
            said = _both(review.comment, before, text)
            self._decided(review.with_overall(review.verdict, said))

    def set_reviewer(self, name: str) -> None:
        """Say who reviews."""
        self._set(reviewer=name)

    def set_tolerance(self, value_mm: float | None) -> None:
        """Count what lies above another tolerance; None for none."""
        self._set(tolerance_mm=value_mm)
        self.changed()

    def set_threshold(self, value: float) -> None:
        """List the places above another value."""
        result, review = self.result, self.review
        if result is not None and review is not None and value != self._threshold():
            result.set_text(_THRESHOLD_KEY.format(map=review.map_key), repr(value))
            self._keep(replace(review, threshold_mm=value))
            # a slider that moves is not shown where it was before
            self.view = replace(self.view, spots=replace(self.view.spots, threshold=value))
            self._screen.selected = -1
            self.changed()

    # the export

    @property
    def map_title(self) -> str:
        """What the map under review is called; "" where there is no review."""
        return "" if self.review is None else MapKind(self.review.map_key).facts.title

    @property
    def places(self) -> dict[int, tuple[float, float, float]]:
        """The hot spots, world RAS mm, by rank."""
        self._find(self._structures()[0], wait=True)
        return {spot.rank: spot.spot.position_ras_mm for spot in self._matched.spots}

    def writing(self, folder: Path, pictures: Sequence[Picture]) -> Callable[[], Path]:
        """Gather what the exported review holds; what is returned writes it, fit for a thread.

        Raises
        ------
        InputError
            If there is no review, or its structures or landmarks cannot be used.
        """
        if self.result is None:
            raise InputError("There is no review to export.")
        structures, paired = self._screen.structures(), self._screen.pairs()
        found = () if paired is None else self._findings.landmarks(paired.pairs)
        content = content_search(self.result, structures, found, pictures)
        return lambda: write_review(folder, content())

    # how it is done

    @property
    def _spot(self) -> ReviewedSpot | None:
        spots, number = self._matched.spots, self._screen.selected
        return spots[number] if 0 <= number < len(spots) else None

    def _threshold(self) -> float:
        """Return above which value hot spots are looked for, in the map's unit."""
        review = self.review
        assert review is not None and self.result is not None
        own = review.threshold_mm
        return suggested_threshold(self.result, MapKind(review.map_key)) if own is None else own

    def _set(self, **fields: Any) -> None:
        if self.review is not None and self.result is not None:
            self._decided(replace(self.review, **fields))

    def _decided(self, review: Review) -> None:
        before = self.review
        if before is None or review == before:
            return
        self._keep(review)
        if not self._find(self._structures()[0]):
            self._looking.start()
        self._show(self.view)
        self._screen.decided(review, before)

    def _keep(self, review: Review) -> None:
        assert self.result is not None
        self.review = review
        keep_review(self.result, review)


def _pressed(verdict: str, given_now: Verdict) -> Verdict:
    return Verdict.OPEN if Verdict(verdict) is given_now else Verdict(verdict)


def _both(now: str, before: str | None, text: str) -> str:
    """Return what one wrote, behind what another has said since the writing began."""
    return text if before is None or now in (before, text) else f"{now} / {text}"
