"""`ttauncertainty evaluate`: does the map predict the error, where the error is known."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from ..api.studies import EVALUATED_KINDS, evaluate
from ..errors import DesignError
from ..perturbations import DesignRequest
from .keywords import add_keywords
from .study import add_study, choices_of

_EXAMPLES = """examples:
  ttauncertainty evaluate --preset quick -o evaluation
  ttauncertainty evaluate --images a.nii.gz b.nii.gz c.nii.gz --paper --keep measurements \\
      -o evaluation
  ttauncertainty evaluate --compare "affine:preset=thorough,replicates=1" -o evaluation

The maps of the design, every cue that comes without further passes, and a calibration made on the
other subjects are compared with the true error of deformations that are known. Landmarks and
labels of real pairs: 'ttauncertainty evaluate-result'.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure how well the maps predict known errors",
        description="Deform images by known maps, register them, and measure how well each map of "
        "uncertainty predicts the error.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(do=do)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to be made")
    add_keywords(parser, evaluate, "overwrite", "title")
    designs = parser.add_argument_group("designs to compare")
    designs.add_argument(
        "--compare",
        type=_named_design,
        action="append",
        default=[],
        metavar="NAME:KEY=VALUE,...",
        help="one more design; keys as in a job file's design (preset, family, outer, ...)",
    )
    add_keywords(designs, evaluate, "paper")
    add_study(parser, EVALUATED_KINDS)


def do(options: argparse.Namespace) -> int:
    """Carry out the command."""
    evaluate(**choices_of(options, evaluate), command=shlex.join(["ttauncertainty", *sys.argv[1:]]))
    return 0


def _named_design(text: str) -> tuple[str, DesignRequest]:
    name, colon, changes = text.partition(":")
    values: dict[str, object] = {}
    for change in changes.split(",") if changes else []:
        key, equals, value = change.strip().partition("=")
        if not equals:
            raise argparse.ArgumentTypeError(f"'{change}' is not KEY=VALUE")
        values[key] = _value(value)
    if not (name and colon):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME:KEY=VALUE,...")
    try:
        return name, DesignRequest.from_dict(values)
    except DesignError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _value(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
