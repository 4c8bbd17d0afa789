"""Edges of an image are where it changes from dark to bright, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.review.edges import edge_regions

LATTICE = Lattice.from_geometry((40, 36, 30), (1.0, 1.5, 2.0), (-20, 5, 9))


def shells() -> np.ndarray:
    """Return two balls in each other, on nothing: 0, 1 and 2."""
    k, j, i = np.indices(LATTICE.array_shape)
    world = LATTICE.to_world(np.stack((i, j, k), -1)) - LATTICE.center
    r = np.linalg.norm(world, axis=-1)
    return (r < 15).astype(int) + (r < 8)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_regions_of_like_brightness_are_found_in_spite_of_noise(kind):
    truth = shells()
    noise = np.random.default_rng(3).normal(0, 30, truth.shape)
    found = edge_regions((400 * truth + noise).astype(kind), LATTICE)
    assert found.dtype == np.uint8
    for n in (1, 2):
        ours, theirs = found >= n, truth >= n
        dice = 2 * (ours & theirs).sum() / (ours.sum() + theirs.sum())
        assert dice > 0.9
    assert (found == 0)[truth == 0].mean() > 0.97


def test_a_thin_image_has_edges_too():
    thin = Lattice.from_geometry((40, 36, 2), (1, 1, 5), (0, 0, 0))
    values = np.zeros(thin.array_shape, np.float32)
    values[:, 10:20, 10:20] = 100
    assert ((edge_regions(values, thin) > 0) == (values > 0)).all()
