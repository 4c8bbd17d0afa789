"""Nothing of one job is found by the next one in its process."""

from __future__ import annotations

import os
import random
import signal
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from support.manifests import write_manifest
from support.phantom import write_pair

from TTAUncertaintyLib.errors import ConsentNeeded, ModelError
from TTAUncertaintyLib.models.descriptions import bundled_weights
from TTAUncertaintyLib.models.weights.safetensors_io import read_safetensors
from TTAUncertaintyLib.perturbations import DesignRequest, Noise, Preset, Sampling
from TTAUncertaintyLib.worker import Job, Phase, Run, Worker, control
from TTAUncertaintyLib.worker.between_jobs import as_before
from TTAUncertaintyLib.worker.control import Control
from TTAUncertaintyLib.worker.kept_network import KeptNetwork

ITK = sitk.ProcessObject


def settings() -> dict[str, object]:
    """What a job finds, and could change for the next one."""
    return {
        "folder": Path.cwd(),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "dice": (random.getstate(), np.random.get_state()[1].tolist()),  # type: ignore[index, union-attr]
        "torch's dice": torch.get_rng_state().tolist(),
        "threads": (torch.get_num_threads(), ITK.GetGlobalDefaultNumberOfThreads()),
        "precision": (torch.get_default_dtype(), torch.get_float32_matmul_precision()),
        "gradients": torch.is_grad_enabled(),
        "reproducible": torch.get_deterministic_debug_mode(),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "numpy": np.geterr(),
        "warnings": list(warnings.filters),
    }


def change_everything(folder: Path) -> None:
    os.chdir(folder)
    os.environ["A_JOB_WAS_HERE"] = "1"
    os.environ["PATH"] = "/nowhere"
    sys.path.insert(0, str(folder))
    random.seed(3)
    np.random.seed(3)
    torch.manual_seed(3)
    torch.set_num_threads(torch.get_num_threads() + 1)
    ITK.SetGlobalDefaultNumberOfThreads(ITK.GetGlobalDefaultNumberOfThreads() + 1)
    torch.set_default_dtype(torch.float64)
    torch.set_float32_matmul_precision("medium")
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.deterministic = True
    np.seterr(all="raise")
    warnings.simplefilter("error")


@pytest.mark.parametrize("ends", ["well", "with an error", "cancelled"])
def test_what_a_job_changes_in_its_process_is_put_back(tmp_path: Path, ends: str) -> None:
    before = settings()
    kinds = {"with an error": ModelError, "cancelled": KeyboardInterrupt}
    try:
        with as_before():
            change_everything(tmp_path)
            during = settings()
            if ends in kinds:
                raise kinds[ends]("stop")
    except (ModelError, KeyboardInterrupt):
        pass
    after = settings()
    assert {name for name in before if before[name] != during[name]} == set(before)
    assert {name for name in before if before[name] != after[name]} == set()


