"""Downloads: whole or not at all, resumed only where the file is still the same."""

from __future__ import annotations

import hashlib
import threading
import time
import urllib.request
from collections import namedtuple
from pathlib import Path

import pytest

from TTAUncertaintyLib.models import PublishedFile
from TTAUncertaintyLib.store import DownloadPhase, Origin, WeightsStore
from TTAUncertaintyLib.store import fetch as fetching
from TTAUncertaintyLib.store.fetch import FetchError, check_address

from .conftest import CONTENT, MODEL, Publisher, content_is_right, publish

DIGEST = hashlib.sha256(CONTENT).hexdigest()


def left_over(store: WeightsStore) -> list[str]:
    """Return the names of everything in the store that is no lock, hash or folder."""
    return sorted(
        path.name
        for path in store.root.rglob("*")
        if path.is_file() and path.suffix not in (".lock",) and path.name != "known-hashes.json"
    )


def until(condition: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_weights_arrive_whole_and_are_recorded(store: WeightsStore, publisher: Publisher) -> None:
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.INSTALLED, state.problem
    assert state.file is not None and state.file.read_bytes() == CONTENT
    found = store.installed(MODEL)
    assert found is not None and found.path == state.file
    record = found.record
    assert (record.sha256, record.size_bytes) == (DIGEST, len(CONTENT))
    assert (record.origin, record.source) == (Origin.FIRST_DOWNLOAD, publisher.url)
    assert left_over(store) == ["record.json", "weights.pth"]


def test_progress_says_how_far_it_is_and_how_long_it_takes(
    store: WeightsStore, publisher: Publisher
) -> None:
    publisher.go_on.clear()
    download = store.download(MODEL)
    until(lambda: download.state.done_bytes >= len(CONTENT) // 2)
    state = download.state
    assert not state.phase.is_end and store.installed(MODEL) is None
    assert state.total_bytes == len(CONTENT) and 0.4 < state.fraction < 0.6
    publisher.go_on.set()
    assert download.wait(20).phase is DownloadPhase.INSTALLED


def test_a_cut_connection_is_taken_up_where_it_broke(
    store: WeightsStore, publisher: Publisher
) -> None:
    publisher.cut_after = len(CONTENT) // 3
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.INSTALLED, state.problem
    assert state.file is not None and state.file.read_bytes() == CONTENT
    begun = [asked.get("range") for asked in publisher.asked]
    assert begun[0] is None and begun[1] == f"bytes={len(CONTENT) // 3}-"


def test_a_stopped_download_goes_on_from_there(store: WeightsStore, publisher: Publisher) -> None:
    publisher.go_on.clear()
    download = store.download(MODEL)
    until(lambda: download.state.done_bytes > 0)
    download.cancel()
    publisher.go_on.set()
    assert download.wait(20).phase is DownloadPhase.STOPPED
    assert store.installed(MODEL) is None
    assert store.download(MODEL).wait(20).phase is DownloadPhase.INSTALLED
    assert publisher.asked[-1]["range"].startswith("bytes=")
    assert publisher.asked[-1]["if-range"] == '"first"'


@pytest.mark.parametrize("manner", ["changed", "no ranges", "weak tag"])
def test_a_file_that_may_be_another_begins_anew(
    store: WeightsStore, publisher: Publisher, manner: str
) -> None:
    publisher.content = bytes(len(CONTENT))
    publisher.cut_after = len(CONTENT) // 2
    if manner == "weak tag":
        publisher.etag = 'W/"first"'
    publisher.go_on.clear()
    download = store.download(MODEL)
    until(lambda: download.state.done_bytes > 0)
    download.cancel()
    publisher.go_on.set()
    download.wait(20)
    publisher.content, publisher.cut_after = CONTENT, None
    publisher.ranges = manner != "no ranges"
    publisher.etag = '"second"' if manner == "changed" else publisher.etag
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.INSTALLED, state.problem
    assert state.file is not None and state.file.read_bytes() == CONTENT


def test_another_hash_than_the_publishers_is_refused(
    store: WeightsStore, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = PublishedFile("weights.pth", publisher.url, "https://example.org", sha256="0" * 64)
    publish(monkeypatch, file)
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED and DIGEST in state.problem
    assert store.installed(MODEL) is None and left_over(store) == []


def test_the_first_downloads_hash_is_enforced_even_after_removal(
    store: WeightsStore, publisher: Publisher
) -> None:
    assert store.download(MODEL).wait(20).phase is DownloadPhase.INSTALLED
    store.remove(MODEL)
    publisher.content, publisher.etag = CONTENT[::-1], '"second"'
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED and "downloaded first" in state.problem
    publisher.content = CONTENT
    assert store.download(MODEL).wait(20).phase is DownloadPhase.INSTALLED


def test_a_failed_download_leaves_what_was_installed(
    store: WeightsStore, publisher: Publisher
) -> None:
    assert store.download(MODEL).wait(20).phase is DownloadPhase.INSTALLED
    publisher.content, publisher.etag = CONTENT[::-1], '"second"'
    assert store.download(MODEL).wait(20).phase is DownloadPhase.FAILED
    found = store.installed(MODEL)
    assert found is not None and found.path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("size", "said"), [(5, "instead of 5"), (len(CONTENT) + 1, f"instead of {len(CONTENT) + 1}")]
)
def test_another_size_is_refused_before_it_is_brought_here(
    store: WeightsStore,
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    said: str,
) -> None:
    publish(monkeypatch, PublishedFile("weights.pth", publisher.url, "", size_bytes=size))
    publisher.go_on.clear()
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED and said in state.problem


def test_more_than_there_should_be_is_cut_off(
    store: WeightsStore, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(monkeypatch, PublishedFile("weights.pth", publisher.url, "", size_bytes=1000))
    publisher.says_length = False
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED and "more than 1000 bytes" in state.problem


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (503, 1)])
def test_an_error_of_the_publisher_is_told_with_what_else_to_do(
    store: WeightsStore, publisher: Publisher, status: int, attempts: int
) -> None:
    publisher.status = status
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED and str(status) in state.problem
    assert "on another computer" in state.remedy
    assert len(publisher.asked) == attempts


def test_without_a_network_the_person_is_told_what_else_to_do(
    store: WeightsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(monkeypatch, PublishedFile("weights.pth", "http://127.0.0.1:9/w", "https://e.org"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED and "refused" in state.problem
    assert "weights.pth" in state.remedy and "https://e.org" in state.remedy


def test_a_proxy_of_the_environment_is_used(
    store: WeightsStore, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = publisher.url.rpartition("/")[0]
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy")
    monkeypatch.delenv("NO_PROXY", raising=False)
    publish(monkeypatch, PublishedFile("weights.pth", "http://localhost:9/weights.pth", ""))
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda host, *_: False)
    assert store.download(MODEL).wait(20).phase is DownloadPhase.INSTALLED
    assert publisher.asked[0]["host"] == "localhost:9"


@pytest.mark.parametrize(
    "address", ["http://example.org/w", "ftp://example.org/w", "file:///etc/passwd"]
)
def test_only_https_is_spoken(
    store: WeightsStore, publisher: Publisher, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    with pytest.raises(FetchError, match="https"):
        check_address(address)
    publisher.redirect = address
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED
    assert store.installed(MODEL) is None


def test_two_programs_do_not_write_one_file(store: WeightsStore, publisher: Publisher) -> None:
    publisher.go_on.clear()
    first = store.download(MODEL)
    until(lambda: first.state.done_bytes > 0)
    other = WeightsStore(store.root, check=content_is_right).download(MODEL)
    state = other.wait(20)
    assert state.phase is DownloadPhase.FAILED and "another program" in state.problem
    publisher.go_on.set()
    assert first.wait(20).phase is DownloadPhase.INSTALLED


def test_a_full_disk_is_told_before_it_is_full(
    store: WeightsStore, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 1000)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage)
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED and "MB left" in state.problem


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, publisher: Publisher) -> None:
    (tmp_path / "file").write_text("no folder")
    state = WeightsStore(tmp_path / "file" / "cache").download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED and "TTAUNCERTAINTY_CACHE" in state.remedy


def test_a_silent_publisher_is_not_waited_for_forever(
    store: WeightsStore, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_SILENCE_S", 0.2)
    publisher.go_on.clear()
    threading.Timer(3.0, publisher.go_on.set).start()
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED and "broke" in state.problem
