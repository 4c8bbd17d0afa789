"""The real scene with a result, a screen that keeps notes, and a clock that is turned by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("slicer", reason="NOT TESTED: slicer-core is not installed, no scene was made.")

import SimpleITK as sitk
from support.slicer_application import SlicerApplication
from support.small_result import write_result

from TTAUncertaintyLib.controls.map_choices import MapChoices
from TTAUncertaintyLib.controls.map_controls import MapControls
from TTAUncertaintyLib.controls.map_view import MapView
from TTAUncertaintyLib.controls.review_controls import ReviewControls
from TTAUncertaintyLib.controls.review_view import ReviewView
from TTAUncertaintyLib.controls.spread_controls import SpreadControls, SpreadView
from TTAUncertaintyLib.controls.teaching_controls import TeachingControls, TeachingView
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.results import Bundle, MapKind
from TTAUncertaintyLib.review import Review
from TTAUncertaintyLib.review.landmark_files import PairedLandmarks
from TTAUncertaintyLib.scene.arrays import add_volume, array_of
from TTAUncertaintyLib.scene.layouts import SIDE_BY_SIDE
from TTAUncertaintyLib.scene.loading import ResultReading
from TTAUncertaintyLib.scene.result import ResultNodes
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.scene.structures import Structures


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A scene with the views of both layouts."""
    with SlicerApplication(view_size=(64, 64)) as application:
        for name in SIDE_BY_SIDE.values():
            application.add_slice_view(name)
        yield Stage(application.scene, application.application_logic)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real result of the bundled network on the small phantoms; not to be changed."""
    return write_result(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def result(stage: Stage, folder: Path) -> ResultNodes:
    """The result in the scene, with its inputs."""
    bundle = Bundle.open(folder)
    inputs = []
    for role in ("fixed", "moving"):
        image = sitk.ReadImage(bundle.record["inputs"][role]["path"])
        values = sitk.GetArrayFromImage(image)
        inputs.append(add_volume(stage.scene, role, values, Lattice.of(image)))
    return ResultReading(folder).load(stage, *inputs)


@dataclass
class HandTimer:
    """A timer of `HandClock`."""

    slot: Callable[[], None]
    again: bool
    active: bool = False

    def start(self) -> None:
        self.active = True

    def stop(self) -> None:
        self.active = False


class HandClock:
    """Time passes when a test says so; every timer that runs calls once a tick."""

    def __init__(self) -> None:
        self.timers: list[HandTimer] = []

    def after(self, _interval_ms: int, slot: Callable[[], None], /) -> HandTimer:
        self.timers.append(HandTimer(slot, again=False))
        return self.timers[-1]

    def every(self, _interval_ms: int, slot: Callable[[], None], /) -> HandTimer:
        self.timers.append(HandTimer(slot, again=True))
        return self.timers[-1]

    def tick(self) -> None:
        for timer in [timer for timer in self.timers if timer.active]:
            timer.active = timer.again
            timer.slot()


@pytest.fixture
def clock() -> HandClock:
    """A clock of the test's own."""
    return HandClock()


class MapScreenOfTest:
    """Keeps choices at once, as the panel does, or at the next `settle`, as the page does.

    Attributes
    ----------
    view
        What was shown last.
    looked_at, arranged
        What the views were asked for.
    labels
        Structures of the fixed image.
    """

    def __init__(self, stage: Stage, at_once: bool) -> None:
        self.stage = stage
        self.clock = HandClock()
        self.kept = MapChoices()
        self.view = MapView()
        self.looked_at: list[Any] = []
        self.arranged: list[tuple[Any, bool]] = []
        self.labels: Structures | None = None
        self._at_once, self._changed = at_once, False
        self.controls = MapControls(self, self.clock)
        self.controls.enter()

    def choices(self) -> MapChoices:
        return self.kept

    def choose(self, **fields: Any) -> None:
        before, self.kept = self.kept, replace(self.kept, **fields)
        if self.kept != before and self._at_once:
            self.controls.follow()
        elif self.kept != before:
            self._changed = True

    def settle(self) -> None:
        while self._changed:
            self._changed = False
            self.controls.follow()

    def does(self, **fields: Any) -> MapView:
        """Choose as a person does, and return what is to be seen then."""
        self.controls.choose(**fields)
        self.settle()
        return self.view

    @property
    def has_structures(self) -> bool:
        return self.labels is not None

    def structures(self) -> Structures | None:
        return self.labels

    def show(self, view: MapView) -> None:
        self.view = view

    def arrange(self, layout: Any, first: bool) -> None:
        self.arranged.append((layout, first))

    def look_at(self, volume: Any) -> None:
        self.looked_at.append(volume)

    def look_around(self) -> None:
        self.looked_at.append("3D")


