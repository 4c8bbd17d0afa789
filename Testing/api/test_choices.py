"""Command line and Python know the same choices, by the same names, with the same defaults."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import TTAUncertaintyLib as tta
from TTAUncertaintyLib.api.choices import JOB_NAMES, job_of
from TTAUncertaintyLib.api.wording import keywords
from TTAUncertaintyLib.cli.command_line import make_parser
from TTAUncertaintyLib.engine import Precision
from TTAUncertaintyLib.errors import DesignError, InputError
from TTAUncertaintyLib.geometry import Start
from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.worker import Job

#: Fields of a job that are nobody's choice: a panel sets them.
_OF_THE_PANEL = {"previews", "channels_last", "full_covariance", "design"}
_OF_THE_PANEL |= {"fixed_name", "moving_name", "transform_name"}  # files have theirs
_OF_AN_AUDIT = {"transform", "inverse_transform"}  # `tta.audit` asks for these
#: What only the page of an evaluation needs to know.
_OF_THE_PAGE = {"command"}

COMMANDS: dict[str, Callable[..., Any]] = {
    "run": tta.register,
    "evaluate": tta.evaluate,
    "calibrate": tta.calibrate,
}


def options_of(command: str) -> dict[str, argparse.Action]:
    """Return a command's options by the name that they are stored under."""
    (subparsers,) = (a for a in make_parser()._actions if isinstance(a.choices, dict))
    parser = subparsers.choices[command]
    return {action.dest: action for action in parser._actions if action.dest != "help"}


def keywords_of(command: str) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(COMMANDS[command]).parameters
    return {name: each for name, each in parameters.items() if name not in _OF_THE_PAGE}


def plain(value: object) -> object:
    """Return a default as both sides may write it: nothing for whatever is empty."""
    value = value.value if isinstance(value, Enum) else value
    if value is inspect.Parameter.empty or value is None:
        return None
    return (tuple(value) or None) if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_a_keyword_and_every_keyword_an_option(command: str) -> None:
    assert set(options_of(command)) == set(keywords_of(command))


@pytest.mark.parametrize("command", COMMANDS)
def test_defaults_are_the_same(command: str) -> None:
    options = options_of(command)
    for name, keyword in keywords_of(command).items():
        assert plain(keyword.default) == plain(options[name].default), name


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_is_spelt_as_its_keyword(command: str) -> None:
    negative = {"no_reverse_pass": "reverse_pass", "no_calibration": "use_calibration"}
    negative |= {"no_frame": "use_frame", "option": "options"}
    for name, action in options_of(command).items():
        spelt = {option.lstrip("-").replace("-", "_") for option in action.option_strings}
        assert name in {negative.get(each, each) for each in spelt}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_keyword_is_described(command: str) -> None:
    described = inspect.getdoc(COMMANDS[command]) or ""
    names = {
        name.strip()
        for line in described.splitlines()
        if line and not line.startswith(" ")
        for name in line.split(",")
    }
    assert set(inspect.signature(COMMANDS[command]).parameters) <= names


@pytest.mark.parametrize(
    ("command", "name", "says"),
    [
        (
            "run",
            "leave_out",
            "Labels on the fixed image's voxels: metal, a cavity, the couch; left",
        ),
        ("run", "reverse_pass", "leaves out the inverse-consistency map"),
        ("run", "label_names", "What they are called: a TSV or CSV with columns label and name"),
        ("evaluate", "cases", "How many of each image and kind"),
        ("calibrate", "overwrite", "Replace an older calibration"),
    ],
)
def test_an_option_says_what_its_keywords_description_says(
    command: str, name: str, says: str
) -> None:
    assert (options_of(command)[name].help or "").startswith(says)
    assert says in " ".join((inspect.getdoc(COMMANDS[command]) or "").split())


def test_there_is_a_choice_for_all_that_a_job_can_do() -> None:
    of_job = {field.name for field in fields(Job)} - _OF_THE_PANEL - _OF_AN_AUDIT
    of_design = {field.name for field in fields(DesignRequest)}
    jobs = {JOB_NAMES.get(name, name) for name in keywords_of("run")} - {"quiet"}
    assert jobs == of_job | of_design


def test_choices_become_the_job_they_name() -> None:
    made = job_of(
        {
            "fixed": "f",
            "moving": "m",
            "output": "o",
            "start": "mass",
            "precision": "bf16",
            "preset": "quick",
            "outer": np.int64(4),
            "scale": np.float32(0.5),
            "threads": 1,
            "options": {"a": "b"},
            "ensemble": ["x"],
            "tolerance": 1,
            "time_limit": 2,
        }
    )
    assert made == Job(
        Path("f"),
        Path("m"),
        Path("o"),
        start=Start.MASS,
        precision=Precision.BF16,
        design=DesignRequest(Preset.QUICK, outer=4, scale=0.5),
        options={"a": "b"},
        ensemble=(Path("x"),),
        tolerance_mm=1.0,
        time_limit_s=2.0,
        threads=1,
    )
    assert Job.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("choice", "error", "says"),
    [
        ({"preset": "quik"}, DesignError, '"quick" or "standard"'),
        ({"outer": "8"}, DesignError, '"8"'),
        ({"outer": True}, DesignError, "'outer' is true"),
        ({"scale": "much"}, DesignError, '"much"'),
        ({"start": "middle"}, InputError, '"header" or '),
        ({"threads": 1.5}, InputError, "'threads' is 1.5. Allowed: a whole number"),
        ({"reverse_pass": 0}, InputError, "'reverse_pass' is 0"),
        ({"weights": 3}, InputError, "'weights' is 3"),
        ({"model": None}, InputError, "'model' is null"),
        ({"options": "a=b"}, InputError, "options are 'a=b'"),
        ({"ensemble": [1]}, InputError, r"'ensemble' is \[1\]"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(
    choice: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        job_of({"fixed": "f", "moving": "m", "output": "o", **choice})


def test_a_word_for_the_terminal_is_said_in_python() -> None:
    assert keywords("replace it with --overwrite.") == "replace it with overwrite=True."
    assert keywords("try --start mass.") == 'try start="mass".'
    assert keywords("Use --device cpu, or auto") == 'Use device="cpu", or auto'
    assert keywords("Raise --outer.") == "Raise outer."
    assert keywords("--fixed-series or --moving-series") == "fixed_series or moving_series"
    assert keywords("agree with --trust-code ") == "agree with trust_code=True "
    command = "ttauncertainty models install MODEL --from FILE"
    assert keywords(command) == command
