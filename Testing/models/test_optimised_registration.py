"""Registration by optimisation: sign and size, repeatable, stoppable, its failures in words."""

from __future__ import annotations

import _thread
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch
from torch import Tensor

from TTAUncertaintyLib.engine import Engine, Execution
from TTAUncertaintyLib.engine.execution import is_out_of_memory
from TTAUncertaintyLib.errors import ModelError
from TTAUncertaintyLib.geometry import Lattice, identity_map
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.adapters import greedy as greedy_adapter
from TTAUncertaintyLib.models.adapters.optimisation import Array, OptimisedRegistration
from TTAUncertaintyLib.models.adapters.sitk_demons import SitkDemons
from TTAUncertaintyLib.models.contract import PreparedPair
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family, Sampling

NAMES = [
    "sitk-bspline",
    "sitk-demons",
    pytest.param(
        "greedy",
        marks=pytest.mark.skipif(
            find_spec("picsl_greedy") is None, reason="NOT TESTED: picsl-greedy is not installed"
        ),
    ),
]


def blob(center: tuple[float, float, float], size: int = 24) -> Tensor:
    """Return two nested ellipsoids about a voxel (i, j, k), [1, 1, D, H, W]."""
    k, j, i = torch.meshgrid(*(torch.arange(size).float(),) * 3, indexing="ij")
    x, y, z = (axis - c for axis, c in zip((i, j, k), center, strict=True))
    outer = torch.sigmoid(0.3 * size - (x**2 + (1.2 * y) ** 2 + (0.9 * z) ** 2).sqrt())
    inner = torch.sigmoid(0.125 * size - (x**2 + y**2 + z**2).sqrt())
    return (0.6 * outer + 0.4 * inner)[None, None]


MOVING, FIXED = blob((13.5, 11.0, 11.5)), blob((11.5, 12.0, 11.5))


@pytest.mark.parametrize("name", NAMES)
def test_a_shift_comes_out_in_voxels_and_the_same_in_every_batch(name: str, device: str) -> None:
    """Fixed to moving, components (i, j, k); each pass on its own, wherever it stands."""
    model = load_model(name, options={"spacing": "4"})
    moving, fixed = MOVING.to(device), FIXED.to(device)
    with torch.inference_mode():
        single = model.predict(moving, fixed)
        batch = model.predict(torch.cat([fixed, moving]), fixed.expand(2, -1, -1, -1, -1))
    assert single.dtype == torch.float32 and single.device.type == torch.device(device).type
    assert torch.equal(batch[1], single[0])
    shift = single[0].cpu() - identity_map(FIXED.shape[2:])
    mean = shift[:, FIXED[0, 0] > 0.3].mean(1).tolist()
    assert mean == pytest.approx([2.0, -1.0, 0.0], abs=0.4)


@pytest.mark.parametrize("name", NAMES)
def test_where_there_is_nothing_to_register_by_everything_stays(name: str) -> None:
    model = load_model(name, options={"spacing": "4"})
    nothing = torch.full_like(FIXED, 0.5)
    for moving, fixed in ((nothing, FIXED), (FIXED, nothing), (nothing, nothing)):
        assert torch.equal(model.predict(moving, fixed)[0], identity_map(FIXED.shape[2:]))


@pytest.mark.parametrize("name", NAMES)
def test_a_cancel_gets_through_while_one_registration_takes_long(name: str) -> None:
    """As the worker cancels: KeyboardInterrupt in the main thread, wherever that is."""
    model = load_model(name, options={"spacing": "2"})
    moving, fixed = blob((45.0, 50.0, 48.0), 96), blob((48.0, 48.0, 48.0), 96)
    pressed: list[float] = []
    finished = False

    def cancel() -> None:
        pressed.append(time.process_time())
        _thread.interrupt_main()

    timer = threading.Timer(1.0, cancel)
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        model.predict(moving, fixed)
        finished = True
        timer.join()
        time.sleep(10)  # the late interrupt must not hit pytest
    # in seconds of computing: a busy machine does not count
    assert not finished
    assert time.process_time() - pressed[0] < 4.0


class Failing(SitkDemons):
    """Demons whose optimiser fails as it is told to."""

    failure: Exception | None = None

    def register(self, moving: Array, fixed: Array, stop: Event) -> Array:
        if self.failure is not None:
            raise self.failure
        return np.full((3, *fixed.shape), np.nan, np.float32)


def test_what_an_optimiser_fails_with_is_said_in_words() -> None:
    model = Failing()
    with pytest.raises(ModelError, match="did not return a displacement"):
        model.predict(MOVING, FIXED)
    model.failure = RuntimeError("Exception thrown in ITK:\n/a/b.cxx:12:\nAll samples map outside.")
    with pytest.raises(ModelError, match="failed: All samples map outside") as caught:
        model.predict(MOVING, FIXED)
    assert caught.value.remedy


def test_memory_that_runs_out_in_itk_is_recognised_as_that() -> None:
    model = Failing()
    model.failure = RuntimeError("ITK ERROR: Failed to allocate memory for image.")
    with pytest.raises(MemoryError) as caught:
        model.predict(MOVING, FIXED)
    assert is_out_of_memory(caught.value)


def test_the_engine_runs_on_an_optimisation() -> None:
    model: OptimisedRegistration = SitkDemons(None, {"spacing": "4"})
    lattice = Lattice((24, 24, 24), np.diag([4.0, 4.0, 4.0, 1.0]))
    pair = PreparedPair(MOVING, FIXED, lattice, lattice)
    design = Design(Family.TRANSLATION, Amplitudes(2.0), Sampling.RANDOM, outer=4, seed=1)

    def total(batch: int) -> Tensor:
        outcome = Engine(model, pair, design, Execution("cpu", batch_size=batch)).run()
        assert outcome.variance is not None
        return outcome.variance.total

    assert torch.equal(total(1), total(4))
    assert float(total(4).max()) > 0


def test_without_its_package_greedy_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greedy_adapter, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="picsl-greedy is not installed") as caught:
        load_model("greedy")
    assert "pip install picsl-greedy" in caught.value.remedy


def test_a_crash_of_greedys_process_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "crash.py"
    script.write_text("raise SystemExit('the last words')\n", encoding="ascii")
    monkeypatch.setattr(greedy_adapter, "_SCRIPT", script)
    monkeypatch.setattr(greedy_adapter, "find_spec", lambda name: object())
    with pytest.raises(ModelError, match="the last words"):
        load_model("greedy").predict(MOVING, FIXED)


def test_the_script_of_greedy_needs_nothing_of_the_library() -> None:
    """It is run as a file: an import of the library would need a path that it may not have."""
    source = Path(greedy_adapter.__file__).with_name("greedy_process.py").read_text("utf-8")
    assert "from ." not in source and "TTAUncertaintyLib" not in source
