"""The controls of a map: from a person's choices to what the views show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from ..errors import InputError
from ..results import MapKind
from ..scene.colors import color_choices
from ..scene.layouts import Layout, current_layout
from ..scene.looks import SHOWN_ATTRIBUTE, display_of, surfaces_differ
from ..scene.outlines import Outlines, show_outlines
from ..scene.presentation import (
    Background,
    Presentation,
    present,
    present_in_new_views,
    show_turn,
    withdraw,
)
from ..scene.result import ResultNodes
from ..scene.stage import Stage
from ..scene.structures import Structures
from .clock import Clock
from .map_choices import MapChoices, fields_of, kind_of, presentation_of
from .map_view import MapView, view_of

#: Key of the text on the result's node: the views have been made to look at it once.
SEEN_KEY = "views_fitted"

#: Milliseconds that each of two images in turn stays: about two changes a second.
TURN_MS = 500

#: Milliseconds that a slider rests before surfaces in 3D follow it: they take longer than colours.
_REST_MS = 250


class MapScreen(Protocol):
    """Where the choices are kept and shown; a panel or a page."""

    @property
    def stage(self) -> Stage:
        """The scene and what surrounds it."""

    def choices(self) -> MapChoices | None:
        """Return the choices; None while nothing is to be done."""

    def choose(self, **fields: Any) -> None:
        """Keep other choices, by their names in `MapChoices`, and see to it that they are followed.

        That may be done within this call, or soon after it.
        """

    @property
    def has_structures(self) -> bool:
        """Whether structures of the fixed image are chosen."""

    def structures(self) -> Structures | None:
        """Return them on the result's voxels; raise InputError if unusable."""

    def show(self, view: MapView) -> None:
        """Show the controls; that is not the person's doing."""

    def arrange(self, layout: Layout, first: bool) -> None:
        """The views are about to be arranged; `first` where a result has just come."""

    def look_at(self, volume: Any) -> None:
        """Let all views show the whole of a volume."""

    def look_around(self) -> None:
        """Let the 3D view show all that is in it."""


