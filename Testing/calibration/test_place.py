"""A calibration takes hours: where it goes is looked at first, and nothing else is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.calibrations import made_up

from TTAUncertaintyLib.calibration import check_place, write_calibration
from TTAUncertaintyLib.cli import main
from TTAUncertaintyLib.errors import OutputError

#: As much of a bundle's record as a calibration is made up of.
RECORD = {
    "model": {"name": "pyramid-flow", "weights": {"sha256": "ab" * 32}, "options": {}},
    "design": {"name": "quick", "family": "rigid", "outer_K": 8, "replicates_R": 1, "seed": 0},
    "network_lattices": {"fixed": {"spacing_mm": [2.0, 2.0, 2.0]}},
}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_that_is_no_calibration_is_never_replaced(tmp_path: Path, overwrite: bool) -> None:
    image = tmp_path / "moving.nii.gz"
    image.write_bytes(b"three years of work")
    with pytest.raises(OutputError, match="is no calibration; it was left as it is"):
        check_place(image, overwrite)


def test_an_older_calibration_is_replaced_only_if_asked(tmp_path: Path) -> None:
    older = tmp_path / "older.json"
    write_calibration(older, made_up(RECORD))
    with pytest.raises(OutputError, match="--overwrite"):
        check_place(older)
    check_place(older, overwrite=True)
    check_place(tmp_path / "new.json")


@pytest.mark.parametrize("where", [".", "nowhere/new.json"])
def test_what_cannot_be_written_is_told_before_the_first_pass(
    tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "--preset", "quick", "-o", str(tmp_path / where)]) == 4
    said = capsys.readouterr()
    assert "cases through" not in said.out and str(tmp_path) in said.err
