"""The worker as a process: it ends as it should, however it is ended, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.phantom import write_pair

from TTAUncertaintyLib.humanize import passes_made
from TTAUncertaintyLib.perturbations import DesignRequest, Family, Preset, Sampling
from TTAUncertaintyLib.results import Bundle, partial_folder
from TTAUncertaintyLib.worker import Job, Phase, Run, RunState, StandardError
from TTAUncertaintyLib.worker.client import WORKER_FILE

LONG = DesignRequest(Preset.QUICK, Family.RIGID, Sampling.RANDOM, outer=400)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    fixed, moving = write_pair(tmp_path / "Bilder für Ärzte")
    return Job(
        fixed,
        moving,
        tmp_path / "Ergebnis für Ärzte",
        design=DesignRequest(Preset.QUICK),
        threads=1,
    )


def long(job: Job) -> Job:
    return Job(job.fixed, job.moving, job.output, design=LONG, threads=1)


def alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def until_passes(run: Run, passes: int) -> RunState:
    """Wait until some passes are done: the plain one, the reverse one, then perturbed ones."""
    while not (state := run.poll()).ended:
        if state.done >= passes + 2:
            return state
        time.sleep(0.02)
    raise AssertionError(f"The run ended first: {state}")


def process_of(run: Run) -> int:
    assert run.pid is not None
    return run.pid


def nothing_left(job: Job) -> bool:
    """Tell whether only the input images are in the folder where the result would be."""
    return [path.name for path in job.output.parent.iterdir()] == [job.fixed.parent.name]


def test_a_run_goes_through_its_phases_and_ends_with_a_whole_bundle(job: Job) -> None:
    seen: list[RunState] = []
    with Run(job) as run:
        while not run.poll().ended:
            seen.append(run.state)
            time.sleep(0.005)
    phases = list(dict.fromkeys(state.phase for state in seen))
    assert phases == sorted(phases, key=list(Phase).index)
    assert {Phase.STARTING, Phase.READING, Phase.ALIGNING, Phase.PERTURBING} <= set(phases)
    done = [state.done for state in seen]
    assert done == sorted(done)
    assert {state.total for state in seen} == {0, 10}
    assert all(state.left_s is not None and state.device == "cpu" for state in seen[-1:])
    assert all(0 <= state.fraction <= 1 and not state.ended for state in seen)
    end = run.state
    assert (end.phase, end.output, end.complete) == (Phase.FINISHED, job.output, True)
    assert (end.exit_code, end.fraction, end.problem) == (0, 1.0, "")
    bundle = Bundle.open(job.output)
    assert bundle.record["complete"]
    assert bundle.record["inputs"]["fixed"]["path"] == str(job.fixed)


def test_stop_keeps_what_there_is_and_says_so(job: Job) -> None:
    with Run(long(job)) as run:
        until_passes(run, 3)
        run.stop_and_keep()
        assert run.state.stopping
        end = run.wait()
    assert end.phase is Phase.FINISHED
    assert end.complete is False
    passes = Bundle.open(job.output).record["passes"]
    assert 3 <= passes["done"] < passes["asked"]
    assert any(f"after {passes['done']} perturbed" in note for note in end.notes)


def test_a_run_that_has_converged_stops_by_itself_and_is_no_aborted_one(job: Job) -> None:
    checkpoint = job.output.with_name("state.safetensors")
    known: list[StandardError] = []
    with Run(replace(job, tolerance_mm=50.0, checkpoint=checkpoint)) as run:
        while not (state := run.poll()).ended:
            if state.standard_error is not None:
                known.append(state.standard_error)
            time.sleep(0.005)
    assert (state.phase, state.complete, state.converged) == (Phase.FINISHED, True, True)
    assert (state.done, state.total, state.exit_code) == (6, 10, 0)
    assert not any("topped" in note for note in state.notes)
    assert not checkpoint.exists()
    record = Bundle.open(job.output).record
    assert record["complete"] and record["passes"]["done"] == 4
    reached = record["convergence"]
    assert reached["stopped_by_itself"] and reached["tolerance_mm"] == 50.0
    assert state.standard_error is not None
    assert state.standard_error.mm == pytest.approx(reached["standard_error_mm"], abs=1e-6)
    assert 0 < reached["standard_error_mm"] < reached["total_mm"]
    assert passes_made(record).startswith("converged after 4 of 8 perturbed passes: map known to")
    assert record["summary"]["maps"]["total"]["median"] > 0
    assert known


def test_a_tolerance_that_is_not_reached_makes_all_passes(job: Job) -> None:
    with Run(replace(job, tolerance_mm=1e-6)) as run:
        state = run.wait()
    assert state.complete and not state.converged and state.done == state.total == 10
    record = Bundle.open(job.output).record
    assert record["complete"] and not record["convergence"]["stopped_by_itself"]
    assert passes_made(record) == "8 perturbed passes"


def test_stop_before_two_perturbations_gives_the_registration_without_a_map(job: Job) -> None:
    early = Job(job.fixed, job.moving, job.output, design=LONG, threads=1, time_limit_s=0.0)
    with Run(early) as run:
        assert run.wait().phase is Phase.FINISHED
    bundle = Bundle.open(job.output)
    assert bundle.record["passes"]["perturbations_used_K"] == 0
    assert bundle.record["convergence"] is None
    assert "total" not in bundle.record["files"]
    assert bundle.warped.is_file()


def test_cancel_returns_at_once_and_ends_within_five_seconds_and_leaves_nothing(job: Job) -> None:
    with Run(long(job)) as run:
        until_passes(run, 1)
        began = time.monotonic()
        run.cancel()
        assert time.monotonic() - began < 0.1
        assert run.poll().cancelling
        assert run.wait().phase is Phase.CANCELLED
        assert time.monotonic() - began < 5
        assert not alive(process_of(run))
        assert run.state.exit_code == 130
    assert nothing_left(job)


def test_closing_a_worker_that_does_not_listen_kills_it_within_five_seconds(job: Job) -> None:
    with Run(long(job)) as run:
        until_passes(run, 1)
        os.kill(process_of(run), signal.SIGSTOP)
        began = time.monotonic()
        run.close()
        assert time.monotonic() - began < 5.2
        assert not alive(process_of(run))
        assert run.state.phase is Phase.CANCELLED
    assert nothing_left(job)


def test_a_killed_worker_is_explained_and_leaves_nothing(job: Job) -> None:
    with Run(long(job)) as run:
        until_passes(run, 1)
        os.kill(process_of(run), signal.SIGKILL)
        end = run.wait()
    assert end.phase is Phase.FAILED
    assert "killed" in end.problem
    assert "memory" in end.problem
    assert end.remedy
    assert end.exit_code == 6
    assert nothing_left(job)


def test_a_worker_killed_while_writing_leaves_no_half_result(job: Job) -> None:
    with Run(job) as run:
        partial = partial_folder(job.output, process_of(run))
        while run.poll().phase is not Phase.WRITING:
            assert not run.state.ended
        assert wait_for(lambda: partial.exists() and any(partial.iterdir()), 10)
        os.kill(process_of(run), signal.SIGKILL)
        assert run.wait().phase is Phase.FAILED
    assert nothing_left(job)


def test_a_worker_ends_and_tidies_up_when_its_parent_is_killed(job: Job, tmp_path: Path) -> None:
    temporary, previews = tmp_path / "temporary", tmp_path / "previews"
    temporary.mkdir()
    job_file = tmp_path / "images.json"
    watched = replace(long(job), previews=previews, keep_registrations=True)
    job_file.write_text(watched.to_json())
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
            import sys
            from pathlib import Path
            from TTAUncertaintyLib.worker import Job, Run
            run = Run(Job.from_json(Path({str(job_file)!r}).read_text()))
            print(run.pid, flush=True)
            while run.wait(0.1).preview is None:
                pass
            print("working", flush=True)
            run.wait()
        """),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline() == "working\n"
    assert alive(pid)
    assert previews.is_dir()
    parent.kill()
    parent.wait()
    assert wait_for(lambda: not alive(pid), 5)
    job_file.unlink()
    assert list(temporary.iterdir()) == []
    temporary.rmdir()
    assert nothing_left(job)


