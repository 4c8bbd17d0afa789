"""Registering many pairs from Python: a table in, a study out."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..extras import Extra, need
from ..results.keep import Keep
from .wording import said_in_python

if TYPE_CHECKING:
    from ..cohort.clusters import Where
    from ..cohort.pairs import Pair
    from ..cohort.settings import Settings

File = str | PathLike[str]

#: Problems that are printed, at most; the rest is counted.
_MOST_PROBLEMS = 100


@dataclass(frozen=True)
class Cohort:
    """A study that was worked on.

    Parameters
    ----------
    folder
        Where it lies; `index.html` is its page, `results.parquet` its table.
    done, failed
        Pairs that this call has done, and that failed in it.
    """

    folder: Path
    done: int
    failed: int


def cohort(
    table: File,
    output: File,
    *,
    redo_changed: bool = False,
    pair_limit: float | None = None,
    above: float | None = None,
    bids: bool = False,
    shard: str = "",
    workers: int | None = None,
    cores: int | None = None,
    batch: str | None = None,
    scheduler: str | None = None,
    partition: str | None = None,
    gpus: int = 0,
    memory: str = "8GB",
    walltime: str | None = None,
    directive: Sequence[str] = (),
    tls_ca: File | None = None,
    tls_cert: File | None = None,
    tls_key: File | None = None,
    quiet: bool = False,
    **choices: Any,
) -> Cohort:
    """Register what is missing of a table of pairs, on this computer or on a cluster.

    The choices are those of ``ttauncertainty cohort run``. The same call again does what is
    missing; what lies in the study's folder is the truth. A script that calls this has to guard it
    with ``if __name__ == "__main__":``, since workers import the script.

    Parameters
    ----------
    table
        TSV, CSV or Parquet, a row a pair; see docs/COHORTS.md.
    output
        Folder of the study.
    redo_changed
        Make pairs again whose inputs or settings have changed.
    pair_limit
        Seconds that an attempt at a pair may take.
    above
        Your own tolerance, mm: the tables say what share of each region lies above it.
    bids
        Also make a BIDS derivatives folder.
    shard
        Do only this part of the table: "3/40".
    workers, cores
        How many workers, and cores of each; None takes what this computer has.
    batch
        Ask a batch system for workers: "slurm", "pbs", "sge" or "lsf".
    scheduler, tls_ca, tls_cert, tls_key
        One of Dask that is there, as in `register`.
    partition, gpus, memory, walltime, directive
        Of each worker's job on a batch system.
    quiet
        Print nothing.
    choices
        Those of `register` that are not about one pair: how all of them are registered.

    Raises
    ------
    TTAUncertaintyError
        What is wrong, and what to do about it; what is wrong with rows of the table is printed.
    KeyboardInterrupt
        On Ctrl-C; nothing is lost.
    """
    given = dict(locals())
    asked = given.pop("choices")
    from ..cohort.settings import of_all
    from .registering import register

    known = of_all(inspect.signature(register).parameters)
    for name in asked:
        if name not in known:
            raise TypeError(f"cohort() has no choice '{name}'.")
    with said_in_python():
        return run_cohort(given | {"table": Path(table), "output": Path(output)} | asked)


def run_cohort(choices: Mapping[str, Any]) -> Cohort:
    """Do what `cohort` does with choices by name; those that are not there have its defaults."""
    need(Extra.COHORT, "A cohort")
    from ..cohort.running import Asked, run_study
    from ..cohort.tables import write_results

    defaults = {name: each.default for name, each in inspect.signature(cohort).parameters.items()}
    given = defaults | dict(choices)
    if given["bids"] and given.get("keep") in (Keep.SUMMARY, Keep.SUMMARY.value):
        raise InputError("--bids needs the transforms, and --keep summary keeps none.")

    def say(line: str) -> None:
        if not given["quiet"]:
            print(line, flush=True)

    pairs, settings = read_cohort(given["table"], choices)
    asked = Asked(
        pairs,
        settings,
        _where(given),
        given["pair_limit"],
        given["above"],
        given["redo_changed"],
        given["shard"],
    )
    tally = run_study(given["output"], asked, say)
    if not given["shard"]:
        for line in write_results(given["output"], given["bids"]):
            say(line)
    return Cohort(given["output"].absolute(), tally.done, tally.failed)


def read_cohort(table: Path, choices: Mapping[str, Any]) -> tuple[list[Pair], Settings]:
    """Read a table and look it through; all problems are printed before anything runs.

    Raises
    ------
    InputError
        If there are some.
    """
    need(Extra.COHORT, "A cohort")
    from ..cohort.checking import check_pairs
    from ..cohort.pairs import read_pairs
    from ..cohort.settings import Settings

    pairs, problems = read_pairs(table)
    settings = Settings.of(choices)
    problems += check_pairs(pairs, settings)
    if problems:
        problems.sort(key=lambda problem: problem.row)
        for problem in problems[:_MOST_PROBLEMS]:
            print(problem, file=sys.stderr)
        if len(problems) > _MOST_PROBLEMS:
            print(f"and {len(problems) - _MOST_PROBLEMS} more", file=sys.stderr)
        count = len({problem.row for problem in problems})
        raise InputError(
            f"{table}: {count} of {len(pairs) + count} rows cannot be used as they are."
            if count > 1
            else f"{table}: a row cannot be used as it is.",
            "Nothing was run.",
        )
    if not choices.get("quiet"):
        print(f"{table}: {len(pairs)} pairs, nothing wrong with their headers.")
    return pairs, settings


def _where(given: Mapping[str, Any]) -> Where:
    from ..cohort.clusters import BatchSystem, Where
    from ..worker.remote import tls_of

    files = [None if given[name] is None else Path(given[name]) for name in _TLS]
    try:
        batch = None if given["batch"] is None else BatchSystem(given["batch"])
    except ValueError:
        known = ", ".join(each.value for each in BatchSystem)
        raise InputError(f"There is no '{given['batch']}' here.", f"Choose {known}.") from None
    return Where(
        given["workers"],
        given["cores"],
        given["scheduler"],
        tls_of(*files),
        batch,
        given["partition"],
        given["gpus"],
        given["memory"],
        given["walltime"],
        tuple(given["directive"]),
    )


_TLS = ("tls_ca", "tls_cert", "tls_key")
