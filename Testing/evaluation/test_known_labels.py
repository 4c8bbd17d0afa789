"""Overlap and surface distance of structures, by hand, on an oblique flipped lattice."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from support.lattices import FLIPPED, OBLIQUE, rotation

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.evaluation.known_labels import agreement, evaluate_known_labels
from TTAUncertaintyLib.evaluation.known_result import KnownResult
from TTAUncertaintyLib.geometry import DeformableTransform, Lattice, itk_transform
from TTAUncertaintyLib.review import MapVolume

SPACING = FLIPPED.spacing
Box = tuple[slice, slice, slice]
#: Axes (k, j, i): a cube of six voxels, and the same one two voxels further along i.
CUBE: Box = (slice(4, 10), slice(5, 11), slice(1, 7))
MOVED: Box = (slice(4, 10), slice(5, 11), slice(3, 9))


def mask(*boxes: Box) -> np.ndarray:
    values = np.zeros(FLIPPED.array_shape, bool)
    for box in boxes:
        values[box] = True
    return values


def write(path: Path, values: np.ndarray, lattice: Lattice = FLIPPED) -> Path:
    sitk.WriteImage(lattice.stamp(sitk.GetImageFromArray(values)), str(path))
    return path


def shifted(voxels: tuple[float, float, float]) -> sitk.Transform:
    """Return the field that sends every point some voxel steps (i, j, k) further."""
    step = torch.from_numpy(FLIPPED.linear @ np.array(voxels)).float()
    field = step.view(3, 1, 1, 1).expand(3, *FLIPPED.array_shape).clone()
    return DeformableTransform(field, FLIPPED, np.eye(4)).to_itk()


def result(transform: sitk.Transform, *maps: MapVolume) -> KnownResult:
    return KnownResult(transform, FLIPPED, FLIPPED, maps)


def by_hand(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return mean and 95 % distance from all pairs of surface voxels, in the world."""
    points = []
    for values in (first, second):
        padded = np.pad(values, 1)
        inner = np.ones_like(values)
        for axis in range(3):
            for step in (-1, 1):
                inner &= np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
        points.append(FLIPPED.to_world(np.argwhere(values & ~inner)[:, ::-1]))
    gaps = np.linalg.norm(points[0][:, None] - points[1][None], axis=2)
    there, back = gaps.min(axis=1), gaps.min(axis=0)
    return (
        float(np.concatenate((there, back)).mean()),
        max(float(np.percentile(there, 95)), float(np.percentile(back, 95))),
    )


def test_two_plates_are_as_far_apart_as_their_distance() -> None:
    for axis in range(3):
        near: list[slice] = [slice(3, 9)] * 3
        far = list(near)
        near[axis], far[axis] = slice(4, 5), slice(6, 7)
        found = agreement(mask((*near,)), mask((*far,)), SPACING)
        distance = 2 * SPACING[2 - axis]  # arrays are (k, j, i)
        assert found.dice == 0
        assert found.surface is not None
        assert found.surface.mean_mm == pytest.approx(distance, rel=1e-5)
        assert found.surface.p95_mm == pytest.approx(distance, rel=1e-5)


def test_two_cubes_shifted_by_two_voxels() -> None:
    found = agreement(mask(CUBE), mask(MOVED), SPACING)
    assert found.dice == pytest.approx(2 / 3)  # four of six voxels along i
    mean, p95 = by_hand(mask(CUBE), mask(MOVED))
    assert found.surface is not None
    assert found.surface.mean_mm == pytest.approx(mean, rel=1e-5)
    assert found.surface.p95_mm == pytest.approx(p95, rel=1e-5)
    assert p95 == pytest.approx(2 * SPACING[0])


def test_ragged_structures_that_the_image_cuts_off_agree_with_all_pairs() -> None:
    generator = np.random.default_rng(5)
    first, second = mask(), mask()
    first[:, 3:15, :7] = generator.random((14, 12, 7)) < 0.7
    second[5:, 6:, 2:] = generator.random((9, 11, 10)) < 0.6
    found = agreement(first, second, SPACING)
    assert found.surface is not None
    mean, p95 = by_hand(first, second)
    assert found.surface.mean_mm == pytest.approx(mean, rel=1e-5)
    assert found.surface.p95_mm == pytest.approx(p95, rel=1e-5)
    assert found == agreement(second, first, SPACING)


