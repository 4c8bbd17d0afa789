"""Runs with labels, masks and given transforms, from files to the result folder."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.phantom import FIXED, MOVING, phantom, write, write_pair

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import itk_transform
from TTAUncertaintyLib.perturbations import DesignRequest, Preset, Sampling
from TTAUncertaintyLib.results import Bundle, MapKind, write_report
from TTAUncertaintyLib.results.layout import RESULT
from TTAUncertaintyLib.results.reading_back import findings_of
from TTAUncertaintyLib.results.transforms import read_transform
from TTAUncertaintyLib.worker import Job
from TTAUncertaintyLib.worker.messages import Voice
from TTAUncertaintyLib.worker.perform import perform

DESIGN = DesignRequest(Preset.QUICK, sampling=Sampling.RANDOM, outer=3)


def array(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def run(job: Job, output: str, **changes: object) -> Bundle:
    perform(replace(job, output=job.output.with_name(output), **changes), Voice(io.StringIO()))  # type: ignore[arg-type]
    return Bundle.open(job.output.with_name(output))


def halves() -> np.ndarray:
    """Two labels in the moving head, 30 to the patient's left and 12 to the right."""
    k, j, i = np.indices(MOVING.array_shape)
    x = MOVING.to_world(np.stack((i, j, k), -1))[..., 0] - 3
    head = phantom(MOVING, (3, -2, 2)) > 200
    return np.where(head, np.where(x > 0, 30, 12), 0).astype(np.uint8)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("labels")
    fixed, moving = write_pair(folder / "images")
    return Job(fixed, moving, folder / "none", design=DESIGN, use_calibration=False, threads=1)


@pytest.fixture(scope="module")
def labelled(job: Job) -> Bundle:
    file = write(job.fixed.with_name("labels.nrrd"), halves(), MOVING, sitk.sitkUInt8)
    names = job.fixed.with_name("names.tsv")
    names.write_text("index\tname\tcolor\n12\tRight Half\t#ff8000\n30\tLeft Half\t#0080ff\n")
    return run(job, "labelled", moving_labels=file, label_names=names, label_tolerance_mm=2.0)


def test_labels_on_the_fixed_image_are_those_of_the_written_transform(
    job: Job, labelled: Bundle
) -> None:
    source = sitk.ReadImage(str(job.fixed.with_name("labels.nrrd")))
    fixed = sitk.ReadImage(str(job.fixed))
    transform = read_transform(labelled)
    expected = sitk.GetArrayFromImage(
        sitk.Resample(source, fixed, transform, sitk.sitkNearestNeighbor)
    )
    found = array(labelled.folder / "labels.seg.nrrd")
    assert (found == 30).sum() > 500
    # the file of the transform is rounded to hundredths of a millimetre
    assert (found != expected).mean() < 3e-3


def test_the_segmentation_has_names_and_colours_and_the_record_both_sides(
    labelled: Bundle,
) -> None:
    image = sitk.ReadImage(str(labelled.folder / "labels.seg.nrrd"))
    assert image.GetMetaData("Segment0_Name") == "Right Half"
    assert image.GetMetaData("Segment0_LabelValue") == "12"
    assert [float(c) for c in image.GetMetaData("Segment1_Color").split()] == pytest.approx(
        [0, 128 / 255, 1], abs=1e-5
    )
    right, left = labelled.record["labels"]["structures"]
    assert right["other_side"] == "Left Half" and left["other_side"] == "Right Half"
    expected = 2 * (left["volume_cm3"] - right["volume_cm3"])
    expected /= left["volume_cm3"] + right["volume_cm3"]
    assert left["asymmetry"] == pytest.approx(expected)
    assert labelled.record["labels"]["passes"] == 3
    assert left["expected_dice"] is None and left["volume_low_cm3"] is None
    assert "Left Half" in (labelled.folder / "structures.csv").read_text()
    assert "Left Half" in labelled.report.read_text()
    assert RESULT.others(labelled.folder) == []


