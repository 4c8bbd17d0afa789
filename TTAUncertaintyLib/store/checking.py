"""Is this file what it should be? Asked in a process of its own, with limits.

Weights files come from outside. Reading one strictly needs PyTorch, which the desktop does not load
into itself, and a hostile one may want all memory or all time: so another process reads it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import MissingPackage

#: Longer than any network takes to load on a slow disk.
_MOST_SECONDS = 300

_LIBRARY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Verdict:
    """What came of looking into a file."""

    #: Whether it could be looked into; False where PyTorch is not installed.
    checked: bool
    #: What is wrong with it and what to do; empty if nothing is.
    problem: str = ""
    remedy: str = ""
    program: tuple[str, str] | None = None


def check_contents(
    model: str,
    source: Path,
    converted: Path | None = None,
    trust_code: bool = False,
    python: str | None = None,
) -> Verdict:
    """Load a weights file strictly with its model, in another process; convert it first if asked.

    Parameters
    ----------
    source
        The file as it came; the manifest itself for a model of one's own.
    converted
        Where the converted file goes, for a model whose files are converted.
    trust_code
        Whether the person agreed to run a model of their own that is a program.
    python
        The interpreter; None takes this one.
    """
    command = [python or sys.executable, "-m", "TTAUncertaintyLib.store.check_one", model]
    command += [str(source), *([] if converted is None else ["--convert-to", str(converted)])]
    command += ["--trust-code"] if trust_code else []
    variables = os.environ | {"PYTHONPATH": str(_LIBRARY), "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            env=variables,
            stdin=subprocess.DEVNULL,
            timeout=_MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Verdict(
            True,
            f"Reading the weights file {source.name} took longer than {_MOST_SECONDS // 60} "
            "minutes: no such file should.",
            "Get it again from its publisher.",
        )
    except OSError as error:
        return Verdict(False, remedy=f"Python could not be started to check it ({error}).")
    if done.returncode == MissingPackage.exit_code:
        return Verdict(False)
    try:
        answer = json.loads(done.stdout.decode("utf-8").splitlines()[-1])
        program = answer["program"]
        return Verdict(
            True,
            str(answer["problem"]),
            str(answer["remedy"]),
            None if program is None else (str(program[0]), str(program[1])),
        )
    except (UnicodeDecodeError, IndexError, ValueError, KeyError, TypeError):
        return Verdict(
            True,
            f"The weights file {source.name} could not be read: the process that tried ended with "
            f"status {done.returncode}.",
            "It is damaged or hostile, or there is too little memory.",
        )
