"""One pair on a worker of the cluster: registered by a process that stays, measured, put in place.

Whatever happens, one sentence comes back and the next pair can begin.
"""

from __future__ import annotations

import errno
import os
import platform
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from ..errors import (
    InputError,
    MissingPackage,
    ModelError,
    OutputError,
    TTAUncertaintyError,
)
from ..geometry import files_of, sha256
from ..results import Bundle, new_folder
from ..worker import Job, Phase, RunState, Worker
from .layout import BUNDLE, PICTURE_FILE, ROW_FILE
from .pairs import Pair
from .settings import Settings
from .study import PAIR, Failure, Study, read_row, write_json

#: What no second attempt changes: the pair, or what is installed here, has to change first.
_FINAL = (InputError.exit_code, ModelError.exit_code, OutputError.exit_code)
#: What is about this worker and no pair: another worker may have what it lacks.
_UNFIT = (ModelError.exit_code, MissingPackage.exit_code)
_ATTEMPTS = 2
#: Lines of a log that are kept of a pair that failed.
_LOG_LINES = 30

#: How a full disk is told: before the passes, and by the system.
_NO_ROOM = ("disk is too full", os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
_LEAST_FREE_BYTES = 16 << 20

#: Registers: a job, the seconds that it may take, whether on a fresh process.
Register = Callable[[Job, "float | None", bool], RunState]


class Ending(Enum):
    """How a pair ended on a worker."""

    DONE = "done"
    FAILED = "failed"
    NO_ROOM = "no room"  #: its disk is full: nothing is wrong with the pair
    UNFIT = "unfit"  #: this worker lacks weights or a package


@dataclass(frozen=True)
class PairTask:
    """What a worker needs to know."""

    #: Whose files every worker can read.
    pair: Pair
    #: `Settings.to_json`.
    settings: str
    #: `Settings.sha256_of` the pair.
    settings_sha256: str
    #: The study's folder, which every worker can write to.
    study: Path
    #: CPU threads of its registration; None leaves it to torch.
    threads: int | None = None
    #: Seconds that an attempt may take.
    limit_s: float | None = None
    #: See `measures.measure`.
    above_mm: float | None = None
    #: Whether an older result of the pair is to be replaced.
    replaces: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a pair ended."""

    #: Its name.
    pair: str
    #: See there.
    ending: Ending
    #: Wall time on the worker.
    seconds: float
    #: Size of what is in its place.
    bytes_written: int = 0
    #: Of one that is not done.
    failure: Failure | None = None
    #: Address of the worker; "" outside one.
    worker: str = ""


class Standing:
    """Registers in a process that stays for the next pair, one at a time in this process.

    Parameters
    ----------
    python
        Interpreter of that process.
    """

    def __init__(self, python: str = sys.executable) -> None:
        self.python = python

    def __call__(self, job: Job, limit_s: float | None, fresh: bool) -> RunState:
        """Register."""
        with _ONE_AT_A_TIME:
            if fresh:
                _WORKER.close()
            with _WORKER.run(job, self.python) as run:
                state = run.wait(limit_s)
                if state.output is not None:
                    run.wait_for_report()  # which is written where the result lies: that moves
                if state.ended:
                    return state
        return replace(
            state,
            phase=Phase.FAILED,
            problem=f"It took longer than the {limit_s:g} s that a pair may take, and was ended.",
            remedy="Raise --pair-limit, or look at the images.",
            log=run.state.log,
        )


_WORKER = Worker()
_ONE_AT_A_TIME = threading.Lock()


def do_pair(task: PairTask, register: Register) -> Outcome:
    """Do a pair; never raises what a pair may be at fault for."""
    began = time.monotonic()
    study = Study(task.study)
    attempts = 1
    try:
        if _is_there(task, study.place(task.pair.name)):
            # a scheduler may ask twice when it lost sight of a worker
            return Outcome(task.pair.name, Ending.DONE, 0.0)
        with new_folder(
            study.place(task.pair.name), task.replaces, PAIR, clear_up=False
        ) as partial:
            job = Settings.from_json(task.settings).job_of(
                task.pair, partial / BUNDLE, task.threads
            )
            inputs = fingerprint(task.pair)
            state, attempts = _attempt(job, task.limit_s, register)
            if state.output is None:
                raise _NoResult(state)
            row = _row(task, Bundle.open(partial / BUNDLE), partial, inputs)
            row["values"] = {
                "seconds": round(state.elapsed_s, 3),
                "attempts": attempts,
                "computer": platform.node(),
            } | row["values"]
            write_json(partial / ROW_FILE, row)
            size = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file())
    except _NoResult as ended:
        return _failed(task, ended.state, attempts, began)
    except TTAUncertaintyError as error:
        return _failed(task, _state(error), attempts, began)
    except OSError as error:
        said = f"{error.filename or 'A file'} cannot be used: {error.strerror or error}."
        return _failed(task, _state(OutputError(said)), attempts, began)
    study.forget_failure(task.pair.name)
    seconds = time.monotonic() - began
    return Outcome(task.pair.name, Ending.DONE, seconds, size, worker=_worker_address())


class _NoResult(Exception):  # noqa: N818  (leaves the folder that is being written)
    def __init__(self, state: RunState) -> None:
        super().__init__()
        self.state = state


def _state(error: TTAUncertaintyError) -> RunState:
    return RunState(
        Phase.FAILED, problem=error.problem, remedy=error.remedy, exit_code=error.exit_code
    )


def fingerprint(pair: Pair, known: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Return size, time and SHA-256 of every file of a pair, by column.

    Parameters
    ----------
    pair
        Whose.
    known
        What was found before: a file of the same path, size and time is not read again.

    Raises
    ------
    InputError, OSError
        If a file cannot be read.
    """
    found = {}
    for column, path in pair.files.items():
        files = files_of(path) if path.is_dir() or path.suffix in (".nhdr", ".mhd") else (path,)
        stats = [file.stat() for file in files]
        entry: dict[str, Any] = {
            "path": str(path),
            "bytes": sum(stat.st_size for stat in stats),
            "changed_ns": max(stat.st_mtime_ns for stat in stats),
        }
        before = (known or {}).get(column, {})
        same = all(before.get(key) == value for key, value in entry.items())
        found[column] = entry | {"sha256": before["sha256"] if same else sha256(*files)}
    return found


def _is_there(task: PairTask, place: Path) -> bool:
    row = read_row(place)
    if row is None or row.get("settings_sha256") != task.settings_sha256:
        return False
    return not changed_files(row["inputs"], fingerprint(task.pair, row["inputs"]))


def changed_files(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return the columns whose files are not what they were."""
    return [
        column
        for column in dict.fromkeys((*before, *now))
        if before.get(column, {}).get("sha256") != now.get(column, {}).get("sha256")
    ]


def _attempt(job: Job, limit_s: float | None, register: Register) -> tuple[RunState, int]:
    """Register; once more on a fresh process where that may help."""
    for attempt in range(1, _ATTEMPTS + 1):
        state = register(job, limit_s, attempt > 1)
        if state.output is not None or state.exit_code in (*_FINAL, *_UNFIT):
            break
    return state, attempt


def _row(
    task: PairTask, bundle: Bundle, partial: Path, inputs: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    # here: both load torch, which registering need not wait for
    from .measures import measure
    from .picture import write_picture

    for role in ("fixed", "moving"):
        if bundle.record["inputs"][role].get("sha256") != inputs[role]["sha256"]:
            raise InputError(
                f"{task.pair.files[role]} was changed while it was registered.", "Run it again."
            )
    found = measure(bundle, task.pair, task.above_mm)
    try:
        write_picture(partial / PICTURE_FILE, bundle, task.pair)
    except (TTAUncertaintyError, RuntimeError, ValueError) as error:
        found.remarks.append(f"There is no picture: {error}")
    return {
        "inputs": inputs,
        "settings_sha256": task.settings_sha256,
        "values": found.values,
        "structures": found.structures,
        "remarks": found.remarks,
    }


def _failed(task: PairTask, state: RunState, attempts: int, began: float) -> Outcome:
    seconds = time.monotonic() - began
    failure = Failure(
        task.pair.name,
        state.problem or "It ended without a result.",
        state.remedy,
        "\n".join(state.log.splitlines()[-_LOG_LINES:]),
        attempts,
        platform.node(),
        round(seconds, 3),
    )
    ending = Ending.FAILED
    if state.exit_code == OutputError.exit_code and _is_full(task.study, state.problem):
        ending = Ending.NO_ROOM
    elif state.exit_code in _UNFIT:
        ending = Ending.UNFIT
    return Outcome(task.pair.name, ending, seconds, failure=failure, worker=_worker_address())


def _worker_address() -> str:
    from distributed import get_worker

    try:
        return str(get_worker().address)
    except ValueError:
        return ""


def _is_full(folder: Path, problem: str) -> bool:
    """Tell whether something was not written because there is no room for it."""
    said = any(words in problem for words in _NO_ROOM)
    return said or shutil.disk_usage(folder).free < _LEAST_FREE_BYTES
