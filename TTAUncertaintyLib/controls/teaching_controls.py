"""The controls of teaching: the perturbed registrations one after another, and what they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..background_work import BackgroundWork
from ..errors import TTAUncertaintyError
from ..geometry import StoredImage
from ..results import Bundle, KeptRegistrations, MapKind
from ..results.build_up import BuildUp
from ..scene.display import refresh_legend
from ..scene.loading import folder_of
from ..scene.looks import display_of
from ..scene.result import ResultNodes
from ..scene.slices import Layers, set_layers
from ..scene.stage import Stage
from ..scene.teaching import (
    current_pass,
    load_registrations,
    played_registrations,
    read_registrations,
    show_build_up,
    show_pass,
)
from .clock import Clock
from .option import Phrase

#: Milliseconds that each registration stays, and between two looks at work in the background.
_STAYS_MS, _LOOK_MS = 800, 20

_NO_WORDS, _NOTHING = Phrase(), Phrase("There is nothing to play before there is a result.")
_NOT_KEPT = "This result did not keep its perturbed registrations."
_GONE = "The registrations of this result lie in its folder, which is not on this computer."
_KEPT = (
    "Each registration answers another perturbation of the moving image, which has been undone "
    "again. An equivariant network would give the same image every time. What moves, adds up to "
    "the map."
)
BUILD_UP = (
    "The map needs two complete perturbations before it says anything. Its colours are those of "
    "the finished map."
)


@dataclass(frozen=True)
class TeachingView:
    """What is to be seen of the registrations."""

    #: What they are, or why there are none.
    words: Phrase = _NOTHING
    #: How many there are, and which is shown, from 0 on.
    count: int = 0
    number: int = 0
    #: What that one did.
    label: Phrase = _NO_WORDS
    #: Whether they go on by themselves, and whether the views show one of them.
    playing: bool = False
    on: bool = False


class TeachingScreen(Protocol):
    """Where the registrations are played; a panel or a page."""

    @property
    def stage(self) -> Stage:
        """The scene and what surrounds it."""

    @property
    def opacity(self) -> float:
        """Of a map over the image, 0 to 1."""

    @property
    def hint(self) -> str:
        """How to keep the registrations of the next run, in a sentence."""

    @property
    def free(self) -> bool:
        """Whether the views may be taken now."""

    def take_views(self) -> None:
        """The views are about to show registrations."""

    def give_views_back(self) -> None:
        """The views are to show again what they did before."""

    def trouble(self, error: TTAUncertaintyError) -> None:
        """Say what went wrong."""

    def show(self, view: TeachingView) -> None:
        """Show the controls; that is not the person's doing."""


