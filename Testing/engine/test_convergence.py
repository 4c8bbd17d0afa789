"""A run knows how well its map is known, and stops by itself where that was asked for."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.lattices import PAIRS
from support.predictors import KnownError, pair_on, smooth_map, tell
from torch import Tensor

from TTAUncertaintyLib.engine import (
    Convergence,
    Engine,
    Execution,
    Outcome,
    load_checkpoint,
    save_checkpoint,
)
from TTAUncertaintyLib.engine.convergence import ConvergenceMonitor
from TTAUncertaintyLib.errors import DesignError
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family, Sampling
from TTAUncertaintyLib.review import foreground_of
from TTAUncertaintyLib.variance import NestedVariance

K = 12
FIXED, MOVING = PAIRS["oblique to flipped"]
PAIR = pair_on(FIXED, MOVING)
BIASES = np.random.default_rng(2).normal(size=(K, 3)) * (0.4, 0.2, 0.3)


def engine_of(
    tolerance: float | None = None, replicates: int = 1, batch: int = 1, device: str = "cpu"
) -> Engine:
    """Return a run whose every perturbation errs by a known amount, the same at every voxel."""
    design = Design(
        Family.TRANSLATION, Amplitudes(2.0), Sampling.RANDOM, outer=K, replicates=replicates
    )
    model = KnownError(smooth_map(FIXED, MOVING), BIASES, np.zeros(3), replicates, 0)
    execution = Execution(device, batch_size=batch)
    engine = Engine(model, PAIR, design, execution, False, tolerance_mm=tolerance)
    return tell(engine, model)


def expected(perturbations: int) -> tuple[float, float]:
    """Return the standard error and the map by their formulas, mm in the moving world."""
    values: NDArray[np.float64] = BIASES[:perturbations] @ MOVING.linear.T
    steps = [
        n / (n + 1) * ((values[n] - values[:n].mean(0)) ** 2).sum() for n in range(1, len(values))
    ]
    total = float(np.mean(steps))
    variance = float(np.var(steps, ddof=1)) / len(steps)
    return math.sqrt(variance) / (2 * math.sqrt(total)), math.sqrt(total)


def first_below(tolerance: float) -> int:
    return next((n for n in range(4, K + 1) if expected(n)[0] < tolerance), K)


#: In the middle between the standard errors of neighbouring numbers of perturbations.
TOLERANCES = sorted(
    (a + b) / 2 for a, b in itertools.pairwise(sorted(expected(n)[0] for n in range(4, K + 1)))
)


@pytest.mark.parametrize("replicates", [1, 2])
def test_every_report_says_how_well_the_map_is_known(replicates: int, device: str) -> None:
    reports = list(engine_of(replicates=replicates, device=device))
    for report in reports:
        complete = report.perturbed // replicates
        if complete < 3:
            assert report.convergence is None
            continue
        error, total = expected(complete)
        assert report.convergence is not None
        assert report.convergence.perturbations == complete
        assert report.convergence.standard_error_mm == pytest.approx(error, rel=1e-3)
        assert report.convergence.total_mm == pytest.approx(total, rel=1e-3)
        assert report.convergence.fraction == pytest.approx(error / total, rel=1e-3)


def two_level_engine(interactions: float, replicates: int = 1) -> Engine:
    """Return a run of orthogonal points whose errors are linear in the point, but for a share."""
    design = Design(
        Family.TRANSLATION, Amplitudes(2.0), Sampling.HADAMARD, outer=8, replicates=replicates
    )
    points = design.draw(MOVING).parameters
    biases = points @ np.array([[0.5, 0.1, 0.0], [0.0, 0.3, 0.2], [0.1, 0.0, 0.4]])
    biases[:, 0] += interactions * points.prod(axis=1)
    model = KnownError(smooth_map(FIXED, MOVING), biases, np.zeros(3), replicates, 0)
    return tell(Engine(model, PAIR, design, Execution("cpu"), False), model)


@pytest.mark.parametrize("replicates", [1, 2])
def test_a_whole_two_level_design_of_linear_errors_is_known_exactly(replicates: int) -> None:
    reports = list(two_level_engine(0.0, replicates))
    *before, last = (r.convergence for r in reports if r.convergence is not None)
    assert last is not None and last.perturbations == 8
    assert last.standard_error_mm < 1e-4 * last.total_mm
    # not before it is whole
    assert all(
        c.standard_error_mm > 0.05 * c.total_mm for c in before if c is not None and c != last
    )
    curved = two_level_engine(0.2, replicates).run().convergence
    assert curved is not None and curved.standard_error_mm > 0.02 * curved.total_mm


def test_a_two_level_design_that_begins_again_knows_as_much() -> None:
    """As it does where memory runs out and the whole run is made in another precision."""
    engine = two_level_engine(0.2)
    advance(engine, 5)
    engine._begin_again_in(engine.precision)
    assert engine.perturbed == 0
    again, once = engine.run().convergence, two_level_engine(0.2).run().convergence
    assert again is not None and once is not None
    assert again.standard_error_mm == pytest.approx(once.standard_error_mm, rel=1e-5)


def test_a_resumed_two_level_design_knows_as_much(tmp_path: Path) -> None:
    whole = two_level_engine(0.2, 2).run()
    for pause in range(1, 17):
        path = tmp_path / f"{pause}.safetensors"
        engine = two_level_engine(0.2, 2)
        advance(engine, pause)
        save_checkpoint(engine, path)
        later = two_level_engine(0.2, 2)
        load_checkpoint(later, path)
        assert_same(later.run(), whole)


@pytest.mark.parametrize("tolerance", TOLERANCES)
@pytest.mark.parametrize(("replicates", "batch"), [(1, 1), (1, 5), (2, 1), (2, 3), (2, 100)])
def test_it_stops_after_the_first_perturbation_that_is_enough(
    replicates: int, batch: int, tolerance: float
) -> None:
    engine = engine_of(tolerance, replicates, batch)
    reports = list(engine)
    outcome = engine.outcome()
    needed = first_below(tolerance)
    assert outcome.perturbed == needed * replicates
    assert reports[-1].perturbed == outcome.perturbed
    assert reports[-1].left_s == 0
    assert outcome.variance is not None and outcome.variance.groups == needed
    assert outcome.converged and outcome.complete
    assert outcome.whole is (needed == K)


def test_the_tolerances_tried_stop_runs_at_different_perturbations() -> None:
    assert len({first_below(tolerance) for tolerance in TOLERANCES}) >= 6
    assert min(first_below(tolerance) for tolerance in TOLERANCES) < K


def test_three_perturbations_are_never_enough() -> None:
    outcome = engine_of(1e3).run()
    assert outcome.perturbed == 4 and outcome.converged


def test_a_tolerance_that_is_never_reached_makes_all_passes() -> None:
    outcome = engine_of(1e-4).run()
    assert outcome.perturbed == K
    assert outcome.complete and outcome.whole and not outcome.converged


def test_without_a_tolerance_a_run_never_stops_by_itself() -> None:
    outcome = engine_of().run()
    assert outcome.perturbed == K
    assert outcome.whole and outcome.complete and not outcome.converged
    assert outcome.convergence is not None and outcome.tolerance_mm is None


def test_a_run_that_somebody_stopped_has_not_converged() -> None:
    engine = engine_of(TOLERANCES[0])
    for report in engine:
        if report.perturbed == 3:
            break
    outcome = engine.outcome()
    assert not outcome.converged and not outcome.complete


@pytest.mark.parametrize("replicates", [1, 2])
def test_a_resumed_run_stops_where_an_uninterrupted_one_does(
    replicates: int, tmp_path: Path
) -> None:
    tolerance = next(value for value in TOLERANCES if 5 < first_below(value) < 9)
    whole = engine_of(tolerance, replicates).run()
    assert whole.converged
    for pause in range(1, whole.perturbed + 2):
        path = tmp_path / f"{pause}.safetensors"
        engine = engine_of(tolerance, replicates)
        advance(engine, pause)
        save_checkpoint(engine, path)
        later = engine_of(tolerance, replicates)
        load_checkpoint(later, path)
        assert_same(later.run(), whole)


def test_a_converged_run_goes_on_where_a_later_one_wants_more(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    engine = engine_of(1e3)
    engine.run()
    save_checkpoint(engine, path)
    same, more = engine_of(1e3), engine_of(TOLERANCES[0])
    assert load_checkpoint(same, path) and load_checkpoint(more, path)
    assert list(same) == []
    assert same.outcome().converged
    assert more.run().perturbed == first_below(TOLERANCES[0]) > 4


def test_only_the_foreground_counts() -> None:
    """Half of the lattice is empty, and there the predictions are all over the place."""
    image = torch.zeros((20, 24, 16))
    image[4:16, 4:20, :8] = 1.0
    accumulator = NestedVariance(image.shape)
    values = torch.zeros((6, 3, *image.shape))
    values[:, 0] = torch.arange(6.0).view(6, 1, 1, 1) ** 2
    found = assess(image, values)
    values[:, :, :, :, 12:] *= 100
    assert assess(image, values) == found
    for value in values:
        accumulator.add(value)
    empty = ConvergenceMonitor(torch.zeros((1, 1, *image.shape))).assess(accumulator)
    assert empty is not None and empty.total_mm > 10 * found.total_mm


def test_voxels_that_are_not_numbers_are_left_out() -> None:
    image = torch.zeros((10, 10, 10))
    image[2:8, 2:8, 2:8] = 1.0
    values = torch.randn((5, 3, 1, 1, 1), generator=torch.Generator().manual_seed(0))
    values = values.expand(5, 3, *image.shape).clone()
    found = assess(image, values)
    values[2, 0, 5, 5, 5] = torch.nan
    assert assess(image, values).standard_error_mm == pytest.approx(found.standard_error_mm)
    values[:] = torch.nan
    accumulator = NestedVariance(image.shape)
    for value in values:
        accumulator.add(value)
    assert ConvergenceMonitor(image[None, None]).assess(accumulator) is None


def test_a_part_of_the_voxels_of_a_large_lattice_tells_what_all_would(device: str) -> None:
    shape = (70, 110, 60)
    k, j, i = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in shape), indexing="ij")
    image = ((k / 0.8) ** 2 + (j / 0.7) ** 2 + (i / 0.9) ** 2 < 1).float()
    generator = torch.Generator().manual_seed(1)
    values = torch.randn((5, 3, *shape), generator=generator) * (1 + k)
    accumulator = NestedVariance(shape, device=device)
    for value in values:
        accumulator.add(value.to(device))
    found = ConvergenceMonitor(image[None, None]).assess(accumulator)
    inside = torch.from_numpy(foreground_of(image.numpy()))
    total, error = (part.cpu()[inside] for part in accumulator.total_and_error())
    assert found is not None
    assert found.total_mm == pytest.approx(root_mean_square(total), rel=0.02)
    assert found.standard_error_mm == pytest.approx(root_mean_square(error), rel=0.02)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, math.nan, math.inf])
def test_a_tolerance_that_is_none_is_refused(tolerance: float) -> None:
    with pytest.raises(DesignError, match="tolerance"):
        engine_of(tolerance)


def test_the_estimate_of_what_is_left_follows_the_standard_error() -> None:
    convergence = Convergence(5, 0.2, 1.0)
    assert convergence.still_needed(0.1) == 12  # (K - 1) 4 times as large: 17 in all
    assert convergence.still_needed(0.3) == 0
    assert replace(convergence, perturbations=3).still_needed(10.0) == 1  # four at least
    assert Convergence(4, 0.0, 0.0).fraction == 0.0


def assess(image: Tensor, values: Tensor) -> Convergence:
    accumulator = NestedVariance(image.shape)
    for value in values:
        accumulator.add(value)
    found = ConvergenceMonitor(image[None, None]).assess(accumulator)
    assert found is not None
    return found


def root_mean_square(values: Tensor) -> float:
    return float(values.double().square().mean().sqrt())


def advance(engine: Engine, steps: int) -> None:
    for _ in itertools.islice(engine, steps):
        pass


def assert_same(ours: Outcome, theirs: Outcome) -> None:
    assert ours.perturbed == theirs.perturbed and ours.convergence == theirs.convergence
    assert ours.variance is not None and theirs.variance is not None
    assert torch.equal(ours.variance.total, theirs.variance.total)
