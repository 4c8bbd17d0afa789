"""Closing the foreground is what SimpleITK's grayscale closing with a box is."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from TTAUncertaintyLib.review.foreground import _closed


@pytest.mark.parametrize("share", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("radius", [1, 3])
def test_closing_equals_simpleitks_up_to_the_border(share: float, radius: int) -> None:
    mask = np.random.default_rng(0).random((23, 19, 31)) < share
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    closed = sitk.GrayscaleMorphologicalClosing(image, [radius] * 3, sitk.sitkBox)
    expected = sitk.GetArrayFromImage(closed) > 0
    assert mask.sum() < expected.sum() < mask.size
    assert np.array_equal(_closed(mask, radius), expected)
