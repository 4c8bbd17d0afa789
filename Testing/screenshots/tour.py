"""A person's way through the module, with a picture at every stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from PySide6 import QtGui, QtWidgets
from small_png import small_png
from support.desktop import Desktop

from TTAUncertaintyLib.sample_data import sample_pair
from TTAUncertaintyLib.scene.slices import fit

MODULE = "TTAUncertainty"

#: No picture takes more; the extensions index asks for small repositories.
MOST_BYTES = 400_000

#: Width and height of the window, pixels.
_WINDOW = (1500, 1000)

#: Names and colours of the labels of the tissue images, from 0 on.
_TISSUES = (
    ("Background", (0.0, 0.0, 0.0)),
    ("Cerebrospinal fluid", (0.35, 0.6, 0.9)),
    ("Grey matter", (0.6, 0.6, 0.6)),
    ("White matter", (0.95, 0.95, 0.9)),
)

#: A run on a slow computer may take this long, s.
_LONGEST_RUN_S = 1800


class Tour:
    """The desktop with the module open, and what a person does in it.

    Parameters
    ----------
    desktop
        With views.
    path
        Of the module's file.
    """

    def __init__(self, desktop: Desktop, path: Any) -> None:
        self.desktop = desktop
        desktop.load_module(path)
        self.panel = desktop.open(MODULE)
        self.ui = self.panel.ui
        self._run: Any = None

    def picture(self) -> bytes:
        """Return a picture of the window."""
        path = self.desktop.folder / "picture.png"
        self.desktop.process_events(0.2)
        self.desktop.screenshot(path)
        return small_png(QtGui.QImage(str(path)), MOST_BYTES)

    def unfold(self, *names: str) -> None:
        """Unfold these sections, fold the others, and scroll to the first."""
        for name, section in vars(self.ui).items():
            if name.endswith("Section") and hasattr(section, "collapsed"):
                section.collapsed = name not in names
        self.desktop.process_events(0.2)
        area = self.panel.parent
        while not isinstance(area, QtWidgets.QScrollArea):
            area = area.parent() if callable(area.parent) else area.parent
        first = getattr(self.ui, names[0])
        top = first.mapTo(area.widget(), first.rect.topLeft()).y()
        area.verticalScrollBar().setValue(max(0, top - 8))

    def choose(self, **fields: Any) -> None:
        """Change the study's choices."""
        for name, value in fields.items():
            setattr(self.panel.parameters, name, value)
        self.desktop.process_events(0.2)

    def start(self) -> None:
        """Press Run and wait for the live map of some passes."""
        self.ui.runButton.click()
        self._run = self.panel.logic.run
        if self._run is None:
            raise RuntimeError(f"The run did not begin: {self.ui.reasonLabel.text}")

        def sharp() -> bool:
            preview = self._run.state.preview
            return self._run.ended or (preview is not None and preview.perturbed >= 5)

        self.desktop.wait_until(sharp, _LONGEST_RUN_S)

    def finish(self) -> None:
        """Wait for the result."""
        self.desktop.wait_until(lambda: self._run.ended, _LONGEST_RUN_S)
        if self._run.result is None:
            raise RuntimeError(f"{self._run.state.problem} {self._run.state.log}")
        self.desktop.process_events(0.5)

    def load_structures(self) -> None:
        """Load the tissues of the fixed image as structures, with their names."""
        import slicer

        image = sample_pair("reference").fixed_labels
        node = slicer.util.loadVolume(str(image.path), {"labelmap": True, "name": "Tissues"})
        names = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", "Tissues")
        names.SetTypeToUser()
        names.SetNumberOfColors(len(_TISSUES))
        for label, (name, color) in enumerate(_TISSUES):
            names.SetColor(label, name, *color)
        node.GetDisplayNode().SetAndObserveColorNodeID(names.GetID())
        self.choose(structures=node)

    def look_from(self, direction: tuple[float, float, float], distance_mm: float) -> None:
        """Turn the 3D view: look at the middle of the image from a direction, RAS."""
        import slicer

        bounds = [0.0] * 6
        self.panel.result.warped.GetRASBounds(bounds)
        middle = [(low + high) / 2 for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
        length = sum(part * part for part in direction) ** 0.5
        camera = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCameraNode")
        camera.SetFocalPoint(middle)
        camera.SetPosition(
            [m + distance_mm * d / length for m, d in zip(middle, direction, strict=True)]
        )
        camera.SetViewUp([0.0, 0.0, 1.0])
        camera.ResetClippingRange()

    def place_point(self) -> None:
        """Place the teaching point on the worst place, and look at it from nearby."""
        from TTAUncertaintyLib.controls.spread_controls import POINT

        self.ui.placePointButton.click()
        spot = self.panel.result.record["summary"]["hot_spots"][0]
        x, y, z = spot["position_ras_mm"]
        self.panel.result.reference(POINT).AddControlPoint(x, y, z)
        self.desktop.process_events(0.2)
        self.ui.closeUpButton.click()

    def fit(self) -> None:
        """Let the views show all of the image, at the size that they have by now."""
        self.desktop.screenshot(self.desktop.folder / "picture.png")
        fit(self.panel.stage, self.panel.result.warped)


def empty(tour: Tour) -> None:
    """Nothing is loaded: what to do about it is said."""
    tour.unfold("inputsSection", "mapSection")


def inputs(tour: Tour) -> None:
    """The sample pair is loaded and chosen; there is nothing left to do but press Run."""
    tour.ui.emptyLabel.linkActivated.emit("sample:reference")
    tour.load_structures()
    tour.choose(keepRegistrations=True)


def running(tour: Tour) -> None:
    """The live map, some passes in."""
    tour.start()


def result(tour: Tour) -> None:
    """The finished map over the warped image."""
    tour.finish()
    tour.unfold("mapSection")


def side_by_side(tour: Tour) -> None:
    """Fixed image, warped image and map side by side, above a threshold."""
    tour.choose(layout="side-by-side", thresholdMm=1.0)
    tour.fit()


def in_3d(tour: Tour) -> None:
    """The high places in 3D, and the transform's grid."""
    tour.choose(layout="four-up", thresholdMm=0.0, map3d=True, gridVisible="grid")
    tour.look_from((-0.6, -0.7, 0.45), 420)


def review(tour: Tour) -> None:
    """The worst place, judged."""
    ui = tour.ui
    tour.choose(gridVisible="none")
    tour.unfold("reviewSection")
    ui.hotSpotSlider.value = 2.0
    tour.desktop.process_events(1.0)  # the list follows when the slider rests
    ui.nextButton.click()
    verdict(ui, "check").click()
    ui.spotCommentEdit.text = "Follows the sulcus? Compare with the fixed image."
    ui.spotCommentEdit.editingFinished.emit()
    ui.nextButton.click()
    verdict(ui, "accept").click()
    ui.previousButton.click()


def verdict(ui: Any, value: str) -> Any:
    """Return the button of a verdict on the place that is looked at."""
    buttons = ui.spotVerdictButtons.children()
    return next(button for button in buttons if button.objectName == value)


def teaching(tour: Tour) -> None:
    """The perturbed registrations, and where they put the worst place."""
    tour.choose(map3d=False)
    tour.unfold("teachingSection")
    tour.place_point()


#: The stops in their order, by the name of the picture.
STOPS: dict[str, Callable[[Tour], None]] = {
    stop.__name__.replace("_", "-"): stop
    for stop in (empty, inputs, running, result, side_by_side, in_3d, review, teaching)
}


def pictures(names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Go the whole way, and yield the PNG files of the stops that are named."""
    from make_screenshots import REPOSITORY

    with Desktop(views=True, size=_WINDOW) as desktop:
        tour = Tour(desktop, REPOSITORY / MODULE / f"{MODULE}.py")
        last = max(list(STOPS).index(name) for name in names)
        for name, stop in list(STOPS.items())[: last + 1]:
            stop(tour)
            if name in names:
                yield name, tour.picture()
