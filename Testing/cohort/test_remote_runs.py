"""A single run on somebody's cluster: as at home for the person, and nothing stays there."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from support.cohort_pairs import SMALL, pairs_of, settings, until, write_images

from TTAUncertaintyLib.cohort.clusters import Where
from TTAUncertaintyLib.errors import ResourceError, TTAUncertaintyError
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.worker import Job, Phase, Run, RunState, remote
from TTAUncertaintyLib.worker.client import WORKER_FILE
from TTAUncertaintyLib.worker.messages import Voice
from TTAUncertaintyLib.worker.remote import carry_out_there, connect

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

#: More passes than anybody waits for.
LONG = {"sampling": "random", "outer": 4000}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Any:
    table = write_images(tmp_path_factory.mktemp("pair & co"), ["one"])
    return pairs_of(table)[0]


def job_of(pair: Any, cluster: Where, output: Path, **choices: Any) -> Job:
    """Return a job on the cluster, with provisional maps."""
    assert cluster.tls is not None
    authority, certificate, key = cluster.tls
    job = settings(**choices).job_of(pair, output)
    there = replace(job, scheduler=cluster.scheduler, previews=output.with_name("previews"))
    return replace(there, tls_ca=authority, tls_cert=certificate, tls_key=key)


def left_there(cluster: Where) -> list[Path]:
    """Return what guests have left on the workers."""
    assert cluster.tls is not None
    return list((cluster.tls[0].parent / "scratch").rglob("ttauncertainty-*"))


def guests(cluster: Where) -> list[Path]:
    return [path for path in left_there(cluster) if (path / "in").is_dir()]


def test_a_result_is_that_of_a_run_at_home(pair: Any, cluster: Where, tmp_path: Path) -> None:
    job = job_of(pair, cluster, tmp_path / "there", **SMALL)
    seen: list[RunState] = []
    heard: list[dict[str, Any]] = []
    with Run(job) as run:
        run.on_message = heard.append
        while not run.poll().ended:
            seen.append(run.state)
            if run.state.preview is not None and run.state.preview.total is not None:
                assert sitk.ReadImage(str(run.state.preview.total)).GetDimension() == 3
            run.wait(0.05)
        state = run.state
        run.wait_for_report(20)
    assert state.phase is Phase.FINISHED, state.problem + state.log
    # messages come several at a time: not every phase is a state that somebody looked at
    phases = [message["phase"] for message in heard if message["type"] == "phase"]
    assert "reading" in phases and Phase.PERTURBING in {one.phase for one in seen}
    assert max(one.done for one in seen) > 1 and any(one.preview for one in seen)
    home = replace(job, scheduler=None, tls_ca=None, tls_cert=None, tls_key=None, previews=None)
    with Run(replace(home, output=tmp_path / "home")) as run:
        assert run.wait(240).output is not None, run.state.problem
        run.wait_for_report()
    there, home_ = Bundle.open(tmp_path / "there"), Bundle.open(tmp_path / "home")
    assert there.report.is_file()
    for kind, file in home_.map_files.items():
        arrays = [
            sitk.GetArrayFromImage(sitk.ReadImage(str(f))) for f in (file, there.map_files[kind])
        ]
        assert np.array_equal(*arrays, equal_nan=True)
    # it names the files as they are called here, and never where they lay there
    assert there.record["inputs"] == home_.record["inputs"]
    for file in (tmp_path / "there").rglob("*"):
        if file.suffix in (".json", ".html", ".tsv", ".csv", ".txt"):
            assert "/in/0/" not in file.read_text() and "scratch" not in file.read_text()
    assert left_there(cluster) == []
    assert not (tmp_path / "previews").exists()


def test_cancelling_leaves_nothing(pair: Any, cluster: Where, tmp_path: Path) -> None:
    with Run(job_of(pair, cluster, tmp_path / "out", **LONG)) as run:
        until(lambda: run.poll().done > 2 or run.state.ended)
        assert guests(cluster) and not run.state.ended, run.state.problem
        run.cancel()
        assert run.wait(20).phase is Phase.CANCELLED
    until(lambda: not left_there(cluster), 20)
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob("out*"))


def test_what_there_is_can_be_kept(pair: Any, cluster: Where, tmp_path: Path) -> None:
    with Run(job_of(pair, cluster, tmp_path / "out", **LONG)) as run:
        until(lambda: run.poll().has_map or run.state.ended)
        run.stop_and_keep()
        state = run.wait(60)
    assert state.phase is Phase.FINISHED, state.problem + state.log
    record = Bundle.open(tmp_path / "out").record
    assert not state.complete and 2 <= record["passes"]["done"] < 4000
    assert left_there(cluster) == []


def test_a_killed_client_leaves_nothing(pair: Any, cluster: Where, tmp_path: Path) -> None:
    job = job_of(pair, cluster, tmp_path / "out", **LONG)
    process = subprocess.Popen(
        [sys.executable, str(WORKER_FILE), "--stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"job {job.to_json(indent=None)}\n")
    process.stdin.flush()
    for line in process.stdout:
        message = json.loads(line)
        assert message["type"] != "failed", message
        if message["type"] == "progress" and message["done"] > 2:
            break
    assert guests(cluster)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not left_there(cluster), 30)


def test_a_killed_worker_is_told_and_its_folder_goes(
    pair: Any, cluster: Where, tmp_path: Path
) -> None:
    assert cluster.scheduler is not None
    with connect(cluster.scheduler, cluster.tls) as client:
        with Run(job_of(pair, cluster, tmp_path / "out", **LONG)) as run:
            until(lambda: run.poll().done > 2 or run.state.ended)
            (folder,) = guests(cluster)
            places = client.run(_process_and_place)
            (worker,) = [pid for pid, place in places.values() if folder.is_relative_to(place)]
            os.kill(worker, signal.SIGKILL)
            state = run.wait(120)  # a question to it and a word of leaving each wait up to 30 s
        assert state.phase is Phase.FAILED and "of the cluster" in state.problem, state
        assert not (tmp_path / "out").exists()
        until(lambda: not left_there(cluster), 60)  # the worker that takes its place removes it
        until(lambda: len(client.nthreads()) == 2)


def test_a_worker_that_answers_no_more_is_told_and_not_waited_for(
    pair: Any, cluster: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is killed between the question whether it is there and the call."""
    assert cluster.scheduler is not None
    monkeypatch.setattr(remote, "_HEARING", "2s")
    with connect(cluster.scheduler, cluster.tls) as client:
        places = client.run(_process_and_place)
        address, (worker, _) = next(iter(places.items()))
        os.kill(worker, signal.SIGSTOP)
        try:
            with pytest.raises(ResourceError, match="cannot be reached any more"):
                remote._There(client, "a run", address).call("hear")
        finally:
            os.kill(worker, signal.SIGCONT)


def _process_and_place(dask_worker: Any) -> tuple[int, str]:
    return os.getpid(), str(dask_worker.local_directory)


def test_what_is_wrong_is_said(
    pair: Any, cluster: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_CONNECTING", "2s")
    good = job_of(pair, cluster, tmp_path / "out")
    for job, said in (
        (replace(good, scheduler="tls://127.0.0.1:1"), "cannot be reached"),
        (replace(good, tls_key=None), "TLS needs three files"),
        (replace(good, checkpoint=tmp_path / "state"), "A checkpoint is kept"),
        (replace(good, model="own.json"), "is not sent to a cluster"),
        (replace(good, moving=tmp_path / "none.nii"), "none.nii"),
        (replace(good, model="lapirn"), "of the cluster"),
    ):
        with pytest.raises((TTAUncertaintyError, OSError), match=said) as raised:
            carry_out_there(job, Voice(io.StringIO()), lambda: False)
        assert "scratch" not in str(raised.value)
    assert left_there(cluster) == []
    assert not (tmp_path / "out").exists()
