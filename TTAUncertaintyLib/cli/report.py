"""`ttauncertainty report`: make the report of a result that has none."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import OutputError
from ..results import Bundle


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "report",
        help="make the report of a result that has none",
        description="Make report.html of a result that was left without, because its run was ended "
        "after the result was there. The numbers are those on record.",
    )
    parser.set_defaults(do=do)
    parser.add_argument("folder", type=Path, help="result folder")
    for role in ("fixed", "moving"):
        parser.add_argument(
            f"--{role}",
            type=Path,
            metavar="FILE",
            help=f"the {role} image, where it lies elsewhere than when the result was made",
        )


def do(options: argparse.Namespace) -> int:
    """Carry out the command."""
    bundle = Bundle.open(options.folder)
    if not bundle.report.is_file():
        from ..results.reading_back import findings_of
        from ..results.writing import write_report

        findings = findings_of(bundle, options.fixed, options.moving)
        if not write_report(bundle.folder, findings, bundle.record):
            raise OutputError(f"{bundle.report} could not be written.", "Free some space.")
    print(f"Report: {bundle.report.absolute()}")
    return 0
