"""The error at landmarks is the transform's, and a map is judged by it at the fixed points."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from support.lattices import FLIPPED, OBLIQUE, voxel_points

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.evaluation.known_landmarks import evaluate_known_landmarks
from TTAUncertaintyLib.evaluation.known_result import KnownResult
from TTAUncertaintyLib.geometry import DeformableTransform, Lattice
from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.review import MapVolume

SHIFT = np.array([1.5, -2.0, 0.5])
#: The moving image lies where the shifted points are.
MOVING = Lattice(FLIPPED.size, OBLIQUE.centered(FLIPPED.size, 4.0, FLIPPED.center).matrix)


def translation() -> DeformableTransform:
    field = torch.from_numpy(SHIFT).float().view(3, 1, 1, 1).expand(3, *FLIPPED.array_shape)
    return DeformableTransform(field.clone(), FLIPPED, np.eye(4))


def slope(steps: np.ndarray) -> np.ndarray:
    """A map that rises linearly along the voxel axes (i, j, k), so that interpolation is exact."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in FLIPPED.array_shape), indexing="ij")
    return (steps[0] * i + steps[1] * j + steps[2] * k).astype(np.float32)


def result(*maps: MapVolume) -> KnownResult:
    return KnownResult(translation().to_itk(), FLIPPED, MOVING, maps)


def a_map(kind: MapKind, values: np.ndarray) -> MapVolume:
    return MapVolume(kind.value, kind.facts.title, kind.facts.unit, values, FLIPPED)


def files(folder: Path, fixed: np.ndarray, moving: np.ndarray) -> tuple[Path, Path]:
    """Write the points as RAS and as LPS files, the second in another order."""
    names = [f"point {n}" for n in range(len(fixed))]
    ras = fixed * [-1, -1, 1]
    lines = [
        f"{name},{r!r},{a!r},{s!r}" for name, (r, a, s) in zip(names, ras.tolist(), strict=True)
    ]
    one, other = folder / "fixed.csv", folder / "moving.mrk.json"
    one.write_text("\n".join(["label,r,a,s", *lines]), encoding="utf-8")
    points = [{"label": n, "position": p} for n, p in zip(names, moving.tolist(), strict=True)][
        ::-1
    ]
    other.write_text(
        json.dumps({"markups": [{"coordinateSystem": "LPS", "controlPoints": points}]}),
        encoding="utf-8",
    )
    return one, other


def test_a_known_translation_leaves_exactly_what_the_points_miss_it_by(tmp_path: Path) -> None:
    voxels = voxel_points(FLIPPED, 8, seed=1, margin=2)
    fixed = FLIPPED.to_world(voxels)
    lengths = np.arange(8) / 2
    misses = lengths[:, None] * np.array([2.0, -1.0, 2.0]) / 3
    paths = files(tmp_path, fixed, fixed + SHIFT + misses)
    rising = slope(np.array([0.3, 0.2, 0.1]))
    found = evaluate_known_landmarks(result(a_map(MapKind.TOTAL, rising)), *paths)
    assert found.paired == "by name"
    np.testing.assert_allclose([one.after_mm for one in found.findings], lengths, atol=1e-5)
    np.testing.assert_allclose(
        [one.before_mm for one in found.findings], np.linalg.norm(SHIFT + misses, axis=1), atol=1e-9
    )
    values = voxels @ [0.3, 0.2, 0.1]
    np.testing.assert_allclose([one.at_fixed["total"] for one in found.findings], values, atol=1e-4)
    (agreed,) = found.maps
    assert agreed.landmarks == 8
    assert agreed.pearson == pytest.approx(np.corrcoef(values, lengths)[0, 1], abs=1e-4)
    order = values.argsort().argsort()
    assert agreed.spearman == pytest.approx(np.corrcoef(order, np.arange(8))[0, 1], abs=1e-6)
    assert agreed.coverage is None
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["paired"] == "by name"


def test_a_bound_is_judged_by_the_share_of_errors_below_it(tmp_path: Path) -> None:
    fixed = FLIPPED.to_world(voxel_points(FLIPPED, 6, seed=2, margin=2))
    misses = np.array([0.2, 0.4, 0.9, 1.1, 3.0, 0.6])[:, None] * np.array([0.0, 0.6, -0.8])
    paths = files(tmp_path, fixed, fixed + SHIFT + misses)
    bound = np.full(FLIPPED.array_shape, 1.0, np.float32)
    found = evaluate_known_landmarks(result(a_map(MapKind.ERROR_BOUND, bound)), *paths)
    assert found.maps[0].coverage == pytest.approx(4 / 6)
    assert found.maps[0].pearson is None  # a map that is the same everywhere


def test_landmarks_without_an_estimate_and_too_few_of_them(tmp_path: Path) -> None:
    voxels = voxel_points(FLIPPED, 6, seed=3, margin=2)
    fixed = FLIPPED.to_world(voxels)
    paths = files(tmp_path, fixed, fixed + SHIFT + np.arange(6)[:, None] * [0.1, 0, 0])
    values = slope(np.array([0.3, 0.2, 0.1]))
    i, j, k = np.floor(voxels[:2]).astype(int).T
    values[k, j, i] = math.nan
    found = evaluate_known_landmarks(result(a_map(MapKind.TOTAL, values)), *paths)
    assert found.maps[0].landmarks == 4
    assert found.maps[0].pearson is None
    assert found.as_dict()["landmarks"][0]["maps"]["total"] is None


def test_points_outside_the_images_are_refused(tmp_path: Path) -> None:
    fixed = FLIPPED.to_world(voxel_points(FLIPPED, 5, seed=4))
    paths = files(tmp_path, fixed * [-1, -1, 1], fixed)
    with pytest.raises(InputError, match="outside the fixed image"):
        evaluate_known_landmarks(result(), *paths)
