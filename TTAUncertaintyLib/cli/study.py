"""What `evaluate` and `calibrate` have in common: images, network, and their progress."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Cancelled, InputError
from ..evaluation.kinds import Deformation, kind_names
from ..perturbations import DesignRequest
from ..sample_data import sample_images
from ..words import about
from .model_options import add_model
from .run import add_design, design_of

if TYPE_CHECKING:
    from ..evaluation.measuring import Measurement
    from ..evaluation.study import Study
    from ..models import RegistrationModel

#: The images that are taken where none are named.
_BUNDLED = ("mni152", "colin27")


def add_study(parser: argparse.ArgumentParser, kinds: tuple[str, ...], seeds: int) -> None:
    """Add the options that make a study."""
    images = parser.add_argument_group("images and what is done to them")
    images.add_argument(
        "--images",
        type=_image,
        nargs="+",
        default=[],
        metavar="[NAME=]FILE",
        help="one of each subject, with a dark background (default: the bundled brains)",
    )
    images.add_argument(
        "--masks",
        type=_image,
        nargs="+",
        default=[],
        metavar="NAME=FILE",
        help="label files on the images: where errors count (default: the foreground)",
    )
    images.add_argument(
        "--labels",
        type=_image,
        nargs="+",
        default=[],
        metavar="NAME=FILE",
        help="label files on the images: structures to tell apart",
    )
    meanings = "; ".join(f"{kind.value}: {kind.meaning}" for kind in Deformation).replace("%", "%%")
    images.add_argument(
        "--kinds",
        nargs="+",
        choices=kind_names(),
        default=list(kinds),
        metavar="KIND",
        help=f"known deformations (default: {' '.join(kinds)}). {meanings}; reapplied: maps that "
        "optimisation finds between two of the images",
    )
    images.add_argument(
        "--cases", type=int, default=seeds, metavar="N", help=f"of each image and kind ({seeds})"
    )
    images.add_argument(
        "--first-case",
        type=int,
        default=0,
        metavar="N",
        help="number of the first: others than those that settings were chosen on",
    )
    images.add_argument(
        "--prealign",
        action="store_true",
        help="align as the model expects first (default: the deformation is left to the network)",
    )
    images.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="keep every measurement here: an interrupted run goes on from them",
    )
    add_model(parser)
    add_design(parser)
    machine = parser.add_argument_group("machine")
    machine.add_argument("--device", default="auto", help="auto (default), cpu, cuda, mps")
    machine.add_argument("--threads", type=int, metavar="N", help="CPU threads")
    machine.add_argument("--quiet", action="store_true", help="print nothing but errors")


def study_of(
    options: argparse.Namespace, others: Mapping[str, DesignRequest] | None = None
) -> Study:
    """Return the study that the options ask for.

    Raises
    ------
    InputError
        If an image or a mask has no name of its own, or there are no cases.
    """
    from ..evaluation.study import Study, Subject
    from ..geometry import Prealignment

    images = options.images or [(name, sample_images()[name].path) for name in _BUNDLED]
    masks, labels = dict(options.masks), dict(options.labels)
    unknown = (set(masks) | set(labels)) - {name for name, _ in images}
    if unknown:
        raise InputError(
            f"There is a mask or a label file for {', '.join(sorted(unknown))}, but no such image.",
            "Name both alike: --images a=brain.nii.gz --masks a=mask.nii.gz.",
        )
    if options.cases < 1:
        raise InputError("There has to be at least one case of each image and kind.")
    return Study(
        tuple(Subject(name, path, masks.get(name), labels.get(name)) for name, path in images),
        tuple(dict.fromkeys(options.kinds)),
        tuple(range(options.first_case, options.first_case + options.cases)),
        design_of(options),
        others or {},
        None if options.prealign else Prealignment.NONE,
    )


def model_of(options: argparse.Namespace) -> RegistrationModel:
    """Return the model that the options ask for."""
    from ..engine import use_threads
    from ..models import load_model

    for note in use_threads(options.threads):
        print(f"note: {note}")
    return load_model(options.model, options.weights, dict(options.options), options.trust_code)


def measured(
    study: Study, model: RegistrationModel, options: argparse.Namespace
) -> list[Measurement]:
    """Measure a study, with a line for each case and the time left.

    Raises
    ------
    Cancelled
        On Ctrl-C; what was kept stays.
    """
    from ..engine import Execution
    from ..evaluation.kept import KeptMeasurements
    from ..evaluation.study import measure_study

    found, began, made = [], time.monotonic(), 0
    kept = KeptMeasurements(options.keep)
    try:
        for step in measure_study(study, model, Execution(options.device), kept):
            found.append(step.measurement)
            made += not step.was_kept
            if options.quiet:
                continue
            left = ""
            if made and step.number < step.of:
                each = (time.monotonic() - began) / made
                left = f", about {about(each * (step.of - step.number))} left"
            error = float(step.measurement.error.mean())
            again = " (kept from before)" if step.was_kept else ""
            print(
                f"  {step.number}/{step.of} {step.measurement.name}: mean error {error:.2f} mm"
                f"{again}{left}",
                flush=True,
            )
    except KeyboardInterrupt:
        raise Cancelled from None
    return found


def _image(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals:
        name, path = Path(text).name.partition(".")[0], text
    if not (name and path):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=FILE")
    return name, Path(path)