@pytest.fixture(params=["at once", "later"])
def empty(request: pytest.FixtureRequest, stage: Stage) -> MapScreenOfTest:
    """A screen without a result, of each kind."""
    return MapScreenOfTest(stage, request.param == "at once")


@pytest.fixture
def screen(empty: MapScreenOfTest, result: ResultNodes) -> MapScreenOfTest:
    """A screen with the result on it."""
    empty.controls.on_result(result)
    empty.settle()
    return empty


class ReviewScreenOfTest:
    """Keeps what it was shown and told, and sees what a test says.

    Attributes
    ----------
    view
        What was shown last.
    told
        The reviews that were decided on.
    sees, labels, points
        What is in sight, the structures, and the pairs or what is wrong with them.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.hints = {"structures": "Choose one.", "landmarks": "Place them."}
        self.selected = -1
        self.clock = HandClock()
        self.view = ReviewView()
        self.told: list[Review] = []
        self.first = Review("Dr. Ö", threshold_mm=1.0)
        self.sees = frozenset({"spots", "structures", "landmarks"})
        self.labels: Structures | InputError | None = None
        self.points: PairedLandmarks | InputError | None = None
        self.controls = ReviewControls(self, self.clock)

    def begin(self) -> Review:
        return self.first

    def in_sight(self) -> frozenset[str]:
        return self.sees

    def structures(self) -> Structures | None:
        if isinstance(self.labels, InputError):
            raise self.labels
        return self.labels

    def pairs(self) -> PairedLandmarks | None:
        if isinstance(self.points, InputError):
            raise self.points
        return self.points

    def show(self, view: ReviewView) -> None:
        self.view = view

    def decided(self, review: Review, before: Review) -> None:
        assert review != before
        self.told.append(review)

    def settle(self) -> ReviewView:
        """Let time pass until everything is found."""
        for _ in range(100):
            if not any(timer.active for timer in self.clock.timers):
                return self.view
            time.sleep(0.02)
            self.clock.tick()
        raise AssertionError("it never comes to rest")


@pytest.fixture
def desk(stage: Stage) -> ReviewScreenOfTest:
    """A screen for reviews, without a result."""
    return ReviewScreenOfTest(stage)


@pytest.fixture
def reviewing(desk: ReviewScreenOfTest, result: ResultNodes) -> ReviewScreenOfTest:
    """The result under review: its total map has places of 3, 2 and 1.5 mm."""
    values = array_of(result.maps[MapKind.TOTAL])
    values[:] = 0.2
    for peak, (k, j, i) in ((2.0, (8, 18, 15)), (3.0, (16, 26, 6)), (1.5, (16, 12, 10))):
        values[k - 2 : k + 3, j - 2 : j + 3, i - 2 : i + 3] = 0.9 * peak
        values[k, j, i] = peak
    desk.controls.on_result(result)
    desk.settle()
    return desk


class TeachingScreenOfTest:
    """Keeps what it was shown, and who has the views.

    Attributes
    ----------
    view, spread
        What was shown last.
    taken
        Whether the registrations have the views.
    """

    hint = "Ask for it."

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.clock = HandClock()
        self.view, self.spread = TeachingView(), SpreadView()
        self.taken, self.free = False, True
        self.opacity = 0.5
        self.troubles: list[str] = []
        self.looked_around = 0
        self.controls = TeachingControls(self, self.clock)
        self.point = SpreadControls(self)

    def take_views(self) -> None:
        assert not self.taken
        self.taken = True

    def give_views_back(self) -> None:
        assert self.taken
        self.taken = False

    def trouble(self, error: Exception) -> None:
        self.troubles.append(str(error))

    def show(self, view: TeachingView) -> None:
        self.view = view

    def show_spread(self, view: SpreadView) -> None:
        self.spread = view

    def look_around(self) -> None:
        self.looked_around += 1

    def wait(self) -> TeachingView:
        """Let time pass until the registrations are read, and their map is made."""
        _turns, looks = self.clock.timers
        for _ in range(200):
            if not looks.active:
                return self.view
            time.sleep(0.02)
            self.clock.tick()
        raise AssertionError("it is never shown")


@pytest.fixture
def lesson(stage: Stage) -> TeachingScreenOfTest:
    """A screen for registrations, without a result."""
    return TeachingScreenOfTest(stage)


@pytest.fixture
def taught(lesson: TeachingScreenOfTest, result: ResultNodes) -> TeachingScreenOfTest:
    """The result, which kept its registrations."""
    lesson.controls.on_result(result)
    lesson.point.on_kept(result, lesson.controls.kept)
    return lesson
