"""Actions: what a perturbation does to points and to images, and that both are the same thing."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.images import Array, as_field, as_points, clear_of_border, noise, world_grid
from support.lattices import FLIPPED, OBLIQUE, SHEARED, affine, lattices, rotation, voxel_points
from support.textbook import perturbed

from TTAUncertaintyLib.geometry import Lattice, itk_transform
from TTAUncertaintyLib.perturbations import (
    Action,
    AffineAction,
    Amplitudes,
    DisplacementAction,
    Family,
    build_action,
    jacobian_determinant,
    parameter_count,
)

named = pytest.mark.parametrize("family", Family, ids=lambda f: f.value)
everywhere = pytest.mark.parametrize(
    "lattice", [OBLIQUE, FLIPPED, SHEARED], ids=["oblique", "flipped", "sheared"]
)
AFFINE_FAMILIES = [family for family in Family if family is not Family.ELASTIC]
LARGE = Amplitudes(
    translation_mm=(4.0, 3.0, 5.0),
    rotation_deg=8.0,
    scale=0.1,
    shear=0.05,
    elastic_mm=(3.0, 4.0, 3.5),
    elastic_spacing_mm=12.0,
)
# Voxel coordinates below 50 in float32 round by 4e-6 a term, of which there are four.
POINTS_VOXELS = 5e-5


def parameters(family: Family, lattice: Lattice, seed: int = 0) -> Array:
    count = parameter_count(family, LARGE, lattice)
    return np.random.default_rng(seed).uniform(-1, 1, count)


def action_of(family: Family, lattice: Lattice, device: str = "cpu", seed: int = 0) -> Action:
    return build_action(family, LARGE, parameters(family, lattice, seed), lattice, device)


@pytest.mark.parametrize("family", AFFINE_FAMILIES, ids=lambda f: f.value)
@given(lattice=lattices(sheared=None), seed=st.integers(0, 99))
def test_an_affine_family_acts_as_its_textbook_formula(
    family: Family, lattice: Lattice, seed: int
) -> None:
    """In mm and degrees, about the lattice's centre, along the lattice's axes."""
    voxels = voxel_points(lattice, 10, seed)
    p = parameters(family, lattice, seed)
    action = build_action(family, LARGE, p, lattice)
    expected = lattice.to_voxel(perturbed(lattice.to_world(voxels), family, LARGE, p, lattice))
    assert np.allclose(as_points(action.points(as_field(voxels))), expected, atol=POINTS_VOXELS)


def test_ninety_degrees_about_the_first_axis_turn_the_second_into_the_third() -> None:
    amplitudes = Amplitudes(rotation_deg=90.0)
    action = build_action(Family.ROTATION, amplitudes, np.array([1.0, 0, 0]), OBLIQUE)
    start = OBLIQUE.center + 3.0 * OBLIQUE.axes[:, 1]
    found = OBLIQUE.to_world(as_points(action.points(as_field(OBLIQUE.to_voxel(start)))))[0]
    assert np.allclose(found, OBLIQUE.center + 3.0 * OBLIQUE.axes[:, 2], atol=1e-4)


@pytest.mark.parametrize(
    "family",
    [Family.ROTATION, Family.SCALE, Family.ANISOTROPIC_SCALE, Family.SHEAR],
    ids=lambda f: f.value,
)
def test_what_does_not_translate_keeps_the_centre(family: Family) -> None:
    middle = as_field(OBLIQUE.to_voxel(OBLIQUE.center))
    moved = action_of(family, OBLIQUE).points(middle)
    assert torch.allclose(moved, middle, atol=POINTS_VOXELS)


@pytest.mark.parametrize("family", AFFINE_FAMILIES, ids=lambda f: f.value)
@pytest.mark.parametrize("lattice", [OBLIQUE, FLIPPED], ids=["oblique", "flipped"])
def test_the_warped_image_is_simpleitks_through_the_same_world_transform(
    family: Family, lattice: Lattice, device: str
) -> None:
    image, p = noise(lattice), parameters(family, lattice)
    # the world transform, from what the textbook does to four points
    corners = np.vstack((np.zeros(3), np.eye(3)))
    at = perturbed(corners, family, LARGE, p, lattice)
    world = affine((at[1:] - at[0]).T, at[0])
    theirs = sitk.GetArrayFromImage(
        sitk.Resample(image.to_itk(), itk_transform(world), sitk.sitkLinear)
    )
    action = build_action(family, LARGE, p, lattice, device)
    ours = action.warp(image.intensities[None, None].to(device))[0, 0].cpu().numpy()
    voxels = lattice.to_voxel(perturbed(world_grid(lattice), family, LARGE, p, lattice))
    inside = ((voxels > 0) & (voxels < np.array(lattice.size) - 1)).all(-1)
    assert inside.mean() > 0.4
    # the grid of [-1, 1] rounds by 1e-7 of a lattice of 17 voxels; noise changes by 1 per voxel
    assert np.abs(ours - theirs)[inside & clear_of_border(voxels, lattice)].max() < 1e-4


@pytest.mark.parametrize("lattice", [OBLIQUE, FLIPPED], ids=["oblique", "flipped"])
def test_the_elastically_warped_image_is_simpleitks_through_the_same_displacements(
    lattice: Lattice, device: str
) -> None:
    image = noise(lattice)
    action = action_of(Family.ELASTIC, lattice, device)
    assert isinstance(action, DisplacementAction)
    in_voxels = action.displacement.cpu().movedim(0, -1).double().numpy()
    field = lattice.stamp(sitk.GetImageFromArray(in_voxels @ lattice.linear.T, isVector=True))
    theirs = sitk.GetArrayFromImage(
        sitk.Resample(image.to_itk(), sitk.DisplacementFieldTransform(field), sitk.sitkLinear)
    )
    ours = action.warp(image.intensities[None, None].to(device))[0, 0].cpu().numpy()
    k, j, i = np.meshgrid(*(np.arange(n) for n in lattice.array_shape), indexing="ij")
    voxels = np.stack((i, j, k), -1) + in_voxels
    inside = ((voxels > 0) & (voxels < np.array(lattice.size) - 1)).all(-1)
    assert np.abs(ours - theirs)[inside].max() < 1e-4


@named
def test_an_image_of_coordinates_is_warped_to_where_the_points_go(
    family: Family, device: str
) -> None:
    """A∘tau for A(x) = x is tau(x): the action on images and on points is one map."""
    k, j, i = torch.meshgrid(*(torch.arange(float(n)) for n in SHEARED.array_shape), indexing="ij")
    voxels = torch.stack((i, j, k)).to(device)
    action = action_of(family, SHEARED, device)
    moved = action.points(voxels)
    limits = torch.tensor(SHEARED.size, device=device).view(3, 1, 1, 1) - 1
    inside = ((moved >= 0) & (moved <= limits)).all(0)
    assert float(inside.float().mean()) > 0.4
    warped = action.warp(voxels[None])[0]
    assert float((warped - moved).abs().amax(0)[inside].max()) < 1e-4


@named
@pytest.mark.parametrize("lattice", [OBLIQUE, SHEARED], ids=["oblique", "sheared"])
def test_compensating_is_the_action_and_then_the_way_into_the_world(
    family: Family, lattice: Lattice, device: str
) -> None:
    action = action_of(family, lattice, device)
    voxels = voxel_points(lattice, 50, seed=3, margin=-2.0)
    points = as_field(voxels).to(device)
    found = as_points(action.compensate(points, torch.tensor(lattice.matrix)))
    expected = lattice.to_world(as_points(action.points(points)))
    # world coordinates below 100 mm in float32: 8e-6 mm a term
    assert np.abs(found - expected).max() < 1e-4


@named
def test_a_shifted_action_ends_a_shift_further(family: Family, device: str) -> None:
    offset = torch.tensor([0.3, -0.45, 0.2])
    action = action_of(family, FLIPPED, device)
    points = as_field(voxel_points(FLIPPED, 50, seed=4)).to(device)
    expected = action.points(points) + offset.to(device).view(3, 1, 1, 1)
    shifted = action.shifted(offset)
    assert torch.allclose(shifted.points(points), expected, atol=1e-5)
    assert torch.allclose(action.points(points), expected - offset.to(device).view(3, 1, 1, 1))


@named
def test_turning_the_world_does_not_change_what_happens_to_the_voxels(family: Family) -> None:
    turned = OBLIQUE.transformed(affine(rotation((3, 1, 2), 77.0), (10.0, 20.0, -30.0)))
    points = as_field(voxel_points(OBLIQUE, 50, seed=5))
    here, there = (action_of(family, lattice).points(points) for lattice in (OBLIQUE, turned))
    assert torch.allclose(here, there, atol=POINTS_VOXELS)


def test_a_reflection_counts_as_folded_everywhere() -> None:
    assert AffineAction(torch.diag(torch.tensor([-1.0, 1, 1, 1])).double()).folded_fraction() == 1
    assert action_of(Family.AFFINE, OBLIQUE).folded_fraction() == 0


def test_the_folding_check_measures_the_determinant_of_the_displacement() -> None:
    k, j, i = torch.meshgrid(*(torch.arange(float(n)) for n in (5, 6, 7)), indexing="ij")
    linear = torch.tensor([[0.1, 0.2, 0.0], [-0.1, 0.3, 0.1], [0.0, 0.2, -0.2]])
    displacement = torch.einsum("rc,cdhw->rdhw", linear, torch.stack((i, j, k)))
    expected = torch.linalg.det(torch.eye(3) + linear)
    assert torch.allclose(jacobian_determinant(displacement), expected, atol=1e-5)
