"""Whatever a worker does, the run ends with words that say what happened, and leaves nothing."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import pytest
from support.processes import alive, wait_until_gone
from support.stub_worker import OBEDIENT, stub_interpreter

from TTAUncertaintyLib.worker import Job, Phase, Run, RunState, clean_environment
from TTAUncertaintyLib.worker.environment import DROPPED_VARIABLES

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stubs are shell scripts")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, of this test alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def job(tmp_path: Path) -> Job:
    results = tmp_path / "Ergebnisse für Ärzte"
    results.mkdir()
    return Job(Path("f"), Path("m"), results / "result", previews=tmp_path / "previews")


def end_of(lines: str, job: Job, silence_s: float = 60.0) -> RunState:
    """Run a stub to its end."""
    folder = job.output.parent.parent / "stub with a space"
    with Run(job, stub_interpreter(folder, lines), silence_s=silence_s) as run:
        end = run.wait(20)
    assert end.ended
    return end


def test_a_crash_is_told_with_its_signal_and_the_last_words(job: Job, temporary: Path) -> None:
    end = end_of("sys.stderr.write('one\\ntwo\\nthe last\\n'); os.kill(os.getpid(), 11)", job)
    assert (end.phase, end.exit_code) == (Phase.FAILED, 6)
    assert "crashed (SIGSEGV)" in end.problem
    assert "the last" in end.problem
    assert end.log.splitlines() == ["one", "two", "the last"]


def test_a_kill_is_told_as_memory_that_ran_out(job: Job, temporary: Path) -> None:
    end = end_of("os.kill(os.getpid(), 9)", job)
    assert end.phase is Phase.FAILED
    assert "out of memory" in end.problem
    assert "Close other programs" in end.remedy


def test_garbage_on_standard_output_goes_to_the_log_and_the_messages_get_through(
    job: Job, temporary: Path
) -> None:
    end = end_of(
        """
        sys.stdout.buffer.write(b"\\xff\\xfe\\x00 garbage\\n{\\n[1]\\n" + b"[" * 100000 + b"\\n")
        sys.stdout.buffer.write(b'{"type": "progress"}\\n{"type": "phase", "phase": "lunch"}\\n')
        sys.stdout.buffer.write(b'{"type": "progress", "phase": 3, "done": "x"}\\n')
        sys.stdout.buffer.write(b"x" * 3000000)
        sys.stdout.buffer.write(b"\\n")
        sys.stdout.flush()
        say("finished", output=job["output"], complete=True)
        """,
        job,
    )
    assert end.phase is Phase.FINISHED
    assert "garbage" in end.log
    assert len(end.log) < 10_000


def test_a_worker_that_ends_without_a_word_has_failed(job: Job, temporary: Path) -> None:
    end = end_of("print('nothing of note')", job)
    assert end.phase is Phase.FAILED
    assert "ended unexpectedly (status 0)" in end.problem
    assert "nothing of note" in end.problem


def test_a_last_message_counts_even_if_the_process_then_crashes(job: Job, temporary: Path) -> None:
    end = end_of(
        "say('finished', output=job['output'], complete=True); os.kill(os.getpid(), 11)", job
    )
    assert end.phase is Phase.FINISHED


def test_a_hung_worker_is_killed_and_told(job: Job, temporary: Path) -> None:
    began = time.monotonic()
    end = end_of("sys.stderr.write('deep in thought\\n'); time.sleep(60)", job, silence_s=1.0)
    assert 0.9 < time.monotonic() - began < 6
    assert (end.phase, end.exit_code) == (Phase.FAILED, 6)
    assert "hung" in end.problem
    assert "1 s" in end.problem
    assert "deep in thought" in end.problem


def test_a_worker_that_only_beats_its_heart_is_not_taken_for_hung(
    job: Job, temporary: Path
) -> None:
    end = end_of(
        """
        for _ in range(8):
            time.sleep(0.25)
            say("heartbeat")
        say("finished", output=job["output"], complete=True)
        """,
        job,
        silence_s=1.0,
    )
    assert end.phase is Phase.FINISHED


def test_a_client_that_was_busy_itself_does_not_take_its_worker_for_hung(
    job: Job, tmp_path: Path, temporary: Path
) -> None:
    stub = stub_interpreter(tmp_path, OBEDIENT)
    with Run(job, stub, silence_s=1.0) as run:
        while run.poll().phase is not Phase.READING:  # from then on it has nothing to say
            time.sleep(0.01)
        time.sleep(1.5)  # as when the computer was asleep
        assert not run.wait(0.5).ended


def test_a_worker_that_ignores_every_request_is_gone_within_five_seconds(
    job: Job, tmp_path: Path, temporary: Path
) -> None:
    stub = stub_interpreter(
        tmp_path, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    )
    with Run(job, stub) as run:
        run.wait(0.5)
        began = time.monotonic()
        run.cancel()
        assert run.wait(10).phase is Phase.CANCELLED
        assert 3.9 < time.monotonic() - began < 5


def test_the_whole_group_goes_with_the_worker(job: Job, tmp_path: Path, temporary: Path) -> None:
    stub = stub_interpreter(
        tmp_path,
        """
        import subprocess
        child = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL)
        print("child", child.pid, flush=True)
        time.sleep(600)
        """,
    )
    with Run(job, stub) as run:
        while "child" not in run.poll().log:
            time.sleep(0.01)
        child = int(run.state.log.split()[-1])
    assert wait_until_gone(child)


def test_a_launcher_that_dies_takes_the_python_that_it_started_along(
    job: Job, tmp_path: Path, temporary: Path
) -> None:
    python = stub_interpreter(
        tmp_path / "stub", 'partial.mkdir(); say("phase", phase="reading"); time.sleep(600)'
    )
    launcher = tmp_path / "launcher"
    launcher.write_text(f'#!/bin/sh\nexec 3<&0\n"{python}" "$@" <&3 &\nwait\n')
    launcher.chmod(0o755)
    with Run(job, str(launcher)) as run:
        while run.poll().phase is not Phase.READING:
            time.sleep(0.01)
        (partial,) = job.output.parent.iterdir()
        started = int(partial.name.split(".")[-2].partition("-")[2])
        assert run.pid is not None
        assert started != run.pid
        os.kill(run.pid, 9)
        assert run.wait(10).phase is Phase.FAILED
    assert wait_until_gone(started)
    assert list(job.output.parent.iterdir()) == []


def test_a_missing_interpreter_is_a_failed_run_and_no_exception(job: Job, temporary: Path) -> None:
    with Run(job, python="/no/such/python") as run:
        assert run.state.phase is Phase.FAILED
        assert "/no/such/python" in run.poll().problem
        assert run.state.remedy
        run.cancel()
        run.stop_and_keep()
    assert list(temporary.iterdir()) == []


def test_an_interpreter_without_torch_says_that_pytorch_is_missing(
    job: Job, tmp_path: Path, temporary: Path
) -> None:
    blocked = tmp_path / "blocked"
    (blocked / "torch").mkdir(parents=True)
    (blocked / "torch" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"
    )
    with Run(job, environment=os.environ | {"PYTHONPATH": str(blocked)}) as run:
        end = run.wait(60)
    assert (end.phase, end.exit_code) == (Phase.FAILED, 7)
    assert "PyTorch is missing" in end.problem
    assert "PyTorch extension" in end.remedy


def test_an_interpreter_without_numpy_says_what_is_missing(job: Job, temporary: Path) -> None:
    end = end_of(
        "sys.stderr.write(\"ModuleNotFoundError: No module named 'numpy'\\n\"); sys.exit(1)", job
    )
    assert end.exit_code == 7
    assert "numpy is missing" in end.problem


def test_variables_that_would_change_the_worker_do_not_reach_it(
    job: Job, tmp_path: Path, temporary: Path
) -> None:
    stub = stub_interpreter(tmp_path, "print(sorted(os.environ))")
    hostile = dict.fromkeys(DROPPED_VARIABLES, "1") | {"PATH": os.environ["PATH"], "KEPT": "1"}
    with Run(job, stub, hostile) as run:
        log = run.wait(20).log
    assert "KEPT" in log
    assert not [name for name in DROPPED_VARIABLES if name in log]
    assert set(clean_environment(hostile)) == {"PATH", "KEPT"}


def test_a_hundred_starts_and_cancels_leave_no_process_and_no_file(
    job: Job, tmp_path: Path, temporary: Path
) -> None:
    stub = stub_interpreter(tmp_path / "stub", OBEDIENT)
    assert job.previews is not None
    pids = []
    for cycle in range(100):
        with Run(job, stub) as run:
            pids.append(run.pid)
            if cycle % 4:  # from the very start, from half-way, through the context manager
                run.wait(0.05 * (cycle % 3))
                job.previews.mkdir()
                (job.previews / "total_2.nrrd").write_bytes(b"")
            if cycle % 2:
                run.cancel()
                assert run.wait(10).phase is Phase.CANCELLED
        assert run.state.ended
    assert not any(alive(pid) for pid in pids if pid is not None)
    assert list(temporary.iterdir()) == []
    assert list(job.output.parent.iterdir()) == []
    assert not job.previews.exists()


def test_previews_are_removed_and_what_else_is_in_their_folder_is_not(
    job: Job, tmp_path: Path, temporary: Path
) -> None:
    assert job.previews is not None
    job.previews.mkdir()
    (job.previews / "thesis.docx").write_text("three years of work")
    (job.previews / "warped.nrrd").write_bytes(b"")
    with Run(job, stub_interpreter(tmp_path, OBEDIENT)):
        pass
    assert [file.name for file in job.previews.iterdir()] == ["thesis.docx"]


def test_looking_never_waits(job: Job, tmp_path: Path, temporary: Path) -> None:
    stub = stub_interpreter(
        tmp_path,
        """
        for n in range(5000):
            sys.stderr.write(f"line {n}\\n")
            say("progress", phase="perturbing", done=n, total=5000, perturbed=n, elapsed_s=1.0,
                left_s=2.0, device="cpu")
            if n % 50 == 0:
                time.sleep(0.01)
        for line in sys.stdin: pass
        """,
    )
    took = []
    with Run(job, stub) as run:
        while run.poll().done < 4999:
            began = time.perf_counter()
            run.poll()
            took.append(time.perf_counter() - began)
            time.sleep(0.01)
        began = time.perf_counter()
        run.cancel()
        run.poll()
        assert time.perf_counter() - began < 0.05
    assert sorted(took)[len(took) // 2] < 0.002  # the machine may hold up a single look


@pytest.mark.parametrize("way", ["signal", "hard limit"])
def test_a_limit_of_cpu_time_is_told_as_one(
    job: Job, temporary: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ends of it: the soft limit's signal, and the hard one's, which is that of no memory."""
    lines = "resource.setrlimit(resource.RLIMIT_CPU, (1, 1 + {}))\nwhile True: pass"
    if way == "hard limit":
        infinite = resource.getrlimit(resource.RLIMIT_CPU)
        # the client has the limit that its worker inherits
        monkeypatch.setattr(resource, "getrlimit", lambda which: (1, 1) if which == 0 else infinite)
    end = end_of("import resource\n" + lines.format(int(way == "signal")), job)
    assert "CPU time" in end.problem and "memory" not in end.problem
    assert end.exit_code == 5


def test_an_end_from_outside_is_no_crash(job: Job, temporary: Path) -> None:
    end = end_of("os.kill(os.getpid(), 15)", job)
    assert "another program or the system (SIGTERM)" in end.problem


def test_a_run_needs_no_place_for_temporary_files(
    job: Job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    end = end_of("say('finished', output=job['output'], complete=True)", job)
    assert end.phase is Phase.FINISHED
