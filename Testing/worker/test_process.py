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
from pathlib import Path

import pytest
from support.phantom import write_pair

from TTAUncertaintyLib.perturbations import DesignRequest, Family, Preset, Sampling
from TTAUncertaintyLib.results import Bundle, partial_folder
from TTAUncertaintyLib.worker import Job, Message, WorkerProcess
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


def kinds(messages: list[Message]) -> list[str]:
    return [message["type"] for message in messages]


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


def until_passes(worker: WorkerProcess, passes: int) -> list[Message]:
    """Listen until some perturbed passes are done."""
    heard = []
    for message in worker.messages():
        heard.append(message)
        if message["type"] == "progress" and message["perturbed"] >= passes:
            return heard
    raise AssertionError(f"The worker ended first: {heard[-1]}")


def nothing_left(job: Job) -> bool:
    """Tell whether only the input images are in the folder where the result would be."""
    return [path.name for path in job.output.parent.iterdir()] == [job.fixed.parent.name]


def test_a_run_reports_every_pass_in_order_and_ends_with_a_whole_bundle(job: Job) -> None:
    with WorkerProcess(job) as worker:
        messages = list(worker.messages())
    assert kinds(messages)[0] == "started"
    assert messages[-1] == {"type": "finished", "output": str(job.output), "complete": True}
    progress = [message for message in messages if message["type"] == "progress"]
    assert [message["done"] for message in progress] == list(range(1, 11))
    assert {message["total"] for message in progress} == {10}
    assert progress[-1]["left_s"] == 0
    bundle = Bundle.open(job.output)
    assert bundle.record["complete"]
    assert bundle.record["inputs"]["fixed"]["path"] == str(job.fixed)


def test_stop_keeps_what_there_is_and_says_so(job: Job) -> None:
    with WorkerProcess(long(job)) as worker:
        until_passes(worker, 3)
        worker.ask("stop")
        last = list(worker.messages())[-1]
    assert last["type"] == "finished"
    assert last["complete"] is False
    passes = Bundle.open(job.output).record["passes"]
    assert 3 <= passes["done"] < passes["asked"]


def test_stop_before_two_perturbations_gives_the_registration_without_a_map(job: Job) -> None:
    early = Job(job.fixed, job.moving, job.output, design=LONG, threads=1, time_limit_s=0.0)
    with WorkerProcess(early) as worker:
        assert list(worker.messages())[-1]["type"] == "finished"
    bundle = Bundle.open(job.output)
    assert bundle.record["passes"]["perturbations_used_K"] == 0
    assert "total" not in bundle.record["files"]
    assert bundle.warped.is_file()


def test_cancel_ends_within_five_seconds_and_leaves_nothing(job: Job) -> None:
    with WorkerProcess(long(job)) as worker:
        until_passes(worker, 1)
        began = time.monotonic()
        worker.cancel()
        assert time.monotonic() - began < 5
        assert not alive(worker.pid)
        assert list(worker.messages())[-1]["type"] == "cancelled"
    assert nothing_left(job)


def test_a_worker_that_does_not_listen_is_killed_within_five_seconds(job: Job) -> None:
    with WorkerProcess(long(job)) as worker:
        until_passes(worker, 1)
        os.kill(worker.pid, signal.SIGSTOP)
        began = time.monotonic()
        worker.cancel()
        assert time.monotonic() - began < 5
        assert not alive(worker.pid)
    assert nothing_left(job)


def test_a_killed_worker_is_explained_and_leaves_nothing(job: Job) -> None:
    with WorkerProcess(long(job)) as worker:
        until_passes(worker, 1)
        os.kill(worker.pid, signal.SIGKILL)
        last = list(worker.messages())[-1]
    assert last["type"] == "failed"
    assert "killed" in last["problem"]
    assert last["remedy"]
    assert nothing_left(job)


def test_a_worker_killed_while_writing_leaves_no_half_result(job: Job) -> None:
    with WorkerProcess(job) as worker:
        partial = partial_folder(job.output, worker.pid)
        for message in worker.messages():
            if message.get("phase") == "writing":
                break
        while not partial.exists():
            assert alive(worker.pid)
        os.kill(worker.pid, signal.SIGKILL)
        assert list(worker.messages())[-1]["type"] == "failed"
        assert partial.exists()  # it was caught in the middle
    assert nothing_left(job)


def test_a_worker_ends_when_its_parent_is_killed(job: Job, tmp_path: Path) -> None:
    job_file = tmp_path / "images.json"
    job_file.write_text(long(job).to_json())
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
            import sys
            from pathlib import Path
            from TTAUncertaintyLib.worker import Job, WorkerProcess
            worker = WorkerProcess(Job.from_json(Path({str(job_file)!r}).read_text()))
            print(worker.pid, flush=True)
            for message in worker.messages():
                if message["type"] == "progress":
                    print("working", flush=True)
        """),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline() == "working\n"
    assert alive(pid)
    parent.kill()
    parent.wait()
    assert wait_for(lambda: not alive(pid), 5)
    job_file.unlink()
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
    last = json.loads(worker.stdout.readlines()[-1])
    assert last["type"] == "finished"
    assert last["complete"] is False
    assert worker.wait() == 0


def test_a_failure_comes_as_problem_remedy_and_exit_status(job: Job) -> None:
    with WorkerProcess(Job(Path("nowhere.nii"), job.moving, job.output)) as worker:
        last = list(worker.messages())[-1]
    assert last["type"] == "failed"
    assert "nowhere.nii" in last["problem"]
    assert last["exit_code"] == 2


def test_an_interrupted_run_goes_on_from_its_checkpoint(job: Job, tmp_path: Path) -> None:
    design = DesignRequest(Preset.QUICK, Family.TRANSLATION, Sampling.HADAMARD, outer=4)
    checkpoint = tmp_path / "state"
    first = Job(job.fixed, job.moving, job.output, design=design, checkpoint=checkpoint, threads=1)
    with WorkerProcess(first) as worker:
        until_passes(worker, 2)
        worker.cancel()
    assert not job.output.exists()
    assert checkpoint.is_file()
    with WorkerProcess(first) as worker:
        resumed = list(worker.messages())
    assert resumed[-1]["type"] == "finished"
    assert "Going on after" in next(m for m in resumed if m["type"] == "note")["text"]
    assert not checkpoint.exists()
    whole = Job(job.fixed, job.moving, tmp_path / "whole", design=design, threads=1)
    with WorkerProcess(whole) as worker:
        assert list(worker.messages())[-1]["type"] == "finished"
    maps = [
        (folder / "uncertainty_total.nrrd").read_bytes() for folder in (job.output, whole.output)
    ]
    assert maps[0] == maps[1]
