"""When memory runs out the run goes on smaller, in one precision throughout, and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.lattices import SMALL
from support.predictors import Hungry, network_model, pair_on

from TTAUncertaintyLib.engine import (
    Engine,
    Execution,
    Outcome,
    Precision,
    load_checkpoint,
    save_checkpoint,
)
from TTAUncertaintyLib.errors import ResourceError
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family

PAIR = pair_on(SMALL, SMALL)
DESIGN = Design(Family.RIGID, Amplitudes(2.0, 2.0), outer=8, replicates=1)

OUT_OF_MEMORY: dict[str, Callable[[], Exception]] = {
    "the device's": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"),
    "the machine's": MemoryError,
    "the CPU allocator's": lambda: RuntimeError(
        "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you "
        "tried to allocate 8000 bytes. Error code 12 (Cannot allocate memory)"
    ),
}


def engine_of(largest: int, batch: int, error: Callable[[], Exception]) -> tuple[Engine, Hungry]:
    network = network_model()
    network.place(torch.device("cpu"), channels_last=True)
    model = Hungry(network, largest, error)
    return Engine(model, PAIR, DESIGN, Execution("cpu", batch_size=batch)), model


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
@pytest.mark.parametrize("largest", [1, 2, 3])
def test_a_batch_that_does_not_fit_is_halved_and_the_maps_stay_the_same(
    largest: int, error: str
) -> None:
    engine, model = engine_of(largest, 8, OUT_OF_MEMORY[error])
    outcome = engine.run()
    expected = engine_of(100, 1, MemoryError)[0].run()
    assert outcome.variance is not None and expected.variance is not None
    difference = outcome.variance.total.sqrt() - expected.variance.total.sqrt()
    assert float(difference.abs().max()) < 1e-5  # another batch adds in another order
    assert outcome.complete
    # every pass was made once: the answer, the reverse pass and eight perturbed ones
    assert sum(model.batches) == 10
    went_on_with = 1 if largest == 1 else 2
    assert max(model.batches) == went_on_with
    assert any(f"going on with {went_on_with} pass(es)" in note for note in outcome.notes)


def test_a_single_pass_that_does_not_fit_is_an_error_with_a_remedy() -> None:
    engine, _ = engine_of(0, 4, MemoryError)
    with pytest.raises(ResourceError, match="not enough memory for a single pass") as caught:
        engine.run()
    assert caught.value.remedy and caught.value.exit_code == 5
    assert isinstance(caught.value.__cause__, MemoryError)


def test_another_error_of_the_network_is_not_taken_for_missing_memory() -> None:
    engine, model = engine_of(1, 4, lambda: RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        engine.run()
    assert model.batches == [1]
    assert engine.notes == ()


def test_without_a_word_about_memory_there_are_no_notes() -> None:
    assert engine_of(100, 4, MemoryError)[0].run().notes == ()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_when_the_device_is_full_the_cpu_goes_on_in_the_middle_of_the_run() -> None:
    class FullDevice(Hungry):
        def predict(self, moving: torch.Tensor, fixed: torch.Tensor) -> torch.Tensor:
            if moving.device.type == "cuda" and sum(self.batches) >= 5:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().predict(moving, fixed)

        def place(self, device: torch.device, channels_last: bool = False) -> None:
            self._model.place(device, channels_last)

    model = FullDevice(network_model(), 100, MemoryError)
    outcome = Engine(model, PAIR, DESIGN, Execution("cuda", batch_size=1)).run()
    expected = engine_of(100, 1, MemoryError)[0].run()
    assert outcome.device == "cpu"
    assert any("going on on the CPU" in note for note in outcome.notes)
    assert outcome.variance is not None and expected.variance is not None
    difference = outcome.variance.total.sqrt() - expected.variance.total.sqrt()
    assert float(difference.abs().max()) < 1e-3  # mm; two devices' convolutions


@pytest.mark.parametrize("name", ["cuda:99", "quantum", "cpu:what"])
def test_a_device_that_is_not_there_is_refused_with_a_remedy(name: str) -> None:
    with pytest.raises(ResourceError, match="is not available") as caught:
        Execution(name).resolve_device()
    assert "cpu" in caught.value.remedy


def test_the_cpu_takes_single_passes_and_others_small_batches() -> None:
    execution = Execution()
    assert execution.resolve_batch_size(torch.device("cpu")) == 1
    assert execution.resolve_batch_size(torch.device("cuda")) > 1
    assert Execution(batch_size=7).resolve_batch_size(torch.device("cpu")) == 7


# -- reduced precision ----------------------------------------------------------------------------


class HungryInF32(Hungry):
    """Runs out of memory in float32 once it has made some passes; reduced precision fits."""

    def __init__(self, passes_that_fit: int, fits_at_all: bool = True) -> None:
        network = network_model()
        network.place(torch.device("cpu"), channels_last=True)
        super().__init__(network, 100, MemoryError)
        self.passes_that_fit = passes_that_fit
        self.fits_at_all = fits_at_all

    def predict(self, moving: torch.Tensor, fixed: torch.Tensor) -> torch.Tensor:
        reduced = torch.is_autocast_enabled(moving.device.type)
        if sum(self.batches) >= self.passes_that_fit and not (reduced and self.fits_at_all):
            raise MemoryError
        return super().predict(moving, fixed)

    def place(self, device: torch.device, channels_last: bool = False) -> None:
        self._model.place(device, channels_last)


REDUCIBLE = Execution("cpu", batch_size=2, may_reduce=True)


def assert_one_precision(outcome: Outcome, precision: Precision) -> None:
    """Hold a run against one that was asked for in a precision from the start."""
    asked = Engine(HungryInF32(1000), PAIR, DESIGN, Execution("cpu", precision, batch_size=1)).run()
    assert outcome.precision is precision is asked.precision
    assert torch.equal(outcome.prediction, asked.prediction)
    assert outcome.inverse_consistency is not None and asked.inverse_consistency is not None
    assert torch.equal(outcome.inverse_consistency, asked.inverse_consistency)
    assert outcome.variance is not None and asked.variance is not None
    assert torch.allclose(outcome.variance.total, asked.variance.total, atol=1e-6)
    assert torch.allclose(outcome.variance.mean_offset, asked.variance.mean_offset, atol=1e-5)
    assert outcome.complete


@pytest.mark.parametrize("passes_that_fit", [0, 1, 2, 6, 8])
def test_a_run_that_goes_over_to_bf16_is_of_bf16_throughout(passes_that_fit: int) -> None:
    """phi_0 and the passes that were made in f32 are made again: nothing of them is mixed in."""
    outcome = Engine(HungryInF32(passes_that_fit), PAIR, DESIGN, REDUCIBLE).run()
    assert_one_precision(outcome, Precision.BF16)
    assert any("the whole run is made in bf16" in note for note in outcome.notes)
    exact = engine_of(100, 1, MemoryError)[0].run()
    assert not torch.equal(outcome.prediction, exact.prediction)  # there was something to mix


def test_the_batch_is_halved_before_the_precision_is_reduced() -> None:
    engine = Engine(HungryInF32(2), PAIR, DESIGN, REDUCIBLE)
    outcome = engine.run()
    assert [note.split("; ")[1].split(",")[0] for note in outcome.notes] == [
        "going on with 1 pass(es) at once.",
        "the whole run is made in bf16",
    ]


def test_a_precision_that_was_asked_for_is_kept_to() -> None:
    model = HungryInF32(3)
    with pytest.raises(ResourceError, match="not enough memory"):
        Engine(model, PAIR, DESIGN, Execution("cpu", Precision.F32)).run()
    assert sum(model.batches) == 3


def test_where_bf16_does_not_fit_either_it_is_an_error() -> None:
    with pytest.raises(ResourceError, match="not enough memory"):
        Engine(HungryInF32(4, fits_at_all=False), PAIR, DESIGN, REDUCIBLE).run()


def test_a_model_without_a_network_has_nothing_to_reduce() -> None:
    model = HungryInF32(3)
    model.description = replace(model.description, needs_weights=False)
    with pytest.raises(ResourceError, match="not enough memory"):
        Engine(model, PAIR, DESIGN, REDUCIBLE).run()


def test_an_observer_sees_the_passes_that_count_last() -> None:
    seen: list[int] = []
    engine = Engine(HungryInF32(6), PAIR, DESIGN, REDUCIBLE, observer=lambda n, _: seen.append(n))
    engine.run()
    assert seen == [0, 1, 2, 3, *range(8)]


def test_no_step_leaves_a_run_without_its_answer() -> None:
    """A caller may look after every step; its progress goes back once and ends complete."""
    engine = Engine(HungryInF32(6), PAIR, DESIGN, REDUCIBLE)
    done = []
    for progress in engine:
        engine.outcome()
        assert progress.left_s is None or progress.left_s >= 0
        done.append(progress.done)
    assert done == [1, 3, 4, 6, 1, 2, *range(3, 11)]


def test_a_reduced_run_is_resumed_in_its_precision(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    engine = Engine(HungryInF32(4), PAIR, DESIGN, REDUCIBLE)
    for _ in engine:
        if engine.precision is Precision.BF16 and engine.perturbed == 3:
            break
    save_checkpoint(engine, path)
    later = Engine(HungryInF32(1000), PAIR, DESIGN, REDUCIBLE)  # memory for everything
    assert load_checkpoint(later, path) and later.perturbed == 3
    assert_one_precision(later.run(), Precision.BF16)


@pytest.mark.parametrize("made", [0, 3])
def test_from_a_full_device_the_way_leads_over_its_precision_to_the_cpu(made: int) -> None:
    """Reduced passes that are there already are kept; without any the CPU does what was asked."""
    engine = Engine(HungryInF32(1000), PAIR, DESIGN, replace(REDUCIBLE, batch_size=1))
    engine.device = torch.device("mps")  # in name: its tensors are on the CPU
    engine._shrink(MemoryError())
    assert (engine.device.type, engine.precision) == ("mps", Precision.F16)
    engine.device = torch.device("cpu")
    while engine.perturbed < made:
        next(iter(engine))
    engine.device = torch.device("mps")
    engine._shrink(MemoryError())
    assert engine.device.type == "cpu"
    assert engine.perturbed == made
    assert_one_precision(engine.run(), Precision.F16 if made else Precision.F32)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_on_a_full_device_reduced_precision_comes_before_the_cpu() -> None:
    outcome = Engine(HungryInF32(5), PAIR, DESIGN, replace(REDUCIBLE, device="cuda")).run()
    assert outcome.device.startswith("cuda") and outcome.precision is Precision.BF16


@pytest.mark.parametrize(("device", "precision"), [("cpu", Precision.BF16), ("mps", Precision.F16)])
def test_the_reduced_precision_is_one_that_the_device_has(
    device: str, precision: Precision
) -> None:
    where = torch.device(device)
    assert REDUCIBLE.reduced_precision(where) is precision
    assert Execution().reduced_precision(where) is None
    assert Execution(precision=Precision.F16, may_reduce=True).reduced_precision(where) is None
