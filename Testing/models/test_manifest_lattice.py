"""What a manifest says of lattices, intensities and units is what happens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.images import analytic_image, waves
from support.lattices import FLIPPED, OBLIQUE, affine, lattices, rotation
from support.manifests import manifest_values

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Image, Lattice, identity_map
from TTAUncertaintyLib.models.adapters.conventions import displacement_in_voxels
from TTAUncertaintyLib.models.adapters.manifest_lattice import (
    lattice_over,
    normalised,
    prepare_as_specified,
)
from TTAUncertaintyLib.models.manifest import (
    InputSpec,
    LatticeKind,
    Normalisation,
    NormalisationKind,
    OutputSpec,
)
from TTAUncertaintyLib.strict_json import read_as

INITIAL = affine(rotation((1, 0, 1), 25.0) * 0.9, (15.0, -8.0, 3.0))


def input_of(**changes: Any) -> InputSpec:
    values = manifest_values(**{f"input__{key}": value for key, value in changes.items()})
    spec: InputSpec = read_as(InputSpec, values["input"])
    return spec


def output_of(**changes: Any) -> OutputSpec:
    values = manifest_values(**{f"output__{key}": value for key, value in changes.items()})
    spec: OutputSpec = read_as(OutputSpec, values["output"])
    return spec


@given(lattices(least=6, most=12), st.sampled_from(["RAS", "LPI", "SAR", "PSL", None]))
def test_a_lattice_covers_the_field_of_view_and_runs_where_the_network_wants(
    lattice: Lattice, orientation: str | None
) -> None:
    image = Image(torch.zeros(lattice.array_shape), lattice)
    spec = input_of(orientation=orientation, spacing_mm=2.5, multiple=8)
    found = lattice_over(spec, image)
    assert all(n % 8 == 0 for n in found.size) and np.allclose(found.spacing, 2.5)
    corners = found.to_voxel(lattice.corners())
    assert (corners > -0.5 - 1e-6).all() and (corners < np.array(found.size) - 0.5 + 1e-6).all()
    ways = {"R": (0, -1), "L": (0, 1), "A": (1, -1), "P": (1, 1), "S": (2, 1), "I": (2, -1)}
    if orientation is None:
        assert np.allclose(found.direction, lattice.direction)
    else:
        for axis, (component, sign) in enumerate(ways[letter] for letter in orientation):
            assert found.direction[component, axis] * sign >= -1e-9


@given(lattices(least=6, most=12))
def test_a_shape_alone_stretches_the_field_of_view_over_it(lattice: Lattice) -> None:
    image = Image(torch.zeros(lattice.array_shape), lattice)
    spec = input_of(orientation=None, spacing_mm=None, multiple=..., shape=[10, 20, 30])
    found = lattice_over(spec, image)
    assert found.size == (30, 20, 10)
    assert np.allclose(found.extent, lattice.extent) and np.allclose(found.center, lattice.center)
    turned = lattice_over(
        input_of(
            orientation=None, spacing_mm=None, multiple=..., shape=[30, 20, 10], array_order="ijk"
        ),
        image,
    )
    assert turned == found


def test_without_shape_and_spacing_the_images_voxels_are_kept() -> None:
    image = Image(torch.zeros(OBLIQUE.array_shape), OBLIQUE)
    found = lattice_over(input_of(orientation=None, spacing_mm=None, multiple=...), image)
    assert found.is_close(OBLIQUE)


def test_shape_and_spacing_lie_about_the_image_or_about_what_is_in_it() -> None:
    brain = OBLIQUE.center + np.array([6.0, -5.0, 4.0])
    wide = FLIPPED.centered((40, 44, 42), 2.0, OBLIQUE.center)

    def ball(points: np.ndarray) -> np.ndarray:
        return np.clip(20 - np.linalg.norm(points - brain, axis=-1), 0, 10)

    image = analytic_image(ball, wide)
    shape: dict[str, Any] = {"shape": [24, 32, 40], "multiple": ..., "spacing_mm": 1.5}
    about_image = lattice_over(input_of(**shape), image)
    assert np.allclose(about_image.center, wide.center) and np.allclose(about_image.spacing, 1.5)
    about_brain = lattice_over(input_of(**shape, center="foreground"), image)
    assert about_brain.size == (40, 32, 24)
    assert np.linalg.norm(about_brain.center - brain) < 2.0  # a voxel of the ball's box


def test_on_a_common_lattice_the_start_goes_into_the_moving_one() -> None:
    fixed, moving = waves(OBLIQUE, 1), waves(OBLIQUE.transformed(INITIAL), 2)
    pair = prepare_as_specified(input_of(), fixed, moving, INITIAL)
    assert np.allclose(pair.moving_lattice.matrix, INITIAL @ pair.fixed_lattice.matrix)


def test_on_lattices_of_their_own_each_image_fills_the_array_and_the_start_is_ignored() -> None:
    fixed, moving = waves(OBLIQUE, 1), waves(FLIPPED, 2)
    spec = input_of(
        lattice="own", shape=[12, 14, 16], multiple=..., spacing_mm=None, orientation=None
    )
    pair = prepare_as_specified(spec, fixed, moving, INITIAL)
    assert spec.lattice is LatticeKind.OWN
    assert np.allclose(pair.moving_lattice.extent, FLIPPED.extent)
    assert np.allclose(pair.moving_lattice.center, FLIPPED.center)
    assert np.allclose(pair.fixed_lattice.center, OBLIQUE.center)
    again = prepare_as_specified(spec, fixed, moving, np.eye(4))
    assert torch.equal(pair.moving, again.moving)
    assert pair.moving_lattice == again.moving_lattice


# -- intensities ----------------------------------------------------------------------------------

RAMP = torch.arange(1000, dtype=torch.float32).reshape(10, 10, 10) - 200


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"kind": "none"}, RAMP),
        ({"kind": "min-max"}, (RAMP + 200) / 999),
        ({"kind": "min-max", "to": [-1, 1]}, (RAMP + 200) / 999 * 2 - 1),
        ({"kind": "window", "low": 0, "high": 400}, (RAMP / 400).clamp(0, 1)),
        (
            {"kind": "percentile", "low": 10, "high": 90},
            ((RAMP + 200 - 99.9) / 799.2).clamp(0, 1),  # the percentiles of 0 to 999
        ),
        ({"kind": "z-score"}, (RAMP - 299.5) / np.sqrt((1000**2 - 1) / 12)),
    ],
    ids=lambda v: v["kind"] if isinstance(v, dict) else "",
)
def test_intensities_become_what_the_manifest_says(
    how: dict[str, Any], expected: torch.Tensor
) -> None:
    lattice = Lattice.from_geometry((10, 10, 10), (1, 1, 1), (0, 0, 0))
    spec: Normalisation = read_as(Normalisation, how)
    found = normalised(Image(RAMP, lattice), spec)
    assert found.shape == (1, 1, 10, 10, 10) and found.dtype == torch.float32
    assert torch.allclose(found[0, 0], expected, atol=1e-5, rtol=1e-6)


@pytest.mark.parametrize("kind", ["none", "min-max", "percentile", "z-score"])
def test_an_image_without_contrast_is_refused(kind: str) -> None:
    lattice = Lattice.from_geometry((5, 5, 5), (1, 1, 1), (0, 0, 0))
    flat = Image(torch.full((5, 5, 5), 7.0), lattice, "the knee")
    with pytest.raises(InputError, match="the knee has no contrast where"):
        normalised(flat, Normalisation(NormalisationKind(kind)))


def test_an_image_outside_the_window_is_refused_by_its_bounds() -> None:
    lattice = Lattice.from_geometry((10, 10, 10), (1, 1, 1), (0, 0, 0))
    window = Normalisation(NormalisationKind.WINDOW, 2000, 3000)
    with pytest.raises(InputError, match="between the intensities 2000 and 3000"):
        normalised(Image(RAMP, lattice, "CT"), window)


# -- units ----------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    st.sampled_from(["voxel", "grid_sample", "unit"]),
    st.sampled_from(["map", "displacement"]),
    st.booleans(),
    st.tuples(*[st.integers(2, 7)] * 3),
)
def test_where_a_unit_says_a_voxel_lies_there_grid_sample_reads_it(
    unit: str, quantity: str, corners: bool, shape: tuple[int, int, int]
) -> None:
    """Against torch's own `grid_sample`, reading an image of every voxel's own place."""
    spec = output_of(unit=unit, quantity=quantity, align_corners=corners)
    place = identity_map(shape)
    n = torch.tensor(shape[::-1], dtype=torch.float32).view(3, 1, 1, 1)
    generator = torch.Generator().manual_seed(sum(shape))
    target = torch.rand((3, *shape), generator=generator) * (n - 1) * 0.5 + (n - 1) * 0.25
    # the same points as the network would say them
    said, rest = target, place
    if unit != "voxel":
        said, rest = (v / (n - 1) if corners else (v + 0.5) / n for v in (target, place))
    elif not corners:
        said = (target + 0.5) * (n - 1) / n
    grid = 2 * (said if unit != "voxel" else said / (n - 1)) - 1
    read = torch.nn.functional.grid_sample(
        place[None], grid.movedim(0, -1)[None], align_corners=corners, padding_mode="border"
    )[0]
    assert torch.allclose(read, target, atol=1e-4)  # the test's own arithmetic holds
    answer = said if quantity == "map" else said - rest
    if unit == "grid_sample":
        answer = 2 * said - 1 if quantity == "map" else 2 * (said - rest)
    found = displacement_in_voxels(answer[None], spec, None)[0]
    assert torch.allclose(found, target - place, atol=1e-4)


def test_millimetres_are_divided_by_the_spacing() -> None:
    field = torch.ones((1, 3, 4, 5, 6)) * 3
    found = displacement_in_voxels(field, output_of(unit="mm"), 1.5)
    assert torch.allclose(found, torch.full_like(found, 2.0))
