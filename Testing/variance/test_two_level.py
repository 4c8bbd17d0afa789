"""The standard error of a whole two-level design: true on average over seeds, and after a break."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from TTAUncertaintyLib.perturbations import Sampling, design_points
from TTAUncertaintyLib.variance import NestedVariance, SpareContrast, spare_column

#: (K, P): presets Quick and Standard, translations, Thorough, and one that is no power of two.
DESIGNS = [(8, 6), (4, 2), (8, 3), (16, 12), (12, 6)]
VOXELS = (10, 20, 30)


@pytest.mark.parametrize(("count", "factors"), DESIGNS)
@pytest.mark.parametrize("seed", range(3))
def test_the_spare_column_is_orthogonal_to_the_factors_and_to_the_mean(
    count: int, factors: int, seed: int
) -> None:
    points = design_points(Sampling.HADAMARD, count, factors, seed)
    spare = spare_column(points)
    assert spare is not None
    assert np.abs(points.T @ spare).max() < 1e-12 * count
    assert abs(spare.sum()) < 1e-12 * count
    assert np.square(spare).sum() == pytest.approx(count)


def test_a_saturated_design_has_none() -> None:
    assert spare_column(design_points(Sampling.HADAMARD, 8, 7, 0)) is None


class Response:
    """Predictions with linear effects and interactions of two factors, each voxel its own.

    With one direction, all of them lie along the same axis.
    """

    def __init__(
        self, factors: int, linear: float, mixed: float, noise: float, directions: int = 3
    ) -> None:
        self.directions = directions
        generator = torch.Generator().manual_seed(5)
        size = (3, *VOXELS)
        self.linear = linear * torch.randn((factors, *size), generator=generator)
        pairs = factors * (factors - 1) // 2
        self.mixed = mixed * torch.randn((pairs, *size), generator=generator)
        self.noise = noise
        self.pairs = np.triu_indices(factors, 1)

    def of(self, points: NDArray[np.float64], generator: torch.Generator) -> list[Tensor]:
        answers = []
        for x in points:
            by = torch.from_numpy(x).float()
            both = torch.from_numpy(x[self.pairs[0]] * x[self.pairs[1]]).float()
            answer = torch.tensordot(by, self.linear, 1) + torch.tensordot(both, self.mixed, 1)
            noise = self.noise * torch.randn(answer.shape, generator=generator)
            answer += noise
            answer[self.directions :] = 0.0
            answers.append(answer)
        return answers


def observed(
    response: Response, count: int, factors: int, replicates: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Return the total's root and its standard error of one design, [N] each."""
    points = design_points(Sampling.HADAMARD, count, factors, seed)
    column = spare_column(points)
    assert column is not None
    spare, accumulator = SpareContrast(column), NestedVariance(VOXELS, replicates)
    generator = torch.Generator().manual_seed(seed)
    voxels = torch.arange(accumulator.mean[0].numel())
    for value in response.of(np.repeat(points, replicates, axis=0), generator):
        accumulator.add(value)
        if accumulator.complete:
            spare.follow(accumulator.mean.flatten(1)[:, voxels], accumulator.groups)
    return accumulator.total_and_error(voxels, spare)


@pytest.mark.parametrize(("count", "factors"), [(8, 6), (16, 12), (12, 6)])
@pytest.mark.parametrize("replicates", [1, 2])
@pytest.mark.parametrize("noise", [0.3, 1.5])
@pytest.mark.parametrize("directions", [1, 3])
def test_it_is_what_designs_with_other_seeds_differ_by(
    count: int, factors: int, replicates: int, noise: float, directions: int
) -> None:
    response = Response(factors, 1.0, 0.0, noise, directions)
    assert said_to_seen(response, count, replicates) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(("count", "factors"), [(8, 6), (16, 12), (12, 6)])
@pytest.mark.parametrize("replicates", [1, 2])
def test_interactions_are_confounded_a_little_more_with_the_spare_column(
    count: int, factors: int, replicates: int
) -> None:
    """In a column of a factor there is none of its own interactions: the estimate is too large."""
    points = design_points(Sampling.HADAMARD, count, factors, 0)
    spare = spare_column(points)
    assert spare is not None
    first, second = np.triu_indices(factors, 1)
    mixed = points[:, first] * points[:, second]
    shares = [np.square(column @ mixed).sum() for column in (spare, *points.T)]
    too_large = np.sqrt(shares[0] / np.mean(shares[1:]))
    assert 1.0 < too_large < 1.3
    found = said_to_seen(Response(factors, 1.0, 0.1, 0.0), count, replicates)
    assert found == pytest.approx(too_large, rel=0.15)


