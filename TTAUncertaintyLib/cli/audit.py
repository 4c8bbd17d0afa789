"""`ttauncertainty audit`: a registration that was made elsewhere, and where it may be wrong."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import run

_EXAMPLES = """examples:
  ttauncertainty audit --fixed atlas.nii.gz --moving patient.nii.gz --transform T.h5 -o checked
  ttauncertainty audit --fixed f.nii.gz --moving m.nii.gz \\
      --transform ants1Warp.nii.gz ants0GenericAffine.mat -o checked
  ttauncertainty audit --fixed f.nii.gz --moving m.nii.gz \\
      --transform deformationField.nii.gz --moving-labels atlas-labels.nii.gz -o checked

A transform maps points of the fixed image to points of the moving one, in millimetres (LPS), as
ITK, ANTs and elastix store the result of a registration: an ITK file (.h5, .tfm, .txt, .mat), or a
displacement field (.nii.gz, .nrrd, .mha). Several are applied to points in the order in which they
are given, which is that of antsApplyTransforms. The other options are those of the second opinion:
the network registers the pair itself, and starts from the headers, not from the transform.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "audit",
        help="find where a registration that was made elsewhere may be wrong",
        description="Review a transform of another program as if it were a result: warped image, "
        "Jacobian, labels, hot spots, report. The network registers the pair itself, and where the "
        "two disagree by more than its own error bound, somebody is wrong.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(do=run.do)
    given = parser.add_argument_group("the registration under audit")
    given.add_argument(
        "--transform",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="fixed to moving; several are applied one after the other",
    )
    given.add_argument(
        "--inverse",
        dest="inverse_transform",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="moving to fixed, where the other program gives it: for the inverse-consistency gap",
    )
    run.add_options(parser)
