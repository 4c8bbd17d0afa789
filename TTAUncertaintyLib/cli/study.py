"""The options that `evaluate` and `calibrate` have in common: images, network, design."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..api.studies import evaluate
from ..errors import InputError
from ..evaluation.kinds import Deformation, kind_names
from .keywords import add_keywords, add_model
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
    for name in ("masks", "labels"):
        more = {"type": _image, "nargs": "+", "default": [], "metavar": "NAME=FILE"}
        add_keywords(images, evaluate, name, **more)
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
    add_keywords(images, evaluate, "cases", "first_case", "prealign")
    add_keywords(images, evaluate, "keep", metavar="FOLDER")
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
