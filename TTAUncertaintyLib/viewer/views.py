"""The views on the page: Slicer's own, in the two arrangements of `scene.layouts`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import vtk
from trame.widgets import client, html
from trame_slicer.app.logic import connect_slice_view_slider_to_state
from trame_slicer.app.ui.slider import Slider
from trame_slicer.rca_view import RemoteSliceViewFactory, RemoteThreeDViewFactory
from trame_slicer.views import DirectRendering, ViewLayoutDefinition, ViewProps, ViewType

from ..results.review_report import Picture
from ..scene.layouts import SIDE_BY_SIDE, Layout
from ..scene.pictures import png_of_window, views_as_before
from ..scene.slices import fit, hide_crosshair, jump_to, middle_of, move_to
from .application import ViewerApplication

#: Name of the 3D view.
THREE_D = "ThreeD"

#: Pictures a second at most, and their quality while something moves (1 to 100).
_FPS, _QUALITY = 30.0, 70

#: Seconds after which a page that has just connected is drawn for once more, one after another.
_DRAW_AGAIN_S = (0.5, 1.5, 4.0)


@dataclass(frozen=True)
class _View:
    tag: str
    title: str
    orientation: str
    color: str
    group: int = 0


_SLICES = {
    Layout.FOUR_UP: (
        _View("Red", "Axial", "Axial", "#F34A33"),
        _View("Yellow", "Sagittal", "Sagittal", "#EDD54C"),
        _View("Green", "Coronal", "Coronal", "#6EB04B"),
    ),
    Layout.SIDE_BY_SIDE: (
        _View(SIDE_BY_SIDE["fixed"], "Fixed", "Axial", "#8A8F98", 7),
        _View(SIDE_BY_SIDE["warped"], "Warped", "Axial", "#8A8F98", 7),
        _View(SIDE_BY_SIDE["map"], "Map over image", "Axial", "#F1584F", 7),
    ),
}


class Views:
    """Makes the views, arranges them, lets them look at a volume.

    Parameters
    ----------
    server
        trame's.
    """

    def __init__(self, server: Any, application: ViewerApplication) -> None:
        self._server = server
        self._application = application
        self._manager = application.slicer_app.view_manager
        self._titles: dict[str, str] = {THREE_D: "3D"}
        self._unfitted: set[str] = set()
        self._volume: Any = None
        self._drawing: asyncio.Task[None] | None = None
        self._layout = Layout.FOUR_UP
        self._tags: tuple[str, ...] = ()
        self._place: tuple[float, float, float] | None = None
        for kind, ui in (
            (RemoteSliceViewFactory, self._slice_ui),
            (RemoteThreeDViewFactory, self._three_d_ui),
        ):
            self._manager.register_factory(
                kind(
                    server,
                    populate_view_ui_f=ui,
                    target_fps=_FPS,
                    blur_fps=_FPS,
                    interactive_quality=_QUALITY,
                )
            )
        # trame-slicer observes an event of which VTK 9.6 says that it is old
        with _quiet(), _undrawn():
            for views in _SLICES.values():
                for view in views:
                    self._add(view)
            view = self._manager.create_view(ViewLayoutDefinition.threed_view(name=THREE_D))
        # peeling, which draws what is transparent, does not go together with multisampling
        view.render_window().SetMultiSamples(0)
        view.render_window().SetAlphaBitPlanes(1)
        view.renderer().UseFXAAOn()
        self.arrange(Layout.FOUR_UP)
        server.controller.on_client_connected.add(self._draw_for_new_page)

    def _add(self, view: _View) -> None:
        self._titles[view.tag] = view.title
        properties = ViewProps(
            orientation=view.orientation,
            label=view.title[0],
            color=view.color,
            group=view.group,
        )
        made = self._manager.create_view(
            ViewLayoutDefinition(view.tag, ViewType.SLICE_VIEW, properties)
        )
        made.interactor().AddObserver("WindowResizeEvent", lambda *_: self._resized(view.tag), -1.0)

    def arrange(self, layout: Layout) -> None:
        """Draw the views of an arrangement, and those alone; they look where those before did."""
        tags = [view.tag for view in _SLICES[layout]]
        if layout is not self._layout and self._volume is not None:
            self._place = middle_of(self._application.stage, self._tags, self._place)
            move_to(self._application.stage, self._place, tuple(tags))
        self._layout, self._tags = layout, tuple(tags)
        self._manager.set_current_view_ids([*tags, THREE_D] if layout is Layout.FOUR_UP else tags)

    def look_at(self, volume: Any) -> None:
        """Show the whole of a volume: now, and in each view once more when it gets its size."""
        self._volume, self._place = volume, None
        self._unfitted = {view.tag for views in _SLICES.values() for view in views}
        fit(self._application.stage, volume)
        hide_crosshair(self._application.stage)  # it marked a place in what was shown before
        view = self._manager.get_view(THREE_D)
        view.reset_focal_point()
        view.fit_view_to_content()

    def look_around(self) -> None:
        """Let the 3D view show all that is in it."""
        view = self._manager.get_view(THREE_D)
        view.fit_view_to_content()

    def build(self) -> None:
        """Write the views into the page."""
        for layout, views in _SLICES.items():
            with html.Div(
                v_if=(f"map_layout === '{layout.value}'",), classes=f"tta-grid tta-{layout.value}"
            ):
                tags = [view.tag for view in views]
                for tag in [tags[0], THREE_D, *tags[1:]] if layout is Layout.FOUR_UP else tags:
                    with html.Div(classes="tta-cell"):
                        client.ServerTemplate(name=self._server.translator.translate_key(tag))

    def pictures(self, what: str) -> list[Picture]:
        """Return pictures of the views as they are; `what` is what they show."""
        tags = [view.tag for view in _SLICES[self._layout]]
        if self._layout is Layout.FOUR_UP:
            tags.append(THREE_D)
        return [Picture(f"{self._titles[tag]}: {what}", self._picture(tag)) for tag in tags]

    def pictures_of_places(self, places: dict[int, tuple[float, float, float]]) -> list[Picture]:
        """Return a picture of each place (world RAS mm, by rank); views are as before then."""
        found = []
        shown = _SLICES[self._layout][0 if self._layout is Layout.FOUR_UP else -1]
        with views_as_before(self._application.stage):
            for rank, place in places.items():
                jump_to(self._application.stage, place)
                caption = f"Place {rank}, {shown.orientation.lower()}"
                found.append(Picture(caption, self._picture(shown.tag), rank))
        return found

    def _picture(self, tag: str) -> bytes:
        view = self._manager.get_view(tag)
        view.render()
        return png_of_window(view.render_window())

    def _draw_for_new_page(self, **_kwargs: Any) -> None:
        """Draw again for a page that has just come: what was drawn before, it has not seen."""

        async def draw() -> None:
            for delay in _DRAW_AGAIN_S:
                await asyncio.sleep(delay)
                for view in self._manager.get_views():
                    view.schedule_render()

        self._drawing = asyncio.get_running_loop().create_task(draw())

    def _resized(self, tag: str) -> None:
        if tag in self._unfitted and self._volume is not None:
            self._unfitted.discard(tag)
            fit(self._application.stage, self._volume, (tag,))
            if self._place is not None:
                move_to(self._application.stage, self._place, (tag,))

    def _slice_ui(self, server: Any, _view_id: str, view: Any) -> None:
        tag = view.get_singleton_tag()
        html.Div(self._titles.get(tag, tag), classes=f"tta-view-title tta-title-{tag}")
        with html.Div(classes="tta-slice-slider"):
            Slider(
                typed_state=connect_slice_view_slider_to_state(server, view),
                theme="dark",
                dense=True,
            )

    def _three_d_ui(self, _server: Any, _view_id: str, _view: Any) -> None:
        html.Div("3D", classes="tta-view-title")


@contextmanager
def _undrawn() -> Iterator[None]:
    """Do not draw views while they are made: trame-slicer would, at each of sixty properties."""
    draw = DirectRendering.schedule_render
    DirectRendering.schedule_render = lambda _: None
    try:
        yield
    finally:
        DirectRendering.schedule_render = draw


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep VTK's warnings out of the terminal."""
    before = vtk.vtkObject.GetGlobalWarningDisplay()
    vtk.vtkObject.SetGlobalWarningDisplay(0)
    try:
        yield
    finally:
        vtk.vtkObject.SetGlobalWarningDisplay(before)
