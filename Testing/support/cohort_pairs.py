"""Pairs for the tests of cohorts, and a stand-in for the process that registers them.

The process stays and is started, heard and killed as the real one. What it does is in the name of
the moving image; its result is that of a real run, with these images' names and hashes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dask
import numpy as np
import SimpleITK as sitk

from TTAUncertaintyLib.cohort import clusters
from TTAUncertaintyLib.cohort.clusters import Where
from TTAUncertaintyLib.cohort.pair_task import Standing
from TTAUncertaintyLib.cohort.pairs import Pair, read_pairs, write_pairs
from TTAUncertaintyLib.cohort.running import Asked, Tally, run_study
from TTAUncertaintyLib.cohort.settings import Settings
from TTAUncertaintyLib.geometry import sha256
from TTAUncertaintyLib.perturbations import DesignRequest, Preset, Sampling
from TTAUncertaintyLib.worker import Job, Phase, Run, RunState

from .phantom import FIXED, MOVING, phantom, write
from .stub_worker import stub_interpreter

#: Does what the name of the moving image begins with; otherwise gives the prepared result.
_LINES = """
import hashlib, shutil
TEMPLATE, PACE_S = {template!r}, {pace_s!r}
def idle():
    for stream in (sys.stderr, sys.stdout):
        stream.write(json.dumps({{"type": "idle"}}) + "\\n")
        stream.flush()
def give(job):
    output = Path(job["output"])
    output.mkdir(parents=True)
    for file in Path(TEMPLATE).iterdir():
        os.link(file, output / file.name)
    record = json.loads((output / "result.json").read_text())
    for role in ("fixed", "moving"):
        data = Path(job[role]).read_bytes()
        found = hashlib.sha256(data).hexdigest()
        record["inputs"][role] |= {{"path": job[role], "sha256": found}}
    drawn = int.from_bytes(hashlib.sha256(data).digest()[:2], "big")
    record["summary"]["maps"]["total"]["p95"] = drawn % 1000 / 500
    (output / "result.json").unlink()
    (output / "result.json").write_text(json.dumps(record))
    say("finished", output=job["output"], complete=True)
    say("report", output=job["output"], made=True)
def lacks(folder):
    # the first worker that asks is the one that lacks the weights
    if not (folder / "one-has-no-weights").exists():
        return False
    try:
        with open(folder / "who-has-none", "x") as stream:
            stream.write(str(os.getppid()))
    except FileExistsError:
        pass
    return (folder / "who-has-none").read_text() == str(os.getppid())
while True:
    moving = Path(job["moving"])
    what, beside = moving.name.partition("-")[0], moving.parent
    sys.stderr.write(f"at work on {{moving.name}}\\n")
    sys.stderr.flush()
    time.sleep(PACE_S)
    once = beside / f"{{moving.name}}.was-there"
    if what == "crash" or what == "crashonce" and not once.exists():
        once.touch()
        time.sleep(0.5)
        os.kill(os.getpid(), 11)
    if what == "hang":
        say("phase", phase="reading")
        while True:
            time.sleep(0.5)
            say("heartbeat")
    if what == "full" and not (beside / "room").exists():
        say("failed", problem="The disk is too full: the result may need 9 MB.",
            remedy="Free some space.", exit_code=4)
    elif what == "refused":
        say("failed", problem="The images are refused.", remedy="Give others.", exit_code=2)
    elif (beside / "no-weights").exists() or lacks(beside):
        say("failed", problem="The weights are not installed.", remedy="Install them.", exit_code=3)
    else:
        give(job)
    if "--stay" not in sys.argv:
        break
    idle()
    while not (line := sys.stdin.readline()).startswith("job "):
        if not line:
            sys.exit()
    job = json.loads(line.removeprefix("job "))
    say("started", pid=os.getpid(), version="stub")
