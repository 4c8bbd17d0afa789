"""The anatomy is found whatever a few voxels hold."""

from __future__ import annotations

import numpy as np
import pytest
from support.phantom import FIXED, phantom

from TTAUncertaintyLib.geometry import without_outliers
from TTAUncertaintyLib.review.foreground import foreground_of


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