def test_mirrored_names_are_noted(job: Job, labelled: Bundle) -> None:
    names = job.fixed.with_name("swapped.csv")
    rows = ["label,name", "12,Left Half", "30,Right Half"]
    names.write_text("\n".join(rows) + "\n")
    source = halves()
    top = np.indices(MOVING.array_shape)[0] > 15
    source[top & (source == 12)] = 13
    source[top & (source == 30)] = 31
    names.write_text("\n".join([*rows, "13,Left Top", "31,Right Top"]) + "\n")
    file = write(job.fixed.with_name("four.nrrd"), source, MOVING, sitk.sitkUInt8)
    bundle = run(job, "mirrored", moving_labels=file, label_names=names)
    assert any("mirrored" in note for note in bundle.record["notes"])


def test_labels_are_refused_with_a_checkpoint_and_elsewhere(job: Job) -> None:
    file = job.fixed.with_name("labels.nrrd")
    with pytest.raises(InputError, match="cannot be resumed"):
        run(job, "no", moving_labels=file, checkpoint=job.fixed.with_name("c.pt"))
    far = MOVING.transformed(np.array(np.eye(4) + 500 * np.eye(4, k=3)[[0, 1, 2, 3]]))
    elsewhere = write(job.fixed.with_name("far.nrrd"), halves(), far, sitk.sitkUInt8)
    with pytest.raises(InputError, match="does not lie where"):
        run(job, "no", moving_labels=elsewhere)


def test_a_given_transform_is_reviewed_as_it_was_given(job: Job) -> None:
    matrix = np.eye(4)
    matrix[:3, :3] *= 1.05
    matrix[:3, 3] = (3.0, -2.0, 2.0)
    given = itk_transform(matrix)
    sitk.WriteTransform(given, str(job.fixed.with_name("T.tfm")))
    sitk.WriteTransform(given.GetInverse(), str(job.fixed.with_name("back.tfm")))
    bundle = run(
        job,
        "audited",
        transform=(job.fixed.with_name("T.tfm"),),
        inverse_transform=(job.fixed.with_name("back.tfm"),),
        moving_labels=job.fixed.with_name("labels.nrrd"),
    )
    maps = {kind: array(path) for kind, path in bundle.map_files.items()}
    assert set(maps) == {
        MapKind.DISAGREEMENT,
        MapKind.LOCAL_MISMATCH,
        MapKind.JACOBIAN,
        MapKind.INVERSE_CONSISTENCY,
    }
    np.testing.assert_allclose(maps[MapKind.JACOBIAN], 1.05**3, rtol=3e-3)
    assert np.nanmax(maps[MapKind.INVERSE_CONSISTENCY]) < 0.01
    written = read_transform(bundle)
    point = FIXED.center.tolist()
    expected = given.TransformPoint(point)
    np.testing.assert_allclose(written.TransformPoint(point), expected, atol=0.01)
    fixed, moving = sitk.ReadImage(str(job.fixed)), sitk.ReadImage(str(job.moving))
    expected = sitk.Resample(sitk.Cast(moving, sitk.sitkFloat32), fixed, given, sitk.sitkLinear)
    inside = array(bundle.warped) > 300
    apart = np.abs(array(bundle.warped) - sitk.GetArrayFromImage(expected))[inside]
    assert np.percentile(apart, 99) < 2
    assert bundle.record["audit"]["kind"] == "linear"
    assert bundle.record["summary"]["hot_spots_map"] == "disagreement"
    assert "under audit" in bundle.report.read_text()


def test_the_disagreement_is_that_of_the_two_transforms(job: Job) -> None:
    """The network's own answer, given as another program's, is agreed with; shifted, it is not."""
    own = run(job, "own")
    transform = sitk.CompositeTransform(read_transform(own))
    transform.FlattenTransform()
    shifted = sitk.CompositeTransform([sitk.TranslationTransform(3, (0.0, 4.0, 0.0)), transform])
    shifted.FlattenTransform()
    for name, moved, expected in (("same", transform, 0.0), ("shifted", shifted, 4.0)):
        file = job.fixed.with_name(f"{name}.h5")
        sitk.WriteTransform(moved, str(file))
        bundle = run(job, f"audit of {name}", transform=(file,))
        found = array(bundle.map_files[MapKind.DISAGREEMENT])
        assert np.nanmedian(found) == pytest.approx(expected, abs=0.05)


