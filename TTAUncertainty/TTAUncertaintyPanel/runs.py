"""One run, from two nodes of the scene to a loaded result, without ever blocking Slicer.

A timer takes one small step at a time: each input is written in a step of its own, then the
background process is started, then it is asked now and then how far it is.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import qt

import slicer
from slicer.i18n import tr as _
from TTAUncertaintyLib.errors import InputError, TTAUncertaintyError
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.scene import inputs, preview, result
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.worker.run import Phase, Run, RunState

from .jobs import RunFiles, job_of, new_result_folder
from .python import worker_environment, worker_python

#: Milliseconds between two looks at the background process.
INTERVAL_MS = 100

#: Seconds that a step may hold up Slicer before the log says so.
LONG_HOLD_S = 0.05

_running: list[RunController] = []


def running() -> RunController | None:
    """Return the run that is under way in this Slicer; None if there is none."""
    return _running[0] if _running else None


def end_all() -> None:
    """End every run and leave nothing behind; for quitting. Blocks for at most five seconds."""
    for controller in list(_running):
        controller.close()


atexit.register(end_all)


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
    holds
        Seconds that each step held up Slicer, by name.

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
        if running() is not None:
            raise InputError(
                _("Another registration is running."),
                _("Wait for it, or press Cancel, before starting the next one."),
            )
        self.choices = choices
        self.state = _first_state()
        self.result: Any = None
        self.holds: dict[str, float] = {}
        self._machine = machine
        self._output = Path(output) if output is not None else None
        self._showPreview = showPreview
        self._silence_s = silence_s
        self._observers: list[tuple[Callable[..., None] | None, ...]] = []
        self._run: Run | None = None
        self._folder: Path | None = None
        self._steps = self._prepare()
        self._stage = Stage.current()
        self._sceneClosed = False
        self._inStep = False
        self._wish = ""
        self._began = time.monotonic()
        scene = self._stage.scene
        self._sceneTag = scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, self._onSceneClose)
        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.poll)
        _running.append(self)
        self._timer.start()

    @property
    def ended(self) -> bool:
        """Whether it is over and cleaned up."""
        return self not in _running

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
        if onState is not None:
            onState(self.state)

    def stopAndKeep(self) -> None:
        """End early with what has been computed; returns at once."""
        if self._run is not None:
            self._run.stop_and_keep()
        elif not self.ended:
            self._wish = "stop"

    def cancel(self) -> None:
        """End now and keep nothing; returns at once, the process is gone within five seconds."""
        if self._run is not None:
            self._run.cancel()
        elif not self.ended:
            self._wish = "cancel"

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

    def poll(self) -> None:
        """Take the next step. The timer does this; it never blocks for long."""
        if self._inStep or self.ended:
            return
        self._inStep = True
        try:
            self._step()
        except TTAUncertaintyError as error:
            self._fail(error.problem, error.remedy, error.exit_code)
        except Exception as error:
            logging.exception("TTAUncertainty: a run went wrong")
            self._fail(
                _("Something went wrong inside ({kind}: {text}).").format(
                    kind=type(error).__name__, text=error
                ),
                _("This is a mistake in the software; please report it with the log."),
                1,
            )
        finally:
            self._inStep = False

    def close(self) -> None:
        """End it whatever it takes, and leave nothing behind; blocks for at most five seconds."""
        if not self.ended:
            self._end(replace(self.state, phase=Phase.CANCELLED))

    def _step(self) -> None:
        if self._run is None:
            if self._wish == "cancel":
                self._end(replace(self.state, phase=Phase.CANCELLED))
                return
            began = time.monotonic()
            name = next(self._steps)
            self._note_hold(name, time.monotonic() - began)
            self._tell(replace(self.state, elapsed_s=time.monotonic() - self._began))
            return
        state = self._run.poll()
        fresh = state.preview is not None and state.preview != self.state.preview
        if state.ended:
            self._end(state)
            return
        self._tell(state)
        if fresh and self._showPreview and not self._sceneClosed:
            self._preview(state.preview)

    def _prepare(self) -> Iterator[str]:
        """Write the inputs and start the process: the name of a step after each."""
        choices = self.choices
        folder = Path(tempfile.mkdtemp(prefix="ttauncertainty-", dir=slicer.app.temporaryPath))
        self._folder = folder
        files = RunFiles.within(folder, choices.initialTransform is not None)
        inputs.write_volume(choices.fixedVolume, files.fixed)
        yield "writing the fixed volume"
        inputs.write_volume(choices.movingVolume, files.moving)
        yield "writing the moving volume"
        if files.initialTransform is not None:
            inputs.write_linear_transform(choices.initialTransform, files.initialTransform)
            yield "writing the initial transform"
        if self._output is None:
            self._output = new_result_folder(choices, self._machine)
        job = job_of(choices, files, self._machine, self._output)
        self._run = Run(
            job,
            worker_python(self._machine),
            worker_environment(self._machine),
            self._silence_s,
        )
        if self._wish == "stop":
            self._run.stop_and_keep()
        yield "starting the process"

    def _preview(self, latest: Any) -> None:
        began = time.monotonic()
        shown = preview.show_preview(self._stage, latest)
        self._note_hold("showing a preview", time.monotonic() - began)
        self._call(1, shown)

    def _end(self, state: RunState) -> None:
        """Clean up, load the result if there is one, tell."""
        self._timer.stop()
        _running.remove(self)
        self._stage.scene.RemoveObserver(self._sceneTag)
        with contextlib.suppress(ValueError):
            self._steps.close()
        if self._run is not None:
            self._run.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if not self._sceneClosed:
            preview.remove_preview(self._stage)
        if state.phase is Phase.FINISHED and state.output is not None:
            state = self._load(state)
        self._tell(state)
        self._call(2, self.result)
        self._observers.clear()

    def _load(self, state: RunState) -> RunState:
        """Load the result into the scene; nodes that are gone by now are left out."""
        assert state.output is not None
        if self._sceneClosed:
            shutil.rmtree(state.output, ignore_errors=True)
            return replace(state, phase=Phase.CANCELLED, output=None)
        began = time.monotonic()
        try:
            self.result = result.load_bundle(
                self._stage,
                Bundle.open(state.output),
                self._present(self.choices.fixedVolume),
                self._present(self.choices.movingVolume),
            )
        except TTAUncertaintyError as error:
            remedy = _("The result lies in {folder}.").format(folder=state.output)
            return replace(
                state,
                phase=Phase.FAILED,
                problem=error.problem,
                remedy=f"{error.remedy} {remedy}".strip(),
                exit_code=error.exit_code,
            )
        self._note_hold("loading the result", time.monotonic() - began)
        return state

    def _present(self, node: Any) -> Any:
        """Return the node if it is still in the scene, else None."""
        return node if node is not None and self._stage.scene.IsNodePresent(node) else None

    def _fail(self, problem: str, remedy: str, exit_code: int) -> None:
        if self.ended:
            logging.error("TTAUncertainty: %s %s", problem, remedy)
            return
        self._end(
            replace(
                self.state,
                phase=Phase.FAILED,
                problem=problem,
                remedy=remedy,
                exit_code=exit_code,
            )
        )

    def _tell(self, state: RunState) -> None:
        self.state = state
        self._call(0, state)

    def _call(self, which: int, what: Any) -> None:
        """Tell every observer. A mistake in one of them is theirs alone."""
        for observer in list(self._observers):
            call = observer[which]
            if call is not None:
                try:
                    call(what)
                except Exception:
                    logging.exception("TTAUncertainty: a listener to a run failed")

    def _note_hold(self, name: str, seconds: float) -> None:
        self.holds[name] = max(seconds, self.holds.get(name, 0.0))
        if seconds > LONG_HOLD_S:
            logging.info("TTAUncertainty: %s took %.0f ms", name, seconds * 1e3)

    def _onSceneClose(self, *_arguments: object) -> None:
        self._sceneClosed = True
        self.cancel()


def _first_state() -> RunState:
    """Return the state before the process is there."""
    return RunState(
        phase=Phase.STARTING,
        done=0,
        total=0,
        elapsed_s=0.0,
        left_s=None,
        device="",
        notes=(),
        log="",
        preview=None,
        output=None,
        complete=False,
        stopping=False,
        cancelling=False,
        problem="",
        remedy="",
        exit_code=None,
    )
