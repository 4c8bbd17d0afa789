"""The real scene with a result, a screen that keeps notes, and a clock that is turned by hand."""

from __future__ import annotations

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
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.scene.arrays import add_volume
from TTAUncertaintyLib.scene.layouts import SIDE_BY_SIDE
from TTAUncertaintyLib.scene.result import ResultNodes, load_bundle
from TTAUncertaintyLib.scene.stage import Stage


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
    return load_bundle(stage, bundle, *inputs)


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


class MapScreenOfTest:
    """Keeps choices at once, as the panel does, or at the next `settle`, as the page does.

    Attributes
    ----------
    view
        What was shown last.
    looked_at, arranged
        What the views were asked for.
    """

    def __init__(self, stage: Stage, at_once: bool) -> None:
        self.stage = stage
        self.clock = HandClock()
        self.kept = MapChoices()
        self.view = MapView()
        self.looked_at: list[Any] = []
        self.arranged: list[tuple[Any, bool]] = []
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
