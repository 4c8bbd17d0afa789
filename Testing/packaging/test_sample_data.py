"""The sample images: intact, in one world frame, and lesioned only where the mask says so."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from TTAUncertaintyLib import resources
from TTAUncertaintyLib.review.landmark_files import NamedPoint, pair_points, read_points
from TTAUncertaintyLib.sample_data import sample_images, sample_pair, sample_pairs


def _array(image):
    return sitk.GetArrayFromImage(image)


def _read(sample):
    return sitk.ReadImage(str(sample.path))


def test_every_image_is_intact_and_every_file_is_listed():
    images = sample_images()
    assert all(image.is_intact() for image in images.values())
    folder = next(iter(images.values())).path.parent
    there = {path for kind in ("*.nii.gz", "*.mrk.json") for path in folder.glob(kind)}
    assert {image.path for image in images.values()} == there
    assert all(image.source and image.licence for image in images.values())


def test_a_damaged_file_is_recognised(tmp_path):
    original = sample_images()["mni152-tissues"].path.parent
    for path in original.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "mni152_tissues_1mm.nii.gz").write_bytes(b"not an image")
    damaged = {name for name, image in sample_images(tmp_path).items() if not image.is_intact()}
    assert damaged == {"mni152-tissues"}


def test_the_notice_names_every_image():
    images = sample_images()
    notice = (images["mni152"].path.parent / "NOTICE.md").read_text(encoding="utf-8")
    assert all(image.path.name in notice for image in images.values())


@pytest.mark.parametrize("pair", sample_pairs().values(), ids=lambda pair: pair.name)
def test_labels_lie_on_the_lattice_of_their_image(pair):
    for image, labels in ((pair.fixed, pair.fixed_labels), (pair.moving, pair.moving_labels)):
        assert _read(image).IsSameImageGeometryAs(_read(labels))


def test_both_brains_lie_in_one_world_frame():
    pair = sample_pair("reference")
    fixed = _read(pair.fixed)
    moving = sitk.Resample(_read(pair.moving), fixed)
    fixed_brain, moving_brain = _array(fixed) > 0, _array(moving) > 0
    overlap = 2 * (fixed_brain & moving_brain).sum() / (fixed_brain.sum() + moving_brain.sum())
    assert overlap > 0.93


def test_tissue_labels_are_ordered_by_t1_intensity():
    pair = sample_pair("reference")
    for image, labels in ((pair.fixed, pair.fixed_labels), (pair.moving, pair.moving_labels)):
        intensity, tissue = _array(_read(image)), _array(_read(labels))
        fluid, grey, white = (np.median(intensity[tissue == label]) for label in (1, 2, 3))
        assert fluid < grey < white
        assert not intensity[tissue == 0].any()


def test_landmarks_lie_in_the_tissue_that_their_names_say():
    """A wrong frame, a mirrored file or another template's points would not."""
    pair = sample_pair("reference")
    paired = pair_points(
        read_points(pair.fixed_landmarks.path), read_points(pair.moving_landmarks.path)
    )
    assert paired.how == "by name"
    assert len(paired.pairs) == 32
    for one, labels in enumerate((pair.fixed_labels, pair.moving_labels)):
        points = {p.name: (p.fixed_lps_mm, p.moving_lps_mm)[one] for p in paired.pairs}
        tissue = _read(labels)
        fluid, white = 1, 3
        for name, around in (
            ("genu of CC", white),
            ("splenium of CC", white),
            ("R LV at PC", fluid),
            ("L superior AM temporal horn", fluid),
        ):
            near = np.array(points[name]) + np.stack(np.mgrid[-2:3, -2:3, -2:3], -1).reshape(-1, 3)
            found = [tissue[tissue.TransformPhysicalPointToIndex(p.tolist())] for p in near]
            assert around in found, name
        front_to_back = ("genu of CC", "AC", "R MB", "PC", "splenium of CC")
        assert sorted(front_to_back, key=lambda name: points[name][1]) == list(front_to_back)
        bottom_up = ("PMJ", "R MB", "AC", "PC", "R LV at PC")
        assert sorted(bottom_up, key=lambda name: points[name][2]) == list(bottom_up)
        for name, (left, _, _) in points.items():
            assert left * {"L": 1, "R": -1}.get(name.split()[0], 0) >= 0, name
        ac_pc = np.linalg.norm(np.subtract(points["AC"], points["PC"]))
        assert 25 < ac_pc < 30


