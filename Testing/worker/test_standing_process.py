"""A process that stays serves job after job as if each were its first, and is never left behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import alive, wait_until_gone
from support.stub_worker import STAYING, stub_interpreter

from TTAUncertaintyLib.worker import Job, Phase, Run, Worker

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stubs are shell scripts")


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


@pytest.fixture
def stub(tmp_path: Path) -> str:
    """A worker that stays; the name of a job's fixed image is what it is to do."""
    return stub_interpreter(tmp_path / "stub", STAYING)


def job(folder: Path, what: str = "finish") -> Job:
    return Job(Path(what), Path("m"), folder / "result")


def process_of(run: Run) -> int:
    assert run.pid is not None
    return run.pid


def finished(run: Run) -> int:
    """Wait for a run's end and return its process."""
    with run:
        end = run.wait(20)
    assert end.phase is Phase.FINISHED, end
    return process_of(run)


def until_working(run: Run) -> int:
    while run.poll().phase is not Phase.READING:
        assert not run.state.ended, run.state
        time.sleep(0.01)
    return process_of(run)


def test_job_after_job_is_done_by_one_process(worker: Worker, stub: str, tmp_path: Path) -> None:
    pids = {finished(worker.run(job(tmp_path), stub)) for _ in range(5)}
    (pid,) = pids
    assert alive(pid)
    worker.close()
    assert wait_until_gone(pid)


def test_nothing_that_was_said_of_one_job_is_taken_for_another_s(
    worker: Worker, stub: str, tmp_path: Path
) -> None:
    for turn in range(20):
        word = f"word-{turn}"
        with worker.run(job(tmp_path, f"say {word}"), stub) as run:
            end = run.wait(20)
        assert end.notes == (word,)
        assert end.log.split() == ["printed", word, "without", "an", "end"]
        assert end.done == end.total == 3


def test_a_cancelled_job_that_comes_back_to_idle_leaves_the_process_for_the_next(
    worker: Worker, stub: str, tmp_path: Path
) -> None:
    run = worker.run(job(tmp_path, "wait"), stub)
    pid = until_working(run)
    run.cancel()
    assert run.wait(10).phase is Phase.CANCELLED
    assert finished(worker.run(job(tmp_path), stub)) == pid


def test_a_cancelled_job_that_does_not_come_back_is_killed_within_five_seconds(
    worker: Worker, stub: str, tmp_path: Path
) -> None:
    finished(worker.run(job(tmp_path), stub))
    run = worker.run(job(tmp_path, "deaf"), stub)
    pid = until_working(run)
    began = time.monotonic()
    run.cancel()
    assert run.wait(10).phase is Phase.CANCELLED
    assert 3.9 < time.monotonic() - began < 5
    assert not alive(pid)
    assert finished(worker.run(job(tmp_path), stub)) != pid


@pytest.mark.parametrize(
    ("what", "told"), [("crash", "crashed (SIGSEGV)"), ("silent", "hung: it said nothing")]
)
def test_a_job_that_crashes_or_hangs_costs_its_process_alone(
    worker: Worker, stub: str, tmp_path: Path, what: str, told: str
) -> None:
    first = finished(worker.run(job(tmp_path), stub))
    with worker.run(job(tmp_path, what), stub, silence_s=1.0) as run:
        end = run.wait(20)
    assert end.phase is Phase.FAILED and told in end.problem
    assert wait_until_gone(first)
    assert finished(worker.run(job(tmp_path), stub)) != first


def test_a_process_that_ended_while_it_waited_is_replaced_without_a_word(
    worker: Worker, stub: str, tmp_path: Path
) -> None:
    first = finished(worker.run(job(tmp_path), stub))
    os.kill(first, signal.SIGKILL)
    second = finished(worker.run(job(tmp_path), stub))
    assert second != first
    # and one that leaves just when the next job is given to it
    finished(worker.run(job(tmp_path, "then leave at the next"), stub))
    assert finished(worker.run(job(tmp_path), stub)) != second


