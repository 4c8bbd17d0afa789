"""A transform that was mixed up is told as such, and a good one is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from support.lattices import FLIPPED, OBLIQUE, affine, rotation

from TTAUncertaintyLib.auditing import check_direction, check_meets
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Image, Lattice, itk_transform
from TTAUncertaintyLib.geometry.given_transform import GivenTransform
from TTAUncertaintyLib.review.landmarks import PointMap, point_map

FIXED = OBLIQUE.centered((40, 36, 30), (3.0, 3.5, 4.0), (40.0, -30.0, 25.0))
MOVING = FLIPPED.centered((36, 40, 34), (3.2, 3.0, 3.6), (46.0, -22.0, 31.0))
TRUTH = itk_transform(affine(rotation((1, 2, 0), 8.0), (9.0, 12.0, 8.0)))
FLIP = np.array([-1.0, -1.0, 1.0])


def image(lattice: Lattice) -> Image:
    return Image(torch.zeros(lattice.array_shape), lattice, "image")


def anatomy() -> np.ndarray:
    inside = np.zeros(FIXED.array_shape, bool)
    inside[6:-6, 7:-7, 8:-8] = True
    return inside


def field(of: PointMap) -> GivenTransform:
    """A displacement field of any map, on a grid beyond the fixed image."""
    lattice = FIXED.centered((24, 24, 24), 9.0, FIXED.center)
    k, j, i = np.indices(lattice.array_shape)
    points = lattice.to_world(np.stack((i, j, k), -1))
    vectors = of(points.reshape(-1, 3)).reshape(points.shape) - points
    stored = lattice.stamp(sitk.GetImageFromArray(vectors, isVector=True))
    return GivenTransform(
        sitk.DisplacementFieldTransform(stored), Path("T.nrrd"), "", "displacement field"
    )


def inverse(points: np.ndarray) -> np.ndarray:
    return point_map(TRUTH.GetInverse())(points)


def truth(points: np.ndarray) -> np.ndarray:
    return point_map(TRUTH)(points)


def components(points: np.ndarray) -> np.ndarray:
    return points + (truth(points) - points) * FLIP


def voxels(points: np.ndarray) -> np.ndarray:
    return points + (truth(points) - points) @ np.linalg.inv(FIXED.linear).T


def mirrored(points: np.ndarray) -> np.ndarray:
    found = truth(points)
    found[:, 0] = 2 * MOVING.center[0] - found[:, 0]
    return found


def told(given: PointMap) -> str | None:
    return check_direction(field(given), truth, image(FIXED), image(MOVING), anatomy())


def test_a_good_one_is_not_suspected() -> None:
    assert told(truth) is None
    assert told(lambda points: truth(points) + np.array([1.5, -1.0, 1.0])) is None


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (inverse, "the other way"),
        (components, "displacements seem to be written in RAS"),
        (voxels, "in voxels"),
        (mirrored, "mirrored"),
    ],
)
def test_a_mistake_is_named(given: PointMap, word: str) -> None:
    sentence = told(given)
    assert sentence is not None and word in sentence


def test_one_that_is_just_wrong_is_not_given_another_name() -> None:
    assert told(lambda points: truth(points) + np.array([0.0, 14.0, 0.0])) is None


def test_no_overlap_is_refused_and_ras_is_named() -> None:
    def in_ras(points: np.ndarray) -> np.ndarray:
        return truth(points * FLIP) * FLIP

    matrix = np.eye(4)
    matrix[:3, 3] = (0.0, 0.0, 400.0)
    far = GivenTransform(itk_transform(matrix), Path("far.tfm"), "", "linear")
    with pytest.raises(InputError, match="no overlap"):
        check_meets(far, image(FIXED), image(MOVING), anatomy())
    good = GivenTransform(TRUTH, Path("good.tfm"), "", "linear")
    check_meets(good, image(FIXED), image(MOVING), anatomy())
    # frames so far from the origin that the two readings are far apart
    shift = affine(np.eye(3), (150.0, -120.0, 0.0))
    fixed = image(FIXED.transformed(shift))
    lps = sitk.CompositeTransform([TRUTH, itk_transform(np.linalg.inv(shift))])
    flip = itk_transform(np.diag([-1.0, -1.0, 1.0, 1.0]))
    ras = sitk.CompositeTransform([flip, lps, flip])
    given = GivenTransform(ras, Path("ras.tfm"), "", "linear")
    with pytest.raises(InputError, match="no overlap") as refused:
        check_meets(given, fixed, image(MOVING), anatomy())
    assert "RAS" in refused.value.remedy
