"""What is said of a run, and what can be done about it, while it goes on and when it has ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from TTAUncertaintyLib.controls.option import Phrase
from TTAUncertaintyLib.controls.run_options import (
    FAMILIES,
    NOISES,
    PRECISIONS,
    PRESETS,
    SAMPLINGS,
    STARTS,
    device_options,
)
from TTAUncertaintyLib.controls.run_view import run_view
from TTAUncertaintyLib.engine import Precision
from TTAUncertaintyLib.geometry import Start
from TTAUncertaintyLib.perturbations import Family, Noise, Preset, Sampling
from TTAUncertaintyLib.worker import Phase, RunState, StandardError

RUNNING = RunState(Phase.PERTURBING, 7, 18, 75.0, left_s=42.0, device="cuda:1")
ENDED = RunState(Phase.FINISHED, 18, 18, 75.0, output=Path("x"), complete=True, device="cpu")


def line(phrases: tuple[Phrase, ...]) -> str:
    return ", ".join(phrase.said() for phrase in phrases)


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (PRESETS, Preset),
        (FAMILIES, Family),
        (SAMPLINGS, Sampling),
        (NOISES, [noise for noise in Noise if noise is not Noise.ENSEMBLE]),  # no panel has several
        (STARTS, Start),
        (PRECISIONS, Precision),
    ],
)
def test_everything_that_the_library_can_do_is_offered_with_words(options: Any, kinds: Any) -> None:
    assert {option.value for option in options} == {kind.value for kind in kinds}
    assert all(option.title and option.about for option in options)
    assert len({option.title for option in options}) == len(options)


def test_a_device_that_is_chosen_is_offered_even_if_it_was_not_found() -> None:
    found = {one.value: one.title for one in device_options(["cpu"], "cuda:1")}
    assert found == {"auto": "Automatic", "cpu": "Processor", "cuda:1": "Graphics card 1"}


def test_a_run_says_where_it_is_how_long_it_takes_and_on_what() -> None:
    view = run_view(RUNNING)
    assert view.phase.said() == "Registering perturbed images…"
    assert view.passes.said() == "7 of 18 passes"
    assert line(view.times) == "About 45 s left, on the graphics card 1"
    assert view.fraction is not None and not view.cancel.why_not and not view.stop.why_not


def test_what_nobody_knows_yet_is_not_said() -> None:
    view = run_view(RunState())
    assert (view.fraction, view.passes.said(), view.times, view.known.said()) == (None, "", (), "")
    assert "two perturbed passes" in view.stop.why_not and not view.cancel.why_not


@pytest.mark.parametrize(
    ("asked", "phase"),
    [({"cancelling": True}, "Cancelling…"), ({"stopping": True}, "Stopping, with what")],
)
def test_a_run_that_is_ending_says_so_and_is_not_stopped_again(asked: Any, phase: str) -> None:
    view = run_view(replace(RUNNING, **asked))
    assert view.phase.said().startswith(phase) and view.stop.why_not
    assert bool(view.cancel.why_not) is ("cancelling" in asked)


@pytest.mark.parametrize(
    ("change", "phase", "said"),
    [
        ({}, "Finished", "18 passes in 1 min 15 s on the processor."),
        ({"done": 12}, "Finished: converged", "12 of 18 passes in 1 min 15 s on the processor."),
        ({"done": 12, "complete": False, "device": ""}, "Stopped and kept", "12 of 18 passes in"),
        ({"phase": Phase.CANCELLED}, "Cancelled", "Nothing was kept."),
        ({"phase": Phase.FAILED}, "Failed", ""),
    ],
)
def test_how_a_run_ended_is_said(change: Any, phase: str, said: str) -> None:
    view = run_view(replace(ENDED, **change))
    assert view.phase.said() == phase
    assert line(view.times).startswith(said) and bool(line(view.times)) is bool(said)


def test_how_well_the_map_is_known_is_said_as_length_and_share() -> None:
    known = run_view(replace(RUNNING, standard_error=StandardError(0.0314, 0.06))).known
    assert known.said() == "Map known to ±0.031 mm (6.0 %)."


def test_words_are_translated_before_their_numbers_go_in() -> None:
    german = {"{done} of {total} passes": "{done} von {total} Durchgängen", "{phase}…": "{phase} …"}
    view = run_view(RUNNING)
    assert view.passes.said(lambda words: german.get(words, words)) == "7 von 18 Durchgängen"
    shown = view.phase.said(lambda words: german.get(words, words.upper()))
    assert shown == "REGISTERING PERTURBED IMAGES …"