@pytest.mark.parametrize("while_at_work", [False, True])
def test_a_report_that_a_killed_process_did_not_write_is_told_of_once(
    worker: Worker, stub: str, tmp_path: Path, while_at_work: bool
) -> None:
    lost = job(tmp_path / "lost")
    lost.output.mkdir(parents=True)
    (lost.output / "result.json").touch()
    half = lost.output / "report.html.partial"
    half.touch()
    first = finished(worker.run(lost, stub))
    if while_at_work:
        run = worker.run(job(tmp_path, "wait"), stub)
        assert until_working(run) == first
    os.kill(first, signal.SIGKILL)
    wait_until_gone(first)
    if not while_at_work:
        run = worker.run(job(tmp_path), stub)
    with run:
        (note,) = run.wait(20).notes
    assert note.endswith(f"ttauncertainty report {lost.output}")
    assert not half.exists()
    with worker.run(job(tmp_path), stub) as run:
        assert run.wait(20).notes == ()


def test_a_run_that_begins_while_another_goes_on_has_a_process_of_its_own(
    worker: Worker, stub: str, tmp_path: Path
) -> None:
    run = worker.run(job(tmp_path / "one", "wait"), stub)
    busy = until_working(run)
    other = finished(worker.run(job(tmp_path / "two"), stub))
    assert other != busy
    assert not alive(other)
    run.cancel()
    assert run.wait(10).phase is Phase.CANCELLED
    assert alive(busy)


def test_another_environment_or_folder_is_not_served_with_the_old_one(
    worker: Worker, stub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = finished(worker.run(job(tmp_path), stub))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    second = finished(worker.run(job(tmp_path), stub))
    monkeypatch.chdir(tmp_path)
    third = finished(worker.run(job(tmp_path), stub))
    assert len({first, second, third}) == 3
    assert wait_until_gone(first) and wait_until_gone(second)


def test_no_process_is_left_by_a_worker_that_nobody_holds_any_more(
    stub: str, tmp_path: Path
) -> None:
    pid = finished(Worker().run(job(tmp_path), stub))
    gc.collect()
    assert wait_until_gone(pid)


@pytest.mark.parametrize("way", ["exit", "kill"])
def test_no_process_outlives_the_one_that_started_it(stub: str, tmp_path: Path, way: str) -> None:
    """However that one ends. The real worker's process, which waits for its second job."""
    code = f"""
        import os, time
        from pathlib import Path
        from TTAUncertaintyLib.worker import Job, Worker
        worker = Worker()
        run = worker.run(Job(Path("nowhere.nii"), Path("m"), Path({str(tmp_path / "result")!r})))
        end = run.wait()
        assert "nowhere.nii" in end.problem, end
        print(run.pid, flush=True)
        if {way!r} == "kill":
            time.sleep(600)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    if way == "kill":
        assert alive(pid)
        parent.kill()
    parent.wait()
    assert wait_until_gone(pid)


def test_a_forked_process_starts_its_own_and_leaves_its_parent_s_alone(
    worker: Worker, stub: str, tmp_path: Path
) -> None:
    pid = finished(worker.run(job(tmp_path), stub))
    child = os.fork()
    if not child:
        other = finished(worker.run(job(tmp_path), stub))
        worker.close()
        os._exit(0 if other != pid and wait_until_gone(other) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert finished(worker.run(job(tmp_path), stub)) == pid


def test_threads_that_share_a_worker_all_get_their_runs(
    worker: Worker, stub: str, tmp_path: Path
) -> None:
    pids: list[int] = []
    threads = [
        threading.Thread(
            target=lambda n=n: pids.append(finished(worker.run(job(tmp_path / f"{n}"), stub)))
        )
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 6
    worker.close()
    assert all(wait_until_gone(pid) for pid in pids)