def test_the_right_transform_makes_the_structures_agree(tmp_path: Path) -> None:
    fixed = write(tmp_path / "fixed.nrrd", mask(CUBE).astype(np.uint8) * 3)
    moving = write(tmp_path / "moving.nrrd", mask(MOVED).astype(np.uint8) * 3)
    values = np.where(mask(CUBE), 2.0, 9.0).astype(np.float32)
    values[4, 5, 1] = math.nan
    volume = MapVolume("total", "Total", "mm", values, FLIPPED)
    (found,) = evaluate_known_labels(result(shifted((2, 0, 0)), volume), fixed, moving, {3: "Cube"})
    assert (found.label, found.name, found.remark) == (3, "Cube", "")
    assert (found.fixed_voxels, found.moving_voxels) == (216, 216)
    assert found.before == agreement(mask(CUBE), mask(MOVED), SPACING)
    assert found.after is not None
    assert found.after.surface is not None
    assert found.after.dice == 1.0
    assert found.after.surface.p95_mm < 1e-5
    assert found.map_means == {"total": 2.0}


def test_label_maps_may_lie_on_lattices_of_their_own(tmp_path: Path) -> None:
    def ball(lattice: Lattice, middle: np.ndarray) -> np.ndarray:
        k, j, i = np.meshgrid(*(np.arange(n) for n in lattice.array_shape), indexing="ij")
        away = np.linalg.norm(lattice.to_world(np.stack((i, j, k), -1)) - middle, axis=-1)
        return (away < 12).astype(np.uint8)

    turn = np.eye(4)
    turn[:3, :3] = rotation((1, 0, 2), 40)
    turn[:3, 3] = (60.0, -10.0, 20.0)
    fine = FLIPPED.centered((32, 32, 32), (1.0, 1.2, 0.9), FLIPPED.center)
    middle = turn[:3, :3] @ FLIPPED.center + turn[:3, 3]
    far = OBLIQUE.centered((34, 30, 28), (1.0, 1.1, 1.2), middle)
    fixed = write(tmp_path / "fixed.nii.gz", ball(fine, FLIPPED.center), fine)
    moving = write(tmp_path / "moving.nrrd", ball(far, middle), far)
    volume = MapVolume(
        "total", "Total", "mm", np.full(FLIPPED.array_shape, 1.5, np.float32), FLIPPED
    )
    (found,) = evaluate_known_labels(result(itk_transform(turn), volume), fixed, moving)
    assert found.before is not None
    assert (found.before.dice, found.before.surface) == (0.0, None)
    assert "outside" in found.remark
    assert found.after is not None
    assert found.after.dice > 0.96  # but for the voxels at its surface
    assert found.after.surface is not None
    assert found.after.surface.p95_mm < 1.3  # a voxel
    assert found.map_means["total"] == pytest.approx(1.5)


def test_what_is_on_one_image_only_or_gone_is_said_and_not_measured(tmp_path: Path) -> None:
    values = mask(CUBE).astype(np.uint8)
    values[0, 0, 0] = 5
    other = mask(MOVED).astype(np.uint8)
    other[0, 0, -1] = 7
    fixed, moving = write(tmp_path / "f.nrrd", values), write(tmp_path / "m.nrrd", other)
    one, five, seven = evaluate_known_labels(result(shifted((20, 0, 0))), fixed, moving)
    assert one.after is not None
    assert (one.after.dice, one.after.surface) == (0.0, None)
    assert "Nothing is left" in one.remark
    assert (five.name, five.remark, five.after) == ("label 5", "Only on the fixed image.", None)
    assert (seven.label, seven.fixed_voxels, seven.remark) == (7, 0, "Only on the moving image.")


def test_what_is_no_label_map_is_refused_in_words(tmp_path: Path) -> None:
    good = write(tmp_path / "good.nrrd", mask(CUBE).astype(np.uint8))
    empty = write(tmp_path / "empty.nrrd", mask().astype(np.uint8))
    shares = write(tmp_path / "shares.nrrd", mask(CUBE).astype(np.float32) / 2)
    others = write(tmp_path / "others.nrrd", mask(CUBE).astype(np.uint8) * 2)
    known = result(shifted((0, 0, 0)))
    for wrong, words in ((empty, "is empty"), (shares, "whole numbers"), (others, "in common")):
        with pytest.raises(InputError, match=words):
            evaluate_known_labels(known, good, wrong)
    away = Lattice(FLIPPED.size, FLIPPED.matrix + np.pad([[500.0]], ((0, 3), (3, 0))))
    elsewhere = write(tmp_path / "away.nrrd", mask(CUBE).astype(np.uint8), away)
    with pytest.raises(InputError, match="where the fixed image lies"):
        evaluate_known_labels(known, elsewhere, good)
