"""The written transform, the warped image and the map they come from are one and the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import given
from support.images import (
    Array,
    analytic_image,
    as_field,
    as_points,
    clear_of_border,
    itk_resampled,
    waves,
    world_grid,
)
from support.lattices import FLIPPED, OBLIQUE, PLAIN, SHEARED, affine, lattices, rotation

from TTAUncertaintyLib.geometry import (
    DeformableTransform,
    Image,
    Lattice,
    Matrix,
    affine_map,
    identity_map,
    resample,
)

#: What the written transform may differ from the warped image by, as the project promises.
SHARE_OF_RANGE = 0.005
END_POINT_MM = 0.02

INITIAL = affine(rotation((1, 1, 0), 12.0) @ np.diag([1.05, 0.97, 1.0]), (6.0, -3.0, 2.0))


def smooth_displacement(lattice: Lattice, size_mm: float = 4.0, seed: int = 0) -> torch.Tensor:
    """Return a displacement field of plane waves, [3, D, H, W], components (x, y, z), mm."""
    waves_of = [waves(lattice, seed + c).intensities - 100 for c in range(3)]
    field = torch.stack(waves_of)
    return field * (size_mm / float(field.abs().max()))


def an_example(lattice: Lattice = OBLIQUE) -> DeformableTransform:
    return DeformableTransform(smooth_displacement(lattice), lattice, INITIAL)


def moving_image_for(transform: DeformableTransform, lattice: Lattice) -> Image:
    """Return an image whose middle lies where the transform sends the middle of its lattice."""
    center = INITIAL[:3, :3] @ transform.lattice.center + INITIAL[:3, 3]
    return waves(lattice.transformed(affine(np.eye(3), center - lattice.center)))


def end_points(transform: sitk.Transform, points: Array) -> Array:
    flat = points.reshape(-1, 3)
    return np.array([transform.TransformPoint(p.tolist()) for p in flat]).reshape(points.shape)


def sure_voxels(transform: DeformableTransform, moving: Image, target: Lattice) -> Array:
    """Tell which target voxels lie on no edge of either field of view."""
    world = world_grid(target)
    ends = moving.lattice.to_voxel(end_points(transform.to_itk(), world))
    clear = clear_of_border(transform.lattice.to_voxel(world), transform.lattice)
    return np.asarray(clear & clear_of_border(ends, moving.lattice))


@pytest.mark.parametrize("moving_lattice", [PLAIN, FLIPPED])
def test_the_warped_image_is_what_simpleitk_makes_of_the_transform(moving_lattice: Lattice) -> None:
    transform = an_example()
    moving = moving_image_for(transform, moving_lattice)
    # finer than the field and reaching beyond it on all sides
    target = OBLIQUE.centered((24, 23, 22), 1.9, OBLIQUE.center + 2.0)
    ours = transform.warp(moving, target).intensities.numpy()
    theirs = itk_resampled(moving, target, transform.to_itk())
    sure = sure_voxels(transform, moving, target)
    assert sure.mean() > 0.99
    spread = float(moving.intensities.max() - moving.intensities.min())
    assert np.abs(ours - theirs)[sure].max() < SHARE_OF_RANGE * spread


def test_a_large_image_warped_in_slabs_is_the_same_as_in_one_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transform = an_example()
    moving = moving_image_for(transform, FLIPPED)
    whole = transform.warp(moving, OBLIQUE).intensities
    monkeypatch.setattr(resample, "_SLAB_VOXELS", 600)
    sure = torch.from_numpy(sure_voxels(transform, moving, OBLIQUE))
    difference = (transform.warp(moving, OBLIQUE).intensities - whole).abs()[sure]
    # intensities of up to 180 that change by less than 80 per voxel, positions to 3e-5 voxels
    assert float(difference.max()) < 80 * 3e-5


@given(lattices(), lattices(least=8, most=12))
def test_warp_and_simpleitk_agree_on_random_lattices(field: Lattice, moving: Lattice) -> None:
    transform = an_example(field)
    image = moving_image_for(transform, moving)
    ours = transform.warp(image, field).intensities.numpy()
    theirs = itk_resampled(image, field, transform.to_itk())
    sure = sure_voxels(transform, image, field)
    spread = float(image.intensities.max() - image.intensities.min())
    assert np.abs(ours - theirs)[sure].max() < SHARE_OF_RANGE * spread


def test_points_end_where_simpleitk_says_they_do() -> None:
    """Warping an image of coordinates gives the end points of all voxels."""
    transform = an_example()
    target = OBLIQUE.centered((9, 9, 9), 2.3, OBLIQUE.center)
    expected = end_points(transform.to_itk(), world_grid(target))
    middle = expected.reshape(-1, 3).mean(0)
    carrier = FLIPPED.centered((40, 40, 40), 2.0, middle)
    for axis in range(3):
        coordinate = analytic_image(lambda p, a=axis: p[..., a], carrier)  # type: ignore[misc]
        found = transform.warp(coordinate, target).intensities.numpy()
        assert np.abs(found - expected[..., axis]).max() < END_POINT_MM


def test_a_transform_written_to_a_file_and_read_back_is_the_same(tmp_path: Path) -> None:
    transform = an_example()
    path = tmp_path / "transform.h5"
    sitk.WriteTransform(transform.to_itk(), str(path))
    again = sitk.ReadTransform(str(path))
    points = world_grid(OBLIQUE.centered((7, 7, 7), 3.0, OBLIQUE.center))
    assert np.allclose(end_points(again, points), end_points(transform.to_itk(), points), atol=1e-6)
    moving = moving_image_for(transform, FLIPPED)
    ours = transform.warp(moving, OBLIQUE).intensities.numpy()
    theirs = itk_resampled(moving, OBLIQUE, again)
    spread = float(moving.intensities.max() - moving.intensities.min())
    sure = sure_voxels(transform, moving, OBLIQUE)
    assert np.abs(ours - theirs)[sure].max() < SHARE_OF_RANGE * spread


@pytest.mark.parametrize("moving", [OBLIQUE, FLIPPED, SHEARED], ids=["oblique", "flipped", "shear"])
@pytest.mark.parametrize("initial", [np.eye(4), INITIAL], ids=["plain", "initial"])
def test_a_network_map_becomes_the_transform_with_the_same_end_points(
    moving: Lattice, initial: Matrix
) -> None:
    fixed = PLAIN
    generator = np.random.default_rng(4)
    ends = moving.center + generator.uniform(-20, 20, (*fixed.array_shape, 3))
    voxel_map = as_field(moving.to_voxel(ends)).reshape(3, *fixed.array_shape)
    transform = DeformableTransform.from_map(voxel_map, moving, fixed, initial)
    found = end_points(transform.to_itk(), world_grid(fixed))
    # float32 voxel coordinates below 100 round to 4e-6 voxels, displacements below 200 mm to 1e-5
    assert np.abs(found - ends).max() < 1e-3


def test_an_offset_moves_the_end_points_by_itself() -> None:
    transform = an_example()
    offset = smooth_displacement(OBLIQUE, 3.0, seed=7)
    points = world_grid(OBLIQUE)
    moved = end_points(transform.with_offset(offset).to_itk(), points)
    expected = end_points(transform.to_itk(), points) + as_points(offset).reshape(points.shape)
    assert np.abs(moved - expected).max() < 1e-4  # float32 fields of some mm


def test_outside_its_lattice_the_transform_is_the_initial_alignment() -> None:
    transform = an_example()
    beyond = OBLIQUE.transformed(affine(np.eye(3), (500.0, 0.0, 0.0)))
    carrier = Lattice((2, 2, 2), affine(1000 * np.eye(3), INITIAL[:3, :3] @ beyond.center - 500))
    coordinate = analytic_image(lambda p: p[..., 1], carrier)
    found = transform.warp(coordinate, beyond).intensities.numpy()
    expected = world_grid(beyond) @ INITIAL[:3, :3].T + INITIAL[:3, 3]
    assert np.abs(found - expected[..., 1]).max() < 1e-3  # float32 at some 500 mm


def test_fading_changes_nothing_inside_and_leaves_no_tear_at_the_edge() -> None:
    transform, width = an_example(), 6
    faded = transform.faded(width)
    inside = faded.displacement[:, width:-width, width:-width, width:-width]
    assert torch.equal(inside, transform.displacement)
    rest = affine_map(
        torch.from_numpy(OBLIQUE.inverse @ faded.lattice.matrix),
        identity_map(faded.lattice.array_shape),
    )
    assert torch.allclose(rest[:, width, width, width], torch.zeros(3), atol=1e-4)
    assert float(faded.displacement[:, 0].abs().max()) < 1e-6
    assert float(faded.displacement[:, :, :, -1].abs().max()) < 1e-6
    # half a cosine over n voxels falls by at most pi / (2 n) of the whole per voxel; where three
    # margins meet, the steps along one axis are still those of one cosine
    largest = float(transform.displacement.abs().max())
    for axis in (1, 2, 3):
        margin = faded.displacement.narrow(axis, 0, width + 1)
        assert float(margin.diff(dim=axis).abs().max()) <= largest * np.pi / (2 * width) + 1e-5


def test_a_transform_on_a_sheared_lattice_is_not_written_wrongly() -> None:
    with pytest.raises(ValueError, match="not perpendicular"):
        an_example(SHEARED).to_itk()
