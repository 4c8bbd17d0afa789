"""`calibrate` and `evaluate` from the terminal, and a run that uses what was made."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from support.phantom import FIXED, MOVING, phantom, write

from TTAUncertaintyLib.api.studies import baselines
from TTAUncertaintyLib.calibration import read_calibration
from TTAUncertaintyLib.cli import main
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.perturbations import Noise
from TTAUncertaintyLib.results import Bundle, MapKind


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bilder ä")
    write(made / "a.nii.gz", phantom(FIXED), FIXED)
    write(made / "b.nii.gz", phantom(MOVING, (2.0, -3.0, 1.0)), MOVING)
    return made


def study(folder: Path, *more: str) -> list[str]:
    images = [f"{name}={folder / name}.nii.gz" for name in "ab"]
    return [
        *("--images", *images, "--kinds", "smooth", "affine", "--cases", "1"),
        *("--preset", "quick", "--outer", "4", "--family", "translation", "--threads", "1"),
        *more,
    ]


@pytest.fixture(scope="module")
def calibration(folder: Path) -> Path:
    path = folder / "calibration.json"
    kept = str(folder / "kept")
    assert main(["calibrate", *study(folder, "--keep", kept, "-o", str(path))]) == 0
    return path


def run(folder: Path, calibration: Path, name: str, *more: str) -> tuple[int, Path]:
    output = folder / name
    arguments = ["run", "--fixed", str(folder / "a.nii.gz"), "--moving", str(folder / "b.nii.gz")]
    arguments += ["--preset", "quick", "--outer", "4", "--family", "translation", "--quiet"]
    arguments += ["--calibration", str(calibration), "-o", str(output), *more]
    return main(arguments), output


def test_a_calibration_is_made_of_two_subjects(calibration: Path) -> None:
    made = read_calibration(calibration)
    assert made.model == "pyramid-flow" and made.design["outer_K"] == 4
    assert [image["name"] for image in made.provenance["images"]] == ["a", "b"]
    assert made.provenance["cases"] == 4
    assert 0.5 < made.provenance["checked_on_left_out"]["subject"]["coverage"] <= 1


def test_what_was_measured_is_not_measured_again(
    folder: Path, calibration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = folder / "again.json"
    kept = str(folder / "kept")
    assert main(["calibrate", *study(folder, "--keep", kept, "-o", str(again))]) == 0
    assert capsys.readouterr().out.count("kept from before") == 4
    first, second = (json.loads(path.read_text()) for path in (calibration, again))
    assert first == second


def test_a_run_has_an_expected_error_in_the_files_and_in_the_report(
    folder: Path, calibration: Path
) -> None:
    status, output = run(folder, calibration, "result")
    assert status == 0
    bundle = Bundle.open(output)
    record = bundle.record
    assert record["calibrated"] is True
    assert record["calibration"]["provenance"]["cases"] == 4
    expected, bound = (
        sitk.ReadImage(str(bundle.map_files[kind]))
        for kind in (MapKind.EXPECTED_ERROR, MapKind.ERROR_BOUND)
    )
    network = Lattice.from_dict(record["network_lattices"]["fixed"])
    assert Lattice.of(expected).is_close(network)
    values, limits = (sitk.GetArrayFromImage(image) for image in (expected, bound))
    known = np.isfinite(values)
    factor = record["calibration"]["error_bound"]["factor"]
    np.testing.assert_allclose(limits[known], factor * values[known], rtol=0.02, atol=2e-3)
    outside = sitk.ReadImage(str(output / record["files"]["outside_calibration"]))
    assert Lattice.of(outside).is_close(network)
    assert set(np.unique(sitk.GetArrayFromImage(outside))) <= {0, 1}
    assert 0 <= record["calibration"]["region_outside_fraction"] <= 1
    report = bundle.report.read_text(encoding="utf-8")
    assert 'id="error"' in report and "Hatched" in report and "left out" in report


def test_without_a_calibration_nothing_is_called_an_error(folder: Path, calibration: Path) -> None:
    status, output = run(folder, calibration, "plain", "--no-calibration")
    assert status == 0
    bundle = Bundle.open(output)
    assert bundle.record["calibrated"] is False
    assert not any(kind.is_error for kind in bundle.map_files)
    report = bundle.report.read_text(encoding="utf-8")
    assert "This result is not calibrated" in report and "Error bound" not in report


def test_a_calibration_of_another_design_is_refused_before_the_run(
    folder: Path, calibration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, output = run(folder, calibration, "refused", "--translation-mm", "2")
    assert status == 2 and not output.exists()
    assert "translation_mm differs" in capsys.readouterr().err


def test_an_evaluation_is_written_as_tables_and_a_page(folder: Path, calibration: Path) -> None:
    output = folder / "evaluation"
    twice = "two:preset=quick,outer=8,family=translation"
    arguments = study(folder, "--compare", twice, "-o", str(output))
    assert main(["evaluate", *arguments]) == 0
    found = json.loads((output / "evaluation.json").read_text(encoding="utf-8"))
    methods = {summary["method"] for summary in found["summaries"]}
    assert {"two", "inverse-consistency gap", "displacement"} <= methods
    assert any("calibrated" in method for method in methods)
    assert len(found["errors"]) == 4
    passes = {s["method"]: s["passes"] for s in found["summaries"]}
    assert passes["two"] == 9 and passes["inverse-consistency gap"] == 2
    page = (output / "evaluation.html").read_text(encoding="utf-8")
    assert "http" not in page.replace("http://www.w3.org", "")  # it opens offline
    assert main(["evaluate", *arguments]) == 4  # there is one already


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--cases", "0"], "at least one case"),
        (["--masks", "c=x.nii.gz"], "no such image"),
    ],
)
def test_studies_that_make_no_sense(
    folder: Path, more: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", *study(folder, "-o", str(folder / "no.json"), *more)]) == 2
    assert says in capsys.readouterr().err
    assert not (folder / "no.json").exists()


def test_one_subject_cannot_be_calibrated(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = f"a={folder / 'a.nii.gz'}"
    arguments = ["--images", image, "--kinds", "affine", "--cases", "1", "--preset", "quick"]
    arguments += ["--outer", "4", "--family", "translation", "-o", str(folder / "one.json")]
    assert main(["calibrate", *arguments]) == 2
    assert "two subjects" in capsys.readouterr().err


def test_dropout_is_measured_beside_the_others_without_any_perturbation() -> None:
    assert not any("dropout" in name for name in baselines(paper=True, has_dropout=False))
    design = baselines(paper=False, has_dropout=True)["MC dropout"].resolve(MOVING)
    assert (design.noise, design.passes) == (Noise.DROPOUT, 50)
    image = torch.rand(1, 1, *MOVING.array_shape)
    for action in design.draw(MOVING).passes(0, 3, torch.device("cpu")):
        torch.testing.assert_close(action.warp(image), image)
