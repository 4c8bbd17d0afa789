"""The options that name a model."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..models import DEFAULT_MODEL


def add_model(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options that `load_model` takes; returns their group."""
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        help=f"default: {DEFAULT_MODEL}; see 'ttauncertainty models list'. A path that ends with "
        ".json is the manifest of a model of your own",
    )
    model.add_argument("--weights", type=Path, metavar="FILE", help="local weights file")
    model.add_argument(
        "--trust-code",
        action="store_true",
        help="agree to run a model of your own whose file is a program, with all your rights",
    )
    model.add_argument(
        "--option",
        dest="options",
        type=_option,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the model; 'ttauncertainty models show MODEL' lists them",
    )
    return model


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value
