"""The anatomy is found whatever a few voxels hold; closing it is SimpleITK's."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from support.phantom import FIXED, phantom

from TTAUncertaintyLib.geometry import without_outliers
from TTAUncertaintyLib.review.foreground import _closed, foreground_of


def brain() -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 5, FIXED.array_shape)
    return (phantom(FIXED) + noise).astype(np.float32)


@pytest.mark.parametrize("factor", [20.0, 1000.0, -1000.0, 1e30, -1e30])
@pytest.mark.parametrize("count", [1, 5])
def test_a_few_extreme_voxels_change_the_foreground_by_no_more_than_themselves(
    factor: float, count: int
) -> None:
    image = brain()
    expected = foreground_of(image)
    assert expected.sum() > 1000
    spoiled = image.copy()
    spoiled.flat[:count] = factor * image.max()
    found = foreground_of(spoiled)
    # the threshold moves a little: the brightest thousandth is cut off
    assert (found ^ expected).sum() < 0.03 * expected.sum()


def test_an_image_without_outliers_is_taken_as_it_is() -> None:
    for image in (brain(), phantom(FIXED), np.zeros((8, 8, 8), np.float32)):
        assert without_outliers(image) is image
    scanner = brain()
    scanner[:, :2] = -3024.0  # what lies outside a scanner's circle
    assert without_outliers(scanner) is scanner


@pytest.mark.parametrize("share", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("radius", [1, 3])
def test_closing_equals_simpleitks_up_to_the_border(share: float, radius: int) -> None:
    mask = np.random.default_rng(0).random((23, 19, 31)) < share
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    closed = sitk.GrayscaleMorphologicalClosing(image, [radius] * 3, sitk.sitkBox)
    expected = sitk.GetArrayFromImage(closed) > 0
    assert mask.sum() < expected.sum() < mask.size
    assert np.array_equal(_closed(mask, radius), expected)