def test_a_worker_without_its_parents_pipes_takes_requests_from_a_file(
    job: Job, tmp_path: Path
) -> None:
    job_file, control = tmp_path / "job.json", tmp_path / "control"
    job_file.write_text(long(job).to_json())
    worker = subprocess.Popen(
        [sys.executable, str(WORKER_FILE), str(job_file), "--control", str(control)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"]},  # started by path: nothing else leads to the library
    )
    assert worker.stdout is not None
    for line in worker.stdout:
        if json.loads(line)["type"] == "progress":
            control.write_text("stop")
            break
    said = [json.loads(line) for line in worker.stdout]
    finished, last = (next(m for m in said if m["type"] == "finished"), said[-1])
    assert finished["complete"] is False
    assert last["type"] == "report"  # no heartbeat comes after it
    assert worker.wait() == 0


def test_a_failure_comes_as_problem_remedy_and_exit_status(job: Job) -> None:
    with Run(Job(Path("nowhere.nii"), job.moving, job.output)) as run:
        end = run.wait()
    assert end.phase is Phase.FAILED
    assert "nowhere.nii" in end.problem
    assert end.exit_code == 2


def test_an_interrupted_run_goes_on_from_its_checkpoint(job: Job, tmp_path: Path) -> None:
    design = DesignRequest(Preset.QUICK, Family.TRANSLATION, Sampling.HADAMARD, outer=4)
    checkpoint = tmp_path / "state"
    first = Job(job.fixed, job.moving, job.output, design=design, checkpoint=checkpoint, threads=1)
    with Run(first) as run:
        until_passes(run, 2)
        run.close()
    assert not job.output.exists()
    assert checkpoint.is_file()
    with Run(first) as run:
        resumed = run.wait()
    assert resumed.phase is Phase.FINISHED
    assert any("Going on after" in note for note in resumed.notes)
    assert not checkpoint.exists()
    whole = Job(job.fixed, job.moving, tmp_path / "whole", design=design, threads=1)
    with Run(whole) as run:
        assert run.wait().phase is Phase.FINISHED
    maps = [
        (folder / "uncertainty_total.nrrd").read_bytes() for folder in (job.output, whole.output)
    ]
    assert maps[0] == maps[1]
