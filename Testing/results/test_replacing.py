"""A result replaces what a result wrote, nothing of a person's, and all of it or nothing."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.phantom import write_pair

from TTAUncertaintyLib.errors import OutputError, TTAUncertaintyError
from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.results import RESULT, new_folder, partial_folder
from TTAUncertaintyLib.results import folder as folders
from TTAUncertaintyLib.worker import Job
from TTAUncertaintyLib.worker.messages import Voice
from TTAUncertaintyLib.worker.perform import perform


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder as a run leaves it, kept registrations too."""
    folder = tmp_path / "result"
    with new_folder(folder) as partial:
        fill(partial, "old")
    return folder


def fill(folder: Path, text: str) -> None:
    for name in (
        "result.json",
        "report.html",
        "warped.nrrd",
        "transform.h5",
        "uncertainty_total.nrrd",
        "registrations/registrations.json",
        "registrations/offsets.npy",
        "registrations/warped_007.nrrd",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir())


def replace_it(folder: Path) -> None:
    with new_folder(folder, overwrite=True) as partial:
        fill(partial, "new")


def test_an_older_result_is_replaced_whole(old: Path) -> None:
    (old / "jacobian.nrrd").write_text("a map that the new one lacks")
    replace_it(old)
    assert set(contents(old).values()) == {"new"} and len(contents(old)) == 8
    assert beside(old) == ["result"]


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "review.json",
        "moving.nrrd",
        "registrations/notes.txt",
        "registrations/warped_x.nrrd",
        "figures/one.png",
        "warped.nrrd.bak",
        ".hidden",
    ],
)
def test_a_persons_file_in_an_older_result_stops_the_run_before_it_begins(
    old: Path, name: str
) -> None:
    (old / name).parent.mkdir(exist_ok=True)
    (old / name).write_text("three years of work")
    before = contents(old)
    named = name if name.startswith("registrations") else name.partition("/")[0]
    with pytest.raises(OutputError, match=named) as caught:
        replace_it(old)
    assert ("decisions" in str(caught.value)) == (name == "review.json")
    assert contents(old) == before and beside(old) == ["result"]


def test_a_link_in_an_older_result_is_a_persons(old: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "warped_001.nrrd").write_text("data of another study")
    for file in (old / "registrations").iterdir():
        file.unlink()
    (old / "registrations").rmdir()
    (old / "registrations").symlink_to(elsewhere)
    with pytest.raises(OutputError, match="registrations"):
        replace_it(old)
    assert contents(elsewhere) and (old / "result.json").read_text() == "old"


def test_what_was_put_there_while_the_run_went_on_stops_the_replacement(old: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"review\.json"),
        new_folder(old, overwrite=True) as partial,
    ):
        fill(partial, "new")
        (old / "review.json").write_text("accepted")
    assert (old / "review.json").read_text() == "accepted"
    assert (old / "result.json").read_text() == "old"
    # and the passes were not for nothing
    assert set(contents(old.with_name("result-new")).values()) == {"new"}
    assert beside(old) == ["result", "result-new"]