def said_to_seen(response: Response, count: int, replicates: int) -> float:
    """Return the estimate over what 24 seeds spread by, each the root mean square over voxels."""
    factors = len(response.linear)
    found = [observed(response, count, factors, replicates, seed) for seed in range(24)]
    roots, errors = (torch.stack(part) for part in zip(*found, strict=True))
    return float(errors.square().mean().sqrt() / roots.var(0).mean().sqrt())


def test_effects_that_are_all_linear_are_known_exactly() -> None:
    response = Response(6, 1.0, 0.0, 0.0)
    (one, error), (other, _) = (observed(response, 8, 6, 1, seed) for seed in (0, 1))
    assert torch.allclose(one, other, rtol=1e-4)
    assert float(error.max()) < 1e-4
    independent = NestedVariance(VOXELS)
    points = design_points(Sampling.HADAMARD, 8, 6, 0)
    for value in response.of(points, torch.Generator()):
        independent.add(value)
    assert float(independent.total_and_error()[1].mean()) > 0.1  # as of independent draws


def test_the_variance_of_a_hand_computed_design() -> None:
    """K = 4, P = 2: x = (+,+), (+,-), (-,+), (-,-); the spare column is their product.

    All effects lie along one axis.
    """
    values = torch.tensor([[7.0, 1, 0], [3.0, 1, 0], [1.0, 1, 0], [1.0, 1, 0]])
    spare = SpareContrast(np.array([1.0, -1.0, -1.0, 1.0]))
    for k in range(4):
        spare.follow(values[: k + 1].mean(0).view(3, 1), k + 1)
    assert spare.complete
    # contrasts (7+3-1-1)/4 = 2, (7-3+1-1)/4 = 1, spare (7-3-1+1)/4 = 1: tr Bm = 4/3 (4+1+1) = 8
    assert float(values.var(0, unbiased=True).sum()) == pytest.approx(8.0)
    # s = (1*2)^2 + (1*1)^2 = 5, t = 1/5: (4/3)^2 (4 (5 - 2/5) + 2 * 3 / 5)
    assert float(spare.variance()) == pytest.approx(16 / 9 * (4 * 4.6 + 1.2))


def test_turning_all_values_changes_nothing() -> None:
    column = spare_column(design_points(Sampling.HADAMARD, 8, 6, 3))
    assert column is not None
    values = torch.randn((8, 3, 50), generator=torch.Generator().manual_seed(1))
    turn = torch.linalg.qr(torch.randn((3, 3), generator=torch.Generator().manual_seed(2)))[0]
    found = []
    for turned in (values, turn @ values):
        spare, mean = SpareContrast(column), torch.empty((3, 50))
        for k in range(8):
            mean.copy_(turned[: k + 1].mean(0))  # the caller's memory may change
            spare.follow(mean, k + 1)
        found.append(spare.variance())
    assert torch.allclose(*found, rtol=1e-3)
    assert float(found[0].mean()) > 0.1


def test_it_goes_on_after_a_break_and_not_after_a_gap() -> None:
    column = spare_column(design_points(Sampling.HADAMARD, 8, 6, 3))
    assert column is not None
    values = torch.randn((8, 3, 5), generator=torch.Generator().manual_seed(0))
    means = [values[: k + 1].mean(0) for k in range(8)]
    whole = SpareContrast(column)
    assert whole.state() == {}
    for k, mean in enumerate(means, 1):
        whole.follow(mean, k)
    for pause in range(9):
        first, second = SpareContrast(column), SpareContrast(column)
        for k in range(pause):
            first.follow(means[k], k + 1)
        second.restore(first.state())
        for k in range(pause, 8):
            assert not second.complete
            second.follow(means[k], k + 1)
        assert second.complete
        assert torch.equal(second.variance(), whole.variance())
    gap = SpareContrast(column)
    for k in (0, 1, 3, 4, 5, 6, 7):
        gap.follow(means[k], k + 1)
    assert not gap.complete
    with pytest.raises(ValueError, match="not complete"):
        gap.variance()
    gap.restore({})
    for k, mean in enumerate(means, 1):
        gap.follow(mean, k)
    assert torch.equal(gap.variance(), whole.variance())
