"""Lattices: their algebra, and that none of their changes moves anything in the world."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from support.images import noise
from support.lattices import FLIPPED, OBLIQUE, SHEARED, affine, lattices, rotation, voxel_points

from TTAUncertaintyLib.geometry import Lattice

# double arithmetic on coordinates below 1000: some 1e-13 a step; a micrometre is generous
EXACT_MM = 1e-9


@given(lattices(sheared=None))
def test_voxel_to_world_and_back_is_the_identity(lattice: Lattice) -> None:
    voxels = voxel_points(lattice, 20, seed=1)
    assert np.allclose(lattice.to_voxel(lattice.to_world(voxels)), voxels, atol=EXACT_MM)


@given(lattices(sheared=None))
def test_matrix_is_direction_times_spacing_and_origin(lattice: Lattice) -> None:
    rebuilt = Lattice.from_geometry(
        lattice.size, lattice.spacing, lattice.origin, lattice.direction
    )
    assert np.allclose(rebuilt.matrix, lattice.matrix, atol=EXACT_MM)


@given(lattices(sheared=True))
def test_axes_are_orthonormal_even_where_the_lattice_is_sheared(lattice: Lattice) -> None:
    assert np.allclose(lattice.axes.T @ lattice.axes, np.eye(3), atol=1e-12)


@given(lattices(sheared=False))
def test_axes_of_an_unsheared_lattice_are_its_direction(lattice: Lattice) -> None:
    assert np.allclose(lattice.axes, lattice.direction, atol=1e-9)


@given(lattices(sheared=None))
def test_center_is_the_mean_of_the_corners(lattice: Lattice) -> None:
    assert np.allclose(lattice.center, lattice.corners().mean(axis=0), atol=EXACT_MM)


@given(lattices(sheared=None))
def test_transforming_moves_every_voxel_by_the_matrix(lattice: Lattice) -> None:
    matrix = affine(rotation((1, 0, 2), 50.0) * 1.1, (3.0, -4.0, 5.0))
    voxels = voxel_points(lattice, 10, seed=2)
    moved = lattice.to_world(voxels) @ matrix[:3, :3].T + matrix[:3, 3]
    assert np.allclose(lattice.transformed(matrix).to_world(voxels), moved, atol=EXACT_MM)


@given(lattices(sheared=None), lattices())
def test_orienting_keeps_the_set_of_corners(lattice: Lattice, like: Lattice) -> None:
    oriented = lattice.oriented(like.direction)
    ours = sorted(map(tuple, np.round(oriented.corners(), 6)))
    theirs = sorted(map(tuple, np.round(lattice.corners(), 6)))
    assert np.allclose(ours, theirs, atol=2e-6)
    assert sorted(oriented.size) == sorted(lattice.size)


@given(lattices(), lattices())
def test_orienting_puts_every_axis_on_the_near_side_of_the_frame(
    lattice: Lattice, like: Lattice
) -> None:
    along = (lattice.oriented(like.direction).direction * like.direction).sum(axis=0)
    assert (along >= -1e-12).all()


def test_orienting_to_ras_makes_axes_run_right_anterior_superior() -> None:
    right_anterior_superior = np.diag([-1.0, -1.0, 1.0])
    ras = FLIPPED.oriented(right_anterior_superior)
    assert (np.diag(ras.direction) * np.diag(right_anterior_superior) > 0.7).all()


@given(lattices(), st.floats(0.4, 5.0), st.sampled_from([1, 2, 8]))
def test_resampling_keeps_the_centre_the_axes_and_covers_the_field_of_view(
    lattice: Lattice, spacing: float, multiple: int
) -> None:
    finer = lattice.resampled(spacing, multiple)
    assert np.allclose(finer.center, lattice.center, atol=EXACT_MM)
    assert np.allclose(finer.direction, lattice.direction, atol=1e-9)
    assert np.allclose(finer.spacing, spacing)
    assert all(n % multiple == 0 for n in finer.size)
    # 1e-6 voxels of rounding are allowed for, so that 10 mm at 2 mm is 5 voxels and not 6
    assert (finer.extent >= lattice.extent - 1e-6 * finer.spacing).all()
    assert (finer.extent < lattice.extent + multiple * finer.spacing).all()


@given(lattices())
def test_centering_puts_the_middle_on_the_point(lattice: Lattice) -> None:
    point = np.array([1.0, -2.0, 3.0])
    centered = lattice.centered((8, 9, 10), 1.5, point)
    assert centered.size == (8, 9, 10)
    assert np.allclose(centered.center, point, atol=EXACT_MM)
    assert np.allclose(centered.direction, lattice.direction, atol=1e-9)


@given(lattices())
def test_itk_agrees_on_where_every_voxel_lies(lattice: Lattice) -> None:
    image = lattice.blank_itk_image()
    for voxel in voxel_points(lattice, 5, seed=3):
        assert np.allclose(
            image.TransformContinuousIndexToPhysicalPoint(voxel.tolist()),
            lattice.to_world(voxel),
            atol=1e-8,
        )


@given(lattices())
def test_to_itk_and_back_gives_the_same_image(lattice: Lattice) -> None:
    image = noise(lattice)
    back = image.to_itk()
    assert Lattice.of(back).is_close(lattice, 1e-8)
    assert np.array_equal(sitk.GetArrayFromImage(back), image.intensities.numpy())


def test_voxel_ijk_of_itk_is_element_kji_of_the_array() -> None:
    image = noise(OBLIQUE)
    assert image.to_itk().GetPixel(3, 5, 7) == pytest.approx(float(image.intensities[7, 5, 3]))


def test_a_sheared_lattice_is_refused_by_itk_with_a_clear_word() -> None:
    with pytest.raises(ValueError, match="not perpendicular"):
        SHEARED.blank_itk_image()


def test_is_close_sees_a_shift_and_another_size() -> None:
    assert OBLIQUE.is_close(OBLIQUE.transformed(affine(np.eye(3), (5e-4, 0, 0))))
    assert not OBLIQUE.is_close(OBLIQUE.transformed(affine(np.eye(3), (2e-3, 0, 0))))
    assert not OBLIQUE.is_close(Lattice((15, 16, 12), OBLIQUE.matrix))


@pytest.mark.parametrize(
    ("size", "matrix"),
    [
        ((4, 4, 4), np.zeros((4, 4))),
        ((4, 4, 4), np.full((4, 4), np.nan)),
        ((4, 4, 0), np.eye(4)),
        ((4, 4, 4), np.eye(3)),
    ],
)
def test_a_lattice_that_cannot_be_is_refused(size: tuple[int, int, int], matrix: object) -> None:
    with pytest.raises(ValueError, match="A lattice needs"):
        Lattice(size, np.asarray(matrix))


def test_a_lattice_cannot_be_changed_through_the_matrix_it_was_given() -> None:
    matrix = np.eye(4)
    lattice = Lattice((4, 4, 4), matrix)
    matrix[0, 3] = 7.0
    assert lattice.origin[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        lattice.matrix[0, 3] = 7.0


def test_the_itk_header_survives_a_nifti_file(tmp_path: Path) -> None:
    path = tmp_path / "oblique.nii"
    sitk.WriteImage(noise(OBLIQUE).to_itk(), str(path))
    # a NIfTI header holds float32: 44 mm to about 4e-6, times a field of view of 20 voxels
    assert Lattice.of(sitk.ReadImage(str(path))).is_close(OBLIQUE, 1e-4)


@pytest.mark.parametrize(
    "lattice", [OBLIQUE, FLIPPED, SHEARED], ids=["oblique", "flipped", "sheared"]
)
def test_a_description_as_json_has_it_gives_the_lattice_back(lattice):
    again = Lattice.from_dict(json.loads(json.dumps(lattice.as_dict())))
    assert again.size == lattice.size
    assert np.array_equal(again.matrix, lattice.matrix)
