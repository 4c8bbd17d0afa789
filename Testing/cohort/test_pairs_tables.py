"""The table of a cohort: made, read strictly, and looked through whole before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.cohort_pairs import settings, write_images
from support.phantom import FIXED, MOVING, phantom, write

from TTAUncertaintyLib.cli import main
from TTAUncertaintyLib.cohort.checking import check_pairs
from TTAUncertaintyLib.cohort.making import all_pairs, from_bids, onto
from TTAUncertaintyLib.cohort.pairs import read_pairs, read_table, write_pairs
from TTAUncertaintyLib.cohort.plan import shard_of
from TTAUncertaintyLib.errors import InputError


def test_a_table_is_the_same_in_every_format(tmp_path: Path) -> None:
    rows = [
        {"pair": "a", "fixed": "f.nii", "moving": "sub/m.nii", "group": "old", "age": "007"},
        {"pair": "b", "fixed": "f.nii", "moving": "m, two.nii", "group": "", "age": "1e3"},
    ]
    found = []
    for ending in ("tsv", "csv", "parquet"):
        path = tmp_path / f"pairs.{ending}"
        write_pairs(path, rows)
        pairs, problems = read_pairs(path)
        assert not problems
        found.append(pairs)
    assert found[0] == found[1] == found[2]
    first, second = found[0]
    assert first.files == {"fixed": tmp_path / "f.nii", "moving": tmp_path / "sub" / "m.nii"}
    assert (first.group, first.row, second.files["moving"].name) == ("old", 2, "m, two.nii")
    # text as it stands: a code with zeros in front is no number
    assert (first.others, second.others) == ({"age": "007"}, {"age": "1e3"})


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "cannot be read as a table"),
        ("pair\tfixed\nx\ty\n", "no column 'moving'"),
        ("pair\tfixed\tmoving\na\tb\n", "cannot be read as a table"),
        ("pair\tfixed\tmoving\na\tb\tc\td\n", "cannot be read as a table"),
        ("pair\tfixed\tmoving\tmoving\na\tb\tc\td\n", "more than one column 'moving'"),
        ("\0\1\2", "cannot be read as a table|no column"),
    ],
)
def test_an_unreadable_table_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_pairs(path)


def test_the_command_tells_what_table_is_unreadable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pairs.parquet").write_bytes(b"PAR1 and no more")
    assert main(["cohort", "run", str(tmp_path / "pairs.parquet"), "-o", str(tmp_path / "s")]) == 2
    assert "pairs.parquet cannot be read as a table" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_all_problems_are_listed_with_their_rows(tmp_path: Path) -> None:
    write(tmp_path / "fixed.nrrd", phantom(FIXED))
    write(tmp_path / "moving.nrrd", phantom(MOVING), MOVING)
    far = MOVING.transformed(np.array([[1, 0, 0, 400.0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    write(tmp_path / "far.nrrd", phantom(MOVING), far)
    flat = sitk.Image(8, 8, sitk.sitkUInt8)
    sitk.WriteImage(flat, str(tmp_path / "flat.nrrd"))
    (tmp_path / "text.nii.gz").write_text("no image")
    labels = np.zeros(MOVING.array_shape, np.uint8)
    write(tmp_path / "labels.nrrd", labels, MOVING, sitk.sitkUInt8)
    (tmp_path / "points.csv").write_text("label,x,y,z\na,1,2,3\n")
    (tmp_path / "others.csv").write_text("label,x,y,z\na,1,2,3\nb,1,2,3\n")
    good = {"fixed": "fixed.nrrd", "moving": "moving.nrrd"}
    write_pairs(
        tmp_path / "pairs.tsv",
        [
            {"pair": "good", **good, "moving_labels": "labels.nrrd"},
            {"pair": "absent", "fixed": "fixed.nrrd", "moving": "nobody.nrrd"},
            {"pair": "broken", "fixed": "fixed.nrrd", "moving": "text.nii.gz"},
            {"pair": "flat", "fixed": "flat.nrrd", "moving": "moving.nrrd"},
            {"pair": "labels", **good, "fixed_labels": "labels.nrrd"},
            {"pair": "GOOD", **good},
            {"pair": "weights", **good, "model": "lapirn"},
            {"pair": "model", **good, "model": "no-such-model"},
            {"pair": "preset", **good, "preset": "hasty"},
            {"pair": "../out", **good},
            {"pair": "empty", "fixed": "", "moving": "moving.nrrd"},
            {"pair": "one-side", **good, "fixed_landmarks": "points.csv"},
            {"pair": "apart", "fixed": "fixed.nrrd", "moving": "far.nrrd"},
            {"pair": "points", **good}
            | {"fixed_landmarks": "points.csv", "moving_landmarks": "others.csv"},
        ],
    )
    pairs, problems = read_pairs(tmp_path / "pairs.tsv")
    problems += check_pairs(pairs, settings())
    said = {problem.row: problem.text for problem in problems}
    expected = {
        3: "nobody.nrrd",
        4: "text.nii.gz",
        5: "flat image",
        6: "does not lie on the voxels of the fixed image",
        7: "that of row 2 already",
        8: "cannot be used here: not installed",
        9: "no-such-model",
        10: "no preset 'hasty'",
        11: "cannot be a folder's name",
        12: "'fixed' is empty",
        13: "landmarks of one image only",
        14: "far.nrrd do not overlap",
        15: "1 landmarks on the fixed image and 2",
    }
    assert said.keys() == expected.keys() and len(problems) == len(expected)
    for row, words in expected.items():
        assert words in said[row], said[row]


def test_images_onto_a_template_with_labels(tmp_path: Path) -> None:
    images = [tmp_path / "a" / "brain.nii.gz", tmp_path / "b" / "brain.nii.gz"]
    labels = [path.with_name("labels.nii.gz") for path in images]
    rows = onto(images, tmp_path / "t.nii", tmp_path / "tables", labels, tmp_path / "tl.nii")
    assert rows[0] == {
        "pair": "a-brain",
        "fixed": "../t.nii",
        "moving": "../a/brain.nii.gz",
        "fixed_labels": "../tl.nii",
        "moving_labels": "../a/labels.nii.gz",
    }
    assert rows[1]["pair"] == "b-brain"
    with pytest.raises(InputError, match="2 images and 1 label maps"):
        onto(images, tmp_path / "t.nii", tmp_path, labels[:1])
    with pytest.raises(InputError, match="both be called"):
        onto([images[0], images[0]], tmp_path / "t.nii", tmp_path)


def test_all_pairs_go_both_ways(tmp_path: Path) -> None:
    rows = all_pairs([tmp_path / f"{name}.nii" for name in "abc"], tmp_path)
    assert len(rows) == 6 and len({row["pair"] for row in rows}) == 6
    assert rows[0] == {"pair": "a-to-b", "fixed": "b.nii", "moving": "a.nii"}


def bids(folder: Path) -> Path:
    folder.mkdir()
    (folder / "dataset_description.json").write_text(json.dumps({"Name": "x"}))
    for sub, ses in (("01", "1"), ("01", "2"), ("01", "3"), ("02", "1")):
        anat = folder / f"sub-{sub}" / f"ses-{ses}" / "anat"
        anat.mkdir(parents=True)
        (anat / f"sub-{sub}_ses-{ses}_T1w.nii.gz").touch()
        (anat / f"sub-{sub}_ses-{ses}_T1w.json").touch()
    (folder / "derivatives" / "sub-01").mkdir(parents=True)
    (folder / "derivatives" / "sub-01" / "sub-01_T1w.nii.gz").touch()
    return folder


def test_entities_of_a_bids_dataset_become_columns(tmp_path: Path) -> None:
    dataset = bids(tmp_path / "data")
    rows = from_bids(dataset, tmp_path, tmp_path / "t.nii")
    assert [(row["sub"], row["ses"]) for row in rows] == [
        ("01", "1"),
        ("01", "2"),
        ("01", "3"),
        ("02", "1"),
    ]
    between = from_bids(dataset, tmp_path)
    assert [row["pair"] for row in between] == [
        "sub-01_ses-2_T1w-to-ses-1",
        "sub-01_ses-3_T1w-to-ses-1",
    ]
    assert all(row["fixed_ses"] == "1" and "ses-1" in row["fixed"] for row in between)
    with pytest.raises(InputError, match="no BIDS dataset"):
        from_bids(tmp_path, tmp_path)


def test_the_command_makes_a_table_and_keeps_an_older_one(tmp_path: Path) -> None:
    write_images(tmp_path, ["one", "two"])
    images = [str(tmp_path / f"{name}.nrrd") for name in ("one", "two")]
    table = tmp_path / "made.csv"
    command = ["cohort", "table", "--images", *images, "--onto", str(tmp_path / "fixed.nrrd")]
    assert main([*command, "-o", str(table)]) == 0
    assert read_table(table).column("moving").to_pylist() == ["one.nrrd", "two.nrrd"]
    assert main([*command, "-o", str(table)]) == 2
    assert main(["cohort", "check", str(table), "--no-first-pair"]) == 0


def test_shards_are_a_partition(tmp_path: Path) -> None:
    pairs, _ = read_pairs(write_images(tmp_path, [f"p{n}" for n in range(7)]))
    parts = [shard_of(pairs, f"{n}/3") for n in (1, 2, 3)]
    assert sorted(pair.name for part in parts for pair in part) == [pair.name for pair in pairs]
    for text in ("0/3", "4/3", "3", "a/b"):
        with pytest.raises(InputError, match="no shard"):
            shard_of(pairs, text)
