"""The elastic family: the spline is ITK's, and folding is found where it is and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.images import as_points, world_grid
from support.lattices import FLIPPED, OBLIQUE, PLAIN

from TTAUncertaintyLib.errors import DesignError
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.perturbations import (
    Amplitudes,
    Design,
    DisplacementAction,
    Family,
    Sampling,
    build_action,
    parameter_count,
)
from TTAUncertaintyLib.perturbations.bspline import basis_matrix
from TTAUncertaintyLib.perturbations.families import control_grid_shape


@pytest.mark.parametrize("lattice", [PLAIN, OBLIQUE, FLIPPED], ids=["plain", "oblique", "flipped"])
def test_the_spline_is_itks_bspline_transform(lattice: Lattice) -> None:
    """Same control points, same coefficients in mm along the lattice's axes, same displacement."""
    spacing_mm = (9.7, 8.3, 11.1)
    amplitudes = Amplitudes(elastic_mm=(2.0, 3.0, 4.0), elastic_spacing_mm=spacing_mm)
    count = parameter_count(Family.ELASTIC, amplitudes, lattice)
    p = np.random.default_rng(1).uniform(-1, 1, count)
    action = build_action(Family.ELASTIC, amplitudes, p, lattice)
    assert isinstance(action, DisplacementAction)

    steps = np.array(spacing_mm) / lattice.spacing
    controls = control_grid_shape(lattice.array_shape, (steps[0], steps[1], steps[2]))
    mesh = [n - 3 for n in reversed(controls)]
    spline = sitk.BSplineTransform(3, 3)
    spline.SetTransformDomainOrigin(lattice.origin.tolist())
    spline.SetTransformDomainDirection(lattice.direction.ravel().tolist())
    spline.SetTransformDomainMeshSize(mesh)
    spline.SetTransformDomainPhysicalDimensions((np.array(mesh) * spacing_mm).tolist())
    along_axes = p.reshape(3, -1) * np.array([[2.0], [3.0], [4.0]])
    spline.SetParameters((lattice.direction @ along_axes).ravel().tolist())

    # ITK's domain begins at the first voxel: on an oblique lattice rounding puts that voxel in or
    # out of it, so those planes are compared on the plain one alone
    first = 0 if lattice is PLAIN else 1
    points = world_grid(lattice)[first:, first:, first:].reshape(-1, 3)
    theirs = np.array([spline.TransformPoint(q.tolist()) for q in points]) - points
    ours = as_points(action.displacement[:, first:, first:, first:]) @ lattice.linear.T
    # float32 displacements of up to 4 mm
    assert np.abs(ours - theirs).max() < 1e-5


@given(st.integers(2, 40), st.floats(1.5, 15.0))
def test_the_splines_weights_sum_to_one_at_every_voxel(voxels: int, step: float) -> None:
    controls = control_grid_shape((voxels, voxels, voxels), (step, step, step))[0]
    weights = basis_matrix(voxels, controls, step)
    assert torch.allclose(weights.sum(1), torch.ones(voxels, dtype=torch.float64), atol=1e-12)


def test_control_points_are_counted_per_axis() -> None:
    amplitudes = Amplitudes(elastic_spacing_mm=(10.0, 20.0, 15.0))
    lattice = Lattice.from_geometry((41, 41, 41), (1.0, 1.0, 1.0), (0, 0, 0))
    # 40 mm are 4, 2 and 2.67 steps: 4 + 3, 2 + 3 and 3 + 3 control points
    assert parameter_count(Family.ELASTIC, amplitudes, lattice) == 3 * 7 * 5 * 6


def elastic(amplitude: float, spacing: float = 10.0, allow_folding: bool = False) -> Design:
    amplitudes = Amplitudes(elastic_mm=amplitude, elastic_spacing_mm=spacing)
    return Design(
        Family.ELASTIC, amplitudes, Sampling.RANDOM, 4, seed=1, allow_folding=allow_folding
    )


FINE = Lattice.from_geometry((31, 31, 31), (1.0, 1.0, 1.0), (0, 0, 0))


def test_a_folding_amplitude_is_refused_with_a_remedy() -> None:
    draws = elastic(12.5).draw(FINE)
    with pytest.raises(DesignError, match="folds") as caught:
        for k in range(4):
            draws.action(k)
    assert "0.4 of the spacing" in caught.value.remedy


def test_a_folding_amplitude_is_taken_when_the_protocol_asks_for_it() -> None:
    draws = elastic(12.5, allow_folding=True).draw(FINE)
    assert max(draws.action(k).folded_fraction() for k in range(4)) > 0


@given(st.integers(0, 10**6), st.sampled_from([4.0, 6.5, 10.0, 15.0]))
def test_nothing_folds_below_four_tenths_of_the_spacing(seed: int, spacing: float) -> None:
    """Not even when every coefficient is as large as it may be, which is the worst case.

    Choi and Lee (2000): a cubic B-spline is injective while every coefficient stays below the
    spacing over 2.479, that is 0.403 of it.
    """
    amplitudes = Amplitudes(elastic_mm=0.4 * spacing, elastic_spacing_mm=spacing)
    count = parameter_count(Family.ELASTIC, amplitudes, FINE)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], count)
    assert build_action(Family.ELASTIC, amplitudes, signs, FINE).folded_fraction() == 0


def test_a_fold_in_a_single_place_is_found() -> None:
    displacement = torch.zeros((3, 8, 8, 8))
    displacement[1, 4, 4, 4] = 1.5  # past its neighbour along j
    folded = DisplacementAction(displacement).folded_fraction()
    assert 0 < folded < 0.01
