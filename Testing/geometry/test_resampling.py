"""Resampling between lattices, against SimpleITK and against analytic images."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.images import (
    analytic_image,
    clear_of_border,
    itk_resampled,
    noise,
    world_grid,
)
from support.lattices import FLIPPED, OBLIQUE, PLAIN, affine, lattices, rotation

from TTAUncertaintyLib.geometry import (
    Image,
    Lattice,
    affine_map,
    identity_map,
    resample,
    resample_array,
    resample_image,
    sample,
)
from TTAUncertaintyLib.geometry.resample import gaussian_smooth

# Coordinates are float32 sums of terms of up to some hundred voxels: they round by about 3e-5
# voxels, and the noise image changes by at most its whole range (1) per voxel along each axis.
ROUNDING = 3 * 1e-4

#: A matrix whose every part shows.
SHEAR_AND_SHIFT = affine(np.array([[1.0, 0.2, 0.0], [0.1, 0.9, -0.3], [0.0, 0.0, 1.2]]), (1, 2, 3))

_starts = st.tuples(*[st.floats(-1.0, 1.0)] * 3, st.floats(-20.0, 20.0), st.floats(-5.0, 5.0)).map(
    lambda v: affine(rotation((v[0] + 1.5, v[1], v[2]), v[3]) * 1.05, (v[4], -v[4], 2.0))
)


def _overlapping(target: Lattice, source: Lattice) -> Lattice:
    """Return the target moved onto the source's middle, so that there is something to compare."""
    shift = source.center - target.center
    return target.transformed(affine(np.eye(3), (shift[0], shift[1], shift[2])))


@given(lattices(), lattices(), _starts)
def test_resampling_agrees_with_simpleitk(
    source: Lattice, target: Lattice, around: np.ndarray
) -> None:
    target = _overlapping(target, source)
    about_center = affine(np.eye(3), source.center) @ around @ affine(np.eye(3), -source.center)
    image = noise(source)
    ours = resample_image(image, target, about_center, antialias=False).intensities.numpy()
    theirs = itk_resampled(image, target, about_center)
    at = source.to_voxel(world_grid(target) @ about_center[:3, :3].T + about_center[:3, 3])
    sure = clear_of_border(at, source)
    assert sure.any()
    assert np.abs(ours - theirs)[sure].max() < ROUNDING


@given(lattices(), lattices())
def test_every_channel_of_an_array_agrees_with_simpleitk(source: Lattice, target: Lattice) -> None:
    target = _overlapping(target, source)
    images = [noise(source, seed) for seed in (1, 2)]
    ours = resample_array(
        torch.stack([image.intensities for image in images]), source, target, outside=0.0
    )
    sure = clear_of_border(source.to_voxel(world_grid(target)), source)
    for channel, image in zip(ours.numpy(), images, strict=True):
        reference = target.blank_itk_image()
        theirs = sitk.GetArrayFromImage(
            sitk.Resample(image.to_itk(), reference, sitk.Transform(), sitk.sitkLinear, 0.0)
        )
        assert np.abs(channel - theirs)[sure].max() < ROUNDING


def test_labels_are_taken_from_the_nearest_voxel() -> None:
    labels = torch.arange(float(np.prod(OBLIQUE.size))).view(1, *OBLIQUE.array_shape)
    target = OBLIQUE.resampled(1.3)
    ours = resample_array(labels, OBLIQUE, target, outside=-1.0, mode="nearest")[0].numpy()
    at = OBLIQUE.to_voxel(world_grid(target))
    i, j, k = np.moveaxis(np.clip(np.round(at), 0, np.array(OBLIQUE.size) - 1).astype(int), -1, 0)
    ties = (np.abs(at % 1 - 0.5) < 1e-3).any(-1)
    assert (ours == labels[0].numpy()[k, j, i])[~ties].all()


def test_without_an_outside_value_the_border_is_repeated() -> None:
    values = torch.rand((1, *PLAIN.array_shape), generator=torch.Generator().manual_seed(0))
    far = Lattice((1, 1, 1), affine(PLAIN.linear, PLAIN.to_world([-9.0, 4.0, 3.0])))
    found = float(resample_array(values, PLAIN, far))
    # voxel (4, 3) along the other two axes, to the rounding of their float32 coordinates
    assert found == pytest.approx(float(values[0, 3, 4, 0]), abs=1e-5)


def test_a_linear_image_is_resampled_exactly_on_any_lattice() -> None:
    """Trilinear interpolation reproduces linear functions of position."""
    source = OBLIQUE.resampled(1.5)
    image = analytic_image(lambda p: p @ np.array([1.0, -2.0, 0.5]) + 300.0, source)
    target = FLIPPED.centered((5, 5, 5), 1.0, source.center)
    result = resample_image(image, target, antialias=False)
    expected = world_grid(target) @ np.array([1.0, -2.0, 0.5]) + 300.0
    # values up to 500 in float32 (3e-5), positions to 3e-5 voxels at 3.4 per mm
    assert np.abs(result.intensities.numpy() - expected).max() < 1e-3


def test_a_large_target_taken_in_slabs_is_the_same_as_in_one_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, target = noise(OBLIQUE), FLIPPED.centered((20, 21, 22), 1.0, OBLIQUE.center)
    whole = resample_image(image, target).intensities
    monkeypatch.setattr(resample, "_SLAB_VOXELS", 1000)
    # not to the bit: each slab's coordinates are counted, and rounded, from its own beginning
    assert torch.allclose(resample_image(image, target).intensities, whole, rtol=0, atol=ROUNDING)


