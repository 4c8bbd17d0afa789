"""Cues against values that can be worked out by hand."""

from __future__ import annotations

import pytest
import torch
from support.lattices import FLIPPED, OBLIQUE
from torch import Tensor

from TTAUncertaintyLib.cues import Cue, compute_cues
from TTAUncertaintyLib.cues.compute import ncc_gap
from TTAUncertaintyLib.engine import Outcome, Precision
from TTAUncertaintyLib.geometry import affine_map, identity_map
from TTAUncertaintyLib.models import PreparedPair
from TTAUncertaintyLib.variance import VarianceEstimate


def textured(shape: tuple[int, int, int], seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) + 0.5


def outcome(prediction: Tensor, variance: VarianceEstimate | None = None) -> Outcome:
    shape = prediction.shape[1:]
    jacobian = torch.full(shape, 0.5)
    gap = torch.full(shape, 1.5)
    return Outcome(
        FLIPPED, FLIPPED, prediction, jacobian, gap, variance, 0, 8, 0.0, "cpu", Precision.F32, ()
    )


def moved(voxels: tuple[float, float, float]) -> Tensor:
    offset = torch.tensor(voxels).view(3, 1, 1, 1)
    return identity_map(FLIPPED.array_shape) + offset


def test_an_image_correlates_with_itself_in_any_contrast() -> None:
    image = textured((11, 12, 13))
    assert float(ncc_gap(image, image).max()) < 1e-6
    assert float(ncc_gap(image, 3 - 2 * image).max()) < 1e-6


def test_unrelated_noise_hardly_correlates() -> None:
    gap = ncc_gap(textured((15, 15, 15)), textured((15, 15, 15), 1))
    # the squared correlation of n = 343 independent pairs is 1 / (n - 1) on average
    assert float(gap[4:-4, 4:-4, 4:-4].mean()) == pytest.approx(1 - 1 / 342, abs=0.01)


def test_the_correlation_is_that_of_the_box_about_the_voxel() -> None:
    first, second = textured((9, 9, 9)), textured((9, 9, 9), 1)
    second = second + first
    gap = ncc_gap(first, second, window=3)
    box = [image[3:6, 4:7, 2:5].flatten().double() for image in (first, second)]
    expected = 1 - float(torch.corrcoef(torch.stack(box))[0, 1]) ** 2
    assert float(gap[4, 5, 3]) == pytest.approx(expected, abs=1e-6)
    corner = [image[:2, :2, :2].flatten().double() for image in (first, second)]
    expected = 1 - float(torch.corrcoef(torch.stack(corner))[0, 1]) ** 2
    assert float(gap[0, 0, 0]) == pytest.approx(expected, abs=1e-6)


def test_without_contrast_nothing_supports_the_answer() -> None:
    image = textured((9, 9, 9))
    assert float(ncc_gap(image, torch.ones(9, 9, 9)).min()) == 1.0


def test_cues_of_a_known_answer() -> None:
    fixed = textured(FLIPPED.array_shape)
    pair = PreparedPair(fixed[None, None], fixed[None, None], FLIPPED, FLIPPED)
    shift = (1.0, 0.0, -2.0)
    cues = compute_cues(outcome(moved(shift)), pair)
    step = FLIPPED.linear @ shift
    assert torch.allclose(
        cues[Cue.DISPLACEMENT],
        torch.full(FLIPPED.array_shape, float((step @ step) ** 0.5)),
        atol=1e-3,
    )
    assert float(cues[Cue.LOG_JACOBIAN].mean()) == pytest.approx(0.6931, abs=1e-3)
    assert float(cues[Cue.INVERSE_CONSISTENCY].mean()) == 1.5
    assert Cue.TOTAL not in cues and Cue.JITTER not in cues
    # where the shifted image reaches, it is the image's own voxel two slices before, one column on
    inner = cues[Cue.RESIDUAL][4:-1, 1:-1, 1:-2] * float(fixed[fixed > fixed.min()].std())
    true = (fixed[2:-3, 1:-1, 2:-1] - fixed[4:-1, 1:-1, 1:-2]).abs()
    assert torch.allclose(inner, true, atol=1e-4)


def test_standard_deviations_come_from_variances_and_are_never_negative() -> None:
    shape = FLIPPED.array_shape
    pair = PreparedPair(*(textured(shape)[None, None] for _ in range(2)), FLIPPED, FLIPPED)
    values = [torch.full(shape, v) for v in (9.0, 10.0, -1.0)]
    estimate = VarianceEstimate(*values, torch.zeros(3, *shape), 8, 2)
    cues = compute_cues(outcome(moved((0, 0, 0)), estimate), pair)
    assert [float(cues[c].mean()) for c in (Cue.TOTAL, Cue.JITTER)] == [3.0, 0.0]
    assert float(cues[Cue.INTRINSIC].mean()) == pytest.approx(10**0.5, abs=1e-5)


def test_lattices_do_not_have_to_agree() -> None:
    fixed, moving = textured(OBLIQUE.array_shape), textured(FLIPPED.array_shape)
    pair = PreparedPair(moving[None, None], fixed[None, None], FLIPPED, OBLIQUE)
    prediction = affine_map(
        torch.tensor(FLIPPED.inverse @ OBLIQUE.matrix), identity_map(OBLIQUE.array_shape)
    )
    shape = OBLIQUE.array_shape
    found = Outcome(
        FLIPPED,
        OBLIQUE,
        prediction,
        torch.ones(shape),
        None,
        None,
        0,
        8,
        0.0,
        "cpu",
        Precision.F32,
        (),
    )
    assert all(values.shape == shape for values in compute_cues(found, pair).values())
