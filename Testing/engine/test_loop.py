"""The loop: the same maps whatever the batches, stopped at any pass, and reported as it goes."""

from __future__ import annotations

import pytest
import torch
from support.lattices import FLIPPED, OBLIQUE, PAIRS, SMALL, affine, rotation
from support.predictors import (
    Equivariant,
    Fixed,
    network_model,
    pair_on,
    smooth_map,
    tell,
)

from TTAUncertaintyLib.engine import Engine, Execution, Outcome, Phase, in_mm
from TTAUncertaintyLib.models.contract import PreparedPair
from TTAUncertaintyLib.perturbations import (
    Amplitudes,
    Design,
    Family,
    Preset,
    Sampling,
    preset_design,
)

PAIR = pair_on(SMALL, SMALL)
DESIGN = Design(Family.RIGID, Amplitudes(2.0, 2.0), outer=8, replicates=2, seed=9)
# The network's displacements are below one voxel of 3 mm; batched convolutions may add in another
# order, which moves them by some 1e-7 of that, and the maps by no more.
SAME_MM = 1e-5


def engine_of(design: Design = DESIGN, device: str = "cpu", batch: int = 1, **more: bool) -> Engine:
    return Engine(network_model(), PAIR, design, Execution(device, batch_size=batch), **more)


def maps(outcome: Outcome) -> list[torch.Tensor]:
    estimate = outcome.variance
    assert estimate is not None
    found = [estimate.total.clamp(min=0).sqrt(), estimate.mean_offset, outcome.prediction]
    if estimate.jitter is not None and estimate.intrinsic is not None:
        found += [estimate.intrinsic.clamp(min=0).sqrt(), estimate.jitter.clamp(min=0).sqrt()]
    if outcome.inverse_consistency is not None:
        found.append(outcome.inverse_consistency)
    return found


def assert_same(ours: Outcome, theirs: Outcome, tolerance: float) -> None:
    for a, b in zip(maps(ours), maps(theirs), strict=True):
        assert float((a - b).abs().max()) <= tolerance


def test_the_same_seed_gives_the_same_maps_to_the_bit(device: str) -> None:
    assert_same(engine_of(device=device).run(), engine_of(device=device).run(), 0.0)


def test_an_engine_that_is_finished_hands_out_the_outcome_and_keeps_nothing() -> None:
    engine = engine_of()
    expected = engine.run()
    assert_same(engine.finish(), expected, 0.0)
    assert engine.state() == {} and engine.total_so_far() is None
    with pytest.raises(ValueError, match="no prediction"):
        engine.finish()


def test_another_seed_gives_other_maps() -> None:
    other = Design(Family.RIGID, Amplitudes(2.0, 2.0), outer=8, replicates=2, seed=10)
    first, second = engine_of().run().variance, engine_of(other).run().variance
    assert first is not None and second is not None
    assert not torch.allclose(first.total, second.total, rtol=1e-3)


@pytest.mark.parametrize("family", [Family.RIGID, Family.ELASTIC], ids=lambda f: f.value)
@pytest.mark.parametrize("batch", [2, 3, 5, 16, 100])
def test_the_batch_size_does_not_change_the_maps(batch: int, family: Family, device: str) -> None:
    amplitudes = Amplitudes(2.0, 2.0, elastic_mm=2.0, elastic_spacing_mm=15.0)
    design = Design(family, amplitudes, Sampling.RANDOM, 5, 2)
    single = engine_of(design, device).run()
    assert_same(engine_of(design, device, batch).run(), single, SAME_MM)


def test_the_states_of_torchs_and_numpys_generators_do_not_matter() -> None:
    torch.manual_seed(0)
    first = engine_of().run()
    torch.manual_seed(1)
    assert_same(engine_of().run(), first, 0.0)


def test_a_run_leaves_torchs_generator_as_it_was() -> None:
    engine = engine_of()
    before = torch.get_rng_state()
    engine.run()
    assert torch.equal(torch.get_rng_state(), before)