class TeachingControls:
    """Plays the registrations of a result that kept them.

    Parameters
    ----------
    build_up
        Whether the map of the passes so far is laid over them.
    """

    def __init__(self, screen: TeachingScreen, clock: Clock, build_up: bool = False) -> None:
        self._screen = screen
        self._builds = build_up
        #: What is shown, and the registrations that it kept; None for none.
        self.result: ResultNodes | None = None
        self.kept: KeptRegistrations | None = None
        self._build_up: BuildUp | None = None
        self._reading: BackgroundWork[list[StoredImage]] | None = None
        self._adding: BackgroundWork[NDArray[np.float32] | None] | None = None
        self._added = 0  # how many registrations are in the map that is made or being made
        self._layers: Layers | None = None  # what the views show by our doing
        self._words = _NOTHING
        self._number, self._label = 0, ""
        self._turns = clock.every(_STAYS_MS, self._turn)
        self._looks = clock.every(_LOOK_MS, self._look)

    def on_result(self, result: ResultNodes | None) -> None:
        """Take the registrations of another result."""
        self.end()
        self.result, self.kept, self._build_up, self._adding = result, None, None, None
        self._number, self._label, self._added = 0, "", 0
        self._words = _NOTHING if result is None else self._open(result)
        if result is not None and self.kept is not None:
            self._build_up = BuildUp(self.kept)
            self._number = max(current_pass(result), 0)
            self._label = self.kept.labels[self._number]
        self._say()

    def _open(self, result: ResultNodes) -> Phrase:
        """Open what a result kept, and say what that is."""
        if not result.record.get("files", {}).get("registrations"):
            return Phrase(f"{_NOT_KEPT} {self._screen.hint}")
        folder = folder_of(result)
        if folder is None:
            return Phrase(_GONE)
        try:
            self.kept = KeptRegistrations.open(Bundle.open(folder))
        except TTAUncertaintyError as error:
            return Phrase("{error}", {"error": error})
        return Phrase(_KEPT)

    # what a person does

    def toggle(self) -> None:
        """Play, or hold."""
        if self._turns.active:
            self._turns.stop()
            self._say()
        elif self.kept is not None and self._screen.free:
            self._turns.start()
            if self._layers is None:
                self.go(self._number)
            else:
                self._turn()

    def go(self, number: int) -> None:
        """Show a registration, from 0 on, as soon as they are read."""
        result, kept = self.result, self.kept
        if result is None or kept is None or not self._screen.free:
            return
        self._number = min(max(number, 0), kept.count - 1)
        if played_registrations(result) is not None:
            self._show(result, kept)
        elif self._reading is None:
            self._reading = BackgroundWork(lambda: read_registrations(kept))
            self._label = "Reading the registrations…"
            self._looks.start()
            self._say()

    def let_build_up(self, wanted: bool) -> None:
        """Lay the map of the passes so far over them, or not."""
        if wanted is not self._builds:
            self._builds = wanted
            if self._layers is not None:
                self.go(self._number)

    def end(self) -> None:
        """Stop, and give the views back."""
        self._turns.stop()
        self._looks.stop()
        if self._reading is not None:
            self._reading, self._label = None, ""
        if self._layers is not None:
            self._layers = None
            self._screen.give_views_back()
            self._follow_legends()
        self._say()

    def forget(self) -> None:
        """The views' nodes are about to go: there is nothing to give back."""
        self._layers = None
        self.end()

    # how it is done

    def _turn(self) -> None:
        if self.kept is not None and self._reading is None:
            self.go((self._number + 1) % self.kept.count)

    def _look(self) -> None:
        """Go on with what was read, or with the map that was made, if all is."""
        try:
            if self._reading is not None and self._reading.ended:
                self._take_registrations(self._reading)
            elif self._adding is not None and self._adding.ended:
                self._take_map(self._adding)
        except TTAUncertaintyError as error:
            self._label = ""
            self.end()
            self._screen.trouble(error)
        if self._reading is None and self._adding is None:
            self._looks.stop()

    def _take_registrations(self, reading: BackgroundWork[list[StoredImage]]) -> None:
        result, kept = self.result, self.kept
        self._reading = None
        if result is not None and kept is not None:
            load_registrations(self._screen.stage, result, kept, reading.take())
            self._show(result, kept)

    def _take_map(self, adding: BackgroundWork[NDArray[np.float32] | None]) -> None:
        """Show the map of the passes so far, or go on to those that are shown by now."""
        result, kept = self.result, self.kept
        self._adding = None
        values = adding.take()
        if result is None or kept is None or self._layers is None or not self._builds:
            return
        if self._added != self._number + 1:
            self._add_up()
            return
        stage, over = self._screen.stage, None
        if values is not None:
            # the colours of the finished map, so that what grows can be compared
            window = display_of(result, MapKind.TOTAL, self._screen.opacity).window
            over = show_build_up(stage, result, kept, values, window)
        self._lay(result, over)
        self._label = kept.labels[self._number]
        self._say()

    def _show(self, result: ResultNodes, kept: KeptRegistrations) -> None:
        """Show the pass that is chosen, and begin with the map of the passes so far."""
        if self._layers is None:
            self._screen.take_views()
        show_pass(self._screen.stage, result, self._number)
        self._label = kept.labels[self._number]
        if self._layers is None or not self._builds:
            self._lay(result, None)
        if self._builds:
            self._add_up()
        self._say()

    def _add_up(self) -> None:
        """Make the map of the passes so far, which takes a while after a long way."""
        build_up, passes = self._build_up, self._number + 1
        if passes - self._added not in (0, 1):
            self._label = "Adding up the map…"
        if self._adding is None and build_up is not None:
            self._added = passes
            self._adding = BackgroundWork(lambda: build_up.after(passes))
        self._looks.start()

    def _lay(self, result: ResultNodes, over: object) -> None:
        """Show the registration, and a map or None over it."""
        wanted = Layers(played_registrations(result), over, self._screen.opacity if over else 0.0)
        if wanted != self._layers:  # what the person shows meanwhile stays
            self._layers = wanted
            set_layers(self._screen.stage, wanted)
            self._follow_legends()

    def _follow_legends(self) -> None:
        """A legend looks only when asked whether its map is still on the screen."""
        for volume in () if self.result is None else self.result.maps.values():
            refresh_legend(self._screen.stage, volume)

    def _say(self) -> None:
        count = 0 if self.kept is None else self.kept.count
        self._screen.show(
            TeachingView(
                self._words,
                count,
                self._number,
                Phrase(self._label),
                self._turns.active,
                self._layers is not None,
            )
        )
