"""A result is held against landmarks and labels from the command line, and written as a folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from support.lattices import FLIPPED, voxel_points
from support.records import RECORD

from TTAUncertaintyLib.cli import main
from TTAUncertaintyLib.evaluation.page import TRUTH
from TTAUncertaintyLib.geometry import DeformableTransform

#: What the result's transform does, voxel steps along (i, j, k) and in the world.
STEPS = np.array([2.0, 0.0, 0.0])
SHIFT = FLIPPED.linear @ STEPS
ERRORS = np.arange(6) / 2


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A bundle with a constant transform and one map, as little as can be opened."""
    folder = tmp_path / "result"
    folder.mkdir()
    field = torch.from_numpy(SHIFT).float().view(3, 1, 1, 1).expand(3, *FLIPPED.array_shape)
    transform = DeformableTransform(field.clone(), FLIPPED, np.eye(4))
    sitk.WriteTransform(transform.to_itk(), str(folder / "transform.h5"))
    values = np.full(FLIPPED.array_shape, 0.75, np.float32)
    files = {"transform": "transform.h5"}
    for kind in ("total", "error_bound", "jacobian"):
        files[kind] = f"{kind}.nrrd"
        image = FLIPPED.stamp(sitk.GetImageFromArray(values + (kind == "error_bound")))
        sitk.WriteImage(image, str(folder / files[kind]))
    image = {"path": "some/brain.nii.gz", "lattice": FLIPPED.as_dict()}
    for name in ("warped", "report"):  # not looked at
        files[name] = f"{name}.file"
        (folder / files[name]).touch()
    record = RECORD | {
        "created": "2026-11-23T01:00:00+00:00",
        "inputs": {"fixed": image, "moving": image},
        "files": files,
    }
    (folder / "result.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


@pytest.fixture
def landmarks(tmp_path: Path) -> list[str]:
    """Points whose error is known: 0 to 2.5 mm."""
    fixed = FLIPPED.to_world(voxel_points(FLIPPED, 6, seed=1, margin=4))
    moving = fixed + SHIFT + ERRORS[:, None] * np.array([0.6, 0.0, -0.8])
    options = []
    for which, points in (("fixed", fixed), ("moving", moving)):
        path = tmp_path / f"{which}.csv"
        lines = [f"{n},{x},{y},{z}" for n, (x, y, z) in enumerate(points.tolist())]
        path.write_text("\n".join(["label,x,y,z", *lines]), encoding="utf-8")
        options += [f"--{which}-landmarks", str(path)]
    return options


@pytest.fixture
def labels(tmp_path: Path) -> list[str]:
    """A box, and the same one where the transform sends it."""
    options = []
    for which, first in (("fixed", 1), ("moving", 3)):
        values = np.zeros(FLIPPED.array_shape, np.uint8)
        values[4:10, 5:11, first : first + 6] = 2
        path = tmp_path / f"{which}.nrrd"
        sitk.WriteImage(FLIPPED.stamp(sitk.GetImageFromArray(values)), str(path))
        options += [f"--{which}-labels", str(path)]
    return options


def test_the_tables_are_printed_and_written(
    result: Path,
    landmarks: list[str],
    labels: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "held"
    arguments = ["evaluate-result", str(result), *landmarks, *labels, "-o", str(out)]
    assert main([*arguments, "--label-names", "2=Box & <co>"]) == 0
    said = capsys.readouterr().out.replace("\u00a0", " ")
    assert "6 landmarks, paired by name" in said
    assert "target registration error     mean 1.25 mm, median 1.25 mm, largest 2.50 mm" in said
    assert "Box & <co>" in said
    assert "0.667       1.000" in said  # Dice before and after
    assert "no errors of the transform" in said
    assert {file.name for file in out.iterdir()} == {
        "known_truth.html",
        "known_truth.json",
        "labels.csv",
        "landmarks.csv",
        "maps_at_landmarks.csv",
    }
    assert TRUTH.others(out) == []  # so that it can be replaced
    rows = list(csv.DictReader((out / "landmarks.csv").read_text("utf-8-sig").splitlines()))
    found = [float(row["TRE after (mm)"]) for row in rows]
    np.testing.assert_allclose(found, ERRORS, atol=1e-5)
    page = (out / "known_truth.html").read_text(encoding="utf-8")
    assert "no errors of the transform" in page
    assert "Box &amp; &lt;co&gt;" in page
    assert "<script" not in page
    content = json.loads((out / "known_truth.json").read_text(encoding="utf-8"))
    bound = content["landmarks"]["maps"]["error_bound"]
    assert bound["coverage"] == pytest.approx(4 / 6)  # 0, 0.5, 1, 1.5 mm below 1.75 mm
    assert "jacobian" not in content["landmarks"]["maps"]  # it is not in mm
    assert len(content["files"]["fixed_labels"]["sha256"]) == 64


def test_json_is_the_same_as_in_the_folder(
    result: Path, landmarks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "held"
    assert main(["evaluate-result", str(result), *landmarks, "--json", "-o", str(out)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((out / "known_truth.json").read_text(encoding="utf-8"))
    assert printed["labels"] == []


def test_an_older_folder_is_replaced_only_if_asked(
    result: Path, labels: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate-result", str(result), *labels, "-o", str(tmp_path / "held")]
    assert main(arguments) == 0
    assert main(arguments) == 4
    assert main([*arguments, "--overwrite"]) == 0
    assert main([*arguments[:-1], str(result), "--overwrite"]) == 4  # never a result itself
    assert (result / "result.json").is_file()


def test_what_is_missing_is_said(
    result: Path, landmarks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate-result", str(result)]) == 2
    assert "nothing to hold the result against" in capsys.readouterr().err
    assert main(["evaluate-result", str(result), *landmarks[:2]]) == 2
    assert "landmarks of one image only" in capsys.readouterr().err
    assert main(["evaluate-result", str(tmp_path / "none"), *landmarks]) == 2
    assert "not a result folder" in capsys.readouterr().err
    (result / "transform.h5").write_text("nothing")
    assert main(["evaluate-result", str(result), *landmarks]) == 2
    assert "is damaged" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["evaluate-result", str(result), "--label-names", "Liver"])
    assert "is not LABEL=NAME" in capsys.readouterr().err
