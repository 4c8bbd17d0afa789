"""`ttauncertainty info`: what a result folder says."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..results import Bundle
from ..results.summary import summary_lines


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "info",
        help="summarise a result folder",
        epilog="example:\n  ttauncertainty info result\n  ttauncertainty info result --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="result folder")
    parser.add_argument("--json", action="store_true", help="print the whole record as JSON")
    parser.set_defaults(do=do)


def do(options: argparse.Namespace) -> int:
    """Carry out the command."""
    bundle = Bundle.open(options.folder)
    if options.json:
        print(json.dumps(bundle.record, indent=2))
    else:
        print("\n".join(summary_lines(bundle)))
    return 0
