"""What lies on one lattice is the same at the voxels of another, whichever way both are turned."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.lattices import FLIPPED, OBLIQUE

from TTAUncertaintyLib.geometry import Lattice, carried, marked, resample_array, taking_part


def fine_about(other: Lattice) -> Lattice:
    """Return a finer lattice about the same place, that does not reach as far."""
    return Lattice.from_geometry((31, 33, 29), (0.9, 0.7, 1.1), other.center - 12, np.eye(3))


FINE = fine_about(OBLIQUE)
PAIRS = [(OBLIQUE, FINE), (FLIPPED, fine_about(FLIPPED)), (FINE, OBLIQUE)]


def noise(lattice: Lattice) -> np.ndarray:
    return np.random.default_rng(0).random(lattice.array_shape).astype(np.float32)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_values_are_interpolated_as_by_torch_and_unknown_beyond(
    source: Lattice, target: Lattice
) -> None:
    values = noise(source)
    found = carried(values, source, target)
    layer = torch.from_numpy(values)[None]
    theirs = resample_array(layer, source, target, outside=float("nan"))[0].numpy()
    both = np.isfinite(found) & np.isfinite(theirs)
    assert both.any()
    assert (np.isnan(found) != np.isnan(theirs)).mean() < 1e-3  # rounding, at the very edge
    np.testing.assert_allclose(found[both], theirs[both], atol=1e-5)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_takes_part_is_enough_for_every_marked_place(source: Lattice, target: Lattice) -> None:
    """Left out of the interpolated array, nothing else makes a marked place unknown."""
    marks = noise(target) > 0.97
    values = np.where(taking_part(marks, target, source), noise(source), np.float32("nan"))
    found = carried(values, source, target)
    whole = carried(noise(source), source, target)
    assert np.isfinite(whole[marks]).any()
    np.testing.assert_array_equal(np.isnan(found[marks]), np.isnan(whole[marks]))
    assert np.isnan(values).any()


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_mark_reaches_all_voxels_that_are_made_of_it(source: Lattice, target: Lattice) -> None:
    marks = (noise(source) > 0.9).astype(np.uint8)
    found = marked(marks, source, target) > 0
    shares = carried(marks.astype(np.float32), source, target)
    np.testing.assert_array_equal(found, np.nan_to_num(shares) > 1e-3)
    assert found.any()


def test_on_the_same_lattice_nothing_is_done() -> None:
    values = noise(OBLIQUE)
    assert carried(values, OBLIQUE, OBLIQUE) is values
    assert taking_part(values > 0.5, OBLIQUE, OBLIQUE).sum() == (values > 0.5).sum()
