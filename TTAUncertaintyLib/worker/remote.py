"""A job done on a cluster of Dask: images travel there, messages and the result come back.

The background process is the client. To whoever started it, it says what a worker says of a job
that it does itself: progress, provisional maps, notes, and how it ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any

from ..errors import (
    Cancelled,
    InputError,
    MissingPackage,
    OutputError,
    ResourceError,
    TTAUncertaintyError,
)
from ..geometry import files_of
from ..results import Bundle, check_output, new_folder
from ..version import __version__
from ..whole_files import written_whole
from . import remote_host
from .job import Job
from .messages import Message, Voice
from .state import Phase, RunState

#: Seconds between two calls, and to wait for a worker before that is said.
_LOOK_S, _NOBODY_S = 0.2, 3.0
#: Seconds without a call after which the other side takes this one for dead, unless the scheduler
#: has told it before.
_SILENCE_S = 60.0
_CONNECTING = "20s"
#: What a question after news may take: a worker answers from memory, whatever registers beside it.
_HEARING = "30s"
#: Seconds that the other side has to clean up before this one goes.
_LEAVING_S = 2.0
#: What is sent at a time.
_PART_BYTES = 1 << 20

#: Paths of a job that stay here.
_OWN = ("output", "previews", "checkpoint", "tls_ca", "tls_cert", "tls_key")

Tls = tuple[Path, Path, Path]


def tls_of(authority: Path | None, certificate: Path | None, key: Path | None) -> Tls | None:
    """Return the files of TLS where all three are given, None where none is.

    Raises
    ------
    InputError
        If only some are given.
    """
    if authority and certificate and key:
        return authority, certificate, key
    if authority or certificate or key:
        raise InputError("TLS needs three files.", "Give --tls-ca, --tls-cert and --tls-key.")
    return None


def connect(address: str, tls: Tls | None = None) -> Any:
    """Return a client of a scheduler that is there.

    Parameters
    ----------
    address
        "tls://host:8786", or "tcp://".
    tls
        Certificate of the authority, own certificate and key; None takes what Dask's configuration
        has.

    Raises
    ------
    MissingPackage, ResourceError
        If it cannot be reached.
    """
    try:
        from distributed import Client, Security
    except ImportError as error:
        raise MissingPackage(
            f"A cluster needs the package distributed, which is missing in {sys.executable}.",
            "Install it there: python -m pip install distributed",
        ) from error
    security = None
    try:
        if tls is not None:
            authority, certificate, key = map(str, tls)
            security = Security(
                tls_ca_file=authority,
                tls_client_cert=certificate,
                tls_client_key=key,
                require_encryption=True,
            )
        return Client(address, security=security, set_as_default=False, timeout=_CONNECTING)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise ResourceError(
            f"The scheduler at {address} cannot be reached: {error}",
            "Look whether it runs, and whether it needs TLS: --tls-ca, --tls-cert and --tls-key, "
            "or Dask's own configuration.",
        ) from error


def carry_out_there(job: Job, voice: Voice, stop_requested: Callable[[], bool]) -> bool:
    """Do a job on the cluster that it names; nothing of it is left there, however it ends.

    Parameters
    ----------
    job
        With a scheduler.
    voice, stop_requested
        As in `perform.carry_out`.

    Returns
    -------
    bool
        Whether every pass was made, or as many as the tolerance took.

    Raises
    ------
    TTAUncertaintyError
        With a sentence for the person; nothing is written then.
    """
    _check(job)
    assert job.scheduler is not None
    tls = tls_of(job.tls_ca, job.tls_cert, job.tls_key)
    if not job.scheduler.startswith("tls://"):
        voice.say("note", text=f"The images travel to {job.scheduler} without encryption.")
    with connect(job.scheduler, tls) as client, _guest(client, voice) as there:
        travel = _Travel(job, there)
        there.call("begin", travel.send())
        state = _listen(there, travel, voice, stop_requested)
        if state.output is None:
            raise _error(state, there.address, travel)
        with new_folder(job.output, job.overwrite) as partial:
            travel.fetch(partial)
            Bundle.open(partial)
    return state.complete


class _There:
    """The run on its worker."""

    def __init__(self, client: Any, key: str, address: str) -> None:
        self._client = client
        self._key = key
        self.address = address

    def call(self, what: str, *arguments: Any) -> Any:
        """Call a method of it."""
        try:
            if what == "hear" and self.address not in self._client.nthreads():
                # asked first: a call would try for minutes to reach a worker that was killed
                raise OSError("it has died, or was ended")
            found = self._client.run(
                remote_host.call,
                self._key,
                what,
                *arguments,
                workers=[self.address],
                callback_timeout=_HEARING if what == "hear" else None,
            )[self.address]
        except (OSError, KeyError, ValueError, asyncio.TimeoutError) as error:
            raise ResourceError(
                f"{self.address} of the cluster cannot be reached any more: {error}",
                "The run is lost; start it again.",
            ) from error
        if isinstance(found, OSError):
            raise OutputError(f"{self.address} of the cluster: {found}.") from found
        if isinstance(found, Exception):
            raise found
        return found


@contextmanager
def _guest(client: Any, voice: Voice) -> Iterator[_There]:
    """Give the place of a run on a worker, which is no more afterwards."""
    key = f"ttauncertainty-run-{uuid.uuid4().hex}"
    future = client.submit(remote_host.host, key, __version__, _SILENCE_S, key=key, pure=False)
    there = None
    try:
        there = _found(client, future, key, voice)
        yield there
    finally:
        # cancelling lets go of one that has not begun; one that has is told
        with contextlib.suppress(Exception):
            if there is not None:
                there.call("leave")
                end = time.monotonic() + _LEAVING_S
                while there.call("hear") is not None and time.monotonic() < end:
                    time.sleep(0.05)
            future.cancel()


def _found(client: Any, future: Any, key: str, voice: Voice) -> _There:
    """Wait until a worker has begun with it."""
    began, said = time.monotonic(), False
    while True:
        if future.status == "error":
            raise ResourceError(
                f"The workers of the cluster cannot do it: {future.exception()}",
                f"They need TTAUncertainty {__version__}.",
            )
        if client.status != "running":
            raise ResourceError("The scheduler is gone.", "Start the run again.")
        for address, keys in client.processing().items():
            if key in map(str, keys):
                there = _There(client, key, address)
                if there.call("place") is not None:
                    return there
        if not said and time.monotonic() - began > _NOBODY_S:
            said = True
            voice.say("note", text="Waiting for a free worker of the cluster.")
        time.sleep(_LOOK_S)


class _Travel:
    """What goes there and what comes back: files, and the names of files in words.

    Parameters
    ----------
    job
        As it is here.
    there
        The run on its worker.
    """

    def __init__(self, job: Job, there: _There) -> None:
        self._job = job
        self._there = there
        self._folder = str(there.call("place"))
        self._here: dict[str, str] = {}  # paths here by those there
        self._previews: list[str] = []

    def send(self) -> str:
        """Send the files of the job; return it as it is there, as JSON."""
        own: dict[str, Any] = dict.fromkeys(("scheduler", *_OWN)) | {"overwrite": False}
        own["output"] = f"{self._folder}/result"
        if self._job.previews is not None:
            own["previews"] = f"{self._folder}/previews"
        for name, value in vars(self._job).items():
            if name not in own and isinstance(value, Path):
                series = {"fixed": self._job.fixed_series, "moving": self._job.moving_series}
                own[name] = self._sent(value, series.get(name))
            elif name not in own and isinstance(value, tuple):
                own[name] = [self._sent(path) for path in value]
        return json.dumps(json.loads(self._job.to_json()) | own)

    def _sent(self, path: Path, series: str | None = None) -> str:
        path = path.absolute()
        place = f"in/{len(self._here)}"
        several = path.is_dir() or path.suffix in (".nhdr", ".mhd")
        for file in files_of(path, series) if several else (path,):
            try:
                name = f"{place}/{file.absolute().relative_to(path.parent).as_posix()}"
            except ValueError:
                raise InputError(
                    f"{file} does not lie beside {path.name}, to which it belongs.",
                    "Put both into one folder.",
                ) from None
            with file.open("rb") as stream:
                part = stream.read(_PART_BYTES)
                self._there.call("put", name, part)
                while part := stream.read(_PART_BYTES):
                    self._there.call("put", name, part)
        there = f"{self._folder}/{place}/{path.name}"
        self._here[there] = str(path)
        return there

    def in_words(self, value: Any) -> Any:
        """Return something with the names that files have here in all of its texts."""
        if isinstance(value, dict):
            return {name: self.in_words(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.in_words(each) for each in value]
        if isinstance(value, str) and self._folder in value:
            for there, here in self._here.items():
                value = value.replace(there, here)
        return value

    def fetch(self, place: Path) -> None:
        """Bring the result."""
        for name, size in self._there.call("listed", "result"):
            path = place / Path(name).relative_to("result")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._bring(name, path, size)
            if path.suffix == ".json":
                found = json.loads(path.read_text(encoding="utf-8"))
                text = json.dumps(self.in_words(found), indent=2) + "\n"
                path.write_text(text, encoding="utf-8")
            elif path.suffix == ".html":
                text = path.read_text(encoding="utf-8")
                for there, here in self._here.items():
                    text = text.replace(html.escape(there), html.escape(here))
                path.write_text(text, encoding="utf-8")

    def bring_preview(self, message: Message) -> Message:
        """Bring the files of a provisional map; return the message with their places here."""
        assert self._job.previews is not None
        self._job.previews.mkdir(parents=True, exist_ok=True)
        known = dict(self._there.call("listed", "previews"))
        for role in ("warped", "total"):
            name = PureWindowsPath(message.get(role) or "").name  # of either system
            if f"previews/{name}" not in known:
                message[role] = None  # replaced by a newer one meanwhile
                continue
            path = self._job.previews.absolute() / name
            if name not in self._previews:
                with written_whole(path) as partial:
                    self._bring(f"previews/{name}", partial, known[f"previews/{name}"])
                self._previews.append(name)
            message[role] = str(path)
        for old in [name for name in self._previews if name.startswith("total_")][:-2]:
            with contextlib.suppress(OSError):  # somebody reads it (Windows); later, then
                (self._job.previews / old).unlink()
                self._previews.remove(old)
        return message

    def _bring(self, name: str, path: Path, size: int) -> None:
        with path.open("wb") as stream:
            while (at := stream.tell()) < size:
                part = self._there.call("read", name, at, _PART_BYTES)
                if not part:
                    raise ResourceError(f"{name} did not come back whole.", "Start the run again.")
                stream.write(part)


def _listen(
    there: _There, travel: _Travel, voice: Voice, stop_requested: Callable[[], bool]
) -> RunState:
    """Say here what is said there, until the end."""
    asked = False
    while True:
        heard = there.call("hear")
        if heard is None:
            raise ResourceError(
                f"{there.address} of the cluster has given up the run.", "Start it again."
            )
        messages, state = heard
        for message in map(travel.in_words, messages):
            kind = message.pop("type")
            if kind == "preview":
                message = travel.bring_preview(message)
            if kind in ("phase", "progress", "note", "preview"):
                voice.say(kind, **message)
        if state is not None:
            return state
        if stop_requested() and not asked:
            asked = True
            there.call("ask", "stop")
        time.sleep(_LOOK_S)


def _check(job: Job) -> None:
    check_output(job.output, job.overwrite)
    if job.checkpoint is not None:
        raise InputError(
            "A checkpoint is kept on the computer of the run.",
            "Leave out --checkpoint, or --scheduler.",
        )
    if job.model.endswith(".json"):
        raise InputError(
            "A network of your own is not sent to a cluster: it may be a program.",
            "Run it on this computer, or use a network that the cluster has.",
        )


def _error(state: RunState, address: str, travel: _Travel) -> TTAUncertaintyError:
    print(state.log, file=sys.stderr)
    code, problem = state.exit_code, travel.in_words(state.problem)
    if state.phase is not Phase.FAILED:
        problem = "It was cancelled there."
    if code != InputError.exit_code:  # it is about that computer
        problem = f"On {address} of the cluster: {problem}"
    error = TTAUncertaintyError(problem, travel.in_words(state.remedy))
    error.exit_code = code or ResourceError.exit_code
    if code in (MissingPackage.exit_code, Cancelled.exit_code):  # neither of them is about this one
        error.exit_code = ResourceError.exit_code
    return error
