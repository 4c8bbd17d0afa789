"""One run, from two nodes of the scene to a loaded result, without ever blocking Slicer.

A timer takes one small step at a time: each input is written in a step of its own, then the
background process is started, then it is asked now and then how far it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.errors import InputError, TTAUncertaintyError
from TTAUncertaintyLib.results import RESULT
from TTAUncertaintyLib.scene.live_preview import LivePreview
from TTAUncertaintyLib.scene.loading import ResultReading
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.worker.run import Phase, RunState

from . import active
from .listening import Holds, Listeners, tell
from .preparation import Preparation
from .timers import every
from .troubles import failed, in_words


class RunController:
    """A run: begins at once, ends by itself, and tells whoever wants to know.

    Parameters
    ----------
    choices
        `RunChoices`, checked by `reason_not_to_run`.
    machine
        `MachineSettings`.
    output
        Folder for the result; a new one under the machine's results folder if not given.
    showPreview
        Show the provisional map in the scene while passes arrive.
    silence_s
        Seconds without a sign of life after which the process counts as hung.

    Raises
    ------
    InputError
        If another run is under way.
    """

    def __init__(
        self,
        choices: Any,
        machine: Any,
        output: Path | str | None = None,
        showPreview: bool = True,
        silence_s: float = 60.0,
    ) -> None:
        if active.running() is not None:
            raise InputError(
                _("Another registration is running."),
                _("Wait for it, or press Cancel, before starting the next one."),
            )
        self.choices = choices
        #: `RunState`, the latest.
        self.state = RunState()
        #: `ResultNodes` once the run has finished and its result is loaded.
        self.result: Any = None
        #: Whether it is over and cleaned up.
        self.ended = False
        #: Seconds that each kind of step held up Slicer at most, by name.
        self.holds = Holds()
        self._preparation = Preparation(
            choices, machine, None if output is None else Path(output), silence_s
        )
        self._reading: ResultReading | None = None
        self._finished = self.state  # the process's last word, while its result is read
        self._showPreview = showPreview
        self._listeners = Listeners()
        self._stage = Stage.current()
        self._live = LivePreview(self._stage)
        self._sceneClosed = False
        self._inStep = False
        self._wish = ""  # "stop" or "cancel", from before there is a process
        self._began = time.monotonic()
        scene = self._stage.scene
        self._sceneTag = scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, self._onSceneClose)
        self._timer = every(100, self.poll)  # ms between two looks at the process
        active.begin(self)
        self._timer.start()

    def observe(
        self,
        onState: Callable[[RunState], None] | None = None,
        onPreview: Callable[[Any], None] | None = None,
        onFinished: Callable[[Any], None] | None = None,
    ) -> None:
        """Be told about the run.

        Parameters
        ----------
        onState
            Called with the `RunState` after every look; at once with the present one.
        onPreview
            Called with what `scene.preview.show_preview` returns, after it was shown.
        onFinished
            Called once at the end, with the `ResultNodes` or with None.
        """
        self._listeners.add("state", onState)
        self._listeners.add("preview", onPreview)
        self._listeners.add("finished", onFinished)
        tell(onState, self.state)

    def stopAndKeep(self) -> None:
        """End early with what has been computed; returns at once."""
        self._ask("stop")

    def cancel(self) -> None:
        """End now and keep nothing; returns at once, the process is gone within five seconds."""
        self._ask("cancel")

    def wait(self, timeout_s: float | None = None) -> RunState:
        """Wait for the end, or some seconds, while Slicer goes on handling events."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while not self.ended and (until is None or time.monotonic() < until):
            self.poll()
            slicer.app.processEvents()
            time.sleep(0.01)
        return self.state

    def close(self) -> None:
        """End it whatever it takes, and leave nothing behind; blocks for at most five seconds."""
        if not self.ended:
            self._end(replace(self.state, phase=Phase.CANCELLED))

    def poll(self) -> None:
        """Take the next step, as the timer does; never blocks for long."""
        if self._inStep or self.ended:
            return
        self._inStep = True
        try:
            self._step()
        except Exception as error:
            trouble = in_words(error)
            if not self.ended:
                self._end(failed(self.state, trouble))
        finally:
            self._inStep = False

    def _ask(self, word: str) -> None:
        run = self._preparation.run
        if self.ended:
            return
        if run is None or self._reading is not None:
            self._wish = word
        elif word == "stop":
            run.stop_and_keep()
        else:
            run.cancel()

    def _step(self) -> None:
        run = self._preparation.run
        if self._reading is not None:
            self._waitFor(self._reading)
        elif run is not None:
            self._look(run.poll())
        elif self._wish == "cancel":
            self._end(replace(self.state, phase=Phase.CANCELLED))
        else:
            began = time.monotonic()
            name = self._preparation.step()
            self.holds.note(name, time.monotonic() - began)
            self._tell(replace(self.state, elapsed_s=time.monotonic() - self._began))
            if self._wish:
                self._ask(self._wish)

    def _look(self, state: RunState) -> None:
        if state.phase is Phase.FINISHED and state.output is not None:
            self._finished = state
            self._reading = ResultReading(state.output, self._preparation.fixedFile)
            return
        if state.ended:
            self._end(state)
            return
        self._tell(state)
        if self._showPreview and not self._sceneClosed and not state.cancelling:
            self._live.offer(state.preview)
            if self._live.due:
                self._showLive()

    def _showLive(self) -> None:
        """Show the provisional map. What goes wrong with it is no reason to end the run."""
        try:
            with self.holds.measure("showing a preview"), slicer.util.RenderBlocker():
                self._listeners.tell("preview", self._live.show())
        except Exception:
            logging.exception("TTAUncertainty: the provisional map could not be shown")

    def _waitFor(self, reading: ResultReading) -> None:
        """Load the result when it is read; one that nobody wants any more is removed."""
        state = self._finished
        if self._sceneClosed or self._wish == "cancel":
            if state.output is not None:
                RESULT.remove(state.output)
            self._end(replace(state, phase=Phase.CANCELLED, output=None))
        elif reading.ended:
            try:
                with self.holds.measure("loading the result"):
                    self.result = reading.load(
                        self._stage, self.choices.fixedVolume, self.choices.movingVolume
                    )
            except TTAUncertaintyError as error:
                where = _("What there is lies in {folder}.").format(folder=state.output)
                state = failed(state, error, where)
            self._end(state)

    def _end(self, state: RunState) -> None:
        """Clean up and tell."""
        self.ended = True
        active.over(self)
        for step in (self._stopWatching, self._preparation.clean_up, self._removePreview):
            try:  # when Slicer quits, parts of it may be gone already
                step()
            except Exception:
                logging.exception("TTAUncertainty: a run did not end cleanly")
        self._tell(state)
        self._listeners.tell("finished", self.result)
        self._listeners.clear()

    def _stopWatching(self) -> None:
        self._timer.stop()
        self._stage.scene.RemoveObserver(self._sceneTag)

    def _removePreview(self) -> None:
        if not self._sceneClosed:
            self._live.remove()

    def _tell(self, state: RunState) -> None:
        self.state = state
        self._listeners.tell("state", state)

    def _onSceneClose(self, *_arguments: object) -> None:
        self._sceneClosed = True
        self.cancel()