class MapControls:
    """Shows a result's maps as the choices say.

    What a map looks like is also in its display node: a map that is chosen again, or comes with a
    scene, goes on with the look that it had.

    Parameters
    ----------
    clock
        For images that take turns, and for sliders that come to rest.
    """

    def __init__(self, screen: MapScreen, clock: Clock) -> None:
        self._screen = screen
        #: What is shown, and which of its maps; None for none.
        self.result: ResultNodes | None = None
        self.kind: MapKind | None = None
        #: Something else has the views for a while: a run's live map, or the player.
        self.suspended = False
        self._entered = False
        self._shown: Presentation | None = None
        self._view = MapView()
        self._turn = ""
        self._turns = clock.every(TURN_MS, self._take_turn)
        self._rested = clock.after(_REST_MS, self._present_all)

    # what happens around them

    def on_result(self, result: ResultNodes | None) -> None:
        """Show another result, as it looked when it was shown last; or none."""
        self.hold()
        self._withdraw()
        self.result, self.kind, self._shown = result, None, None
        choices = self._screen.choices()
        if result is None or choices is None:
            return
        seen = bool(result.text(SEEN_KEY))
        if not seen and choices.kind in ("", MapKind.TOTAL.value) and result.maps:
            # a new result, and no other map was asked for: the one that says where to look
            self._screen.choose(kind=MapKind.foremost(result.maps).value)
        self.follow()
        if not seen:
            result.set_text(SEEN_KEY, "1")
            self._screen.look_at(result.warped)

    def enter(self) -> None:
        """The person sees these controls."""
        self._entered = True
        self.follow()

    def exit(self) -> None:
        """The person is elsewhere: the views hold still."""
        self._entered = False
        self._flicker(False)
        self.hold()

    def hold(self) -> None:
        """Let nothing happen by itself."""
        self._turns.stop()
        self._rested.stop()
        self._turn = ""

    def suspend(self) -> None:
        """Leave the slices to something else."""
        self.hold()
        self.suspended = True

    def leave(self) -> None:
        """Leave all views to something else, the one in 3D too."""
        self.suspend()
        self._withdraw()

    def show_again(self) -> None:
        """The views are free again: show what is chosen."""
        self.suspended = False
        self._shown = None
        self.follow()

    # what a person does

    def choose(self, **fields: Any) -> None:
        """Choose something, by its name in `MapChoices`; what is not possible is not done."""
        view = self._view
        for name, options in (
            ("background", view.backgrounds),
            ("compare", view.comparisons),
            ("transform", view.transforms),
            ("outlines", view.outlines),
        ):
            if any(option.why_not and option.value == fields.get(name) for option in options):
                return
        if "background" in fields:
            fields["compare"] = "none"  # one image is asked for
        self._screen.choose(**fields)

    def toggle(self, **fields: str) -> None:
        """Choose something, or none of it where it is chosen already."""
        choices = self._screen.choices()
        self.choose(
            **{
                name: "none" if getattr(choices, name) == value else value
                for name, value in fields.items()
            }
        )

    def step(self) -> None:
        """Go on to the next map; the list is a ring."""
        values = [option.value for option in self._view.maps]
        if self.kind is not None and self.kind.value in values:
            place = values.index(self.kind.value)
            self._screen.choose(kind=values[(place + 1) % len(values)])

    def other_layout(self) -> None:
        """Arrange the views the other way."""
        by_side = self._view.layout == Layout.SIDE_BY_SIDE.value
        self.choose(layout=(Layout.FOUR_UP if by_side else Layout.SIDE_BY_SIDE).value)

    def follow(self) -> None:
        """Bring controls and views in line with the choices."""
        choices, result = self._screen.choices(), self.result
        if choices is None or result is None or self.suspended:
            return
        kind = kind_of(choices, result)
        if kind is None:
            gone = "The maps of this result are not in the scene any more."
            self._screen.show(MapView(meaning=gone))
            return
        if kind is not self.kind:
            self.kind = kind
            self._screen.choose(**fields_of(display_of(result, kind, choices.opacity)))
            choices = self._screen.choices() or choices
        wanted = self._wanted(choices, result, kind)
        if surfaces_differ(self._shown, wanted) and self._shown is not None:
            # colours at once, surfaces when the slider rests
            before = self._shown
            self._present(result, replace(wanted, in_3d=before.in_3d, level_3d=before.level_3d))
            self._rested.start()
        elif wanted != self._shown:
            self._present(result, wanted)
        compare = choices.compare if result.fixed else "none"
        self._flicker(compare == "flicker" and self._entered)
        self._view = self._view_of(result, wanted, compare)
        self._screen.show(self._view)

    # how it is done

    def _wanted(self, choices: MapChoices, result: ResultNodes, kind: MapKind) -> Presentation:
        return presentation_of(choices, result, kind, self._colors(kind), self._structures)

    def _structures(self) -> Structures | None:
        try:
            return self._screen.structures()
        except InputError:  # the review says why
            return None

    def _colors(self, kind: MapKind) -> tuple[str, ...]:
        return tuple(color_choices(self._screen.stage, kind))

    def _view_of(self, result: ResultNodes, wanted: Presentation, compare: str) -> MapView:
        layout = current_layout(self._screen.stage)
        colors = self._colors(wanted.display.kind)
        has_structures = self._screen.has_structures
        return view_of(result, wanted, colors, compare, self._turn, layout, has_structures)

    def _present_all(self) -> None:
        choices = self._screen.choices()
        if choices is not None and self.result is not None and self.kind is not None:
            self._present(self.result, self._wanted(choices, self.result, self.kind))

    def _present(self, result: ResultNodes, wanted: Presentation) -> None:
        stage, before = self._screen.stage, self._shown
        if before is None or before.layout is not wanted.layout:
            if wanted.layout is not None:
                self._screen.arrange(wanted.layout, before is None)
            present_in_new_views(stage, result, wanted)
        else:
            present(stage, result, wanted)
        lines = (wanted.outlines, wanted.structures)
        if lines != ((before.outlines, before.structures) if before else (Outlines.NONE, None)):
            show_outlines(stage, result, *lines)
        result.maps[wanted.display.kind].SetAttribute(SHOWN_ATTRIBUTE, "1")
        self._shown = wanted
        if wanted.in_3d and not (before is not None and before.in_3d):
            self._screen.look_around()

    def _withdraw(self) -> None:
        """Nothing of the result stays in the views."""
        stage = self._screen.stage
        if self.result is None or stage.scene.IsClosing():
            return
        if stage.scene.IsNodePresent(self.result.node):
            withdraw(stage, self.result)

    def _flicker(self, wanted: bool) -> None:
        """Let two images take turns, or show again the one that was chosen."""
        if wanted and not self._turns.active:
            self._take_turn()
            self._turns.start()
        elif not wanted and self._turns.active:
            self._turns.stop()
            self._turn = ""
            if self._shown is not None and self.result is not None:
                self._present(self.result, self._shown)

    def _take_turn(self) -> None:
        """Show the other one of the two images that take turns, and say which."""
        result, shown = self.result, self._shown
        if result is None or shown is None or result.fixed is None:
            return
        warped = self._turn != Background.WARPED.value
        background = Background.WARPED if warped else Background.FIXED
        show_turn(self._screen.stage, result, shown, background)
        self._turn = background.value
        self._view = replace(self._view, background=self._turn, turn=self._turn)
        self._screen.show(self._view)