def test_what_a_mask_leaves_out_has_no_part_in_statistics(job: Job) -> None:
    plain = run(job, "plain")
    out = np.zeros(FIXED.array_shape, np.uint8)
    i, j, k = Bundle.open(plain.folder).record["summary"]["hot_spots"][0]["voxel_ijk"]
    out[max(0, k - 5) : k + 6, max(0, j - 5) : j + 6, max(0, i - 5) : i + 6] = 1
    file = write(job.fixed.with_name("metal.nrrd"), out, FIXED, sitk.sitkUInt8)
    bundle = run(job, "left out", leave_out=file)
    assert bundle.record["inputs"]["leave_out"]["path"] == str(file)
    before, after = plain.record["summary"], bundle.record["summary"]
    assert after["region_voxels"] < before["region_voxels"]
    for spot in after["hot_spots"]:
        a, b, c = spot["voxel_ijk"]
        assert not out[c, b, a]
    # it stays in the image: the maps are those of a run without it
    for kind, path in plain.map_files.items():
        np.testing.assert_array_equal(array(path), array(bundle.map_files[kind]))


def test_a_report_that_is_made_again_hatches_what_masks_leave_out(job: Job) -> None:
    """What the network does not see, and what is left out, outside the statistics' own mask."""
    left, seen, whole = (np.zeros(FIXED.array_shape, np.uint8) for _ in range(3))
    left[10:14] = 1
    seen[:, 6:] = 1
    whole[:, :, 4:] = 1
    masks = {
        name: write(job.fixed.with_name(f"{name}.nrrd"), values, FIXED, sitk.sitkUInt8)
        for name, values in (("leave_out", left), ("fixed_mask", seen), ("mask", whole))
    }
    bundle = run(job, "hatched", **masks)
    before = bundle.report.read_text("utf-8")
    found = findings_of(bundle)
    assert found.left_out is not None
    np.testing.assert_array_equal(found.left_out, (left > 0) | (seen == 0))
    np.testing.assert_array_equal(found.region, (whole > 0) & ~found.left_out)
    bundle.report.unlink()
    assert write_report(bundle.folder, found, bundle.record)
    again = bundle.report.read_text("utf-8")
    assert again.count("data:image/png") == before.count("data:image/png")
    masks["leave_out"].unlink()
    with pytest.raises(InputError, match="over which this result has its numbers"):
        findings_of(bundle)


def test_masks_that_leave_nothing_are_told_before_the_passes(job: Job) -> None:
    everything = np.ones(FIXED.array_shape, np.uint8)
    file = write(job.fixed.with_name("everything.nrrd"), everything, FIXED, sitk.sitkUInt8)
    said = io.StringIO()
    with pytest.raises(InputError, match="leave nothing"):
        perform(replace(job, leave_out=file), Voice(said))
    assert "aligning" in said.getvalue() and "registering" not in said.getvalue()


def test_outside_a_masked_image_the_network_sees_background(job: Job) -> None:
    """A bright object beside the head changes nothing once the mask leaves it outside."""
    lamp = phantom(MOVING, (3, -2, 2))
    head = np.zeros(MOVING.array_shape, np.uint8)
    head[:, 5:, :] = 1
    lamp[:, :5, :] = 0
    clean = write(job.fixed.with_name("clean.nrrd"), lamp, MOVING, sitk.sitkInt16)
    lamp[8:16, 0:4, 8:16] = 900
    bright = write(job.fixed.with_name("bright.nrrd"), lamp, MOVING, sitk.sitkInt16)
    mask = write(job.fixed.with_name("head.nrrd"), head, MOVING, sitk.sitkUInt8)
    expected = run(job, "clean", moving=clean)
    found = run(job, "masked", moving=bright, moving_mask=mask)
    disturbed = run(job, "disturbed", moving=bright)

    def total(bundle: Bundle) -> np.ndarray:
        return array(bundle.map_files[MapKind.TOTAL])

    np.testing.assert_allclose(total(found), total(expected), atol=0.01)
    assert np.nanmax(np.abs(total(disturbed) - total(expected))) > 0.01
