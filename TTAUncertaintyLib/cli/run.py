"""`ttauncertainty run`: register two images and say where not to trust it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..api.choices import job_of
from ..api.registering import register
from ..api.running import run_to_end
from ..controls.control import Number, OneOf, Switch, controls_of
from ..controls.machine_choices import MachineChoices
from ..controls.run_choices import DESIGN_FIELDS, RunChoices
from ..geometry import Prealignment, Start
from ..perturbations import Noise, Preset
from ..results import Bundle
from ..results.keep import Keep
from ..results.summary import summary_lines
from ..worker import Job
from .keywords import add_keywords, add_model

#: How the units of controls are written in place of a value.
_UNITS = {"mm": "MM", "°": "DEG", "%": "FRACTION"}

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
    for which in ("fixed", "moving"):
        said = f"{which} image or DICOM folder"
        add_keywords(images, register, which, help=said, default=None, required=True, metavar=None)
    add_keywords(images, register, "mask", "fixed_mask", "moving_mask", "leave_out")
    add_keywords(images, register, "initial_transform")
    add_keywords(images, register, "fixed_series", "moving_series", metavar="UID")
    add_keywords(images, register, "replace_nonfinite")
    labels = parser.add_argument_group("labels of the moving image, carried onto the fixed one")
    add_keywords(labels, register, "moving_labels", "label_names")
    add_keywords(labels, register, "label_tolerance", metavar="MM")
    output = parser.add_argument_group("result")
    output.add_argument("-o", "--output", type=Path, required=True, help="folder to be made")
    add_keywords(output, register, "overwrite", "checkpoint")
    add_choice(output, "keep_registrations")

    machine = add_settings(parser)
    elsewhere = parser.add_argument_group("on a cluster in place of this computer")
    add_scheduler(elsewhere, elsewhere)
    add_keywords(machine, register, "time_limit", metavar="SECONDS")


def add_settings(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options that say how images are registered; returns the group of the machine's."""
    parser.add_argument_group("what is kept").add_argument(
        "--keep",
        choices=[keep.value for keep in Keep],
        default=Keep.COMPACT.value,
        help="; ".join(f"{keep.value}: {keep.meaning}" for keep in Keep) + " (default: compact)",
    )
    add_keywords(add_model(parser), register, "ensemble")
    calibration = parser.add_argument_group("calibration")
    add_keywords(calibration, register, "calibration", "use_calibration")
    add_design(parser)

    placement = parser.add_argument_group("placement before the network")
    add_choice(placement, "start", default=Start.HEADER.value)
    add_keywords(placement, register, "prealign", choices=[p.value for p in Prealignment])
    add_keywords(placement, register, "use_frame")
    add_choice(parser.add_argument_group("when to stop"), "tolerance")

    machine = add_machine(parser)
    add_choice(
        machine,
        "precision",
        help="of the network; without it f32, and where memory runs out reduced precision before "
        "the CPU. What is named here is kept to",
    )
    add_choice(machine, "batch_size")
    add_keywords(machine, register, "reverse_pass")
    return machine


def add_machine(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options that every command with a network has; returns their group."""
    machine = parser.add_argument_group("machine")
    add_choice(machine, "device", default="auto", help="auto (default), cpu, cuda, mps")
    add_choice(machine, "threads")
    add_keywords(machine, register, "quiet")
    return machine


def add_scheduler(
    group: argparse._ArgumentGroup,
    addresses: argparse._ArgumentGroup | argparse._MutuallyExclusiveGroup,
) -> None:
    """Add the options of a scheduler of Dask that is there; its address to a group of its own."""
    add_choice(addresses, "scheduler", metavar="ADDRESS")
    files = {"ca": "certificate of its authority", "cert": "own certificate", "key": "its key"}
    for name, what in files.items():
        group.add_argument(f"--tls-{name}", type=Path, metavar="FILE", help=what)


def add_design(parser: argparse.ArgumentParser) -> None:
    """Add the options that make a `DesignRequest`."""
    design = parser.add_argument_group("perturbations (a preset, and changes to it)")
    add_choice(design, "preset", default=Preset.STANDARD.value)
    more: dict[str, dict[str, Any]] = {
        "noise": {"choices": [n.value for n in Noise]},
        "scale": {"help": "Largest change of size: 0.02 is 2 percent."},
    }
    for field in DESIGN_FIELDS:
        asked = controls_of(RunChoices)[field].asked or ""
        add_choice(design, asked, **more.get(asked, {}))
    add_choice(design, "seed", default=0)


def add_choice(group: argparse._ArgumentGroup, asked: str, **other: Any) -> None:
    """Add an option for something that can be set, as its control describes it.

    Parameters
    ----------
    asked
        What `RunChoices` or `MachineChoices` know it by.
    other
        What argparse is to be told otherwise.
    """
    controls = [*controls_of(RunChoices).values(), *controls_of(MachineChoices).values()]
    control = next(control for control in controls if control.asked == asked)
    told: dict[str, Any] = {}
    about = [control.about]
    if isinstance(control, OneOf) and control.closed:
        told["choices"] = [option.value for option in control.options]
        about += [f"{option.value}: {option.about}" for option in control.options]
    elif isinstance(control, Number):
        told["type"] = float if control.decimals else int
        told["metavar"] = _UNITS.get(control.unit, "N" if not control.decimals else "X")
    elif isinstance(control, Switch):
        told["action"] = "store_true"
    told["help"] = " ".join(about).replace("%", "%%")
    group.add_argument(f"--{asked.replace('_', '-')}", **told | other)


def do(options: argparse.Namespace) -> int:
    """Carry out the command."""
    return watch(job_of(vars(options)), options.quiet)


def watch(job: Job, quiet: bool = False) -> int:
    """Run a job, show its progress and what came of it; returns 0.

    Raises
    ------
    TTAUncertaintyError, KeyboardInterrupt
        As `run_to_end`.
    """
    bundle = Bundle.open(run_to_end(job, quiet))
    if not quiet:
        print("\n".join(summary_lines(bundle)))
        print(f"\nResult: {bundle.folder}")
        if bundle.report.is_file():
            print(f"Report: {bundle.report.absolute()}")
    return 0
