"""Landmarks are measured in the world, before and after, beside the map at the fixed point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.lattices import FLIPPED, affine, rotation

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.review import LandmarkPair, MapVolume, evaluate_landmarks, point_map

MATRIX = affine(rotation((1, 1, 0), 12) * 1.05, (3.0, -4.0, 5.0))


def transform() -> sitk.Transform:
    made = sitk.AffineTransform(3)
    made.SetMatrix(MATRIX[:3, :3].ravel().tolist())
    made.SetTranslation(MATRIX[:3, 3].tolist())
    return made


def point(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = values.tolist()
    return x, y, z


def pairs() -> tuple[list[LandmarkPair], np.ndarray]:
    """Three pairs whose moving points miss where the transform sends the fixed ones."""
    fixed = FLIPPED.to_world(np.array([[3.2, 4.1, 5.5], [8, 10.5, 6], [2, 13, 9.9]]))
    misses = np.array([[0.0, 0, 0], [1, 2, 2], [0, -3, 4]])
    moving = fixed @ MATRIX[:3, :3].T + MATRIX[:3, 3] + misses
    made = [
        LandmarkPair("pair", point(start), point(end))
        for start, end in zip(fixed, moving, strict=True)
    ]
    return made, misses


def test_the_target_registration_error_is_the_distance_by_which_the_transform_misses() -> None:
    made, misses = pairs()
    found = evaluate_landmarks(made, point_map(transform()), [])
    after = [one.after_mm for one in found]
    np.testing.assert_allclose(after, np.linalg.norm(misses, axis=1), atol=1e-9)
    for one, pair in zip(found, made, strict=True):
        assert one.before_mm == pytest.approx(
            np.linalg.norm(np.subtract(pair.fixed_lps_mm, pair.moving_lps_mm))
        )


def test_the_map_is_read_at_the_fixed_point_and_unknown_outside_it() -> None:
    made, _ = pairs()
    values = np.random.default_rng(0).random(FLIPPED.array_shape, dtype=np.float32)
    volume = MapVolume("total", "Total", "mm", values, FLIPPED)
    far = LandmarkPair("far", (900.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    found = evaluate_landmarks([*made, far], point_map(transform()), [volume])
    image = FLIPPED.stamp(sitk.GetImageFromArray(values))
    for one in found[:-1]:
        assert one.at_fixed["total"] == pytest.approx(
            image.EvaluateAtPhysicalPoint(one.pair.fixed_lps_mm, sitk.sitkLinear), abs=1e-5
        )
    assert np.isnan(found[-1].at_fixed["total"])


def test_a_transform_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "Überführung fixed to moving.tfm"
    sitk.WriteTransform(transform(), str(file))
    made, misses = pairs()
    found = evaluate_landmarks(made, point_map(file), [])
    np.testing.assert_allclose(
        [one.after_mm for one in found], np.linalg.norm(misses, axis=1), atol=1e-6
    )


def test_a_file_that_is_no_transform_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "nothing.h5"
    file.write_text("nothing")
    with pytest.raises(InputError, match="cannot be read as an ITK transform"):
        point_map(file)


def test_no_landmarks_are_no_findings() -> None:
    assert evaluate_landmarks([], point_map(transform()), []) == []
