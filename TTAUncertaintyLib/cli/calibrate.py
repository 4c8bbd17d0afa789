"""`ttauncertainty calibrate`: from known errors to a calibration that turns cues into mm."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..api.studies import CALIBRATED_KINDS, calibrate
from .keywords import add_keywords
from .study import add_study, choices_of

_EXAMPLES = """examples:
  ttauncertainty calibrate --preset quick -o my-calibration.json
  ttauncertainty calibrate --model lapirn --images a.nii.gz b.nii.gz c.nii.gz d.nii.gz \\
      --keep measurements -o lapirn-standard.json
  ttauncertainty run --fixed f.nii.gz --moving m.nii.gz --calibration my-calibration.json -o result

Images of at least two subjects, better five or more: the bound is checked on subjects that had no
part in the fit.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "calibrate",
        help="learn what a network's cues mean in mm of error",
        description="Deform images by known maps, register them, and fit the map from cues to "
        "expected error in mm and to a bound that 90 % of the voxels stay below.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(do=do)
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON file to be made")
    add_keywords(parser, calibrate, "overwrite")
    add_study(parser, CALIBRATED_KINDS)


def do(options: argparse.Namespace) -> int:
    """Carry out the command."""
    calibrate(**choices_of(options, calibrate))
    return 0
