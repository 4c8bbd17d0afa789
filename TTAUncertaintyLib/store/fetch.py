"""One file from one address: resumed where that is safe, never trusted beyond what it says.

Only https is spoken, and plain http to this computer itself. Proxies are taken from the system's
settings and from the environment, as Python does.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from ..strict_json import read_json
from ..version import __version__
from .download import Progress

_CHUNK_BYTES = 1 << 16
_SILENCE_S = 30.0
_ATTEMPTS = 4
#: What no weights file of a registration network exceeds.
MOST_BYTES = 4 * 2**30
_SPARE_BYTES = 64 * 2**20


class FetchError(Exception):
    """What went wrong, and whether what came is kept for the next attempt."""


def fetch(
    url: str,
    partial: Path,
    whole: Path,
    size_bytes: int | None,
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> bool:
    """Bring a file here.

    Parameters
    ----------
    partial
        Where its bytes go. What is there from an earlier attempt is continued, if the publisher
        says that the file is still the same; otherwise it begins anew.
    whole
        Where the file is put once all of it is there, on the same disk; of this download alone.
    size_bytes
        What it has to have; None takes what comes, up to `MOST_BYTES`.
    stopped
        Asked while bytes come; True stops, and what came is kept.

    Returns
    -------
    bool
        Whether the whole file is there; False if it was stopped.

    Raises
    ------
    FetchError
        With a reason that continues "could not be downloaded".
    """
    check_address(url)
    with _alone(partial):
        for attempt in range(_ATTEMPTS):
            before = partial.stat().st_size if partial.is_file() else 0
            try:
                if not _attempt(url, partial, size_bytes, report, stopped):
                    return False
                partial.replace(whole)
                _notes_of(partial).unlink(missing_ok=True)
                return True
            except _BrokenConnectionError as error:
                after = partial.stat().st_size if partial.is_file() else 0
                if attempt + 1 == _ATTEMPTS or after <= before:
                    raise FetchError(
                        f"the connection broke: {error}; what came is kept, and the next download "
                        "goes on from there"
                    ) from error
    raise AssertionError("every attempt returns or raises")


class _BrokenConnectionError(Exception):
    """The connection ended before the file did: worth another attempt."""


def check_address(url: str) -> None:
    """Refuse what is neither https nor on this computer.

    Raises
    ------
    FetchError
        If it is something else.
    """
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise FetchError(f"the address {url} is not one of https")


class _SameRules(urllib.request.HTTPRedirectHandler):
    """Being sent elsewhere does not get around the rules."""

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _attempt(
    url: str,
    partial: Path,
    size_bytes: int | None,
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> bool:
    """Ask for what is missing and write it as it comes."""
    notes = _notes_of(partial)
    validator, begin = _continuable(notes, partial, url)
    headers = {"User-Agent": f"TTAUncertainty/{__version__}", "Accept-Encoding": "identity"}
    if validator:
        headers |= {"Range": f"bytes={begin}-", "If-Range": validator}
    opener = urllib.request.build_opener(_SameRules)
    try:
        answer = opener.open(urllib.request.Request(url, headers=headers), timeout=_SILENCE_S)
    except urllib.error.HTTPError as error:
        if error.code == 416 and begin:  # nothing is missing, or another file is there now
            partial.unlink(missing_ok=True)
            notes.unlink(missing_ok=True)
            return _attempt(url, partial, size_bytes, report, stopped)
        if error.code >= 500:
            raise _BrokenConnectionError(f"the publisher answers {error.code}") from error
        raise FetchError(f"the publisher answers {error.code} {error.reason}") from error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise FetchError(getattr(reason, "strerror", None) or str(reason)) from error
    with contextlib.closing(answer):
        if answer.status != 206 or _first_byte(answer) != begin:
            begin = 0
        total = _total(answer, begin)
        _check_size(total, size_bytes, partial.parent, begin)
        _write_notes(notes, url, answer)
        return _receive(answer, partial, begin, total, size_bytes, report, stopped)


def _receive(
    answer: Any,
    partial: Path,
    begin: int,
    total: int,
    size_bytes: int | None,
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> bool:
    done = begin
    most = total or size_bytes or MOST_BYTES
    try:
        with partial.open("ab" if begin else "wb") as out:
            report(Progress(done, total))
            while not stopped():
                try:
                    chunk = answer.read(_CHUNK_BYTES)
                except (http.client.HTTPException, OSError) as error:
                    raise _BrokenConnectionError(str(error) or type(error).__name__) from error
                if not chunk:
                    break
                done += len(chunk)
                if done > most:
                    raise FetchError(f"more than {most} bytes come, and it should have no more")
                out.write(chunk)
                report(Progress(done, total))
            else:
                return False
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise FetchError(f"it cannot be written to {partial.parent} ({error.strerror})") from error
    if total and done < total:
        raise _BrokenConnectionError(f"{done} of {total} bytes came")
    return True


def _check_size(total: int, size_bytes: int | None, folder: Path, begin: int) -> None:
    """Refuse what is not the file, or does not fit, before it is brought here."""
    if size_bytes is not None and total and total != size_bytes:
        raise FetchError(
            f"the publisher's file has {total} bytes now instead of {size_bytes}: it is another one"
        )
    if total > MOST_BYTES:
        raise FetchError(f"the file has {total} bytes, more than any network's weights")
    free = shutil.disk_usage(folder).free
    if total - begin + _SPARE_BYTES > free:
        raise FetchError(
            f"{(total - begin) / 1e6:.0f} MB are missing and {folder} has {free / 1e6:.0f} MB left"
        )


def _continuable(notes: Path, partial: Path, url: str) -> tuple[str, int]:
    """Return what proves that the file is the same, and how much of it is here; or ("", 0)."""
    try:
        known = read_json(notes)
        begin = partial.stat().st_size
        if known["url"] == url and isinstance(known["validator"], str) and begin:
            return known["validator"], begin
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return "", 0


def _notes_of(partial: Path) -> Path:
    return partial.with_name(partial.name + ".json")


def _write_notes(notes: Path, url: str, answer: Any) -> None:
    tag = answer.headers.get("ETag", "")
    strong = tag if tag.startswith('"') else ""  # a weak one does not promise the same bytes
    validator = strong or answer.headers.get("Last-Modified", "")
    notes.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")


def _first_byte(answer: Any) -> int:
    """Return where a partial answer begins; -1 if it does not say."""
    unit, _, span = answer.headers.get("Content-Range", "").partition(" ")
    first = span.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdigit() else -1


def _total(answer: Any, begin: int) -> int:
    length = answer.headers.get("Content-Length", "")
    return begin + int(length) if length.isdigit() else 0


@contextlib.contextmanager
def _alone(partial: Path) -> Iterator[None]:
    """Hold a lock, so that two programs do not write one file; the system frees it if we die.

    Raises
    ------
    FetchError
        If another program holds it, or the folder cannot be written.
    """
    try:
        lock = partial.with_name(partial.name + ".lock").open("a+b")
    except OSError as error:
        raise FetchError(f"{partial.parent} cannot be written ({error.strerror})") from error
    with lock:
        try:
            _lock(lock)
        except OSError as error:
            raise FetchError("another program is downloading it at this moment") from error
        yield


def _lock(file: IO[bytes]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
