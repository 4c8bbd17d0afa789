"""Evaluating and calibrating from Python: the same study as from the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.phantom import FIXED, MOVING, phantom, write

import TTAUncertaintyLib as tta
from TTAUncertaintyLib.errors import DesignError, InputError

QUICK: dict[str, Any] = {
    "kinds": ["smooth"],
    "cases": 1,
    "preset": "quick",
    "outer": 4,
    "family": "translation",
    "threads": 1,
    "quiet": True,
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("images")
    return {
        "a": write(folder / "a.nii.gz", phantom(FIXED), FIXED),
        "b": write(folder / "b.nii.gz", phantom(MOVING, (2.0, -3.0, 1.0)), MOVING),
    }


def test_an_evaluation_and_a_calibration_of_the_same_measurements(
    images: dict[str, Path], tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    found = tta.evaluate(tmp_path / "evaluation", images=images, keep=kept, **QUICK)
    assert (tmp_path / "evaluation" / "evaluation.html").is_file()
    assert {case.subject for case in found.cases} == {"a", "b"}
    assert found.command == "TTAUncertaintyLib.evaluate(...)"

    made = tta.calibrate(tmp_path / "c.json", images=list(images.values()), keep=kept, **QUICK)
    assert made.model == "pyramid-flow" and made.design["outer_K"] == 4
    result = tta.register(
        *images.values(),
        calibration=tmp_path / "c.json",
        **{name: QUICK[name] for name in ("preset", "outer", "family", "threads", "quiet")},
    )
    assert result.calibrated and "expected_error" in result.maps
    assert result.outside_calibration is not None


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"images": "brain.nii.gz"}, InputError, "not a list of files"),
        ({"cases": 0}, InputError, "at least one case"),
        ({"masks": {"c": "mask.nii.gz"}}, InputError, "no such image"),
        ({"kinds": ["rough"]}, InputError, "rough"),
        ({"preset": "quik"}, DesignError, "quik"),
    ],
)
def test_a_study_that_cannot_be_is_refused(
    wrong: dict[str, Any], error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        tta.evaluate(tmp_path / "evaluation", **(QUICK | wrong))
    assert list(tmp_path.iterdir()) == []
