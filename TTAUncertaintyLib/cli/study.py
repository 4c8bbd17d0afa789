"""The options that `evaluate` and `calibrate` have in common: images, network, design."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..evaluation.kinds import Deformation, kind_names
from .model_options import add_model
from .run import add_design, add_machine


def add_study(parser: argparse.ArgumentParser, kinds: tuple[str, ...]) -> None:
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
        "--cases", type=int, default=2, metavar="N", help="of each image and kind (default: 2)"
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
    add_machine(parser)


def choices_of(options: argparse.Namespace, function: Callable[..., Any]) -> dict[str, Any]:
    """Return what the options ask of a function of the front door, which has them as keywords."""
    choices = {name: value for name, value in vars(options).items() if name in options_of(function)}
    for name in ("compare", "images", "masks", "labels"):
        if name in choices:
            choices[name] = unique(name, choices[name])
    return choices


def options_of(function: Callable[..., Any]) -> set[str]:
    """Return the keywords of a function that the command line has as options."""
    return set(inspect.signature(function).parameters) - {"command"}


def unique(name: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs by name.

    Raises
    ------
    InputError
        If a name comes twice: one of the two would be lost.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InputError(f"There are two --{name} of the same name.", "Give each its own: NAME=...")
    return found


def _image(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals:
        name, path = Path(text).name.partition(".")[0], text
    if not (name and path):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=FILE")
    return name, Path(path)
