"""`ttauncertainty models`: what a person sees, is asked, and gets as an exit status."""

from __future__ import annotations

import io
import signal
import threading
import time
from pathlib import Path

import pytest

from TTAUncertaintyLib.cli.command_line import main
from TTAUncertaintyLib.store import Verdict, WeightsStore
from TTAUncertaintyLib.store import store as storing

from .conftest import CONTENT, MODEL, Publisher, content_is_right


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the command's own, whose files are looked into without another process."""
    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(storing, "check_contents", lambda *a: content_is_right(*a[:4]))
    return tmp_path / "cache"


class Terminal(io.StringIO):
    """Somebody who can be asked."""

    def isatty(self) -> bool:
        return True


def test_licence_and_citation_are_shown_before_anything_is_asked_of_the_publisher(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert main(["models", "install", MODEL]) == 130
    shown = capsys.readouterr().out
    assert shown.index("TonyMok") < shown.index("MICCAI") < shown.index("[y/N]")
    assert publisher.asked == [] and WeightsStore().all() == []


@pytest.mark.parametrize("agrees", ["typed", "--yes"])
def test_who_agrees_gets_the_weights_and_their_hash(
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    agrees: str,
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert main(["models", "install", MODEL, *(["--yes"] if agrees == "--yes" else [])]) == 0
    shown = capsys.readouterr().out
    assert ("[y/N]" in shown) == (agrees == "typed")
    found = WeightsStore().installed(MODEL)
    assert found is not None and found.record.sha256 in shown and "first download" in shown
    assert main(["models", "list"]) == 0
    assert "[installed, 1.0 MB]" in capsys.readouterr().out


def test_where_nobody_can_be_asked_nobody_agreed(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert main(["models", "install", MODEL]) == 1
    assert "--yes" in capsys.readouterr().err and publisher.asked == []


def test_a_refusal_has_a_status_of_its_own_and_says_what_else_to_do(
    publisher: Publisher, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher.status = 404
    assert main(["models", "install", MODEL, "--yes"]) == 3
    assert "on another computer" in capsys.readouterr().err


def test_ctrl_c_keeps_what_came_and_says_so(
    publisher: Publisher, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher.go_on.clear()

    def interrupt() -> None:
        while not publisher.asked:
            time.sleep(0.02)
        time.sleep(0.5)  # for what comes before the publisher is to go on
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        publisher.go_on.set()

    threading.Thread(target=interrupt, daemon=True).start()
    assert main(["models", "install", MODEL, "--yes"]) == 130
    assert "goes on from here" in capsys.readouterr().err
    assert main(["models", "install", MODEL, "--yes"]) == 0
    assert publisher.asked[-1]["range"].startswith("bytes=")


def test_from_a_file_verified_shown_and_removed(
    publisher: Publisher, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "from a stick.pth"
    file.write_bytes(CONTENT)
    assert main(["models", "install", MODEL, "--from", str(file)]) == 0
    assert publisher.asked == []
    assert main(["models", "verify"]) == 0
    assert f"{MODEL}: intact" in capsys.readouterr().out
    path = WeightsStore().installed(MODEL).path  # type: ignore[union-attr]
    path.write_bytes(CONTENT[1:])
    assert main(["models", "verify", MODEL]) == 3
    path.unlink()
    assert main(["models", "verify"]) == 3
    assert f"{MODEL}: missing" in capsys.readouterr().out
    assert main(["models", "remove", MODEL]) == 0
    assert main(["models", "verify"]) == 0
    assert "No weights are installed" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["pyramid-flow", "sitk-demons", "nobody's"])
def test_there_is_nothing_to_install_for_these(name: str) -> None:
    assert main(["models", "install", name, "--yes"]) == 3


def test_what_nobody_looked_into_is_said_to_be_unchecked(
    publisher: Publisher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(storing, "check_contents", lambda *_: Verdict(False))
    file = tmp_path / "weights.pth"
    file.write_bytes(CONTENT)
    assert main(["models", "install", MODEL, "--from", str(file)]) == 0
    assert main(["models", "show", MODEL]) == 0
    assert capsys.readouterr().out.count("not yet: PyTorch") == 2