"""


def write_images(folder: Path, names: Sequence[str]) -> Path:
    """Write a fixed image and a moving one of each name, and their table; return the table."""
    folder.mkdir(parents=True, exist_ok=True)
    fixed = write(folder / "fixed.nrrd", phantom(FIXED)[::2, ::2, ::2], _coarse(FIXED))
    rows = []
    for number, name in enumerate(names):
        shift = (3.0 * np.cos(number), -2.0 + number / 50, 2.0)
        values = phantom(MOVING, shift)[::2, ::2, ::2]
        moving = write(folder / f"{name}.nrrd", values, _coarse(MOVING), sitk.sitkInt16)
        rows.append(
            {"pair": name, "fixed": fixed.name, "moving": moving.name, "site": f"S{number % 3}"}
        )
    write_pairs(folder / "pairs.tsv", rows)
    return folder / "pairs.tsv"


def write_template(folder: Path) -> Path:
    """Register one such pair for real; return its bundle."""
    table = write_images(folder / "in", ["one"])
    job = Job(
        table.with_name("fixed.nrrd"),
        table.with_name("one.nrrd"),
        folder / "bundle",
        design=DesignRequest(Preset.QUICK, sampling=Sampling.RANDOM, outer=3),
        threads=1,
        use_calibration=False,
    )
    with Run(job) as run:
        state = run.wait(240)
        run.wait_for_report()
    assert state.output is not None, state.problem + state.log
    return state.output


def stand_in(folder: Path, template: Path, pace_s: float = 0.0) -> Standing:
    """Return what registers pairs in no time."""
    return Standing(stub_interpreter(folder, _LINES.format(template=str(template), pace_s=pace_s)))


class Given:
    """Registers nothing: every pair is given one prepared result, in some milliseconds."""

    def __init__(self, template: Path) -> None:
        self._template = template

    def __call__(self, job: Job, limit_s: float | None, fresh: bool) -> RunState:
        record = json.loads((self._template / "result.json").read_text())
        for role, path in (("fixed", job.fixed), ("moving", job.moving)):
            record["inputs"][role] |= {"path": str(path), "sha256": sha256(path)}
        job.output.mkdir(parents=True)
        for file in self._template.iterdir():
            if file.name != "result.json":
                os.link(file, job.output / file.name)
        (job.output / "result.json").write_text(json.dumps(record))
        return RunState(Phase.FINISHED, output=job.output, exit_code=0, complete=True)


def settings(**choices: object) -> Settings:
    """Return settings of quick runs."""
    return Settings.of({"preset": "quick", "threads": 1, "use_calibration": False, **choices})


def pairs_of(table: Path) -> list[Pair]:
    """Return the pairs of a table without faults."""
    pairs, problems = read_pairs(table)
    assert not problems, problems
    return pairs


@contextmanager
def cluster_of(folder: Path, count: int) -> Iterator[Where]:
    """Run a scheduler with workers, which keep what is temporary in `folder / "scratch"`."""
    with (
        dask.config.set({"temporary-directory": str(folder / "scratch")}),
        clusters.workers(Where(count, 1), folder / "logs") as at_hand,
    ):
        security = at_hand.client.security
        files = []
        for name in ("tls_ca_file", "tls_client_cert", "tls_client_key"):
            files.append(folder / f"{name}.pem")
            files[-1].write_text(getattr(security, name))
        yield Where(scheduler=at_hand.client.scheduler.address, tls=tuple(files))


def do_study(
    table: Path,
    study: Path,
    register: Standing,
    where: Where,
    said: list[str] | None = None,
    **asked: object,
) -> tuple[Tally, list[str]]:
    """Run a study; return how far it came, and what it said, perhaps to a list given."""
    said = [] if said is None else said
    settings_ = asked.pop("settings", None) or settings()
    tally = run_study(
        study,
        Asked(pairs_of(table), settings_, where, register=register, **asked),  # type: ignore[arg-type]
        said.append,
    )
    return tally, said


def until(what: Callable[[], object], seconds: float = 240) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def _coarse(lattice):  # type: ignore[no-untyped-def]
    from TTAUncertaintyLib.geometry import Lattice

    matrix = lattice.matrix.copy()
    matrix[:3, :3] *= 2
    size = tuple((n + 1) // 2 for n in lattice.size)
    return Lattice(size, matrix)


#: How pairs are registered where that is done for real: three perturbations suffice.
SMALL = {"sampling": "random", "outer": 3}


def main(arguments: list[str]) -> int:
    """Be a client, to be killed: TABLE STUDY STUB-FOLDER TEMPLATE WORKERS PACE.

    Without a template it registers for real.
    """
    table, study, folder, template, workers, pace = arguments
    register = stand_in(Path(folder), Path(template), float(pace)) if template else Standing()
    how = settings() if template else settings(**SMALL)
    asked = Asked(pairs_of(Path(table)), how, Where(int(workers), 1), register=register)
    tally = run_study(Path(study), asked, lambda line: print(line, flush=True))
    return tally.left


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