def test_what_is_put_there_at_the_last_moment_is_never_removed(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last look and the move."""
    check = folders.check_output
    calls = []

    def check_then_write(folder: Path, *arguments: object, **more: object) -> None:
        check(folder, *arguments, **more)  # type: ignore[arg-type]
        calls.append(folder)
        if len(calls) == 2:
            (old / "review.json").write_text("accepted")

    monkeypatch.setattr(folders, "check_output", check_then_write)
    with pytest.raises(OutputError, match=r"review\.json.*result-new"):
        replace_it(old)
    assert (old / "review.json").read_text() == "accepted"
    assert (old / "result.json").read_text() == "old"


def test_only_what_a_result_wrote_is_removed(old: Path) -> None:
    (old / "registrations" / "notes.txt").write_text("three years of work")
    (old / "figures").mkdir()
    RESULT.remove(old)
    assert contents(old) == {"registrations/notes.txt": "three years of work"}
    assert (old / "figures").is_dir()


def test_where_the_new_result_cannot_take_its_place_the_old_one_stays(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rename = contents(old), Path.rename

    def failing(path: Path, target: Path) -> Path:
        if target == old and path == partial_folder(old, os.getpid()):
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OutputError, match="as it was"):
        replace_it(old)
    assert contents(old) == before
    assert set(contents(old.with_name("result-new")).values()) == {"new"}
    assert beside(old) == ["result", "result-new"]


def test_where_an_old_file_cannot_be_removed_the_new_result_is_there(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def failing(path: Path, missing_ok: bool = False) -> None:
        if path.name == "warped.nrrd":
            raise PermissionError(1, "Operation not permitted")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", failing)
    replace_it(old)
    assert set(contents(old).values()) == {"new"}
    monkeypatch.undo()
    # the rest of the old one goes with the next run
    replace_it(old)
    assert beside(old) == ["result"]


# -- what dead processes left ----------------------------------------------------------------------


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_half_written_folders_of_dead_processes_go_with_the_next_run(tmp_path: Path) -> None:
    output = tmp_path / "result"
    left = partial_folder(output, dead_process())
    alive = partial_folder(output, os.getppid())
    other = partial_folder(tmp_path / "result2", dead_process())
    own = tmp_path / "result.12345.partial"  # a name that a person may have given
    elsewhere = left.with_name(left.name.replace(folders.HOST, "0" * len(folders.HOST)))
    for folder in (left, alive, other, own, elsewhere):
        folder.mkdir()
        (folder / "half").write_text("x")
    with new_folder(output) as partial:
        fill(partial, "new")
    assert not left.exists()
    for folder in (alive, other, own, elsewhere):
        assert (folder / "half").exists(), folder


def test_a_result_that_was_moved_aside_by_a_killed_process_comes_back(old: Path) -> None:
    """Killed between the two renames, there is no result in its place: the old one is beside it."""
    aside = folders.aside_folder(old, dead_process())
    old.rename(aside)
    with pytest.raises(OutputError, match="already holds a result"), new_folder(old):
        pass
    assert set(contents(old).values()) == {"old"} and not aside.exists()


def test_a_folder_that_is_not_ours_is_not_removed_when_it_is_in_the_way(tmp_path: Path) -> None:
    output = tmp_path / "result"
    mine = partial_folder(output, os.getpid())
    mine.write_text("a file of that name")
    with pytest.raises(OutputError), new_folder(output):
        pass
    assert mine.read_text() == "a file of that name"


# -- before the run --------------------------------------------------------------------------------


@pytest.fixture
def job(tmp_path: Path) -> Job:
    fixed, moving = write_pair(tmp_path / "images")
    return Job(
        fixed, moving, tmp_path / "result", design=DesignRequest(Preset.QUICK), prealign=None
    )


def refused_before_the_run(job: Job) -> str:
    heard = io.StringIO()
    with pytest.raises(TTAUncertaintyError) as caught:
        perform(job, Voice(heard))
    assert "registering" not in heard.getvalue()
    return str(caught.value)


def test_an_input_inside_the_output_is_refused(job: Job, old: Path) -> None:
    """Even one that a result wrote: it would be gone."""
    warped = old / "warped.nrrd"
    job.moving.rename(warped)
    before = warped.read_bytes()
    for inside in (warped, old / ".." / old.name / "warped.nrrd"):
        said = refused_before_the_run(replace(job, moving=inside, overwrite=True))
        assert "warped.nrrd" in said and "lies inside" in said
    assert warped.read_bytes() == before


def test_a_checkpoint_inside_the_output_is_refused(job: Job) -> None:
    said = refused_before_the_run(replace(job, checkpoint=job.output / "state"))
    assert "checkpoint" in said and "lies inside" in said
    assert not job.output.exists()


def test_a_link_as_output_is_refused(job: Job, tmp_path: Path) -> None:
    target = tmp_path / "big-disk"
    target.mkdir()
    job.output.symlink_to(target)
    said = refused_before_the_run(job)
    assert "is a link" in said and str(target) in said
    assert job.output.is_symlink() and not list(target.iterdir())
    target.rmdir()  # a link to nowhere is one too
    assert "is a link" in refused_before_the_run(job)


@pytest.mark.parametrize("output", ["/", "..", "x" * 250, "y" * 300])
def test_an_output_that_cannot_have_a_name_beside_it_is_refused(
    job: Job, output: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "mistake" not in refused_before_the_run(replace(job, output=Path(output)))


def test_too_little_room_is_told_before_the_run(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(job.fixed)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    heard = io.StringIO()
    with pytest.raises(OutputError, match="too full"):
        perform(job, Voice(heard))
    assert "progress" not in heard.getvalue()
    assert sorted(path.name for path in job.output.parent.iterdir()) == ["images"]
