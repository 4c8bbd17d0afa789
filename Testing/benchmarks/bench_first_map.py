"""From the button to the first provisional map: in a new process, and in one that has stayed.

    .venv/bin/python Testing/benchmarks/bench_first_map.py

Quick on the sample pair, with previews, as the Slicer module and the browser viewer run it; the
second run is asked for while the report of the first is still to be written. Beside
the seconds on the clock stand the processor's seconds that the run took itself (user + system, from
/proc, so on Linux): on a machine that others use, those are what can be compared. The two ways take
turns, and medians are shown; the table is Markdown, for the documents.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.sample_data import sample_pair
from TTAUncertaintyLib.worker import Job, Phase, Run, RunState, Worker

#: Seconds between two looks.
_LOOK_S = 0.005

MOMENTS = {
    "torch loaded, reading begins": lambda s: s.phase is not Phase.STARTING,
    "images read": lambda s: s.phase not in (Phase.STARTING, Phase.READING),
    "aligned": lambda s: s.phase not in (Phase.STARTING, Phase.READING, Phase.ALIGNING),
    "the answer": lambda s: s.done >= 1,
    "**first provisional map**": lambda s: s.preview is not None and s.preview.total is not None,
    "last pass": lambda s: s.done > 0 and s.done == s.total,
    "**result there**": lambda s: s.ended,
}


@dataclass(frozen=True)
class Times:
    """Seconds since the button, on the clock and of the processor."""

    wall: float
    processor: float


def processor_seconds(pid: int) -> float:
    """Return the user and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watched(run: Run, pid: int, began: float, before: float) -> dict[str, Times]:
    """Note when a run comes to each of the moments."""
    found: dict[str, Times] = {}
    used = 0.0
    while True:
        state: RunState = run.poll()
        with contextlib.suppress(OSError):  # it is gone: the last look saw what it had used
            used = processor_seconds(pid) - before
        for name, reached in MOMENTS.items():
            if name not in found and reached(state):
                found[name] = Times(time.perf_counter() - began, used)
        if state.ended:
            break
        time.sleep(_LOOK_S)
    if state.phase is not Phase.FINISHED:
        raise SystemExit(f"The run failed: {state.problem} {state.remedy}\n{state.log}")
    return found


def resident_mb(pid: int) -> float:
    """Return the memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 2**10


def measure(worker: Worker, output: Path, threads: int | None) -> tuple[dict[str, Times], int]:
    """Run Quick once; return when it came to what, and its process."""
    pair = sample_pair("reference")
    job = Job(
        pair.fixed.path,
        pair.moving.path,
        output,
        design=DesignRequest(Preset.QUICK),
        previews=output.with_name("previews"),
        threads=threads,
        overwrite=True,
    )
    began = time.perf_counter()
    with worker.run(job) as run:
        assert run.pid is not None
        return watched(run, run.pid, began, processor_seconds(run.pid)), run.pid


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="of torch; its own choice otherwise")
    options = parser.parse_args()
    new: list[dict[str, Times]] = []
    stayed: list[dict[str, Times]] = []
    waiting_mb: list[float] = []
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            worker = Worker()
            new.append(measure(worker, Path(folder, "one"), options.threads)[0])
            times, pid = measure(worker, Path(folder, "two"), options.threads)
            stayed.append(times)
            waiting_mb.append(resident_mb(pid))
            worker.close()
    print(f"{os.cpu_count()} CPUs; load when it began {load:.1f}; {options.rounds} rounds\n")
    print("| seconds after the button | new, clock | new, CPU | stayed, clock | stayed, CPU |")
    print("|---|---|---|---|---|")
    for name in MOMENTS:
        row = [
            statistics.median(getattr(each[name], kind) for each in runs)
            for runs in (new, stayed)
            for kind in ("wall", "processor")
        ]
        print(f"| {name} | " + " | ".join(f"{seconds:.2f}" for seconds in row) + " |")
    map_ = "**first provisional map**"
    for kind, words in (("wall", "on the clock"), ("processor", "of the processor")):
        ratios = [
            getattr(a[map_], kind) / getattr(b[map_], kind)
            for a, b in zip(stayed, new, strict=True)
        ]
        print(f"\nFirst map, stayed / new, {words}: {statistics.median(ratios):.2f}", end="")
    print(f"\nMemory of the process while it waits: {statistics.median(waiting_mb):.0f} MB")


if __name__ == "__main__":
    main()