def test_going_to_a_coarser_lattice_widens_by_the_variance_that_the_step_asks_for() -> None:
    """A blob of variance s^2 becomes one of s^2 + (t^2 - 1) / (8 ln 2) at a spacing of t mm."""
    fine = Lattice.from_geometry((45, 45, 45), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    variance, step = 9.0, 3.0
    middle = fine.center
    blob = analytic_image(
        lambda p: 100 * np.exp(-((p - middle) ** 2).sum(-1) / (2 * variance)), fine
    )
    # voxel centres of the coarse lattice are voxel centres of the fine one: no interpolation
    coarse = Lattice.from_geometry((15, 15, 15), (step,) * 3, (1.0, 1.0, 1.0))
    result = resample_image(blob, coarse).intensities.double().numpy()
    along_x = ((world_grid(coarse)[..., 0] - middle[0]) ** 2 * result).sum() / result.sum()
    # the kernel ends at three standard deviations, which leaves 97.3 % of its variance
    expected = variance + (step**2 - 1) / (8 * np.log(2))
    assert abs(along_x - expected) < 0.03 * (expected - variance) + 0.01 * expected


def test_going_to_a_finer_lattice_does_not_smooth() -> None:
    image, finer = noise(OBLIQUE), OBLIQUE.resampled(1.0)
    assert torch.equal(
        resample_image(image, finer).intensities,
        resample_image(image, finer, antialias=False).intensities,
    )


def test_smoothing_before_a_coarser_lattice_keeps_a_constant() -> None:
    flat = Image(torch.full(OBLIQUE.array_shape, 7.0), OBLIQUE)
    result = resample_image(flat, OBLIQUE.resampled(6.0)).intensities
    # float32 sums of a normalised kernel
    assert torch.allclose(result, torch.tensor(7.0), atol=1e-5)


@given(st.integers(0, 100))
def test_sampling_at_the_voxels_returns_the_values(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand((2, 3, 5, 6, 7), generator=generator)
    at = identity_map((5, 6, 7)).expand(2, -1, -1, -1, -1)
    # positions of up to 7 voxels round by 5e-7, and neighbours differ by at most 1
    assert torch.allclose(sample(values, at), values, atol=5e-6)


def test_an_affine_map_of_a_field_is_the_matrix_product() -> None:
    matrix = torch.from_numpy(SHEAR_AND_SHIFT)
    field = torch.rand((3, 4, 5, 6), generator=torch.Generator().manual_seed(1))
    expected = torch.einsum("rc,cdhw->rdhw", matrix[:3, :3].float(), field)
    expected += matrix[:3, 3].float().view(3, 1, 1, 1)
    assert torch.allclose(affine_map(matrix, field), expected, atol=1e-6)
    assert torch.allclose(affine_map(matrix, field[None])[0], expected, atol=1e-6)


# -- lattices whose axes are parallel are interpolated axis by axis ----------------------------


def parallel_to(source: Lattice) -> Lattice:
    """Return a lattice along the same axes, in another order, flipped, finer and farther out."""
    order = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
    around = Lattice.from_geometry(
        (30, 22, 31), (1.3, 2.0, 2.1), (0, 0, 0), source.direction @ order
    )
    return _overlapping(around, source).transformed(affine(np.eye(3), (3.0, 2.0, 1.0)))


@pytest.mark.parametrize("outside", [None, -1.0, float("nan")])
def test_axis_by_axis_equals_point_by_point(
    outside: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = torch.rand((2, *OBLIQUE.array_shape), generator=torch.Generator().manual_seed(0))
    target = parallel_to(OBLIQUE)
    found = resample_array(values, OBLIQUE, target, outside=outside)
    monkeypatch.setattr(resample, "_axis_by_axis", lambda *_: None)
    expected = resample_array(values, OBLIQUE, target, outside=outside)
    # both take the same voxels for outside, and there are some
    if outside is not None:
        taken = found.isnan() if np.isnan(outside) else found == outside
        assert taken.any() and not taken.all()
    assert torch.allclose(found, expected, atol=1e-5, equal_nan=True)


def test_a_voxel_that_is_no_number_spoils_its_neighbours_alone() -> None:
    values = torch.zeros((1, *OBLIQUE.array_shape))
    values[0, 5, 5, 5] = float("nan")
    found = resample_array(values, OBLIQUE, OBLIQUE.resampled(1.5))
    assert 0 < int(found.isnan().sum()) < 200


@pytest.mark.parametrize("lattice", [PLAIN, FLIPPED])
def test_shrinking_equals_smoothing_and_sampling(lattice: Lattice) -> None:
    image = noise(lattice)
    target = lattice.resampled(np.maximum(lattice.spacing, 4.0))
    expected = resample_image(image, target).intensities
    found = resample.shrink_image(image, 4.0)
    assert found.lattice.is_close(target)
    assert torch.allclose(found.intensities, expected, atol=1e-4)


def test_smoothing_may_carry_to_a_finer_lattice_at_once() -> None:
    values = torch.rand((2, 6, 8, 5), generator=torch.Generator().manual_seed(4))
    for sigma in (np.zeros(3), np.array([0.7, 2.0, 1.2])):
        smooth = gaussian_smooth(values, sigma)[None]
        expected = torch.nn.functional.interpolate(
            smooth, scale_factor=2, mode="trilinear", align_corners=False
        )[0]
        assert torch.allclose(gaussian_smooth(values, sigma, finer=2), expected, atol=1e-6)
