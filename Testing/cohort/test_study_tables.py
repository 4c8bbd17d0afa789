"""The tables of a study, its data dictionary, its flags, and the folder for BIDS."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
import SimpleITK as sitk
from support.cohort_pairs import Given, pairs_of, settings, write_images

from TTAUncertaintyLib.cohort.columns import describe, dictionary
from TTAUncertaintyLib.cohort.outliers import flags, robust_z
from TTAUncertaintyLib.cohort.pair_task import Ending, PairTask, do_pair
from TTAUncertaintyLib.cohort.pairs import read_table, write_pairs
from TTAUncertaintyLib.cohort.study import Failure, Study
from TTAUncertaintyLib.cohort.tables import write_results
from TTAUncertaintyLib.results import Bundle


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    """Three pairs done, one failed, one missing; labels and landmarks on the first."""
    folder = tmp_path_factory.mktemp("study of tables")
    table = write_images(folder / "in", ["sub-1_ses-2_T1w", "b", "c", "d", "e"])
    fixed = sitk.ReadImage(str(folder / "in" / "fixed.nrrd"))
    values = sitk.GetArrayFromImage(fixed)
    labels = np.where(values > 600, 2, np.where(values > 300, 1, 0)).astype(np.uint8)
    _write(labels, fixed, folder / "in" / "labels.nrrd")
    moving = sitk.ReadImage(str(folder / "in" / "b.nrrd"))
    parts = (sitk.GetArrayFromImage(moving) > 300).astype(np.uint8)
    _write(parts, moving, folder / "in" / "parts.nrrd")
    (folder / "in" / "points.csv").write_text("label,x,y,z\na,0,0,0\nb,5,5,0\n")
    rows = read_table(table).to_pylist()
    for row in rows:
        row |= dict.fromkeys(("fixed_labels", "moving_labels"), "")
        row |= {"fixed_landmarks": "", "moving_landmarks": "", "state": "of the brain"}
    rows[0] |= {"fixed_labels": "labels.nrrd", "fixed_landmarks": "points.csv"}
    rows[0] |= {"moving_landmarks": "points.csv"}
    rows[1] |= {"moving_labels": "parts.nrrd"}
    write_pairs(table, rows)
    made = Study(folder / "study")
    pairs, how = pairs_of(table), settings()
    made.prepare(how.described, pairs, 0.5)
    for pair in pairs[:3]:
        task = PairTask(pair, how.to_json(), how.sha256_of(pair), made.folder, above_mm=0.5)
        outcome = do_pair(task, Given(template))
        assert outcome.ending is Ending.DONE, outcome.failure
    made.has_failed(Failure("d", "It crashed.", "Look.", "log\nlines", 2, "node7", 3.5))
    write_results(made.folder, bids=True)
    return made.folder


def _write(values: np.ndarray, like: sitk.Image, path: Path) -> None:
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(like)
    sitk.WriteImage(image, str(path))


def test_a_row_a_pair_in_both_formats(study: Path) -> None:
    rows = parquet.read_table(study / "results.parquet").to_pylist()
    assert [row["state"] for row in rows] == ["done", "done", "done", "failed", "missing"]
    first, failed = rows[0], rows[3]
    record = Bundle.open(study / "pairs" / first["pair"] / "result").record
    assert first["total_p95"] == record["summary"]["maps"]["total"]["p95"]
    assert first["folded_share"] == record["summary"]["folded_fraction"]
    assert 0 < first["above_share"] < 1
    assert first["landmarks"] == 2 and first["landmark_error_mean_mm"] > 0
    assert first["landmark_distance_before_mean_mm"] == 0
    assert (failed["reason"], failed["attempts"], failed["computer"]) == (
        "It crashed. Look.",
        2,
        "node7",
    )
    # what a person's table has besides is carried through, never over what is ours
    assert rows[4]["site"] == "S1" and rows[0]["table_state"] == "of the brain"
    text = read_table(study / "results.tsv").to_pylist()
    assert [row["pair"] for row in text] == [row["pair"] for row in rows]
    assert float(text[0]["total_p95"]) == first["total_p95"] and text[4]["total_p95"] == ""


def test_a_row_a_structure(study: Path) -> None:
    rows = parquet.read_table(study / "structures.parquet").to_pylist()
    own = [row for row in rows if row["pair"].startswith("sub-1")]
    carried = [row for row in rows if row["pair"] == "b"]
    assert [row["label"] for row in own] == [1, 2] and [row["label"] for row in carried] == [1]
    for row in rows:
        assert row["total_median"] <= row["total_p95"] <= row["total_maximum"]
        assert 0 <= row["total_above_share"] <= 1
    volume = own[0]["volume_cm3"] + own[1]["volume_cm3"]
    assert carried[0]["volume_cm3"] == pytest.approx(volume, rel=0.3)  # the same head


def test_every_column_of_ours_is_in_the_dictionary(study: Path) -> None:
    for name in ("results", "structures"):
        columns = read_table(study / f"{name}.tsv").column_names
        known = json.loads((study / f"{name}.json").read_text())
        assert list(known) == columns
        for column in columns:
            if column not in ("site", "table_state"):
                assert describe(column)[0], column
            assert known[column]["Description"]
    assert dictionary(["total_p95"])["total_p95"]["Units"] == "mm"
    assert "not an error" in describe("total_p95")[0]


def test_a_derivatives_folder_for_bids(study: Path) -> None:
    folder = study / "derivatives"
    about = json.loads((folder / "dataset_description.json").read_text())
    assert about["GeneratedBy"][0]["Name"] == "TTAUncertainty"
    assert about["DatasetType"] == "derivative"
    place = folder / "sub-1" / "ses-2" / "anat"
    transform = place / "sub-1_ses-2_from-ses2_to-fixed_mode-image_xfm.h5"
    assert sitk.ReadTransform(str(transform)).GetDimension() == 3
    assert (place / "sub-1_ses-2_space-fixed_desc-total_map.nrrd").is_file()
    assert (folder / "sub-b" / "anat").is_dir()


def test_who_stands_out_is_flagged_within_the_group() -> None:
    generator = np.random.default_rng(1)
    rows = [
        {"group": group, "total_p95": level + 0.1 * float(x), "dice_mean": 0.8}
        for group, level in (("young", 1.0), ("old", 5.0))
        for x in generator.standard_normal(30)
    ]
    rows[3]["total_p95"] = 3.0  # high for the young, though low for the old
    rows[40]["total_p95"] = 2.0  # better than its group: nothing to look for
    found = flags(rows)
    assert found[3].startswith("total_p95 z=+") and not any(found[:3] + found[4:])


def test_robust_z_is_the_formula_and_says_nothing_of_few() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 100.0]
    middle = 4.5
    spread = np.median(np.abs(np.array(values) - middle))
    found = robust_z(values)
    assert found[-1] == pytest.approx(0.6745 * (100 - middle) / spread)
    assert robust_z(values[:7]) == [None] * 7  # fewer than eight
    assert robust_z([2.0] * 20) == [None] * 20  # no spread
    assert robust_z([*values, None, float("nan")])[-2:] == [None, None]
