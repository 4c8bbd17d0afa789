"""When memory runs out the run goes on smaller, with the same maps, and says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from support.lattices import SMALL
from support.predictors import Hungry, network_model, pair_on

from TTAUncertaintyLib.engine import Engine, Execution
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
    assert model.batches == [1, 1]
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
