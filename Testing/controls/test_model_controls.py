"""What is said of a model and its weights, and what a click does about them; without Qt."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from TTAUncertaintyLib.controls.model_controls import ModelControls
from TTAUncertaintyLib.controls.model_view import (
    ModelView,
    buttons_for,
    lines_of,
    model_options,
    models_here,
)
from TTAUncertaintyLib.controls.option import Phrase
from TTAUncertaintyLib.errors import ConsentNeeded, InputError
from TTAUncertaintyLib.models import MODELS
from TTAUncertaintyLib.store import (
    DownloadPhase,
    DownloadState,
    Lack,
    Source,
    Verification,
    Weights,
    WeightsStore,
    weights_of,
)

ABSENT = Weights("lapirn", Source.ABSENT, lack=Lack.WEIGHTS)


class HandTimer:
    def __init__(self, slot: Any) -> None:
        self.slot, self.active = slot, False

    def start(self) -> None:
        self.active = True

    def stop(self) -> None:
        self.active = False


class Screen:
    """A screen that answers as the test says, and keeps notes of what it was told."""

    def __init__(self) -> None:
        self.model, self.have = "lapirn", ABSENT
        self.images: bool | None = None
        self.store: Any = SimpleNamespace()
        self.view = ModelView()
        self.told: list[str] = []
        self.answers: list[Any] = []
        self.cancelled = 0
        self.running = SimpleNamespace(state=DownloadState(), cancel=self._cancel)
        self.controls = ModelControls(self, self)
        self.controls.show()

    def every(self, _interval_ms: int, slot: Any, /) -> HandTimer:
        self.timer = HandTimer(slot)
        return self.timer

    after = every

    def _cancel(self) -> None:
        self.cancelled += 1

    def brains(self) -> bool | None:
        return self.images

    def weights(self) -> Weights:
        return self.have

    def download(self) -> Any:
        return self.running

    def show(self, view: ModelView) -> None:
        self.view = view

    def file(self, title: Phrase, _what: str, _kinds: str) -> Path | None:
        self.told.append(title.said())
        return self.answers.pop(0)

    def agrees(self, question: Phrase) -> bool:
        self.told.append(question.said())
        return self.answers.pop(0)

    def inform(self, said: Phrase) -> None:
        self.told.append(said.said())

    def say_problem(self, problem: Phrase, remedy: Phrase) -> None:
        self.told.append(f"{problem.said()} {remedy.said()}")

    def clear(self) -> None:
        self.told.clear()

    def use_file(self, file: Path | None) -> None:
        self.told.append(f"use {file}")

    def take(self, model: str) -> None:
        self.told.append(f"take {model}")

    def follow(self) -> None:
        self.told.append("follow")

    def does(self, what: str, *answers: Any) -> list[str]:
        """Do something, give these answers, wait for its end; return what was told since."""
        self.told.clear()
        self.answers = list(answers)
        self.controls.do(what)
        for _ in range(500):
            if not self.timer.active:
                break
            time.sleep(0.01)
            self.timer.slot()
        return self.told

    @property
    def buttons(self) -> dict[str, str]:
        return {option.value: option.title for option in self.view.buttons if not option.why_not}


@pytest.fixture
def screen() -> Screen:
    return Screen()


def said(weights: Weights) -> str:
    return " ".join(phrase.said() for line in lines_of(weights) for phrase in line)


def test_every_model_is_offered_with_its_purpose_and_said_to_be_licensed() -> None:
    assert [option.value for option in model_options()][: len(MODELS)] == list(MODELS)
    for option in model_options():
        weights = weights_of(option.value, WeightsStore())
        assert option.about in said(weights) and "Licence: " in said(weights)


def test_where_weights_come_from_is_said_with_what_can_be_done() -> None:
    bundled = said(weights_of("pyramid-flow", WeightsStore()))
    assert "included, 2.8 MB" in bundled and 'href="choose"' in bundled
    assert "Mok, Chung" in said(ABSENT) and "not on this computer" in said(ABSENT)
    own = Weights("lapirn", Source.CHOSEN, Path("my <own>.pth"))
    assert 'href="own"' in said(own) and "my <own>.pth" in said(own)
    assert said(Weights("nobody's", Source.NONE, lack=Lack.MODEL)) == ""


def test_only_missing_weights_are_offered_and_a_download_only_where_there_is_one() -> None:
    assert [option.value for option in buttons_for(ABSENT)] == ["download", "install"]
    assert buttons_for(Weights("lapirn", Source.INSTALLED)) == ()
    assert buttons_for(Weights("sitk-demons", Source.NONE)) == ()
    own = Weights("my-model", Source.ABSENT, lack=Lack.WEIGHTS)
    assert [option.value for option in buttons_for(own)] == ["install"]


def test_what_cannot_be_run_here_is_listed_last_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path))
    options = models_here()
    barred = [bool(option.why_not) for option in options]
    assert barred == sorted(barred) and not barred[0]
    lapirn = next(option for option in options if option.value == "lapirn")
    assert lapirn.why_not == "Not installed: ttauncertainty models install lapirn"


def test_a_download_says_how_far_it_is_and_can_be_stopped(screen: Screen) -> None:
    assert screen.buttons["download"] == "Download weights"
    screen.controls.do("download")
    assert screen.buttons == {"download": "Stop the download"}
    screen.running.state = DownloadState(done_bytes=1_200_000, total_bytes=3_700_000)
    screen.timer.slot()
    assert screen.view.doing.said() == "1.2 of 3.7 MB"
    screen.running.state = DownloadState(DownloadPhase.CHECKING)
    screen.timer.slot()
    assert screen.view.doing.said() == "Checking what came…" and screen.buttons == {}
    screen.running.state = DownloadState(DownloadPhase.STOPPED, done_bytes=5)
    screen.timer.slot()
    assert "goes on from there" in screen.view.doing.said() and screen.told == ["follow"]
    assert set(screen.buttons) == {"download", "install"} and not screen.timer.active


def test_a_download_that_fails_says_so_and_can_be_tried_again(screen: Screen) -> None:
    screen.running.state = DownloadState(DownloadPhase.FAILED, problem="No net.", remedy="Wait.")
    assert screen.does("download") == ["No net. Wait.", "follow"]
    assert not screen.view.doing and "download" in screen.buttons


def test_while_one_model_is_busy_another_one_waits(screen: Screen) -> None:
    screen.controls.do("download")
    screen.model, screen.have = (
        "unigradicon",
        Weights("unigradicon", Source.ABSENT, lack=Lack.WEIGHTS),
    )
    screen.controls.show()
    assert screen.buttons == {} and screen.view.buttons and not screen.view.doing


def test_one_thing_goes_on_at_a_time_and_no_question_is_asked_meanwhile(screen: Screen) -> None:
    screen.controls.do("download")
    for what in ("verify", "remove", "add", "install"):
        screen.told.clear()
        screen.controls.do(what)
        assert screen.told == ["Something else goes on. Wait for its end."]
    assert screen.cancelled == 0
    screen.controls.do("download")
    assert screen.cancelled == 1


def test_whoever_closes_it_stops_the_download(screen: Screen) -> None:
    screen.controls.close()
    assert screen.cancelled == 0
    screen.controls.do("download")
    screen.controls.close()
    assert screen.cancelled == 1 and not screen.timer.active


def test_a_file_is_asked_for_by_the_model_s_title(screen: Screen, tmp_path: Path) -> None:
    title = "Weights of LapIRN (OASIS, displacement)"
    assert screen.does("choose", None) == [title]
    assert screen.does("choose", tmp_path) == [title, f"use {tmp_path}"]
    assert screen.does("own") == ["use None"]


def test_a_file_that_is_refused_is_refused_in_words(screen: Screen, tmp_path: Path) -> None:
    def refuse(_model: str, _file: Path) -> None:
        raise InputError("That is another file.", "Choose it again.")

    screen.store.install_file = refuse
    assert screen.does("install", tmp_path)[-2:] == [
        "That is another file. Choose it again.",
        "follow",
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [(Verification.INTACT, "are what was"), (Verification.ALTERED, "are not what was")],
)
def test_installed_weights_are_verified(screen: Screen, found: Any, words: str) -> None:
    screen.store.verify = lambda _model: found
    assert words in screen.does("verify")[-1]


def test_nothing_is_removed_before_a_question(screen: Screen) -> None:
    removed: list[str] = []
    screen.store.remove = removed.append
    assert "Remove the installed weights of LapIRN" in screen.does("remove", False)[0]
    assert removed == []
    assert screen.does("remove", True)[-1] == "follow" and removed == ["lapirn"]


@pytest.mark.parametrize("agrees", [False, True])
def test_a_program_is_installed_only_after_a_question(
    screen: Screen, tmp_path: Path, agrees: bool
) -> None:
    def install(_manifest: Path, agreed: bool) -> Any:
        if not agreed:
            raise ConsentNeeded("It is a program.", "Agree.", tmp_path / "program.py", "ab" * 32)
        return SimpleNamespace(record=SimpleNamespace(model="my-model"))

    screen.store.install_own = install
    told = screen.does("add", tmp_path / "model.json", agrees)
    assert any("is a program" in each and "ab" * 32 in each for each in told) or agrees
    assert ("take my-model" in told) is agrees


@pytest.mark.parametrize(
    ("model", "brains", "better"),
    [("pyramid-flow", False, "pyramid-flow-any"), ("pyramid-flow-any", True, "pyramid-flow")],
)
def test_the_images_offer_the_bundled_network_that_is_for_them(
    screen: Screen, model: str, brains: bool, better: str
) -> None:
    screen.model, screen.have = model, weights_of(model, WeightsStore())

    def lines(images: bool | None) -> list[str]:
        screen.images = images
        screen.controls.show()
        return [" ".join(phrase.said() for phrase in line) for line in screen.view.lines]

    without = lines(None)
    assert screen.does("offer") == []
    assert lines(not brains) == without  # it is for these
    offer, *others = lines(brains)
    assert others == without
    assert f'<a href="offer">{MODELS[better].description.title}</a>' in offer
    assert screen.does("offer") == [f"take {better}"]


def test_no_other_network_is_spoken_against(screen: Screen) -> None:
    for screen.images in (False, True, None):
        screen.controls.show()
        assert "offer" not in "".join(p.said() for line in screen.view.lines for p in line)
        assert screen.does("offer") == []