# -- the answer ---------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", [Preset.QUICK, Preset.STANDARD])
def test_the_answer_is_the_networks_plain_prediction_whatever_the_design(preset: Preset) -> None:
    model = network_model()
    model.place(torch.device("cpu"), channels_last=True)
    plain = model.predict(PAIR.moving, PAIR.fixed)[0]
    outcome = engine_of(preset_design(preset, SMALL)).run()
    assert torch.equal(outcome.prediction, plain)


def test_the_answer_does_not_change_while_passes_are_made() -> None:
    engine = engine_of()
    first = None
    for _ in engine:
        prediction = engine.outcome().prediction
        first = prediction.clone() if first is None else first
        assert torch.equal(prediction, first)


def test_the_images_that_were_given_are_left_alone() -> None:
    pair = pair_on(SMALL, SMALL)
    before = pair.moving.clone(), pair.fixed.clone()
    Engine(network_model(), pair, DESIGN, Execution("cpu")).run()
    assert torch.equal(pair.moving, before[0]) and torch.equal(pair.fixed, before[1])


def test_what_is_accumulated_are_offsets_from_the_answer_in_mm() -> None:
    fixed, moving = PAIRS["oblique to flipped"]
    design = Design(Family.TRANSLATION, Amplitudes(3.0), outer=4)

    class OneVoxelBeside(Equivariant):
        def predict(self, moving: torch.Tensor, fixed: torch.Tensor) -> torch.Tensor:
            answer = super().predict(moving, fixed)
            return answer if self.told is None else answer + torch.tensor(1.0)

    model = OneVoxelBeside(smooth_map(fixed, moving))
    engine = tell(Engine(model, pair_on(fixed, moving), design, reverse_pass=False), model)
    estimate = engine.run().variance
    assert estimate is not None
    expected = in_mm(torch.ones((3, *fixed.array_shape)), moving)
    assert torch.allclose(estimate.mean_offset, expected, atol=1e-4)


def test_turning_both_worlds_turns_the_covariances_and_changes_no_map() -> None:
    """The same two scans with other headers: the moving world's axes are what mm are measured in.

    This holds because perturbations are drawn along the moving lattice's own axes.
    """
    moving_turn = affine(rotation((1, 2, 3), 50.0), (10.0, -20.0, 30.0))
    fixed_turn = affine(rotation((3, 0, -1), 110.0), (-5.0, 6.0, 7.0))
    turned = PreparedPair(
        PAIR.moving, PAIR.fixed, SMALL.transformed(moving_turn), SMALL.transformed(fixed_turn)
    )
    plain, other = (
        Engine(network_model(), pair, DESIGN, Execution("cpu"), full_covariance=True).run()
        for pair in (PAIR, turned)
    )
    assert plain.variance is not None and other.variance is not None
    # float32 maps of some mm
    assert torch.allclose(other.variance.traces().total, plain.variance.traces().total, rtol=1e-4)
    assert torch.allclose(other.prediction, plain.prediction, atol=SAME_MM)
    assert torch.allclose(other.jacobian, plain.jacobian, atol=1e-4)
    q = torch.tensor(moving_turn[:3, :3]).float()
    expected = torch.einsum("ab,bc...,dc->ad...", q, matrices(plain.variance.total), q)
    scale = float(expected.abs().max())
    assert torch.allclose(matrices(other.variance.total), expected, atol=1e-4 * scale)


def matrices(components: torch.Tensor) -> torch.Tensor:
    """Return [3, 3, ...] from the order xx, xy, xz, yy, yz, zz."""
    return components[[0, 1, 2, 1, 3, 4, 2, 4, 5]].unflatten(0, (3, 3))


# -- reports ------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [True, False])
@pytest.mark.parametrize("batch", [1, 3])
def test_reports_count_every_pass_up_to_the_total(reverse: bool, batch: int) -> None:
    engine = engine_of(batch=batch, reverse_pass=reverse)
    reports = list(engine)
    assert engine.total == 1 + int(reverse) + 16
    done = [report.done for report in reports]
    assert done[0] == 1 and done[-1] == engine.total
    assert done == sorted(set(done))
    assert {report.total for report in reports} == {engine.total}
    assert [report.phase for report in reports].count(Phase.INVERSE) == int(reverse)
    assert reports[-1].perturbed == 16
    assert reports[-1].left_s == 0
    assert reports[0].left_s is None
    elapsed = [report.elapsed_s for report in reports]
    assert elapsed == sorted(elapsed)


