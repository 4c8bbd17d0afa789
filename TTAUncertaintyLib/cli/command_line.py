"""Parsing of arguments, and the exit status."""

from __future__ import annotations

import argparse
import sys

from ..errors import TTAUncertaintyError
from ..version import __version__
from . import (
    audit,
    calibrate,
    cohort,
    demo,
    evaluate,
    evaluate_result,
    info,
    models,
    report,
    run,
    view,
)
from .console import CANCELLED, PIPE_CLOSED, console, let_go_of_output, plain_output

_EPILOG = """exit status:
  0 done   2 input, design or arguments   3 model or weights   4 output
  5 memory or device   6 the background process died   7 PyTorch is missing   130 cancelled
  141 whoever read the output has closed it
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
    for command in (
        *(run, audit, cohort, evaluate, evaluate_result, calibrate),
        *(models, info, report, view, demo),
    ):
        command.add_to(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    with console(), plain_output():
        try:
            return _run(arguments)
        except BrokenPipeError:
            let_go_of_output()
            return PIPE_CLOSED
        except KeyboardInterrupt:
            print("\ncancelled; nothing was written", file=sys.stderr)
            return CANCELLED
        except OSError as error:
            let_go_of_output()
            where = f"{error.filename}: " if error.filename else ""
            _say_error(f"{where}{error.strerror or error}.")
            return 1


def _run(arguments: list[str] | None) -> int:
    try:
        options = make_parser().parse_args(arguments)
        return int(options.do(options))
    except TTAUncertaintyError as error:
        _say_error(str(error))
        return error.exit_code
    finally:
        sys.stdout.flush()  # here, where it can be said that it fails


def _say_error(text: str) -> None:
    print(f"error: {text}", file=sys.stderr)
