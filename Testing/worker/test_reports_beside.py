"""The next job does not wait for the report of the one before, and loses it for nobody."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from TTAUncertaintyLib.worker import Job, main
from TTAUncertaintyLib.worker.reports import Reports


class Done:
    """A job that is done; its report comes when it is let."""

    complete = True

    def __init__(self, folder: Path, beside: bool = True) -> None:
        self.folder = folder
        self.job = Job(Path("f"), Path("m"), folder)
        self.let = threading.Event()
        self.beside = beside
        self.cleared_up = False

    def write_report(self) -> bool:
        try:
            while not self.let.wait(0.01):
                pass
        finally:
            self.cleared_up = True
        return True

    def stands_beside(self) -> Callable[[Job], bool]:
        return lambda job: self.beside and job.output != self.folder


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def control() -> Any:
    """As `Control`, of nobody: neither signals nor lines come."""

    @contextlib.contextmanager
    def at_work() -> Iterator[None]:
        if control.cancelled:
            raise KeyboardInterrupt
        yield

    control = SimpleNamespace(at_work=at_work, stop_requested=False, cancelled=False, leaving=False)
    return control


@pytest.fixture
def reports(stream: io.StringIO, control: Any) -> Iterator[Reports]:
    reports = Reports(stream, lambda: control.leaving)
    yield reports
    control.leaving = True
    reports.wait()


def said(stream: io.StringIO) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [message for message in found if message["type"] != "heartbeat"]


def over(folder: Path, made: bool = True) -> dict[str, Any]:
    return {"type": "report", "output": str(folder), "made": made}


@pytest.fixture
def place(
    stream: io.StringIO, control: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Where jobs are done at once, and their reports when they are let."""
    network = SimpleNamespace(drop=int, rest=int, load=None, ran_own_code=False)

    def carry_out(job: Job, *_: object) -> Any:
        return place.all[job.output.name]

    works = carry_out, contextlib.nullcontext, lambda: network
    monkeypatch.setattr(main, "_load_what_works", lambda: works)
    place: Any = main._Workplace(stream, control)
    place.all = {name: Done(tmp_path / name) for name in ("one", "two")}
    yield place
    control.leaving = True
    place.finish()


def do(place: Any, name: str) -> int:
    status: int = place.do(place.all[name].job.to_json)
    place.begin_report()
    return status


def test_a_job_is_done_while_the_report_of_the_one_before_is_written(
    place: Any, stream: io.StringIO
) -> None:
    one, two = place.all.values()
    assert do(place, "one") == 0
    assert place.do(two.job.to_json) == 0
    assert [m["type"] for m in said(stream)] == ["started", "finished"] * 2
    assert not one.cleared_up and place.fit  # the thread that writes it is none of the job's
    one.let.set()
    place.begin_report()
    assert said(stream)[4:] == [over(one.folder)]  # the second began when the first was over
    two.let.set()
    place.finish()
    assert said(stream)[5:] == [over(two.folder)]


def test_a_cancelled_job_takes_no_report_of_another_with_it(
    place: Any, control: Any, stream: io.StringIO
) -> None:
    one = place.all["one"]
    do(place, "one")
    control.cancelled = True
    assert do(place, "two") == 130
    threading.Timer(0.2, one.let.set).start()
    place.finish()  # as before a process leaves
    assert said(stream)[-2:] == [{"type": "cancelled"}, over(one.folder)]


@pytest.mark.parametrize("how", ["leaving", "cancelled"])
def test_a_process_that_is_to_end_gives_its_report_up_and_says_so(
    place: Any, control: Any, stream: io.StringIO, how: str
) -> None:
    do(place, "one")
    setattr(control, how, True)
    began = time.monotonic()
    place.finish()
    assert time.monotonic() - began < 5
    assert place.all["one"].cleared_up
    assert said(stream)[-1] == over(place.all["one"].folder, made=False)


@pytest.mark.parametrize(("beside", "output"), [(False, "two"), (True, "one")])
def test_a_job_waits_that_cannot_go_on_beside_a_report(
    reports: Reports, stream: io.StringIO, tmp_path: Path, beside: bool, output: str
) -> None:
    """Since memory is short, or since both write to the same place."""
    done = Done(tmp_path / "one", beside)
    reports.begin(done)  # type: ignore[arg-type]
    threading.Timer(0.2, done.let.set).start()
    reports.make_way_for(Job(Path("f"), Path("m"), tmp_path / output))
    assert said(stream) == [over(done.folder)]
