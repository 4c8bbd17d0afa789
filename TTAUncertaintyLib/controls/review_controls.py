"""The controls of a review: from what a person decides to the result's review and the views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from ..errors import InputError
from ..results import MapKind
from ..results.report.scales import tidy_above
from ..results.review_report import Picture, write_review
from ..review import LandmarkFinding, MatchedReview, Review, ReviewedSpot, Verdict
from ..review.landmark_files import PairedLandmarks
from ..scene.hot_spots import go_to_spot
from ..scene.landmarks import go_to_landmark
from ..scene.result import ResultNodes
from ..scene.review_content import content_search
from ..scene.review_desk import ReviewDesk
from ..scene.stage import Stage
from ..scene.structures import Structures
from .clock import Clock
from .option import Phrase, sentences
from .review_view import (
    NO_LANDMARKS,
    NO_STRUCTURES,
    OVERALL_VERDICTS,
    ReviewView,
    TablesView,
    given,
    key_of,
    landmarks_view,
    spots_view,
    structures_view,
)

#: Milliseconds that a slider or a point rests before places are found and distances measured.
_REST_MS = 250

#: Seconds that a search may hold the screen; one that takes longer is looked at again after so
#: many milliseconds.
_SHORT_S, _LOOK_MS = 0.05, 50

_VERDICTS = [option.value for option in OVERALL_VERDICTS]


class ReviewScreen(Protocol):
    """Where a review is shown; a panel or a page.

    Attributes
    ----------
    selected
        Number of the hot spot that is looked at, from 0 on; -1 for none.
    """

    selected: int

    @property
    def hints(self) -> Mapping[str, str]:
        """Where a person chooses "structures" and "landmarks", in sentences."""

    @property
    def stage(self) -> Stage:
        """The scene and what surrounds it."""

    def begin(self) -> Review:
        """Return what a review starts with where it says nothing: reviewer, values in mm."""

    def in_sight(self) -> frozenset[str]:
        """Return which of "spots", "structures" and "landmarks" the person sees."""

    def structures(self) -> Structures | None:
        """Return the structures on the result's voxels; None without any.

        Raises
        ------
        InputError
            If those that are chosen cannot be used.
        """

    def pairs(self) -> PairedLandmarks | None:
        """Return the landmarks; None while they are not all chosen.

        Raises
        ------
        InputError
            If they do not fit together.
        """

    def show(self, view: ReviewView) -> None:
        """Show the controls; that is not the person's doing."""

    def decided(self, review: Review, before: Review) -> None:
        """The person has decided something, which the scene keeps by now."""