def test_a_warning_of_one_job_is_said_in_the_next_one_too() -> None:
    heard = 0
    for _ in range(2):
        with as_before(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            for _ in range(3):
                warnings.warn("said once a job", stacklevel=1)
        heard += len(caught)
    assert heard == 2


# -- the network --------------------------------------------------------------------------------


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    copy = tmp_path / "weights.safetensors"
    copy.write_bytes(bundled_weights().read_bytes())
    return copy


def test_the_network_of_the_last_job_is_loaded_once(weights: Path) -> None:
    kept = KeptNetwork()
    first = kept.load("pyramid-flow")
    assert kept.load("pyramid-flow") is first
    assert kept.load("pyramid-flow", weights) is not first  # another file, if of the same bytes
    again = kept.load("pyramid-flow", weights)
    assert kept.load("pyramid-flow", weights) is again
    assert kept.load("pyramid-flow-dropout") is not again


def test_weights_that_were_exchanged_are_read_even_if_the_file_looks_the_same(
    weights: Path,
) -> None:
    kept = KeptNetwork()
    model = kept.load("pyramid-flow", weights)
    looks, content = weights.stat(), bytearray(weights.read_bytes())
    content[-1] ^= 0x10
    weights.write_bytes(content)
    os.utime(weights, ns=(looks.st_atime_ns, looks.st_mtime_ns))
    other = kept.load("pyramid-flow", weights)
    assert other is not model
    assert other.weights is not None and model.weights is not None
    assert other.weights.sha256 != model.weights.sha256
    assert read_safetensors(weights)  # still a sound file


def test_a_model_of_one_s_own_is_not_kept_and_its_consent_is_of_one_job(tmp_path: Path) -> None:
    code = tmp_path / "own.py"
    code.write_text(
        "import torch\nclass Mine(torch.nn.Module):\n    def __init__(self, _):\n"
        "        super().__init__()\n"
    )
    own = str(write_manifest(tmp_path, code, kind="python", **{"class": "Mine"}))
    kept = KeptNetwork()
    assert not kept.ran_own_code
    first = kept.load(own, trust_code=True)
    assert kept.ran_own_code
    with pytest.raises(ConsentNeeded):
        kept.load(own)
    assert kept.load(own, trust_code=True) is not first


# -- waiting ------------------------------------------------------------------------------------


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    monkeypatch.setattr(control, "_LOOK_S", 0.01)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield Control()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_job_is_waited_for_and_no_longer_than_the_patience_lasts(
    waiting: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "memory_is_wanted", lambda: False)
    waiting.request("job {}")
    assert waiting.next_job() == "{}"
    monkeypatch.setattr(control, "IDLE_S", 0.05)
    assert waiting.next_job() is None


def test_a_process_that_waits_leaves_when_memory_is_wanted(
    waiting: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = iter([False, False, True])
    monkeypatch.setattr(control, "memory_is_wanted", lambda: next(wanted))
    assert waiting.next_job() is None
    assert next(wanted, None) is None


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/meminfo")
def test_memory_is_wanted_where_little_of_it_is_available(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = control.available_memory()
    assert share is not None and 0 < share < 1
    told = tmp_path / "meminfo"
    monkeypatch.setattr(control, "_MEMINFO", told)
    assert not control.memory_is_wanted()  # it cannot be told
    for available, wanted in ((900, True), (1100, False)):
        told.write_text(f"MemTotal: 10000 kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n")
        assert control.memory_is_wanted() is wanted


def test_a_request_that_comes_after_its_job_is_not_one_to_the_next(waiting: Control) -> None:
    for late in ("stop", "cancel"):
        waiting.request("job {}")
        assert waiting.next_job() == "{}"
        with waiting.at_work():
            pass
        waiting.request(late)
    waiting.request("job {}")
    with waiting.at_work():
        assert not waiting.stop_requested
    waiting.request("cancel")
    waiting.request("job {}")
    waiting.request("cancel")  # before it is begun
    with pytest.raises(KeyboardInterrupt), waiting.at_work():
        pass


# -- with the real process ----------------------------------------------------------------------


@pytest.fixture
def job(tmp_path: Path) -> Job:
    fixed, moving = write_pair(tmp_path / "images")
    return Job(fixed, moving, tmp_path / "result", design=DesignRequest(Preset.QUICK), threads=1)


def files_of(result: Path) -> dict[str, bytes]:
    """Return what the maps and transforms of a result are, byte by byte."""
    return {file.name: file.read_bytes() for file in sorted(result.glob("*.nrrd"))}


def changed(job: Job, output: str, **changes: object) -> Job:
    return replace(job, output=job.output.with_name(output), **changes)  # type: ignore[arg-type]


def test_a_job_after_others_is_the_job_in_a_process_of_its_own(job: Job, tmp_path: Path) -> None:
    noisy = DesignRequest(sampling=Sampling.RANDOM, outer=2, noise=Noise.DROPOUT)
    dropout = changed(job, "dropout", model="pyramid-flow-dropout", design=noisy)
    with Run(changed(job, "alone")) as run:
        alone = run.wait()
    worker = Worker()
    pids = set()
    before, after = changed(job, "before", threads=2), changed(job, "after")
    for each in (before, dropout, after):
        with worker.run(each) as run:
            end = run.wait()
            assert end.phase is Phase.FINISHED, end
            pids.add(run.pid)
    # one that is refused, and one that is cancelled: the process serves on
    with worker.run(changed(job, "refused", fixed=Path("nowhere.nii"))) as run:
        assert "nowhere.nii" in run.wait().problem
        pids.add(run.pid)
    with worker.run(changed(job, "cancelled", design=DesignRequest(Preset.THOROUGH))) as run:
        while run.poll().done < 3:
            assert not run.state.ended
        run.cancel()
        assert run.wait().phase is Phase.CANCELLED
        pids.add(run.pid)
    with worker.run(changed(job, "last")) as run:
        last = run.wait()
        pids.add(run.pid)
    worker.close()
    assert len(pids) == 1
    assert (last.phase, last.notes, last.log) == (alone.phase, alone.notes, alone.log)
    for output in ("after", "last"):
        assert files_of(tmp_path / output) == files_of(tmp_path / "alone")
    assert not list(tmp_path.glob("cancelled*"))


def test_somebody_s_own_code_ends_its_process(job: Job, tmp_path: Path) -> None:
    code = tmp_path / "own.py"
    code.write_text(
        "import torch, torch.nn.functional\n"
        "class Mine(torch.nn.Module):\n"
        "    def __init__(self, _): super().__init__()\n"
        "    def forward(self, moving, fixed): return 0 * torch.cat([moving] * 3, 1)\n"
    )
    own = str(write_manifest(tmp_path, code, kind="python", **{"class": "Mine"}))
    worker = Worker()
    with worker.run(changed(job, "own", model=own, trust_code=True)) as run:
        assert run.wait().phase is Phase.FINISHED, run.state
        first = run.pid
    with worker.run(changed(job, "again", model=own)) as run:
        refused = run.wait()
        assert run.pid != first
    assert (refused.phase, refused.exit_code) == (Phase.FAILED, 3)
    assert "is Python code" in refused.problem
    worker.close()