def test_quick_makes_ten_passes_in_all() -> None:
    assert engine_of(preset_design(Preset.QUICK, SMALL)).total == 10


# -- stopping -----------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", range(1, 19))
def test_stopping_after_any_step_leaves_a_valid_outcome(steps: int) -> None:
    engine = engine_of()
    for done, _ in enumerate(engine, 1):
        if done == steps:
            break
    outcome = engine.outcome()
    # the answer, four passes until there is a map, the other direction, and the rest
    assert outcome.perturbed == (steps - 1 if steps <= 5 else steps - 2)
    assert outcome.asked == 16
    assert outcome.complete is (steps == 18)
    assert outcome.prediction.shape == (3, *SMALL.array_shape)
    assert (outcome.inverse_consistency is None) is (steps <= 5)
    groups = outcome.perturbed // 2
    if groups < 2:
        assert outcome.variance is None
    else:
        assert outcome.variance is not None and outcome.variance.groups == groups
        assert torch.isfinite(outcome.variance.total).all()


def test_what_a_stopped_run_has_is_what_the_full_run_had_at_that_point() -> None:
    full, provisional = engine_of(), None
    for report in full:
        if report.perturbed == 10:
            provisional = full.outcome()
    stopped = engine_of()
    for report in stopped:
        if report.perturbed == 10:
            break
    assert provisional is not None
    assert_same(stopped.outcome(), provisional, 0.0)


def test_looking_at_provisional_maps_does_not_change_the_final_ones() -> None:
    engine = engine_of()
    for _ in engine:
        engine.outcome()
    assert_same(engine.outcome(), engine_of().run(), 0.0)


def test_what_a_caller_does_to_an_outcome_does_not_reach_back_into_the_run() -> None:
    engine = engine_of()
    for _ in engine:
        outcome = engine.outcome()
        tensors = [outcome.prediction, outcome.jacobian, outcome.inverse_consistency]
        if outcome.variance is not None:
            tensors += [getattr(outcome.variance, n) for n in ("total", "jitter", "mean_offset")]
        for tensor in tensors:
            if tensor is not None:
                tensor.zero_()
    assert_same(engine.outcome(), engine_of().run(), 0.0)


def test_a_run_that_was_stopped_can_go_on() -> None:
    engine = engine_of()
    for report in engine:
        if report.perturbed == 7:
            break
    assert_same(engine.run(), engine_of().run(), 0.0)


def test_there_is_no_outcome_before_the_first_step() -> None:
    with pytest.raises(ValueError, match="no prediction"):
        engine_of().outcome()


def test_lattices_of_different_sizes_give_maps_on_the_fixed_one() -> None:
    outcome = Engine(
        Fixed(smooth_map(OBLIQUE, FLIPPED)), pair_on(OBLIQUE, FLIPPED), DESIGN, reverse_pass=False
    ).run()
    assert outcome.variance is not None
    assert outcome.variance.total.shape == OBLIQUE.array_shape
    assert outcome.jacobian.shape == OBLIQUE.array_shape
    assert (outcome.moving_lattice, outcome.fixed_lattice) == (FLIPPED, OBLIQUE)


# -- folding ------------------------------------------------------------------------------------


def test_a_design_that_may_fold_says_once_that_it_does() -> None:
    amplitudes = Amplitudes(elastic_mm=25.0, elastic_spacing_mm=12.0)
    design = Design(Family.ELASTIC, amplitudes, Sampling.RANDOM, 4, allow_folding=True)
    notes = engine_of(design).run().notes
    assert len([note for note in notes if "fold" in note]) == 1


def test_a_design_that_does_not_fold_has_nothing_to_say() -> None:
    assert engine_of().run().notes == ()
