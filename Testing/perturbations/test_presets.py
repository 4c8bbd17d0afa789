"""Presets: their passes, amplitudes that follow the voxel size, and the published protocol."""

from __future__ import annotations

import numpy as np
import pytest
from support.lattices import OBLIQUE, affine, rotation

from TTAUncertaintyLib.errors import DesignError
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.perturbations import (
    PAPER_FAMILIES,
    Design,
    DisplacementAction,
    Family,
    Preset,
    Sampling,
    paper_design,
    preset_design,
)


def lattice_of(spacing: float | tuple[float, float, float], size: int = 175) -> Lattice:
    steps = np.broadcast_to(np.asarray(spacing, float), 3)
    return Lattice.from_geometry((size, size, size), steps, (0, 0, 0))


@pytest.mark.parametrize(
    ("preset", "outer", "replicates"),
    [
        (Preset.QUICK, 8, 1),
        (Preset.STANDARD, 8, 2),
        (Preset.THOROUGH, 16, 2),
        (Preset.PAPER, 50, 1),
    ],
)
def test_a_preset_asks_for_its_passes(preset: Preset, outer: int, replicates: int) -> None:
    design = preset_design(preset, OBLIQUE)
    assert (design.outer, design.replicates) == (outer, replicates)
    assert design.passes == outer * replicates
    assert design.name.startswith(preset.value)


@pytest.mark.parametrize("preset", Preset)
def test_a_preset_can_be_drawn(preset: Preset) -> None:
    design = preset_design(preset, OBLIQUE, seed=4)
    assert design.draw(OBLIQUE).parameters.shape[0] == design.outer
    assert design.seed == 4


def test_quick_moves_by_one_mm_and_one_degree_on_voxels_of_two() -> None:
    amplitudes = preset_design(Preset.QUICK, lattice_of(2.0)).amplitudes
    assert amplitudes.translation_mm == pytest.approx(1.0)
    assert amplitudes.rotation_deg == pytest.approx(1.0)


@pytest.mark.parametrize("preset", [Preset.QUICK, Preset.STANDARD, Preset.THOROUGH])
def test_translations_are_the_same_number_of_voxels_at_any_voxel_size(preset: Preset) -> None:
    in_voxels = [
        np.asarray(preset_design(preset, lattice_of(s)).amplitudes.translation_mm) / s
        for s in (1.0, 2.0, 4.0)
    ]
    assert np.allclose(in_voxels, in_voxels[0])


def test_the_paper_protocol_is_the_published_one_on_its_own_lattice() -> None:
    """N = 50; 1 % of the shape; 0.02; 0.9 to 1.1; 10-voxel spacing, 12.5 voxels; on 175^3."""
    for spacing in (1.0, 1.5, (1.0, 1.2, 2.0)):
        lattice = lattice_of(spacing)
        design = paper_design(Family.TRANSLATION, lattice)
        amplitudes = design.amplitudes
        voxel = lattice.spacing
        assert np.allclose(np.asarray(amplitudes.translation_mm) / voxel, 1.75)
        assert np.allclose(np.asarray(amplitudes.elastic_mm) / voxel, 12.5)
        assert np.allclose(np.asarray(amplitudes.elastic_spacing_mm) / voxel, 10.0)
        assert (amplitudes.shear, amplitudes.scale) == (0.02, 0.1)
        assert (design.outer, design.replicates, design.sampling) == (50, 1, Sampling.RANDOM)


@pytest.mark.parametrize("family", PAPER_FAMILIES, ids=lambda f: f.value)
def test_every_published_family_is_there(family: Family) -> None:
    design = preset_design(Preset.PAPER, OBLIQUE, family=family)
    assert design.family is family
    assert design.allow_folding is (family is Family.ELASTIC)


def test_a_family_that_the_paper_lacks_is_refused() -> None:
    with pytest.raises(DesignError, match="no family 'rotation'"):
        preset_design(Preset.PAPER, OBLIQUE, family=Family.ROTATION)


def test_scales_of_the_paper_lie_between_nine_and_eleven_tenths() -> None:
    draws = paper_design(Family.SCALE, OBLIQUE).draw(OBLIQUE)
    factors = [
        np.linalg.det(draws.action(k).matrix[:3, :3]) ** (1 / 3)  # type: ignore[attr-defined]
        for k in range(50)
    ]
    assert 0.9 <= min(factors) < 0.92 and 1.08 < max(factors) <= 1.1


def test_the_paper_elastic_acts_in_voxels_alike_on_isotropic_lattices_of_one_shape() -> None:
    fields = []
    for spacing in (1.0, 3.0):
        lattice = lattice_of(spacing, size=20)
        action = paper_design(Family.ELASTIC, lattice, seed=2).draw(lattice).action(0)
        assert isinstance(action, DisplacementAction)
        fields.append(action.displacement.numpy())
    assert np.allclose(fields[0], fields[1], atol=1e-5)


@pytest.mark.parametrize("preset", Preset)
def test_turning_the_world_does_not_change_a_preset(preset: Preset) -> None:
    turned = OBLIQUE.transformed(affine(rotation((1, 5, 2), 66.0), (1.0, 2.0, 3.0)))

    def numbers(design: Design) -> list[float]:
        return [float(v) for a in vars(design.amplitudes).values() for v in np.atleast_1d(a)]

    here, there = (preset_design(preset, lattice) for lattice in (OBLIQUE, turned))
    assert np.allclose(numbers(here), numbers(there))
