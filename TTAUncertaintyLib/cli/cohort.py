"""`ttauncertainty cohort`: a table of pairs, on this computer or a cluster, to a reviewed study."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..api.cohorts import read_cohort, run_cohort
from ..errors import InputError
from ..extras import Extra, need
from .run import add_scheduler, add_settings

_EXAMPLES = """examples:
  ttauncertainty cohort table --images people/*.nii.gz --onto mni152.nii.gz -o pairs.tsv
  ttauncertainty cohort table --bids dataset --sessions -o pairs.tsv
  ttauncertainty cohort check pairs.tsv
  ttauncertainty cohort run pairs.tsv -o study
  ttauncertainty cohort run pairs.tsv -o study --slurm --partition gpu --gpus 1 --workers 40
  ttauncertainty cohort run pairs.tsv -o study --shard 3/40
  ttauncertainty cohort status study

The same 'run' again does what is missing; what lies in the study's folder is the truth.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "cohort",
        help="many pairs: a table, checked, registered anywhere, reviewed worst first",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_table(actions)
    _add_check(actions)
    _add_run(actions)
    _add_status(actions)
    agreement = actions.add_parser("agreement", help="how far the reviewers of a study agree")
    agreement.set_defaults(do=_agreement)
    agreement.add_argument("study", type=Path)


def _add_table(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("table", help="make a table of pairs")
    parser.set_defaults(do=_table)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", type=Path, nargs="+", metavar="FILE", help="moving images")
    source.add_argument("--bids", type=Path, metavar="DATASET", help="a BIDS dataset")
    parser.add_argument("--onto", type=Path, metavar="FILE", help="the fixed image of all")
    parser.add_argument(
        "--all-pairs", action="store_true", help="each image to each other one, both ways"
    )
    parser.add_argument(
        "--sessions", action="store_true", help="of a BIDS dataset, each later session to the first"
    )
    parser.add_argument("--suffix", default="T1w", help="of a BIDS dataset's images (default: T1w)")
    parser.add_argument(
        "--labels",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="a label map of each image, in the same order",
    )
    parser.add_argument("--onto-labels", type=Path, metavar="FILE", help="those of the fixed image")
    parser.add_argument("-o", "--output", type=Path, required=True, help=".tsv, .csv or .parquet")
    parser.add_argument("--overwrite", action="store_true", help="replace an older table")


def _add_check(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("check", help="list everything that is wrong with a table")
    parser.set_defaults(do=_check)
    parser.add_argument("table", type=Path)
    parser.add_argument(
        "--no-first-pair",
        dest="first_pair",
        action="store_false",
        help="do not register the first pair to say how long all of them will take",
    )
    add_settings(parser)


def _add_run(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser(
        "run", help="register what is missing of a study", epilog="Ctrl-C ends; nothing is lost."
    )
    parser.set_defaults(do=_run)
    parser.add_argument("table", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the study")
    add_settings(parser)
    study = parser.add_argument_group("study")
    study.add_argument(
        "--redo-changed",
        action="store_true",
        help="make pairs again whose inputs or settings have changed",
    )
    study.add_argument(
        "--pair-limit",
        type=float,
        metavar="SECONDS",
        help="end a pair that takes longer: it costs that pair alone",
    )
    study.add_argument(
        "--above",
        type=float,
        metavar="MM",
        help="your own tolerance: the tables say what share of each region lies above it",
    )
    study.add_argument(
        "--bids", action="store_true", help="also make a BIDS derivatives folder in the study"
    )
    study.add_argument(
        "--shard", default="", metavar="N/OF", help="do this part of the table, without a scheduler"
    )
    workers = parser.add_argument_group("workers (default: those of this computer)")
    workers.add_argument("--workers", type=int, metavar="N")
    workers.add_argument("--cores", type=int, metavar="N", help="of each worker")
    batch = workers.add_mutually_exclusive_group()
    for name in ("slurm", "pbs", "sge", "lsf"):
        batch.add_argument(
            f"--{name}", dest="batch", action="store_const", const=name, help="ask this for workers"
        )
    add_scheduler(workers, batch)
    workers.add_argument("--partition", metavar="NAME", help="partition or queue")
    workers.add_argument("--gpus", type=int, default=0, metavar="N", help="of each worker's job")
    workers.add_argument("--memory", default="8GB", help="of each worker's job (default: 8GB)")
    workers.add_argument("--walltime", metavar="TIME", help="of each worker's job")
    workers.add_argument(
        "--directive",
        action="append",
        default=[],
        metavar="TEXT",
        help="a further directive for the batch system: --directive=--account=name",
    )


def _add_status(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("status", help="how far a study is; renews its tables and page")
    parser.set_defaults(do=_status)
    parser.add_argument("study", type=Path)


def _table(options: argparse.Namespace) -> int:
    need(Extra.COHORT, "A cohort")
    from ..cohort.making import all_pairs, from_bids, onto
    from ..cohort.pairs import write_pairs

    target: Path = options.output
    if target.exists() and not options.overwrite:
        raise InputError(f"{target} is there already.", "Replace it with --overwrite.")
    folder = target.absolute().parent
    if options.bids is not None:
        if (options.onto is None) == (not options.sessions):
            raise InputError("Onto what is not said.", "Give --onto TEMPLATE, or --sessions.")
        rows = from_bids(options.bids, folder, options.onto, options.suffix)
    elif options.all_pairs:
        rows = all_pairs(options.images, folder)
    elif options.onto is not None:
        rows = onto(options.images, options.onto, folder, options.labels, options.onto_labels)
    else:
        raise InputError("Onto what is not said.", "Give --onto TEMPLATE, or --all-pairs.")
    folder.mkdir(parents=True, exist_ok=True)
    write_pairs(target, rows)
    print(f"{len(rows)} pairs: {target}")
    return 0


def _check(options: argparse.Namespace) -> int:
    pairs, settings = read_cohort(options.table, vars(options))
    if not options.first_pair:
        return 0
    from ..cohort.estimating import estimate

    print("\n".join(estimate(pairs, settings)))
    return 0


def _run(options: argparse.Namespace) -> int:
    return 1 if run_cohort(vars(options)).failed else 0


def _status(options: argparse.Namespace) -> int:
    need(Extra.COHORT, "A cohort")
    from ..cohort.study import Study
    from ..cohort.tables import write_results

    study = Study.open(options.study)
    print("\n".join(write_results(study.folder)))
    return 0


def _agreement(options: argparse.Namespace) -> int:
    need(Extra.COHORT, "A cohort")
    from ..cohort.agreement_page import PAGE_FILE, write_agreement

    found = write_agreement(options.study)
    for one, other, count, kappa in found.pairwise:
        said = "not defined" if kappa is None else f"{kappa:.2f}"
        print(f"{one}, {other}: Cohen's kappa {said} on {count} pairs that both have graded")
    fleiss = "not defined" if found.fleiss is None else f"{found.fleiss:.2f}"
    print(f"All {len(found.reviewers)}: Fleiss' kappa {fleiss} on {found.common} pairs")
    print(f"{len(found.disagreements)} pairs with different grades")
    print(f"Page: {options.study / PAGE_FILE}")
    return 0
