"""Starting and ending: the address, signals, and what is cleaned up whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..cohort.reviewing import StudyReview
from .guard import Guard
from .session import LARGEST_UPLOAD, Session
from .stalled_connections import cut_stalled_connections
from .viewer import Viewer
from .web import Web

#: Seconds that answers under way have at the end; a large file may be coming in.
_LAST_ANSWERS_S = 3.0


def serve(
    bundles: Sequence[Path],
    results: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    open_browser: bool = True,
    say: Callable[[str], None] = print,
    largest_upload: int = LARGEST_UPLOAD,
    study: StudyReview | None = None,
) -> None:
    """Serve the page until the process is asked to end: by Ctrl-C, SIGTERM or SIGHUP.

    That is how a viewer ends, and no failure: this returns then.

    Parameters
    ----------
    results
        Where runs that are started in the page put their results.
    host, port
        Where to listen; port 0 takes a free one.
    largest_upload
        Bytes that a file may have that is sent.
    study
        A study to go through; None for none.
    """
    session = Session(largest_upload)
    try:
        guard = Guard(host)
        if not guard.is_local:
            say(
                f"warning: listening on {host}. Whoever reaches this computer over the network and "
                "has the address can see the images, without encryption. There, the address is "
                "the one below with the name of this computer in it."
            )
        with _no_arguments(), contextlib.suppress(KeyboardInterrupt):  # Windows has no handlers
            asyncio.run(_serve(bundles, results, session, guard, port, open_browser, say, study))
    finally:
        session.close()


async def _serve(
    bundles: Sequence[Path],
    results: Path,
    session: Session,
    guard: Guard,
    port: int,
    open_browser: bool,
    say: Callable[[str], None],
    study: StudyReview | None,
) -> None:
    viewer = Viewer(bundles, session, results, study)
    server = viewer.server
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_on_exception)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        with contextlib.suppress(NotImplementedError, AttributeError):  # Windows
            loop.add_signal_handler(getattr(signal, name), ended.set)

    def bind(web_server: Any) -> None:
        web_server.config["handle_signals"] = False  # aiohttp's would end with status 1
        guard.protect(web_server.app)
        cut_stalled_connections(web_server.app)
        Web(viewer).add_to(web_server.app)

    server.controller.on_server_bind.add(bind)
    os.environ["WSLINK_READY_MSG"] = ""
    serving = asyncio.ensure_future(
        server.start(
            exec_mode="coroutine",
            host=guard.host,
            port=port,
            open_browser=False,
            show_connection_info=False,
            disable_logging=True,
            timeout=0,
        )
    )
    waiting = asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait({serving, server.ready}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()  # raises what went wrong: a port that is taken
        guard.port = server.port
        say(f"Open in a browser: {guard.address}")
        say("It is for this start only. Ctrl-C ends the viewer.")
        if open_browser:
            await asyncio.to_thread(_open, guard.address)
        viewer.begin()
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        viewer.close()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(server.stop(), _LAST_ANSWERS_S)
        for task in (serving, waiting):
            task.cancel()


def _on_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say what goes wrong in the loop, but not that a tab was closed while it was written to."""
    if not isinstance(context.get("exception"), ConnectionError):
        loop.default_exception_handler(context)


def _open(address: str) -> None:
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(address)


@contextlib.contextmanager
def _no_arguments() -> Iterator[None]:
    """Hide the command line from trame, which would read it as its own."""
    before, sys.argv = sys.argv, sys.argv[:1]
    try:
        yield
    finally:
        sys.argv = before