def test_landmarks_have_the_same_surroundings_in_both_brains():
    """No shift of all points together makes the two brains look more alike around them."""
    pair = sample_pair("reference")
    points = [
        {p.name: p.position_lps_mm for p in read_points(one.path)}
        for one in (pair.fixed_landmarks, pair.moving_landmarks)
    ]
    shifts = np.stack(np.mgrid[-3:4, -3:4, -3:4], -1).reshape(-1, 3)  # mm, LPS
    correlation = np.zeros(len(shifts))
    for name, at in points[0].items():
        fixed = _surroundings(_read(pair.fixed), at, 8)
        moving = _surroundings(_read(pair.moving), points[1][name], 8 + 3)
        for n, (x, y, z) in enumerate(shifts + 3):
            there = moving[z : z + 17, y : y + 17, x : x + 17]
            correlation[n] += np.corrcoef(fixed.ravel(), there.ravel())[0, 1]
    assert shifts[correlation.argmax()].tolist() == [0, 0, 0]
    assert correlation.max() / len(points[0]) > 0.8


def _surroundings(image, centre, half):
    """Values within +-half mm of a place, every mm: (K, J, I)."""
    grid = sitk.Image([2 * half + 1] * 3, sitk.sitkFloat32)
    grid.SetOrigin((np.array(centre) - half).tolist())
    image = sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    return _array(image)


def test_points_of_the_lung_lie_in_lungs_and_correspond():
    """Along the axis of the body and in air: a wrong frame or another order would not."""
    pair = sample_pair("lung")
    paired = pair_points(
        read_points(pair.fixed_landmarks.path), read_points(pair.moving_landmarks.path)
    )
    assert paired.how == "by name" and len(paired.pairs) == 51
    places = [np.array([p.fixed_lps_mm for p in paired.pairs])]
    places.append(np.array([p.moving_lps_mm for p in paired.pairs]))
    for at, image, mask in zip(
        places,
        (pair.fixed, pair.moving),
        (pair.fixed_labels, pair.moving_labels),
        strict=True,
    ):
        ct, lung = _read(image), _read(mask)
        assert ct.GetSpacing() == (2.0, 2.0, 2.0)
        values, inside = _array(ct), _array(lung) > 0
        assert np.median(values[inside]) < -700  # Hounsfield units of a lung
        within = [inside[lung.TransformPhysicalPointToIndex(p)[::-1]] for p in at.tolist()]
        assert np.mean(within) > 0.8
    centred = [at - at.mean(0) for at in places]
    assert np.linalg.norm(centred[1] - centred[0], axis=1).mean() < 10


def test_landmarks_are_written_as_slicer_reads_them(tmp_path):
    """`make_sample_data.py` turns RAS into LPS and takes the name from the description."""
    make = runpy.run_path(str(sample_pair().fixed.path.parent / "make_sample_data.py"))
    afids = tmp_path / "afids.fcsv"
    afids.write_text(
        "# Markups fiducial file version = 4.6\n# CoordinateSystem = 0\n"
        "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
        "vtkMRMLMarkupsFiducialNode_1,1.5,-2.25,3,0,0,0,1,1,1,0,1,pineal gland,\n"
    )
    written = tmp_path / "afids.mrk.json"
    written.write_text(json.dumps(make["markups_of"](afids)))
    assert read_points(written) == (NamedPoint("pineal gland", (-1.5, 2.25, 3.0)),)
    written.write_text(json.dumps(make["markups_of"](afids, (0.5, 0.0, 2.0))))
    assert read_points(written) == (NamedPoint("pineal gland", (-1.0, 2.25, 5.0)),)
    afids.write_text(afids.read_text().replace("System = 0", "System = 1"))
    with pytest.raises(ValueError, match="not in RAS"):
        make["markups_of"](afids)


def test_lesion_changes_the_image_inside_its_mask_and_nowhere_else():
    healthy = _array(_read(sample_pair("reference").moving)).astype(int)
    pair = sample_pair("lesion")
    painted, lesion = _array(_read(pair.moving)).astype(int), _array(_read(pair.moving_labels))
    assert np.array_equal(painted[lesion == 0], healthy[lesion == 0])
    assert (lesion == 1).sum() > 30_000  # mm^3, since voxels are 1 mm
    cavity_change = healthy[lesion == 1] - painted[lesion == 1]
    oedema_change = healthy[lesion == 2] - painted[lesion == 2]
    assert np.median(cavity_change) > 40 > np.median(oedema_change) > 5


def test_an_unknown_pair_is_answered_with_the_known_ones():
    with pytest.raises(KeyError, match="reference, lesion"):
        sample_pair("nonsense")


def test_missing_resources_are_said_plainly(tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "__file__", str(tmp_path / "lib" / "resources.py"))
    with pytest.raises(FileNotFoundError, match="installation is incomplete"):
        resources.resources_folder()
    # A folder of the right name that is another module's does not count.
    (tmp_path / "Resources" / "Icons").mkdir(parents=True)
    inside = tmp_path / "lib" / "Resources" / "SampleData"
    inside.mkdir(parents=True)
    (inside / "sample_data.json").write_text("{}")
    assert resources.resources_folder() == Path(tmp_path).resolve() / "lib" / "Resources"
