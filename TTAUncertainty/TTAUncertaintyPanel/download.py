"""Weights from their publisher, on a click: with progress, a checksum and a way to stop.

A thread reads and writes; nothing of Slicer or Qt is touched from it. Whoever shows the progress
asks for it from a timer.
"""

from __future__ import annotations

import hashlib
import os
import threading
import urllib.request
from pathlib import Path

from slicer.i18n import tr as _

from TTAUncertaintyLib.models import MODELS

_CHUNK_BYTES = 1 << 16
_SILENCE_S = 30


def can_download(model: str) -> bool:
    """Whether a model's weights can be had from the internet, checked against a known sum."""
    published = MODELS[model].description.published
    return published is not None and published.sha256 is not None


class WeightsDownload:
    """One download; begins at once.

    Parameters
    ----------
    model
        Name in the registry, one that `can_download`.
    folder
        Where the file is to lie; made where it is absent.

    Attributes
    ----------
    file
        The weights, once they are there and checked; None before.
    done_bytes, total_bytes
        How far it is; the total is 0 where the publisher does not say.
    ended
        Whether it is over: `file` is there, or `problem` says why not, or it was cancelled.
    problem
        What went wrong and what to do about it; empty if nothing did.
    """

    def __init__(self, model: str, folder: Path) -> None:
        self.file: Path | None = None
        self.done_bytes = self.total_bytes = 0
        self.ended = False
        self.problem = ""
        published = MODELS[model].description.published
        self._title = MODELS[model].description.title
        self._sha256 = published.sha256
        self._address = published.url
        self._target = folder / self._address.rpartition("/")[2]
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._fetch, daemon=True)
        self._thread.start()

    @property
    def fraction(self) -> float:
        """Share that is done, 0 to 1; 0 where the total is not known."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else 0.0

    def cancel(self) -> None:
        """Stop it; returns at once, and nothing is kept."""
        self._cancelled.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; for scripts. Returns whether it is over."""
        self._thread.join(timeout_s)
        return self.ended

    def _fetch(self) -> None:
        partial = self._target.with_name(f"{self._target.name}.{os.getpid()}.partial")
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            digest = self._read_into(partial)
            if self._cancelled.is_set():
                return
            if digest != self._sha256:
                self.problem = _(
                    "The weights of {title} arrived damaged, or are not the published ones "
                    "any more: try again, or choose a file."
                ).format(title=self._title)
                return
            partial.replace(self._target)
            self.file = self._target
        except OSError as error:
            self.problem = _(
                "The weights of {title} could not be downloaded ({reason}). Without internet: "
                "get the file on another computer and choose it here."
            ).format(title=self._title, reason=getattr(error, "reason", None) or error)
        finally:
            partial.unlink(missing_ok=True)
            self.ended = True

    def _read_into(self, partial: Path) -> str:
        """Write what comes to a file and return its SHA-256."""
        digest = hashlib.sha256()
        with (
            urllib.request.urlopen(self._address, timeout=_SILENCE_S) as answer,
            partial.open("wb") as out,
        ):
            self.total_bytes = int(answer.headers.get("Content-Length") or 0)
            while not self._cancelled.is_set() and (chunk := answer.read(_CHUNK_BYTES)):
                out.write(chunk)
                digest.update(chunk)
                self.done_bytes += len(chunk)
        return digest.hexdigest()
