"""Weights from their publisher: checked, stoppable, and never half there."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest_plugins = ["support.module_desktop"]

CONTENT = bytes(range(256)) * 4000


class _Publisher(BaseHTTPRequestHandler):
    go_on = threading.Event()
    status = 200

    def do_GET(self):
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:100_000])
        self.wfile.flush()
        self.go_on.wait(10)
        self.wfile.write(CONTENT[100_000:])

    def log_message(self, *_):
        pass


def publish(monkeypatch, **changes):
    """Change what is known of LapIRN's published file."""
    from TTAUncertaintyPanel import download

    entry = download.MODELS["lapirn"]
    published = replace(entry.description.published, **changes)
    about = replace(entry.description, published=published)
    monkeypatch.setitem(download.MODELS, "lapirn", replace(entry, description=about))


@pytest.fixture
def publisher(logic, monkeypatch, tmp_path):
    """A publisher of LapIRN's weights on this computer, and a folder to put them."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Publisher)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/Gewichte.pth"
    publish(monkeypatch, url=address, sha256=hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(_Publisher, "status", 200)
    _Publisher.go_on.clear()
    yield _Publisher
    _Publisher.go_on.set()
    server.shutdown()
    server.server_close()


def test_weights_arrive_whole_and_are_then_used(desktop, logic, publisher):
    download = logic.downloadWeights("lapirn")
    desktop.wait_until(lambda: download.fraction > 0.05)
    assert not download.ended and download.file is None
    publisher.go_on.set()
    desktop.wait_until(lambda: download.ended)
    assert download.problem == "" and download.fraction == 1.0
    assert download.file.read_bytes() == CONTENT
    logic.machine.setWeightsFile("lapirn", download.file)
    assert logic.weights("lapirn").installed
    assert [path.name for path in download.file.parent.iterdir()] == ["Gewichte.pth"]


def test_a_download_that_is_cancelled_leaves_nothing(desktop, logic, publisher):
    download = logic.downloadWeights("lapirn")
    desktop.wait_until(lambda: download.done_bytes > 0)
    download.cancel()
    publisher.go_on.set()
    assert download.wait(10)
    assert download.file is None and download.problem == ""
    assert list(logic.machine.weightsFolder.iterdir()) == []


def test_a_file_with_another_checksum_is_not_kept(logic, publisher, monkeypatch):
    publish(monkeypatch, sha256="0" * 64)
    publisher.go_on.set()
    fetched = logic.downloadWeights("lapirn")
    assert fetched.wait(10)
    assert fetched.file is None and "damaged" in fetched.problem
    assert list(logic.machine.weightsFolder.iterdir()) == []


@pytest.mark.parametrize("reason", ["gone", "offline"])
def test_without_the_publisher_the_person_is_told_what_else_to_do(
    logic, publisher, monkeypatch, reason
):
    if reason == "gone":
        monkeypatch.setattr(publisher, "status", 404)
    else:
        publish(monkeypatch, url="http://127.0.0.1:9/Gewichte.pth")
    publisher.go_on.set()
    fetched = logic.downloadWeights("lapirn")
    assert fetched.wait(10)
    assert fetched.file is None and "on another computer" in fetched.problem


def test_only_weights_with_a_published_checksum_are_offered(logic):
    assert logic.canDownloadWeights("lapirn")
    assert not logic.canDownloadWeights("pyramid-flow")