class ReviewControls:
    """Shows a result's review, and keeps what is decided.

    Parameters
    ----------
    screen
        Where it is shown.
    clock
        For sliders and points that come to rest, and for what takes a while to find.

    Attributes
    ----------
    view
        What was shown last.
    suspended
        Something else has the views for a while: no place is drawn into them.
    """

    def __init__(self, screen: ReviewScreen, clock: Clock) -> None:
        self._screen = screen
        self.view = ReviewView()
        self.suspended = False
        self._desk: ReviewDesk | None = None
        self._trouble = ""
        self._matched = MatchedReview(())
        self._findings: Sequence[LandmarkFinding] = ()
        self._rested = clock.after(_REST_MS, self.refresh)
        self._looking = clock.after(_LOOK_MS, self.refresh)

    @property
    def result(self) -> ResultNodes | None:
        """Whose review it is; None for none."""
        return None if self._desk is None else self._desk.result

    @property
    def review(self) -> Review | None:
        """What is decided so far; None where there is no review."""
        return None if self._desk is None else self._desk.review

    # what happens around them

    def on_result(self, result: ResultNodes | None) -> None:
        """Open the review of another result."""
        self.hold()
        before, self._desk, self._trouble = self._desk, None, ""
        self._matched, self._findings = MatchedReview(()), ()
        self.view = ReviewView()
        if before is not None:
            before.leave()
        if result is not None:
            if before is not None:
                self._screen.selected = -1
            self._open(result)
        self.refresh()

    def _open(self, result: ResultNodes) -> None:
        try:
            desk = self._desk = ReviewDesk(self._screen.stage, result)
        except InputError as error:
            self._trouble = str(error)
            return
        begin, review = self._screen.begin(), desk.review
        if review.tolerance_mm is None:
            desk.set_tolerance(begin.tolerance_mm)
        if review.threshold_mm is None and begin.threshold_mm is not None:
            desk.set_threshold(begin.threshold_mm)
        if not review.reviewer:
            desk.set_reviewer(begin.reviewer)

    def on_map(self, kind: MapKind) -> None:
        """Review the map that is shown, where it is one in mm."""
        desk = self._desk
        if desk is not None and kind.facts.unit == "mm" and kind is not desk.kind:
            desk.choose_map(kind)
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
        if self._desk is not None:
            self._desk.hide_spots()

    def show_again(self) -> None:
        """The views are free again."""
        self.suspended = False
        self.refresh()

    # what is to be seen

    def refresh(self) -> None:
        """Find what is in sight, and show it."""
        desk, seen = self._desk, self._screen.in_sight()
        if desk is None:
            nothing = Phrase(self._trouble) if self._trouble else ReviewView().nothing
            self._show(ReviewView(nothing))
        elif not seen:
            desk.hide_spots()
        elif desk.kind not in desk.result.maps:
            gone = "The map under review is not in the scene any more."
            self._show(replace(self.view, nothing=Phrase(gone)))
        else:
            self._find(desk, seen)

    def _find(self, desk: ReviewDesk, seen: frozenset[str]) -> None:
        try:
            structures, trouble = self._screen.structures(), ""
        except InputError as error:
            structures, trouble = None, str(error)
        if "structures" in seen:
            self._measure_structures(desk, structures, trouble)
        if "landmarks" in seen:
            self._measure_landmarks(desk)
        if desk.search(structures).wait(_SHORT_S):
            self._matched = desk.spots(structures)
            self._show_spots(desk)
        else:
            searching = replace(self.view.spots, words=Phrase("Looking for places…"))
            self._looking.start()
            self._show_decision(desk, spots=searching)

    def _measure_structures(
        self, desk: ReviewDesk, structures: Structures | None, trouble: str
    ) -> None:
        if structures is None:
            nothing = self._nothing(NO_STRUCTURES, "structures")
            found = TablesView(Phrase(trouble) if trouble else nothing)
        elif desk.measuring(structures).wait(_SHORT_S):
            statistics = desk.statistics(structures)
            found = structures_view(statistics, desk.kind, desk.review.tolerance_mm)
        else:
            found = TablesView(Phrase("Measuring…"), self.view.structures.tables)
            self._looking.start()
        self.view = replace(self.view, structures=found)

    def _measure_landmarks(self, desk: ReviewDesk) -> None:
        self._findings = ()
        try:
            paired = self._screen.pairs()
            if paired is not None:
                self._findings = desk.landmarks(paired.pairs)
        except InputError as error:
            found = TablesView(Phrase(str(error)))
        else:
            found = TablesView(self._nothing(NO_LANDMARKS, "landmarks"))
            if paired is not None and self._findings:
                found = landmarks_view(self._findings, desk.kind, paired.how)
        row = self.view.landmark if self.view.landmark < len(self._findings) else -1
        self.view = replace(self.view, landmarks=found, landmark=row)

    def _nothing(self, words: str, what: str) -> Phrase:
        return sentences(Phrase(words), Phrase(self._screen.hints.get(what, "")))

    def _show_spots(self, desk: ReviewDesk) -> None:
        if not self.suspended:
            desk.show_spots(self._matched)
        top = tidy_above(max(desk.highest, desk.threshold))
        seen = spots_view(self._matched, self._screen.selected, desk.kind, desk.threshold, top)
        self._show_decision(desk, spots=seen)

    def _show_decision(self, desk: ReviewDesk, **others: object) -> None:
        review = desk.review
        decision = {
            "nothing": Phrase(),
            "tolerance": review.tolerance_mm,
            "overall": given(review.verdict),
            "comment": review.comment,
            "reviewer": review.reviewer,
        }
        self._show(replace(self.view, **decision | others))  # type: ignore[arg-type]

    def _show(self, view: ReviewView) -> None:
        self.view = view
        self._screen.show(view)

    # what a person does

    def step(self, by: int) -> None:
        """Go to the next hot spot or the one before; the list is a ring."""
        count = len(self._spots())
        if count:
            first = 0 if by > 0 else count - 1
            self.select(first if self._spot is None else (self._screen.selected + by) % count)

    def select(self, number: int) -> None:
        """Look at a hot spot, from 0 on."""
        if self._desk is not None and 0 <= number < len(self._spots()):
            self._screen.selected = number
            self._show_spots(self._desk)
            go_to_spot(self._screen.stage, self._matched, number + 1)

    def select_landmark(self, number: int) -> None:
        """Look at a landmark on the fixed image, from 0 on."""
        if 0 <= number < len(self._findings):
            go_to_landmark(self._screen.stage, self._findings[number])
            self._show(replace(self.view, landmark=number))

    def decide(self, verdict: str) -> None:
        """Give the chosen hot spot a verdict; the same one again takes it back."""
        spot = self._spot
        if spot is not None and verdict in _VERDICTS:
            self._decide(spot, _pressed(verdict, spot.verdict), None)

    def decide_overall(self, verdict: str) -> None:
        """Decide on the registration as a whole; the same verdict again takes it back."""
        if self._desk is not None and verdict in _VERDICTS:
            self._decide(None, _pressed(verdict, self._desk.review.verdict), None)

    def comment_on_spot(self, text: str, key: str = "", before: str | None = None) -> None:
        """Take what was written about a hot spot.

        Parameters
        ----------
        text
            What is to stand there.
        key
            Which one, as the view names it; the chosen one if not given.
        before
            What stood there when the writing began; what others wrote meanwhile is kept.

        Raises
        ------
        InputError
            If the place is not in the list any more.
        """
        if text == before:
            return
        spots = self._matched.spots
        spot = next((one for one in spots if key_of(one) == key), None) if key else self._spot
        if spot is not None:
            self._decide(spot, None, _both(spot.comment, before, text))
        elif key:
            raise InputError("The place is not in the list any more.", f"You wrote: {text}")

    def comment_on_all(self, text: str, before: str | None = None) -> None:
        """Take what was written about the registration as a whole; else as `comment_on_spot`."""
        if self._desk is not None and text != before:
            self._decide(None, None, _both(self._desk.review.comment, before, text))

    def set_reviewer(self, name: str) -> None:
        """Say who reviews."""
        if self._desk is not None:
            before = self._desk.review
            self._desk.set_reviewer(name)
            self._told(self._desk, before)

    def set_threshold(self, value: float) -> None:
        """List the places above another value."""
        if self._desk is not None and value != self._desk.threshold:
            self._desk.set_threshold(value)
            self._screen.selected = -1
            self.changed()

    def set_tolerance(self, value_mm: float | None) -> None:
        """Count what lies above another tolerance; None for none."""
        if self._desk is not None:
            before = self._desk.review
            self._desk.set_tolerance(value_mm)
            self._told(self._desk, before)
            self.changed()

    # the export

    @property
    def map_title(self) -> str:
        """What the map under review is called; "" where there is no review."""
        return "" if self._desk is None else self._desk.kind.facts.title

    @property
    def places(self) -> dict[int, tuple[float, float, float]]:
        """The hot spots, world RAS mm, by rank."""
        return {spot.rank: spot.spot.position_ras_mm for spot in self._spots()}

    def writing(self, folder: Path, pictures: Sequence[Picture]) -> Callable[[], Path]:
        """Gather what the exported review holds; what is returned writes it, fit for a thread.

        Raises
        ------
        InputError
            If there is no review, or its structures or landmarks cannot be used.
        """
        if self._desk is None:
            raise InputError("There is no review to export.")
        structures, paired = self._screen.structures(), self._screen.pairs()
        findings = () if paired is None else self._desk.landmarks(paired.pairs)
        content = content_search(self._desk.result, structures, findings, pictures)
        return lambda: write_review(folder, content())

    # how it is done

    @property
    def _spot(self) -> ReviewedSpot | None:
        spots, number = self._spots(), self._screen.selected
        return spots[number] if 0 <= number < len(spots) else None

    def _spots(self) -> tuple[ReviewedSpot, ...]:
        """Return the places at the threshold as it is now, whether they have been shown or not."""
        if self._desk is not None:
            try:
                structures = self._screen.structures()
            except InputError:
                structures = None
            self._matched = self._desk.spots(structures)
        return self._matched.spots

    def _decide(
        self, spot: ReviewedSpot | None, verdict: Verdict | None, comment: str | None
    ) -> None:
        desk = self._desk
        assert desk is not None
        before = desk.review
        if spot is None:
            desk.decide_overall(verdict, comment)
            self._show_decision(desk)
        else:
            self._matched = desk.decide_spot(spot, verdict, comment)
            self._show_spots(desk)
        self._told(desk, before)

    def _told(self, desk: ReviewDesk, before: Review) -> None:
        if desk.review != before:
            self._screen.decided(desk.review, before)


def _pressed(verdict: str, given_now: Verdict) -> Verdict:
    return Verdict.OPEN if Verdict(verdict) is given_now else Verdict(verdict)


def _both(now: str, before: str | None, text: str) -> str:
    """Return what one wrote, behind what another has said since the writing began."""
    return text if before is None or now in (before, text) else f"{now} / {text}"
