"""Cases of the head: features between voxels, and the mean of several people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.phantom import FIXED, MOVING, phantom, write

from TTAUncertaintyLib.cues.features import FEATURES, Features
from TTAUncertaintyLib.geometry import Lattice, read_image, read_labels, sample
from TTAUncertaintyLib.training.head_cases import (
    People,
    Spec,
    around,
    claimed,
    made_of,
    mean_name,
)
from TTAUncertaintyLib.training.head_fit import Case
from TTAUncertaintyLib.training.mean_person import _most, mean_person


def test_a_map_is_read_between_the_voxels_around_as_interpolation_reads_it() -> None:
    random = np.random.default_rng(0)
    region = torch.zeros(6, 7, 8, dtype=torch.bool)
    region[1:5, 1:6, 2:7] = True
    values = torch.from_numpy(random.random((int(region.sum()), len(FEATURES)), dtype=np.float32))
    features = Features(tuple(FEATURES), values, region, 1.0)
    at = random.uniform((2, 1, 1), (6, 5, 4), (50, 3))
    at[0] = (3, 2, 2)
    corner, share = around(features, at)
    rows = values.numpy()
    case = Case("", "people", "", frozenset(), rows, rows[:, 0], rows, rows[0], 1.0, rows, corner, share)  # fmt: skip # noqa: E501
    grid = features.on_lattice(values[:, 0])[None, None]
    places = torch.from_numpy(at).float().T[None, :, :, None, None]
    expected = sample(grid, places)[0, 0, :, 0, 0].numpy()
    np.testing.assert_allclose(case.at_truth(case.mapped[:, 0]), expected, rtol=1e-4)


def test_the_mean_of_people_lies_as_the_first_and_has_the_labels_most_have(tmp_path: Path) -> None:
    """The others lie elsewhere, on a lattice of their own, and have another brightness."""
    shifts = {"a": (0.0, 0.0, 0.0), "b": (4.0, -3.0, 3.0), "c": (-4.0, 3.0, 2.0)}
    for name, shift in shifts.items():
        lattice = FIXED if name == "a" else MOVING
        bright = 1 if name == "a" else 3
        write(tmp_path / f"{name}_SS.nii.gz", bright * phantom(lattice, shift), lattice)
        write(tmp_path / f"{name}_glm.nii.gz", ball(lattice, shift), lattice)
    mean_person(tmp_path, list(shifts), tmp_path, "mean")
    mean, _ = read_image(tmp_path / "mean_SS.nii.gz")
    labels, _ = read_labels(tmp_path / "mean_glm.nii.gz")
    assert mean.lattice.is_close(FIXED)
    one = phantom(FIXED)
    assert np.corrcoef(mean.intensities.numpy().ravel(), one.ravel())[0, 1] > 0.98
    drawn, found = ball(FIXED, shifts["a"]) == 7, labels.intensities.numpy() == 7
    assert 2 * (drawn & found).sum() / (drawn.sum() + found.sum()) > 0.93
    unmoved = ball(FIXED, shifts["b"]) == 7
    assert 2 * (drawn & unmoved).sum() / (drawn.sum() + unmoved.sum()) < 0.8


def test_an_atlas_has_another_brightness_in_each_case_and_a_person_has_not(tmp_path: Path) -> None:
    mean = mean_name("fit")
    for name in (mean, "a"):
        write(tmp_path / f"{name}_SS.nii.gz", phantom(FIXED), FIXED)
    people = People(tmp_path, tmp_path)
    kept, _ = read_image(tmp_path / "a_SS.nii.gz")
    seen = []
    for seed in (700, 701):
        images, known, _ = made_of(Spec("fit-atlas-a", "atlas", mean, "a", seed), people)
        (atlas, person), stored = (image.intensities for image in images), kept.intensities
        assert known is None and torch.equal(person, stored) and images[0].lattice.is_close(FIXED)
        assert (atlas - stored).abs().max() > 0.05 * stored.max()
        assert float(atlas.max()) == pytest.approx(float(stored.max()))
        order = stored.flatten().argsort()
        assert (atlas.flatten()[order].diff() >= -1e-5).all()
        assert (atlas[stored <= 0] == 0).all()
        seen.append(atlas)
    assert not torch.allclose(*seen)


def test_a_case_is_made_once_and_again_if_it_failed(tmp_path: Path) -> None:
    path = tmp_path / "case.npz"
    with pytest.raises(KeyboardInterrupt), claimed(path) as free:
        assert free
        raise KeyboardInterrupt
    for expected in (True, False):
        with claimed(path) as free:
            assert free is expected


def test_most_of_the_people_decide_a_label() -> None:
    votes = [np.array(v, np.int16) for v in ([0, 5, 5, 2], [0, 5, 7, 3], [4, 0, 7, 4])]
    assert _most(votes).tolist() == [0, 5, 7, 2]


def ball(lattice: Lattice, shift: tuple[float, float, float]) -> np.ndarray:
    k, j, i = np.indices(lattice.array_shape)
    away = lattice.to_world(np.stack((i, j, k), -1)) - shift
    return np.where(np.linalg.norm(away, axis=-1) < 12, 7, 0).astype(np.float32)
