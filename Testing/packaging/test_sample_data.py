"""The sample images: intact, in one world frame, and lesioned only where the mask says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from TTAUncertaintyLib import resources
from TTAUncertaintyLib.sample_data import sample_images, sample_pair, sample_pairs


def _array(image):
    return sitk.GetArrayFromImage(image)


def _read(sample):
    return sitk.ReadImage(str(sample.path))


def test_every_image_is_intact_and_every_file_is_listed():
    images = sample_images()
    assert all(image.is_intact() for image in images.values())
    folder = next(iter(images.values())).path.parent
    assert {image.path for image in images.values()} == set(folder.glob("*.nii.gz"))
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
