"""Greedy, a third-party diffeomorphic registration, behind the contract, where it is installed.

It runs in a process of its own: it can be ended at any moment, prints what it likes, and takes
nothing down with it should it crash.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from threading import Event

import numpy as np

from ...errors import ModelError
from ..contract import NO_OPTIONS
from ..descriptions import GREEDY as DESCRIPTION
from .optimisation import Array, OptimisedRegistration, Stopped

_PACKAGE = "picsl_greedy"

_SCRIPT = Path(__file__).with_name("greedy_process.py")

_POLL_SECONDS = 0.05


class Greedy(OptimisedRegistration):
    """Greedy diffeomorphic registration by local cross-correlation.

    Source: Yushkevich, Pluta, Wang, Wisse, Das, Wolk: Fast automatic segmentation of hippocampal
    subfields and medial temporal lobe subregions in 3 Tesla and 7 Tesla T2-weighted MRI.
    Alzheimer's & Dementia 12 (2016).

    Raises
    ------
    ModelError
        If the package picsl-greedy is not installed.
    """

    description = DESCRIPTION

    def __init__(
        self, weights: Path | None = None, options: Mapping[str, str] = NO_OPTIONS
    ) -> None:
        super().__init__(weights, options)
        if find_spec(_PACKAGE) is None:
            raise ModelError(
                "The Python package picsl-greedy is not installed.",
                f"Install it with '{Path(sys.executable).name} -m pip install picsl-greedy' (in "
                "Slicer's Python console: slicer.util.pip_install('picsl-greedy')), or take "
                "sitk-demons, which needs nothing.",
            )

    def register(self, moving: Array, fixed: Array, stop: Event) -> Array:
        """See `OptimisedRegistration.register`."""
        with tempfile.TemporaryDirectory(prefix="ttauncertainty-greedy-") as name:
            folder = Path(name)
            np.save(folder / "moving.npy", moving)
            np.save(folder / "fixed.npy", fixed)
            command = [sys.executable, str(_SCRIPT), name, str(self.spacing_mm)]
            with (folder / "log.txt").open("wb") as log:
                _run(command, log.fileno(), stop)
            result = folder / "displacement.npy"
            if not result.exists():
                raise RuntimeError(
                    (folder / "log.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
                    or "its process ended without a word"
                )
            return np.asarray(np.load(result), np.float32)


def _run(command: list[str], log: int, stop: Event) -> None:
    """Run a process until it ends, or end it when `stop` is set.

    Raises
    ------
    Stopped
        If it was ended.
    """
    # no standard input: greedy's process must not take the worker's requests
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
        try:
            while process.poll() is None:
                if stop.wait(_POLL_SECONDS):
                    raise Stopped
        finally:
            process.kill()
