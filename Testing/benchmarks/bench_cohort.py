"""What a cohort costs beside its registrations, and how it grows.

    bench_cohort.py cost  --pairs 8      N equal pairs: in a cohort, and by one warm process
    bench_cohort.py scale --pairs 50000  a stand-in of milliseconds for the registration
    bench_cohort.py kills --pairs 200    small pairs, registered while parts of it are killed

`cost` registers pairs of small images with the bundled network on one thread, once through
`run_study` with one worker and once by one background process that stays. `scale` gives every pair
the same prepared bundle, so that what is measured is the cohort: memory of client and scheduler
(one process) along the way, pairs a second, the time for tables and page, and how long Chromium
takes to open, sort and filter the page. `kills` kills a registering process, a worker of Dask and
the client, goes on, and holds every pair against a single run in one warm process: equal to the
last bit, or it ends with an error; with `--stand-in` registering is one that gives every pair a
result of its own."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.cohort_client import Client
from support.cohort_pairs import (
    SMALL,
    Given,
    pairs_of,
    settings,
    stand_in,
    write_images,
    write_template,
)

from TTAUncertaintyLib.cohort.clusters import Where
from TTAUncertaintyLib.cohort.pair_task import Standing
from TTAUncertaintyLib.cohort.pairs import write_pairs
from TTAUncertaintyLib.cohort.running import Asked, run_study
from TTAUncertaintyLib.cohort.tables import write_results
from TTAUncertaintyLib.results import Bundle


def cost(folder: Path, count: int) -> dict[str, float]:
    """Return seconds for the pairs after the first one: the first loads the network in both."""
    table = write_images(folder / "in", [f"p{n:03d}" for n in range(count)])
    pairs, how = pairs_of(table), settings()
    register = Standing()
    ends = []
    for pair in pairs:
        state = register(how.job_of(pair, folder / "single" / pair.name, threads=1), None, False)
        assert state.output is not None, state.problem
        ends.append(time.monotonic())
    single = ends[-1] - ends[0]
    done: list[float] = []

    def watch() -> None:
        while len(done) < count:
            found = len(list((folder / "study" / "pairs").glob("*/row.json")))
            done.extend([time.monotonic()] * (found - len(done)))
            time.sleep(0.01)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    began = time.monotonic()
    run_study(folder / "study", Asked(pairs, how, Where(1, 1)), lambda line: None)
    watching.join(5)
    cohort = done[-1] - done[0]
    return {
        "pairs": count,
        "single_s": round(single, 2),
        "cohort_s": round(cohort, 2),
        "more": round(cohort / single - 1, 4),
        "first_pair_done_after_s": round(done[0] - began, 2),
    }


def scale(folder: Path, count: int, workers: int) -> dict[str, object]:
    """Return how time and memory grow."""
    template = write_template(folder / "template")
    one = write_images(folder / "in", ["p"])
    row = {"fixed": "fixed.nrrd", "moving": "p.nrrd"}
    write_pairs(one, [{"pair": f"p{n:06d}", **row, "group": f"G{n % 5}"} for n in range(count)])
    memory: list[tuple[int, float]] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(2.0):
            done = sum(1 for _ in (folder / "study" / "pairs").iterdir())
            memory.append((done, _megabytes()))

    began = time.monotonic()
    pairs = pairs_of(one)
    read_s = time.monotonic() - began
    (folder / "study" / "pairs").mkdir(parents=True)
    (folder / "study" / "study.json").write_text('{"schema_version": 1, "settings": {}}')
    threading.Thread(target=watch, daemon=True).start()
    began = time.monotonic()
    asked = Asked(pairs, settings(), Where(workers, 1), register=Given(template))
    tally = run_study(folder / "study", asked, print)
    run_s = time.monotonic() - began
    ended.set()
    began = time.monotonic()
    write_results(folder / "study")
    tables_s = time.monotonic() - began
    began = time.monotonic()
    again = run_study(folder / "study", asked, print)
    assert (tally.done, again.total) == (count, 0)
    return {
        "pairs": count,
        "read_table_s": round(read_s, 2),
        "pairs_a_second": round(count / run_s, 1),
        "tables_and_page_s": round(tables_s, 1),
        "again_with_nothing_to_do_s": round(time.monotonic() - began, 1),
        "page_mb": round((folder / "study" / "index.html").stat().st_size / 1e6, 1),
        "page_in_chromium": seconds_in_chromium(folder / "study" / "index.html", count),
        "memory_mb_by_pairs": memory[:: max(1, len(memory) // 12)],
    }


def seconds_in_chromium(page: Path, rows: int) -> dict[str, float]:
    """Return how long the page takes to open, to sort, and to filter by search and by group."""
    from support.chromium import chromium

    found = {}
    with chromium(["--no-sandbox"]) as browser:
        shown = browser.new_page(viewport={"width": 1300, "height": 900})

        def timed(name: str, do: Callable[[], object], until: str) -> None:
            began = time.monotonic()
            do()
            shown.wait_for_function(until, timeout=120_000)
            found[name] = round(time.monotonic() - began, 2)

        info = "document.querySelector('.dt-info').innerText.replace(/[^0-9a-z ]/g, '')"
        first = "document.querySelector('#pairs tbody td.pair').innerText"
        shows = f"{info}.startsWith"
        timed("open_s", lambda: shown.goto(page.as_uri()), "document.documentElement.dataset.ready")
        header = shown.get_by_role("columnheader", name="Pair").first
        timed("sort_s", header.click, f"{first}.startsWith('p000000')")
        timed(
            "search_s", lambda: shown.fill("input[type=search]", "p00012"), f"{shows}('10 pairs')"
        )
        shown.fill("input[type=search]", "")
        group = lambda: shown.select_option("#group", "=G1")  # noqa: E731
        timed("filter_s", group, f"{shows}('{rows // 5} pairs')")
    return found


def kills(folder: Path, count: int, stands_in: bool) -> dict[str, object]:
    """Return how a study went that was disturbed, and whether it is what single runs give."""
    names = [f"p{n:03d}" for n in range(count)]
    write_images(folder / "in", names)
    template = write_template(folder / "template") if stands_in else None
    client = Client(folder, template)
    began = time.monotonic()
    try:
        before = client.run_with_kills(0.5 if stands_in else 0.0)
    finally:
        client.end()
    took = time.monotonic() - began
    compare(folder, names, template)
    return {
        "pairs": count,
        "done_when_the_client_was_killed": before,
        "study_s": round(took, 1),
        "equal_to_single_runs": count,
        "stand_in": stands_in,
    }


def compare(folder: Path, names: list[str], template: Path | None) -> None:
    """See that every pair of a study is there once, whole, and what a single run gives."""
    study, table = folder / "study", folder / "in" / "pairs.tsv"
    assert sorted(path.name for path in (study / "pairs").iterdir()) == names
    assert not list((study / "failed").iterdir())
    register: Standing = Standing()
    if template is not None:
        register = stand_in(folder / "single stub", template)
    how = settings(**SMALL)
    for pair in pairs_of(table):
        output = folder / "single"
        state = register(how.job_of(pair, output), None, False)
        assert state.output is not None, state.problem
        single, of_study = Bundle.open(output), Bundle.open(study / "pairs" / pair.name / "result")
        assert single.map_files.keys() == of_study.map_files.keys()
        assert single.record["summary"] == of_study.record["summary"]
        for kind, file in single.map_files.items():
            assert np.array_equal(_values(file), _values(of_study.map_files[kind]), equal_nan=True)
        shutil.rmtree(output)


def _values(file: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(file)))


def _megabytes() -> float:
    fields = Path("/proc/self/statm").read_text().split()
    return round(int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["cost", "scale", "kills"])
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--stand-in", action="store_true", help="kills: of milliseconds")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-cohort-"))
    try:
        if options.what == "cost":
            found: dict[str, object] = {**cost(folder, options.pairs)}
        elif options.what == "kills":
            found = kills(folder, options.pairs, options.stand_in)
        else:
            found = scale(folder, options.pairs, options.workers)
        print(json.dumps(found))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
