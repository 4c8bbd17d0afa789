"""Provisional results, while a run goes on: what a panel can show before there is an answer.

`warped.nrrd` is the moving image through the plain prediction, `total_<n>.nrrd` the map of total
uncertainty (mm) after n perturbed passes, both float32 and uncompressed on the network's lattice.
Each file appears whole. The newest map and the one before it are kept, so that a reader who has
just been told of one finds it.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry import Lattice
from ..whole_files import written_whole
from .messages import Voice

if TYPE_CHECKING:
    from ..engine import Engine
    from ..geometry import Image

#: After the first ones, previews may take this share of a run's time, and come at most this often.
LARGEST_SHARE, LEAST_PAUSE_S = 0.02, 1.0

_WARPED, _TOTALS = "warped.nrrd", "total_*.nrrd"
_PARTIAL = "warped.partial.nrrd"  # those of a map are named as maps are


class Previews:
    """Writes previews, and says so; seldom enough to cost nothing that a person would notice.

    As a context manager it removes them where a run ends without a result: the client, whose
    business that is otherwise, may be dead.

    Parameters
    ----------
    began
        When the run began, as of `time.monotonic`.
    """

    def __init__(self, folder: Path, voice: Voice, began: float) -> None:
        self._folder = folder.absolute()
        self._voice = voice
        self._began = began
        self._works = True
        self._warped: Path | None = None
        self._totals: list[Path] = []
        self._shown = 0  # perturbed passes in the newest map
        self.spent_s = 0.0
        self._dearest_s = 0.0
        self._last = began

    def update(self, engine: Engine, moving: Image) -> None:
        """Write what is due after a step of the engine.

        Notes
        -----
        A preview is a luxury: where it cannot be written, the run goes on without, and says so.
        """
        if not self._works:
            return
        began = time.monotonic()
        try:
            if self._warped is None:
                self._show_warped(engine, moving)
            elif self._is_due(began):
                self._show_total(engine)
        except (OSError, RuntimeError) as error:
            self._works = False
            self._voice.say("note", text=f"There is no live preview: {error}")
        took = time.monotonic() - began
        self.spent_s += took

    def __enter__(self) -> Previews:
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the previews of a run that failed or was cancelled."""
        if kind is not None:
            remove_previews(self._folder)

    def _is_due(self, now: float) -> bool:
        if not self._totals:
            return True  # what the person waits for
        allowed = LARGEST_SHARE * (now - self._began)
        return now - self._last >= LEAST_PAUSE_S and self.spent_s + self._dearest_s <= allowed

    def _show_warped(self, engine: Engine, moving: Image) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        lattice = engine.pair.fixed_lattice
        warped = engine.transform().warp(moving, lattice)
        self._warped = self._write(_WARPED, warped.intensities.numpy(), lattice)
        self._say()

    def _show_total(self, engine: Engine) -> None:
        began = time.monotonic()
        total = engine.total_so_far()
        if total is None or engine.perturbed == self._shown:
            return
        self._shown = engine.perturbed
        name = _TOTALS.replace("*", str(self._shown))
        self._totals.append(self._write(name, total.numpy(), engine.pair.fixed_lattice))
        for old in self._totals[:-2]:
            with contextlib.suppress(OSError):  # somebody reads it (Windows); later, then
                old.unlink()
                self._totals.remove(old)
        self._say()
        self._last = time.monotonic()
        self._dearest_s = max(self._dearest_s, self._last - began)

    def _say(self) -> None:
        total = str(self._totals[-1]) if self._totals else None
        self._voice.say("preview", perturbed=self._shown, total=total, warped=str(self._warped))

    def _write(self, name: str, values: NDArray[np.float32], lattice: Lattice) -> Path:
        image = lattice.stamp(sitk.GetImageFromArray(values))
        path = self._folder / name
        with written_whole(path) as partial:
            sitk.WriteImage(image, str(partial), useCompression=False)
        return path


def remove_previews(folder: Path) -> None:
    """Remove previews, and their folder where it holds nothing else."""
    for pattern in (_WARPED, _PARTIAL, _TOTALS):
        for file in folder.glob(pattern):
            with contextlib.suppress(OSError):
                file.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
