"""The inner level's noise: it changes nothing but the noise, can be repeated, and ends in time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.lattices import SMALL
from support.predictors import Fixed, SmallNetwork, network_model, pair_on, smooth_map
from torch import Tensor

from TTAUncertaintyLib.engine import Engine, Execution, Outcome
from TTAUncertaintyLib.errors import DesignError
from TTAUncertaintyLib.models.adapters.network_model import NetworkModel
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family, Noise, Sampling

PAIR = pair_on(SMALL, SMALL)


def design_of(noise: Noise, outer: int = 6, replicates: int = 2, seed: int = 0) -> Design:
    return Design(
        Family.TRANSLATION, Amplitudes(2.0), Sampling.RANDOM, outer, replicates, noise, seed
    )


def run(model: NetworkModel, design: Design, device: str = "cpu", batch: int = 1) -> Outcome:
    return Engine(model, PAIR, design, Execution(device, batch_size=batch)).run()


def intrinsic(outcome: Outcome) -> Tensor:
    assert outcome.variance is not None and outcome.variance.intrinsic is not None
    return outcome.variance.intrinsic


# -- dropout ------------------------------------------------------------------------------------


def test_dropout_noise_is_seeded_pass_by_pass(device: str) -> None:
    design = design_of(Noise.DROPOUT)
    torch.manual_seed(1)
    first = run(network_model(dropout=0.3), design, device)
    torch.manual_seed(2)
    again = run(network_model(dropout=0.3), design, device, batch=4)
    assert torch.equal(intrinsic(first), intrinsic(again))
    assert float(intrinsic(first).min()) > 0


def test_another_seed_gives_another_dropout_noise() -> None:
    model = network_model(dropout=0.3)
    first, second = (intrinsic(run(model, design_of(Noise.DROPOUT, seed=s))) for s in (1, 2))
    assert not torch.allclose(first, second, rtol=0.01)


def test_every_pass_drops_something_else() -> None:
    """Were all replicates of a perturbation alike, there would be no noise to measure."""
    seen: list[Tensor] = []

    class Watched(NetworkModel):
        def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
            # the images without their perturbation: what is left is the noise
            seen.append(super().predict(PAIR.moving, PAIR.fixed))
            return seen[-1]

    model = network_model(dropout=0.3)
    watched = Watched(model.network, model.description, None)
    Engine(watched, PAIR, design_of(Noise.DROPOUT), Execution("cpu"), reverse_pass=False).run()
    perturbed = seen[1:]
    assert len(perturbed) == 12
    assert all(not torch.equal(a, b) for n, a in enumerate(perturbed) for b in perturbed[:n])


def test_dropout_is_off_for_the_answer_and_for_the_reverse_pass_and_afterwards() -> None:
    with_dropout = run(network_model(dropout=0.3), design_of(Noise.DROPOUT))
    without = run(network_model(), design_of(Noise.DISCRETISATION))
    # the weights are the same: only the dropout layer differs
    assert torch.equal(with_dropout.prediction, without.prediction)
    assert with_dropout.inverse_consistency is not None and without.inverse_consistency is not None
    assert torch.equal(with_dropout.inverse_consistency, without.inverse_consistency)


def test_dropout_is_switched_off_even_when_a_pass_fails() -> None:
    class Failing(NetworkModel):
        def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
            if any(module.training for module in self.network.modules()):
                raise RuntimeError("a pass that fails")
            return super().predict(moving, fixed)

    model = network_model(dropout=0.3)
    failing = Failing(model.network, model.description, None)
    with pytest.raises(RuntimeError, match="a pass that fails"):
        run(failing, design_of(Noise.DROPOUT))
    assert not any(module.training for module in failing.network.modules())


def test_dropout_noise_leaves_torchs_generator_as_it_was() -> None:
    engine = Engine(network_model(dropout=0.3), PAIR, design_of(Noise.DROPOUT), Execution("cpu"))
    before = torch.get_rng_state()
    engine.run()
    assert torch.equal(torch.get_rng_state(), before)


def test_only_dropout_layers_are_switched_never_a_normalisation() -> None:
    network = torch.nn.ModuleDict(
        {"net": SmallNetwork(dropout=0.2), "norm": torch.nn.BatchNorm3d(3)}
    )
    model = NetworkModel(network, network_model().description, None)
    model.set_dropout(True)
    training = {name for name, module in network.named_modules() if module.training}
    assert training == {"net.dropout"}
    model.set_dropout(False)
    assert not any(module.training for module in network.modules())


def test_a_network_without_dropout_cannot_give_dropout_noise() -> None:
    model = network_model(dropout=0.0)
    assert not model.has_dropout
    with pytest.raises(DesignError, match="no dropout layers") as caught:
        Engine(model, PAIR, design_of(Noise.DROPOUT))
    assert "discretisation" in caught.value.remedy


# -- discretisation -----------------------------------------------------------------------------


def test_discretisation_noise_grows_with_the_shifts_and_the_answer_does_not_feel_it() -> None:
    def with_shifts(voxels: float) -> Outcome:
        design = Design(
            Family.TRANSLATION, Amplitudes(2.0), outer=8, replicates=2, micro_voxels=voxels
        )
        return run(network_model(), design)

    small, large = with_shifts(0.05), with_shifts(0.5)
    assert float(intrinsic(small).mean()) < 0.1 * float(intrinsic(large).mean())
    assert torch.equal(small.prediction, large.prediction)


def test_without_a_second_level_of_noise_there_is_no_split() -> None:
    outcome = run(network_model(), design_of(Noise.DISCRETISATION, replicates=1))
    assert outcome.variance is not None
    assert outcome.variance.intrinsic is None and outcome.variance.jitter is None


# -- ensembles ----------------------------------------------------------------------------------


def member(offset: float) -> Fixed:
    return Fixed(smooth_map(SMALL, SMALL) + offset)


def test_an_ensembles_spread_is_the_intrinsic_term() -> None:
    """Three members that differ by known offsets, drawn with replacement.

    The variance of one draw is that of the three offsets about their mean (over 3, not over 2).
    """
    members = [member(offset) for offset in (0.0, 0.3, 0.9)]
    # no perturbation worth the name, so that the ensemble is all there is
    design = Design(
        Family.TRANSLATION, Amplitudes(0.0), Sampling.RANDOM, 600, 2, Noise.ENSEMBLE, seed=1
    )
    engine = Engine(members[0], PAIR, design, reverse_pass=False, members=members)
    estimate = engine.run().variance
    assert estimate is not None and estimate.intrinsic is not None and estimate.jitter is not None
    per_voxel = float((SMALL.linear.sum(axis=1) ** 2).sum())  # |1 voxel along each axis|^2, mm^2
    expected = np.var([0.0, 0.3, 0.9]) * per_voxel
    # W is the mean of 600 values (a - b)^2 / 2, each with a standard deviation of 1.17 of its mean
    assert abs(float(estimate.intrinsic.mean()) / expected - 1) < 4 * 1.17 / np.sqrt(600)
    # no jitter: zero up to the estimator's own spread, some per cent of the intrinsic term
    assert abs(float(estimate.jitter.mean())) < 4 * expected / np.sqrt(600)


def test_an_ensembles_draws_depend_on_the_seed_alone() -> None:
    members = [network_model(seed) for seed in range(3)]

    def outcome(batch: int) -> Outcome:
        engine = Engine(
            members[0],
            PAIR,
            design_of(Noise.ENSEMBLE),
            Execution("cpu", batch_size=batch),
            members=members,
        )
        return engine.run()

    assert torch.equal(intrinsic(outcome(1)), intrinsic(outcome(5)))


def test_the_answer_of_an_ensemble_is_the_models_own() -> None:
    members = [network_model(seed) for seed in range(2)]
    outcome = Engine(members[1], PAIR, design_of(Noise.ENSEMBLE), members=members).run()
    alone = Engine(members[1], PAIR, design_of(Noise.DISCRETISATION)).run()
    assert torch.equal(outcome.prediction, alone.prediction)


@pytest.mark.parametrize("count", [0, 1])
def test_an_ensemble_has_at_least_two_members(count: int) -> None:
    members = [network_model(seed) for seed in range(count)]
    with pytest.raises(DesignError, match="at least two"):
        Engine(network_model(), PAIR, design_of(Noise.ENSEMBLE), members=members)
