"""`ttauncertainty run`: register two images and say where not to trust it."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..api.choices import job_of
from ..engine import Precision
from ..geometry import Prealignment, Start
from ..perturbations import Family, Noise, Preset, Sampling
from .model_options import add_model
from .watch import watch

_EXAMPLES = """examples:
  ttauncertainty run --fixed atlas.nii.gz --moving patient.nii.gz -o result
  ttauncertainty run --fixed f.nrrd --moving dicom-folder/ --preset quick --start mass -o result
  ttauncertainty run --fixed f.nii.gz --moving m.nii.gz --model lapirn \\
      --weights LapIRN_disp_fea7.pth --preset paper --family shear -o result
  ttauncertainty run --fixed f.nii.gz --moving m.nii.gz --family translation --outer 4 \\
      --translation-mm 1.5 --replicates 3 -o result
  ttauncertainty run --fixed f.nii.gz --moving m.nii.gz --sampling sobol --outer 64 \\
      --tolerance 0.05 -o result

Ctrl-C cancels and leaves nothing behind; --time-limit stops and keeps what there is.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "run",
        help="register two images and map the uncertainty",
        description="Register a moving image to a fixed one with a pretrained network, and map "
        "where the answer is uncertain, in mm.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(do=do)
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add everything that may be chosen of a run."""
    images = parser.add_argument_group("images")
    images.add_argument("--fixed", type=Path, required=True, help="fixed image or DICOM folder")
    images.add_argument("--moving", type=Path, required=True, help="moving image or DICOM folder")
    images.add_argument(
        "--mask",
        type=Path,
        help="label file on the fixed image: where statistics are taken (default: the foreground)",
    )
    for which in ("fixed", "moving"):
        images.add_argument(
            f"--{which}-mask",
            type=Path,
            metavar="FILE",
            help=f"label file on the {which} image: outside, it is background to the network",
        )
    images.add_argument(
        "--leave-out",
        type=Path,
        metavar="FILE",
        help="label file on the fixed image: metal, a cavity, the couch; left in the image and "
        "left out of every statistic and hot spot",
    )
    labels = parser.add_argument_group("labels of the moving image, carried onto the fixed one")
    add_labels(labels)
    images.add_argument("--fixed-series", metavar="UID", help="DICOM series, if there are several")
    images.add_argument("--moving-series", metavar="UID")
    images.add_argument(
        "--replace-nonfinite",
        action="store_true",
        help="replace NaN and infinite voxels by the smallest finite value",
    )

    output = parser.add_argument_group("result")
    output.add_argument("-o", "--output", type=Path, required=True, help="folder to be made")
    output.add_argument("--overwrite", action="store_true", help="replace an older result")
    output.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="keep the state here after every pass; a later run goes on from it",
    )

    output.add_argument(
        "--keep-registrations",
        action="store_true",
        help="keep every perturbed registration in the result, to be looked at one by one",
    )

    model = add_model(parser)
    model.add_argument(
        "--ensemble",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="more weights of the same network, for --noise ensemble",
    )

    calibration = parser.add_argument_group("calibration")
    calibration.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="from 'ttauncertainty calibrate' (default: the one that comes with the software for "
        "this model and design, where there is one)",
    )
    calibration.add_argument(
        "--no-calibration",
        dest="use_calibration",
        action="store_false",
        help="uncertainty only, no expected error",
    )

    add_design(parser)

    placement = parser.add_argument_group("placement before the network")
    placement.add_argument(
        "--start",
        choices=[s.value for s in Start],
        default=Start.HEADER.value,
        help="trust the headers (default), or centre on centre",
    )
    placement.add_argument(
        "--initial-transform",
        type=Path,
        metavar="FILE",
        help="linear ITK transform, fixed to moving",
    )
    placement.add_argument(
        "--prealign",
        choices=[p.value for p in Prealignment],
        help="linear alignment first (default: what the model expects)",
    )

    placement.add_argument(
        "--no-frame",
        dest="use_frame",
        action="store_false",
        help="do not turn the fixed image into the network's frame",
    )

    parser.add_argument_group("when to stop").add_argument(
        "--tolerance",
        type=float,
        metavar="MM",
        help="stop by itself when the standard error of the map is below this; K is then the most "
        "perturbations that are made, and at least 4 are",
    )

    machine = parser.add_argument_group("machine")
    machine.add_argument("--device", default="auto", help="auto (default), cpu, cuda, mps")
    machine.add_argument(
        "--precision",
        choices=[p.value for p in Precision],
        help="of the network; without it f32, and where memory runs out reduced precision before "
        "the CPU. What is named here is kept to",
    )
    machine.add_argument("--batch-size", type=int, metavar="N")
    machine.add_argument("--threads", type=int, metavar="N", help="CPU threads")
    machine.add_argument(
        "--time-limit",
        type=float,
        metavar="SECONDS",
        help="stop the perturbed passes after this time and keep what there is",
    )
    machine.add_argument(
        "--no-reverse-pass",
        dest="reverse_pass",
        action="store_false",
        help="leave out the inverse-consistency map",
    )
    machine.add_argument("--quiet", action="store_true", help="print nothing but errors")


def add_labels(group: argparse._ArgumentGroup) -> None:
    """Add the options about labels."""
    group.add_argument(
        "--moving-labels", type=Path, metavar="FILE", help="label map of the moving image"
    )
    group.add_argument(
        "--label-names",
        type=Path,
        metavar="FILE",
        help="what they are called: a TSV or CSV with columns label and name, or a colour table",
    )
    group.add_argument(
        "--label-tolerance",
        type=float,
        metavar="MM",
        help="what is expected farther off is said not to be used",
    )


def add_design(parser: argparse.ArgumentParser) -> None:
    """Add the options that make a `DesignRequest`."""
    design = parser.add_argument_group("perturbations (a preset, and changes to it)")
    design.add_argument(
        "--preset",
        choices=[p.value for p in Preset],
        default=Preset.STANDARD.value,
        help="; ".join(f"{p.value}: {p.summary}" for p in Preset),
    )
    design.add_argument("--family", choices=[f.value for f in Family])
    design.add_argument("--sampling", choices=[s.value for s in Sampling])
    design.add_argument("--outer", type=int, metavar="K", help="how many perturbations")
    design.add_argument(
        "--replicates",
        type=int,
        metavar="R",
        help="passes for each; 2 or more give the split in two",
    )
    design.add_argument(
        "--noise", choices=[n.value for n in Noise], help="what changes between replicates"
    )
    design.add_argument("--seed", type=int, default=0)
    for name, unit in (
        ("translation", "mm"),
        ("rotation", "deg"),
        ("elastic", "mm"),
        ("elastic-spacing", "mm"),
    ):
        design.add_argument(f"--{name}-{unit}", type=float, metavar=unit.upper())
    design.add_argument("--scale", type=float, metavar="FRACTION", help="0.02 is 2 percent")
    design.add_argument("--shear", type=float, metavar="TANGENT")


def do(options: argparse.Namespace) -> int:
    """Carry out the command."""
    return watch(job_of(vars(options)), options.quiet)
