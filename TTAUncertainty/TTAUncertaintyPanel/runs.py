"""One run, from two nodes of the scene to a loaded result, without ever blocking Slicer.

A timer takes one small step at a time: each input is written in a step of its own, then the
background process is started, then it is asked now and then how far it is.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.errors import InputError, OutputError, TTAUncertaintyError
from TTAUncertaintyLib.scene import preview
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.worker.run import Phase, RunState

from . import active
from .loading import load_result
from .preparation import Preparation

#: Milliseconds between two looks at the background process.
INTERVAL_MS = 100

#: Seconds that a step may hold up Slicer before the log says so.
LONG_HOLD_S = 0.05


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

    Attributes
    ----------
    state
        `RunState`, the latest.
    result
        `ResultNodes` once the run has finished and its result is loaded.
    ended
        Whether it is over and cleaned up.
    holds
        Seconds that each kind of step held up Slicer at most, by name.

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
        self.state = RunState()
        self.result: Any = None
        self.ended = False
        self.holds: dict[str, float] = {}
        self._preparation = Preparation(
            choices, machine, None if output is None else Path(output), silence_s
        )
        self._showPreview = showPreview
        self._observers: list[tuple[Callable[..., None] | None, ...]] = []
        self._stage = Stage.current()
        self._sceneClosed = False
        self._inStep = False
        self._wish = ""  # "stop" or "cancel", from before there is a process
        self._began = time.monotonic()
        scene = self._stage.scene
        self._sceneTag = scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, self._onSceneClose)
        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.poll)
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
        self._observers.append((onState, onPreview, onFinished))
        _call_safely(onState, self.state)

    def stopAndKeep(self) -> None:
        """End early with what has been computed; returns at once."""
        self._ask("stop")

    def cancel(self) -> None:
        """End now and keep nothing; returns at once, the process is gone within five seconds."""
        self._ask("cancel")

    def wait(self, timeout_s: float | None = None) -> RunState:
        """Wait for the end while Slicer goes on handling events; for scripts.

        Returns
        -------
        RunState
            The last one, or the present one after `timeout_s`.
        """
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
        """Take the next step. The timer does this; it never blocks for long."""
        if self._inStep or self.ended:
            return
        self._inStep = True
        try:
            self._step()
        except TTAUncertaintyError as error:
            self._fail(error)
        except OSError as error:
            self._fail(
                OutputError(
                    _("The images cannot be written for the run: {reason}.").format(
                        reason=error.strerror or error
                    ),
                    _("Free some space on the disk of temporary files."),
                )
            )
        except Exception as error:
            logging.exception("TTAUncertainty: a run went wrong")
            self._fail(
                TTAUncertaintyError(
                    _("Something went wrong inside ({kind}: {text}).").format(
                        kind=type(error).__name__, text=error
                    ),
                    _("This is a mistake in the software; please report it with the log."),
                )
            )
        finally:
            self._inStep = False

    def _ask(self, word: str) -> None:
        run = self._preparation.run
        if self.ended:
            return
        if run is None:
            self._wish = word
        elif word == "stop":
            run.stop_and_keep()
        else:
            run.cancel()

    def _step(self) -> None:
        run = self._preparation.run
        if run is not None:
            self._look(run.poll())
        elif self._wish == "cancel":
            self._end(replace(self.state, phase=Phase.CANCELLED))
        else:
            began = time.monotonic()
            name = self._preparation.step()
            self._noteHold(name, began)
            self._tell(replace(self.state, elapsed_s=time.monotonic() - self._began))
            if self._wish:
                self._ask(self._wish)

    def _look(self, state: RunState) -> None:
        fresh = state.preview is not None and state.preview != self.state.preview
        if state.ended:
            self._end(state)
            return
        self._tell(state)
        if fresh and self._showPreview and not self._sceneClosed and not state.cancelling:
            began = time.monotonic()
            shown = preview.show_preview(self._stage, state.preview)
            self._noteHold("showing a preview", began)
            self._call(1, shown)

    def _end(self, state: RunState) -> None:
        """Clean up, load the result if there is one, tell."""
        self.ended = True
        active.over(self)
        for step in (self._stopWatching, self._preparation.clean_up, self._removePreview):
            try:  # when Slicer quits, parts of it may be gone already
                step()
            except Exception:
                logging.exception("TTAUncertainty: a run did not end cleanly")
        if state.phase is Phase.FINISHED:
            state = self._keep(state)
        self._tell(state)
        self._call(2, self.result)
        self._observers.clear()

    def _stopWatching(self) -> None:
        self._timer.stop()
        self._stage.scene.RemoveObserver(self._sceneTag)

    def _removePreview(self) -> None:
        if not self._sceneClosed:
            preview.remove_preview(self._stage)

    def _keep(self, state: RunState) -> RunState:
        """Load the result; one whose scene is gone by now is of no use to anybody."""
        assert state.output is not None
        if self._sceneClosed:
            shutil.rmtree(state.output, ignore_errors=True)
            return replace(state, phase=Phase.CANCELLED, output=None)
        began = time.monotonic()
        try:
            self.result = load_result(
                self._stage, state.output, self.choices.fixedVolume, self.choices.movingVolume
            )
        except TTAUncertaintyError as error:
            where = _("What there is lies in {folder}.").format(folder=state.output)
            return _failed(state, TTAUncertaintyError(error.problem, f"{error.remedy} {where}"))
        self._noteHold("loading the result", began)
        return state

    def _fail(self, error: TTAUncertaintyError) -> None:
        if self.ended:
            logging.error("TTAUncertainty: %s", error)
        else:
            self._end(_failed(self.state, error))

    def _tell(self, state: RunState) -> None:
        self.state = state
        self._call(0, state)

    def _call(self, which: int, what: Any) -> None:
        for observer in list(self._observers):
            _call_safely(observer[which], what)

    def _noteHold(self, name: str, began: float) -> None:
        seconds = time.monotonic() - began
        self.holds[name] = max(seconds, self.holds.get(name, 0.0))
        if seconds > LONG_HOLD_S:
            logging.info("TTAUncertainty: %s took %.0f ms", name, seconds * 1e3)

    def _onSceneClose(self, *_arguments: object) -> None:
        self._sceneClosed = True
        self.cancel()


def _failed(state: RunState, error: TTAUncertaintyError) -> RunState:
    return replace(
        state,
        phase=Phase.FAILED,
        problem=error.problem,
        remedy=error.remedy.strip(),
        exit_code=error.exit_code,
    )


def _call_safely(listener: Callable[..., None] | None, what: Any) -> None:
    """Tell a listener. A mistake in it is its own, and must not end the run."""
    if listener is not None:
        try:
            listener(what)
        except Exception:
            logging.exception("TTAUncertainty: a listener to a run failed")
