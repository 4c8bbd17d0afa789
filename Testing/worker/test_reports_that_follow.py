"""A result is handed over before its report, which comes whole or not at all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.phantom import write_pair

from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.results import RESULT, Bundle
from TTAUncertaintyLib.results.summary import summary_lines
from TTAUncertaintyLib.worker import Job, Phase, Run, Worker


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("reports")
    fixed, moving = write_pair(folder)
    return Job(fixed, moving, folder / "result", design=DesignRequest(Preset.QUICK), overwrite=True)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def done(run: Run) -> Bundle:
    state = run.wait(300)
    assert state.phase is Phase.FINISHED, state
    return Bundle.open(run.job.output)


def test_the_report_follows_and_the_next_job_does_not_wait_to_be_given(
    job: Job, worker: Worker
) -> None:
    outputs = [job.output.with_name(f"{n}") for n in range(2)]
    for output in outputs:
        run = worker.run(replace(job, output=output))
        done(run)
    run.wait_for_report()
    for output in outputs:
        assert (output / "report.html").read_text("utf-8").rstrip().endswith("</html>")
        assert RESULT.others(output) == []


def test_a_process_that_is_killed_at_its_report_leaves_a_result_that_says_so(
    job: Job, worker: Worker
) -> None:
    run = worker.run(job)
    bundle = done(run)
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    began = time.monotonic()
    run.wait_for_report()
    assert time.monotonic() - began < 5
    if not bundle.report.is_file():  # else it was faster
        assert "ttauncertainty report" in "\n".join(summary_lines(bundle))
    assert RESULT.others(bundle.folder) == []  # so that it can be replaced
    assert bundle.warped.is_file() and all(path.is_file() for path in bundle.map_files.values())
    done(worker.run(job))


def test_a_run_of_its_own_process_ends_with_its_report(job: Job) -> None:
    with Run(replace(job, output=job.output.with_name("alone"))) as run:
        assert done(run).report.is_file()
