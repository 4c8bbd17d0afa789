"""Plays the perturbed registrations of a result one after another, in the slice views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.background_work import BackgroundWork
from TTAUncertaintyLib.results.registrations import KeptRegistrations
from TTAUncertaintyLib.scene.display import refresh_legend
from TTAUncertaintyLib.scene.slices import Layers, composites, set_layers
from TTAUncertaintyLib.scene.teaching import (
    PLAYED,
    current_pass,
    load_registrations,
    played_registrations,
    read_registrations,
    show_pass,
)

from .look import media_icon, small_print
from .steps import Steps, Work
from .timers import every

#: Milliseconds that each registration stays.
_INTERVAL_MS = 500


class Player:
    """The slider and the buttons over it.

    Parameters
    ----------
    ui, host
        See `widget`.
    onTrouble
        Called with an error that a person is meant to read.
    """

    def __init__(self, ui: Any, host: Any, onTrouble: Callable[[Exception], None]) -> None:
        self._ui = ui
        self._host = host
        self._onTrouble = onTrouble
        self._kept: KeptRegistrations | None = None
        self._wanted = 0
        self._steps = Steps(self._failed)
        self._before: list[tuple[Any, str, str, float]] = []
        self._moving = False
        small_print(ui.passLabel)
        media_icon(ui.firstPassButton, "first")
        media_icon(ui.playButton, "play")
        self._timer = every(_INTERVAL_MS, self._advance)
        ui.playButton.toggled.connect(self._play)
        ui.firstPassButton.clicked.connect(lambda _checked=False: self.go(0))
        ui.passSlider.valueChanged.connect(lambda value: None if self._moving else self.go(value))

    def show(self, kept: KeptRegistrations | None) -> None:
        """Offer the registrations of a result, or none."""
        self.end()
        self._kept = kept
        result = self._host.result
        number = -1 if result is None else current_pass(result)
        self._moving = True
        self._ui.passSlider.maximum = 0 if kept is None else kept.count - 1
        self._moving = False
        self._say(max(number, 0))

    def go(self, number: int) -> None:
        """Show a registration, from 0 on."""
        result, kept = self._host.result, self._kept
        if result is None or kept is None:
            return
        played = played_registrations(result)
        if played is not None:
            self._show(result, played, number)
            return
        self._wanted = number
        if not self._steps.busy:
            self._host.clearMessage()
            self._ui.passLabel.text = _("Reading the registrations…")
            self._steps.begin(self._loading(result, kept), lambda _played: self.go(self._wanted))

    def _loading(self, result: Any, kept: KeptRegistrations) -> Work:
        reading = BackgroundWork(lambda: read_registrations(kept))
        yield reading
        return load_registrations(self._host.stage, result, kept, reading.take())

    def _failed(self, error: Exception) -> None:
        self._ui.playButton.checked = False
        self._ui.passLabel.text = ""
        self._onTrouble(error)

    def _show(self, result: Any, played: Any, number: int) -> None:
        stage = self._host.stage
        show_pass(stage, result, number)
        if not self._before:
            self._before = [
                (
                    node,
                    node.GetBackgroundVolumeID(),
                    node.GetForegroundVolumeID(),
                    node.GetForegroundOpacity(),
                )
                for node in composites(stage)
            ]
            set_layers(stage, Layers(played))
            self._followLegends()
        self._say(number)

    def end(self) -> None:
        """Stop, and show again what was there before."""
        self._timer.stop()
        self._steps.cancel()
        self._ui.playButton.checked = False
        played = None if self._host.result is None else self._host.result.reference(PLAYED)
        for node, background, foreground, opacity in self._before:
            if played is None or node.GetBackgroundVolumeID() != played.GetID():
                continue  # the person has chosen something else meanwhile
            held = node.StartModify()
            node.SetBackgroundVolumeID(background)
            node.SetForegroundVolumeID(foreground)
            node.SetForegroundOpacity(opacity)
            node.EndModify(held)
        if self._before:
            self._before = []
            self._followLegends()

    def forget(self) -> None:
        """The views' nodes are about to go: there is nothing to show again."""
        self._before = []
        self.end()

    def _followLegends(self) -> None:
        """A legend looks only when asked whether its map is still on the screen."""
        result = self._host.result
        if result is not None:
            for volume in result.maps.values():
                refresh_legend(self._host.stage, volume)

    def _play(self, wanted: bool) -> None:
        media_icon(self._ui.playButton, "pause" if wanted else "play")
        if wanted:
            self.go(int(self._ui.passSlider.value))
            self._timer.start()
        else:
            self._timer.stop()

    def _advance(self) -> None:
        if self._kept is not None:
            self.go((int(self._ui.passSlider.value) + 1) % self._kept.count)

    def _say(self, number: int) -> None:
        ui, kept = self._ui, self._kept
        self._moving = True
        ui.passSlider.value = number
        self._moving = False
        if kept is None:
            ui.passLabel.text = ui.passCountLabel.text = ""
            return
        ui.passCountLabel.text = _("{n} of {count}").format(n=number + 1, count=kept.count)
        ui.passLabel.text = kept.labels[number]
