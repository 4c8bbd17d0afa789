"""A publisher on this computer, whose manners can be changed, and a store of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from TTAUncertaintyLib.models import MODELS, PublishedFile
from TTAUncertaintyLib.store import Verdict, WeightsStore

CONTENT = bytes(range(256)) * 4096  # 1 MB
MODEL = "lapirn"


class Publisher:
    """What the server does; a test changes it before, or while, it is asked.

    Attributes
    ----------
    content, etag
        What it offers.
    ranges
        Whether it can send parts.
    cut_after
        Bytes of an answer after which the connection ends; None for whole answers.
    status
        200, or an error.
    says_length
        Whether it says how long its answers are.
    go_on
        An answer stops in the middle until this is set.
    asked
        Headers of every request.
    """

    def __init__(self) -> None:
        self.content = CONTENT
        self.etag = '"first"'
        self.ranges = True
        self.cut_after: int | None = None
        self.status = 200
        self.says_length = True
        self.redirect = ""
        self.go_on = threading.Event()
        self.go_on.set()
        self.asked: list[dict[str, str]] = []
        self.url = ""


class _Handler(BaseHTTPRequestHandler):
    publisher: Publisher

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        it = self.publisher
        it.asked.append({key.lower(): value for key, value in self.headers.items()})
        if it.redirect and self.path == "/weights.pth":
            self.send_response(302)
            self.send_header("Location", it.redirect)
            self.end_headers()
            return
        if it.status != 200:
            self.send_error(it.status)
            return
        begin = 0
        wanted = self.headers.get("Range", "")
        same = self.headers.get("If-Range", it.etag) == it.etag
        if it.ranges and same and wanted:
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
            if begin >= len(it.content):
                self.send_error(416)
                return
        body = it.content[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("ETag", it.etag)
        if begin:
            span = f"bytes {begin}-{len(it.content) - 1}/{len(it.content)}"
            self.send_header("Content-Range", span)
        if it.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = body if it.cut_after is None else body[: it.cut_after]
        half = len(cut) // 2
        self.wfile.write(cut[:half])
        self.wfile.flush()
        it.go_on.wait(20)
        self.wfile.write(cut[half:])


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """The server, and LapIRN's weights published there without a hash."""
    it = Publisher()
    handler = type("Handler", (_Handler,), {"publisher": it})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    it.url = f"http://127.0.0.1:{server.server_port}/weights.pth"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    publish(monkeypatch, PublishedFile("weights.pth", it.url, "https://example.org"))
    yield it
    it.go_on.set()
    server.shutdown()
    server.server_close()


def publish(monkeypatch: pytest.MonkeyPatch, file: PublishedFile) -> None:
    """Let LapIRN's weights be another file."""
    entry = MODELS[MODEL]
    about = replace(entry.description, published=file)
    monkeypatch.setitem(MODELS, MODEL, replace(entry, description=about))


Judge = Callable[[str, Path, "Path | None", bool], Verdict]


def content_is_right(model: str, file: Path, converted: Path | None, trust: bool) -> Verdict:
    """Stand in for looking into the file."""
    right = file.read_bytes() == CONTENT
    return Verdict(True) if right else Verdict(True, f"{file} is not this model's.", "Get it.")


@pytest.fixture
def store(tmp_path: Path) -> WeightsStore:
    """An empty store whose files are looked into without another process."""
    return WeightsStore(tmp_path / "Gewichte für Ω", check=content_is_right)
