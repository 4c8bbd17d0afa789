"""Whether PyTorch is in the worker's Python, and how it gets there.

PyTorch is never imported in Slicer to find out: a background process does that. Nothing is
installed or downloaded unless the person asks for it.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from enum import Enum
from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.errors import ResourceError
from TTAUncertaintyLib.worker.environment import clean_environment

from . import active
from .python import worker_environment, worker_python

#: Says in one line of JSON what the worker's Python has. Runs there, not here.
_QUESTION = """
import json
answer = {"torch": "", "devices": ["cpu"], "problem": ""}
try:
    import numpy, SimpleITK, torch
    answer["torch"] = torch.__version__
    answer["devices"] += [f"cuda:{n}" for n in range(torch.cuda.device_count())]
    answer["devices"] += ["mps"] * torch.backends.mps.is_available()
except Exception as error:
    answer["problem"] = f"{type(error).__name__}: {error}"
    answer["missing"] = getattr(error, "name", None)
print(json.dumps(answer))
"""


class TorchState(Enum):
    """What is known about PyTorch in the worker's Python."""

    UNKNOWN = "unknown"
    CHECKING = "checking"
    PRESENT = "present"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True)
class TorchAnswer:
    """The outcome of a check."""

    state: TorchState = TorchState.UNKNOWN
    #: Of PyTorch, where it is there.
    version: str = ""
    #: Names for `MachineSettings.device`, "cpu" first.
    devices: tuple[str, ...] = ("cpu",)
    #: What went wrong on importing it, where it is broken.
    problem: str = ""


class TorchCheck:
    """Asks once for each Python whether PyTorch can be imported there; answers are remembered.

    Parameters
    ----------
    machine
        `MachineSettings`: which Python.
    """

    _answers: dict[str, TorchAnswer] = {}  # noqa: RUF012  (shared on purpose)

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self._process: subprocess.Popen[str] | None = None
        self._python = ""

    @property
    def answer(self) -> TorchAnswer:
        """What is known now; never waits."""
        self._collect()
        if self._process is not None:
            return TorchAnswer(TorchState.CHECKING)
        return self._answers.get(worker_python(self._machine), TorchAnswer())

    def start(self) -> None:
        """Begin to ask, in the background. Nothing happens where the answer is known."""
        if self.answer.state is not TorchState.UNKNOWN:
            return
        self._python = worker_python(self._machine)
        try:
            self._process = subprocess.Popen(
                [self._python, "-c", _QUESTION],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                errors="replace",
                env=clean_environment(worker_environment(self._machine)),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            problem = f"{self._python}: {error.strerror}"
            self._answers[self._python] = TorchAnswer(TorchState.BROKEN, problem=problem)

    def wait(self) -> TorchAnswer:
        """Ask, and wait for the answer. Blocks for some seconds."""
        self.start()
        if self._process is not None:
            self._process.wait()
        return self.answer

    def forget(self) -> None:
        """Forget the answers, and what has the older one loaded, since something was installed."""
        active.WORKER.close()
        self.close()
        self._answers.clear()

    def close(self) -> None:
        """End the process, if one still runs."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _collect(self) -> None:
        """Take the answer of a process that has ended."""
        if self._process is None or self._process.poll() is None:
            return
        text = self._process.communicate()[0]
        self._process = None
        self._answers[self._python] = _read(text)


def _read(text: str) -> TorchAnswer:
    try:
        said = json.loads(text.strip().splitlines()[-1])
    except (ValueError, IndexError):
        problem = _("the interpreter gave no answer")
        return TorchAnswer(TorchState.BROKEN, problem=problem)
    if not said["problem"]:
        return TorchAnswer(TorchState.PRESENT, said["torch"], tuple(said["devices"]))
    missing = said.get("missing") == "torch"
    state = TorchState.MISSING if missing else TorchState.BROKEN
    return TorchAnswer(state, problem=said["problem"])


def install_torch() -> bool:
    """Install PyTorch through the PyTorch extension, which asks the person first.

    Blocks while it downloads, with a window of the extension's own. To be called on a click only.

    Returns
    -------
    bool
        False if the person declined.

    Raises
    ------
    ResourceError
        If the extension is missing or the installation failed; says what to do.
    """
    try:
        import PyTorchUtils
    except ImportError as error:
        raise ResourceError(
            _("The PyTorch extension is not installed."),
            _(
                "Install the extension 'PyTorch' in the Extensions Manager, restart Slicer and "
                "press Run again. Without internet: install it from a file there."
            ),
        ) from error
    try:
        torch = PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True)
    except Exception as error:
        raise ResourceError(
            _("PyTorch could not be installed ({problem}).").format(problem=error),
            _("Look at the Python console for what pip says, and try again."),
        ) from error
    return torch is not None
