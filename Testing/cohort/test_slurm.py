"""Workers that a real Slurm gives, one of which it takes back, do a study whole."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from support.cohort_pairs import pairs_of, settings, stand_in, until, write_images
from support.slurm import missing, slurm

from TTAUncertaintyLib.cohort.clusters import BatchSystem, Where
from TTAUncertaintyLib.cohort.running import Asked, run_study
from TTAUncertaintyLib.results import Bundle

pytestmark = pytest.mark.skipif(
    bool(missing()), reason=f"Slurm is not installed here: {', '.join(missing())}"
)


def test_a_cancelled_job_and_a_killed_worker_lose_no_pair(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"ok-{n:02d}" for n in range(12)]
    table = write_images(tmp_path / "in", names)
    study = tmp_path / "study"
    seen: list[str] = []
    disturbed: list[str] = []
    said: list[str] = []
    with slurm(tmp_path / "slurm") as environment:
        for name in ("SLURM_CONF", "PATH"):
            monkeypatch.setenv(name, environment[name])
        where = Where(3, 1, batch=BatchSystem.SLURM, partition="main", memory="1GB")
        asked = Asked(
            pairs_of(table),
            settings(),
            where,
            register=stand_in(tmp_path / "stub", template, pace_s=2.0),
        )
        disturbing = threading.Thread(target=_disturb, args=(study, seen, disturbed))
        disturbing.start()
        tally = run_study(study, asked, said.append)
        disturbing.join()
        until(lambda: not _jobs())  # nothing stays in the queue
    assert (tally.done, tally.failed) == (12, 0), said
    assert disturbed == ["killed", "cancelled"]
    assert len(seen) >= 3 and all("dask-wor" in line for line in seen), seen
    for name in names:
        assert Bundle.open(study / "pairs" / name / "result").record["complete"]
    assert sorted(path.name for path in (study / "pairs").iterdir()) == names
    assert any("tls://" in log.read_text() for log in (study / "logs").glob("*.err"))


def _jobs() -> list[str]:
    done = subprocess.run(
        ["squeue", "--noheader", "--format=%i %T %j"], capture_output=True, text=True
    )
    return done.stdout.splitlines()


def _disturb(study: Path, seen: list[str], done: list[str]) -> None:
    """Kill a worker and cancel the job of another one, each in the middle of its work."""
    until(lambda: sum("RUNNING" in line for line in _jobs()) == 3)
    seen += _jobs()
    until(lambda: len(list((study / "pairs").glob("*/row.json"))) >= 1)
    listed = subprocess.run(["ps", "-wweo", "pid=,args="], capture_output=True, text=True).stdout
    workers = [
        int(line.split()[0])
        for line in listed.splitlines()
        if "distributed.cli.dask_worker" in line and str(study) in line
    ]
    os.kill(workers[0], signal.SIGKILL)
    done.append("killed")
    before = len(list((study / "pairs").glob("*/row.json")))
    until(lambda: len(list((study / "pairs").glob("*/row.json"))) > before)
    running = [line.split()[0] for line in _jobs() if "RUNNING" in line]
    subprocess.run(["scancel", running[0]], check=True)
    done.append("cancelled")
