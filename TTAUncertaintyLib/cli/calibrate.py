"""`ttauncertainty calibrate`: from known errors to a calibration that turns cues into mm."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..evaluation.kinds import Deformation
from .study import add_study, measured, model_of, study_of

if TYPE_CHECKING:
    from ..calibration.fitting import Check

_KINDS = tuple(
    kind.value
    for kind in (
        Deformation.SMOOTH,
        Deformation.FINE,
        Deformation.AFFINE,
        Deformation.PAPER_AFFINE,
    )
)

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
    parser.add_argument("--overwrite", action="store_true", help="replace an older calibration")
    add_study(parser, _KINDS, 2)


def do(options: argparse.Namespace) -> int:
    """Carry out the command."""
    from ..calibration import check_place, write_calibration
    from ..calibration.fitting import fit
    from ..errors import OutputError
    from ..evaluation.study import as_json
    from ..models.contract import describe

    check_place(options.output, options.overwrite)
    study, model = study_of(options), model_of(options)
    if not options.quiet:
        print(f"{study.count} cases through {model.description.title}")
    found = measured(study, model, options)
    calibration, checks = fit(found, describe(model), as_json(study)["subjects"])
    try:
        write_calibration(options.output, calibration)
    except OSError as error:
        raise OutputError(f"{options.output} cannot be written: {error.strerror}.") from error
    if not options.quiet:
        print("\n".join(_lines(checks)))
        print(f"\nCalibration: {options.output}")
    return 0


def _lines(checks: list[Check]) -> list[str]:
    from ..calibration.fitting import summary

    lines = []
    for what in sorted({check.left_out for check in checks}, reverse=True):
        s = summary([check for check in checks if check.left_out == what])
        lines += [
            "",
            f"On cases of the {what} that was left out (means over "
            f"{sum(check.left_out == what for check in checks)} cases):",
            f"  coverage of the 90 % bound  {s['coverage']:.2f} "
            f"({s['least_coverage']:.2f} to {s['largest_coverage']:.2f} by case), mean bound "
            f"{s['bound_mm']:.2f} mm",
            f"  expected error against the error: mean absolute difference {s['mae_mm']:.2f} mm "
            f"(a constant {s['constant_mae_mm']:.2f}, inverse consistency alone "
            f"{s['inverse_mae_mm']:.2f})",
            f"  nAURC {s['naurc']:.2f} (inverse consistency alone {s['inverse_naurc']:.2f})",
        ]
    return lines
