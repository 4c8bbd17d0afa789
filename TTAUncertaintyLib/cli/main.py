"""Parsing of arguments, and the exit status."""

from __future__ import annotations

import argparse
import sys

from ..errors import TTAUncertaintyError
from ..version import __version__
from . import calibrate, demo, evaluate, evaluate_result, info, models, run, view
from .plain_output import plain_output

_EPILOG = """exit status:
  0 done   2 input, design or arguments   3 model or weights   4 output
  5 memory or device   6 the background process died   7 PyTorch is missing   130 cancelled
"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="ttauncertainty",
        description="Where a learned image registration is not to be trusted.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (run, evaluate, evaluate_result, calibrate, models, info, view, demo):
        command.add_to(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    with plain_output():
        return _done(make_parser().parse_args(arguments))


def _done(options: argparse.Namespace) -> int:
    try:
        return int(options.do(options))
    except TTAUncertaintyError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\ncancelled; nothing was written", file=sys.stderr)
        return 130
