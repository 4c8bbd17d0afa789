"""The map that builds up pass by pass ends as the map of the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.results.build_up import BuildUp
from TTAUncertaintyLib.results.registrations import KeptRegistrations

LATTICE = Lattice((4, 3, 2), np.diag([2.0, 2.0, 2.0, 1.0]))


def kept(folder: Path, groups: int, repeats: int) -> tuple[KeptRegistrations, np.ndarray]:
    count = groups * repeats
    offsets = np.random.default_rng(3).normal(size=(count, 3, *LATTICE.array_shape))
    offsets = offsets.astype(np.float16)
    np.save(folder / "offsets.npy", offsets)
    numbers = range(count)
    made = KeptRegistrations(
        tuple(str(n) for n in numbers),
        tuple(n // repeats for n in numbers),
        tuple(n % repeats for n in numbers),
        repeats,
        tuple(folder / f"{n}.nrrd" for n in numbers),
        LATTICE,
        folder / "offsets.npy",
    )
    return made, offsets.astype(float)


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_the_last_map_has_the_variance_of_the_estimator(tmp_path: Path, repeats: int) -> None:
    registrations, _ = kept(tmp_path, 4, repeats)
    values = BuildUp(registrations).after(4 * repeats)
    assert values is not None
    for voxel in ((0, 0, 0), (3, 1, 1), (2, 2, 0)):
        total = registrations.covariances_at(LATTICE.to_world(voxel)).total
        i, j, k = voxel
        assert values[k, j, i] == pytest.approx(np.sqrt(max(np.trace(total), 0)), rel=1e-4)


def test_it_goes_back_and_forth_and_begins_with_two_perturbations(tmp_path: Path) -> None:
    registrations, offsets = kept(tmp_path, 4, 1)
    build_up = BuildUp(registrations)
    assert build_up.after(0) is None and build_up.after(1) is None
    third = np.sqrt(offsets[:3].var(axis=0, ddof=1).sum(axis=0))
    assert build_up.after(4) is not None
    np.testing.assert_allclose(build_up.after(3), third, rtol=1e-4)
    np.testing.assert_allclose(build_up.after(3), third, rtol=1e-4)


def test_a_perturbation_that_was_not_repeated_in_full_does_not_count(tmp_path: Path) -> None:
    registrations, _ = kept(tmp_path, 3, 2)
    build_up = BuildUp(registrations)
    assert build_up.after(3) is None
    np.testing.assert_array_equal(build_up.after(4), build_up.after(5))
