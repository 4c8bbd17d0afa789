"""A study is done pair by pair, once each, whatever happens to whoever does it."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.cohort_client import Client
from support.cohort_pairs import SMALL, do_study, pairs_of, settings, stand_in, until, write_images

from TTAUncertaintyLib.cohort import pair_task, running
from TTAUncertaintyLib.cohort.clusters import Where
from TTAUncertaintyLib.cohort.pairs import read_table, write_pairs
from TTAUncertaintyLib.cohort.plan import make_plan
from TTAUncertaintyLib.cohort.study import PAIR, Study
from TTAUncertaintyLib.cohort.tables import write_results
from TTAUncertaintyLib.errors import OutputError
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.worker import Worker

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stubs are shell scripts")


def whole(study: Path, names: list[str]) -> None:
    """Every pair is there once, whole, and nothing else is."""
    assert sorted(path.name for path in (study / "pairs").iterdir()) == sorted(names)
    for name in names:
        folder = study / "pairs" / name
        assert (
            Bundle.open(folder / "result")
            .record["inputs"]["moving"]["path"]
            .endswith(f"{name}.nrrd")
        )
        assert PAIR.others(folder) == []
        assert (folder / "row.json").is_file()


def test_bad_pairs_cost_themselves_alone(tmp_path: Path, template: Path, cluster: Where) -> None:
    bad = ["crash-1", "hang-1", "refused-1"]
    good = [f"ok-{n}" for n in range(4)] + ["crashonce-1"]
    table = write_images(tmp_path / "in", [*bad, *good])
    study = tmp_path / "study"
    tally, _ = do_study(table, study, stand_in(tmp_path, template), cluster, limit_s=4.0)
    assert (tally.done, tally.failed) == (5, 3)
    whole(study, good)
    failures = Study(study).failures()
    assert failures.keys() == set(bad)
    assert "crashed (SIGSEGV)" in failures["crash-1"].reason
    assert "longer than the 4 s" in failures["hang-1"].reason
    assert "at work on crash-1.nrrd" in failures["crash-1"].log
    # a second attempt where it may help, on a fresh process; none where nothing would change
    attempts = {name: failures[name].attempts for name in bad}
    assert attempts == {"crash-1": 2, "hang-1": 2, "refused-1": 1}
    assert read(study, "crashonce-1")["values"]["attempts"] == 2

    write_results(study)
    rows = {row["pair"]: row for row in read_table(study / "results.tsv").to_pylist()}
    assert rows["hang-1"]["state"] == "failed" and rows["ok-2"]["state"] == "done"
    assert [rows[f"ok-{n}"]["site"] for n in range(4)] == ["S0", "S1", "S2", "S0"]
    # the same again does what is missing, and what was cured succeeds
    tally, _ = do_study(
        cured(table, bad), study, stand_in(tmp_path / "again", template), cluster, limit_s=4.0
    )
    assert (tally.total, tally.done) == (3, 3)
    assert not Study(study).failures()
    whole(study, [*bad, *good])


def cured(table: Path, bad: list[str]) -> Path:
    """Return the table with images of another name in place of those that are bad."""
    rows = read_table(table).to_pylist()
    for row in rows:
        if row["pair"] in bad:
            folder = table.parent / "cured"
            folder.mkdir(exist_ok=True)
            image = folder / f"cured-{row['pair']}.nrrd"
            image.write_bytes((table.parent / row["moving"]).read_bytes())
            row["moving"] = f"cured/{image.name}"
    write_pairs(table, rows)
    return table


def read(study: Path, pair: str) -> dict:  # type: ignore[type-arg]
    return json.loads((study / "pairs" / pair / "row.json").read_text())


def test_a_worker_without_weights_is_passed_over(
    tmp_path: Path, template: Path, cluster: Where
) -> None:
    # one worker of two lacks them, and would fail pair after pair in no time
    names = [f"ok-{n}" for n in range(6)]
    table = write_images(tmp_path / "in", names)
    (tmp_path / "in" / "one-has-no-weights").touch()
    tally, said = do_study(table, tmp_path / "study", stand_in(tmp_path, template), cluster)
    assert (tally.done, tally.failed) == (6, 0), said
    assert sum("gets no more pairs: The weights are not installed." in s for s in said) == 1
    # all of them lack them: it is said, and no pair is tried again and again
    (tmp_path / "in" / "no-weights").touch()
    names = ["ok-1", "ok-2", "ok-3", "ok-4", "ok-5"]
    tally, said = do_study(table, tmp_path / "none", stand_in(tmp_path / "2", template), cluster)
    assert (tally.done, tally.failed) == (0, 6)
    assert "No worker can do it. The weights are not installed." in " ".join(said)


def test_a_full_disk_is_waited_out(
    tmp_path: Path, template: Path, cluster: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_FIRST_TRY_S", 0.3)
    names = [f"ok-{n}" for n in range(6)] + [f"full-{n}" for n in range(2)]
    names += [f"ok-{n}" for n in range(6, 16)]
    table = write_images(tmp_path / "in", names)
    study = tmp_path / "study"

    def begun() -> set[str]:
        return {path.name.partition(".")[0] for path in (study / "pairs").glob("ok-*")}

    def make_room() -> None:
        until(lambda: any("No new pairs are begun" in line for line in said))
        for _ in range(2):  # what was under way ends; then nothing new is there
            time.sleep(1.5)
            seen.append(begun())
        (tmp_path / "in" / "room").touch()

    said: list[str] = []
    seen: list[set[str]] = []
    thread = threading.Thread(target=make_room)
    thread.start()
    tally, _ = do_study(table, study, stand_in(tmp_path, template), cluster, said)
    thread.join()
    assert seen[0] == seen[1] and len(seen[0]) < 16
    assert sum("No new pairs are begun" in line for line in said) == 1
    assert "There is room again: the study goes on." in said
    assert (tally.done, tally.failed) == (18, 0)
    whole(study, names)


def test_changed_inputs_and_settings_are_told_and_redone_when_asked(
    tmp_path: Path, template: Path, cluster: Where
) -> None:
    names = ["ok-1", "ok-2", "ok-3"]
    table = write_images(tmp_path / "in", names)
    study, register = tmp_path / "study", stand_in(tmp_path, template)
    do_study(table, study, register, cluster)
    before = {name: read(study, name) for name in names}
    image = tmp_path / "in" / "ok-2.nrrd"
    os.utime(image, (1, 1))  # touched, and still the same: not worth a word
    tally, said = do_study(table, study, register, cluster)
    assert tally.total == 0 and said == ["3 pairs are done already."]
    image.write_bytes((tmp_path / "in" / "ok-3.nrrd").read_bytes())
    tally, said = do_study(table, study, register, cluster)
    assert tally.total == 0
    assert "ok-2: moving is another file" in said[1] and "--redo-changed" in said[1]
    assert read(study, "ok-2") == before["ok-2"]
    tally, said = do_study(table, study, register, cluster, redo_changed=True)
    assert (tally.total, tally.done) == (1, 1)
    assert (
        read(study, "ok-2")["inputs"]["moving"]["sha256"]
        == (before["ok-3"]["inputs"]["moving"]["sha256"])
    )
    whole(study, names)
    plan = make_plan(Study(study), pairs_of(table), settings(preset="standard"))
    assert [why for _, why in plan.changed] == ["other settings"] * 3
    assert plan.settings == ["preset: quick, now standard"]
    # a review in a pair's folder is a person's: it is not replaced with the maps
    (study / "pairs" / "ok-1" / "result" / "review.json").write_text("{}")
    with pytest.raises(OutputError, match="ok-1 hold more than a result"):
        do_study(
            table, study, register, cluster, settings=settings(preset="standard"), redo_changed=True
        )


@pytest.fixture
def client(tmp_path: Path, template: Path) -> Iterator[Client]:
    made = Client(tmp_path, template)
    yield made
    made.end()


def test_kills_of_process_worker_and_client_lose_nothing(tmp_path: Path, client: Client) -> None:
    names = [f"ok-{n:03d}" for n in range(30)]
    write_images(tmp_path / "in", names)
    before = client.run_with_kills(pace_s=0.3)
    assert 0 < before < len(names)
    whole(client.study, names)
    assert not list((client.study / "failed").iterdir())


def test_a_second_client_is_refused_and_a_study_may_be_moved(
    tmp_path: Path, client: Client, template: Path, cluster: Where
) -> None:
    names = [f"ok-{n:03d}" for n in range(8)]
    table = write_images(tmp_path / "in", names)
    process = client.start(workers=1, pace_s=0.3)
    until(lambda: (client.study / "client.lock").is_file())
    with pytest.raises(OutputError, match=f"process {process.pid} on"):
        do_study(table, client.study, stand_in(tmp_path / "second", template), cluster)
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    assert not list(client.study.glob("client.lock*"))
    moved = tmp_path / "elsewhere" / "study of another name"
    moved.parent.mkdir()
    client.study.rename(moved)
    assert write_results(moved)[0] == "8 of 8 pairs are done"
    tally, said = do_study(table, moved, stand_in(tmp_path / "third", template), cluster)
    assert tally.total == 0 and said == ["8 pairs are done already."]


def test_shards_share_a_study(tmp_path: Path, template: Path, cluster: Where) -> None:
    names = [f"ok-{n}" for n in range(5)]
    table = write_images(tmp_path / "in", names)
    study, register = tmp_path / "study", stand_in(tmp_path, template)
    first, _ = do_study(table, study, register, cluster, shard="1/2")
    second, _ = do_study(table, study, register, cluster, shard="2/2")
    assert (first.total, second.total) == (3, 2)
    whole(study, names)
    assert write_results(study)[0] == "5 of 5 pairs are done"


def test_a_pair_of_a_cohort_is_that_of_a_single_run(tmp_path: Path, cluster: Where) -> None:
    table = write_images(tmp_path / "in", ["one", "two"])
    how = settings(**SMALL)
    do_study(table, tmp_path / "study", pair_task.Standing(), cluster, settings=how)
    worker = Worker()
    for pair in pairs_of(table):
        with worker.run(how.job_of(pair, tmp_path / f"single-{pair.name}")) as run:
            single = Bundle.open(run.wait(120).output)  # type: ignore[arg-type]
        bundle = Bundle.open(tmp_path / "study" / "pairs" / pair.name / "result")
        assert bundle.map_files.keys() == single.map_files.keys()
        for kind, file in bundle.map_files.items():
            arrays = [
                sitk.GetArrayFromImage(sitk.ReadImage(str(f)))
                for f in (file, single.map_files[kind])
            ]
            assert np.array_equal(*arrays, equal_nan=True)
    worker.close()
