"""Options of the command line that are keywords of the front door: said there, and nowhere else."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..api.registering import register

Group = argparse.ArgumentParser | argparse._ArgumentGroup


def add_keywords(group: Group, function: Callable[..., Any], *names: str, **other: Any) -> None:
    """Add an option for each of some keywords, as a function's signature and docstring say it.

    A switch that is on becomes `--no-NAME`. `other` is what argparse is to be told otherwise.
    """
    keywords, about = inspect.signature(function).parameters, said_of(function)
    for name in names:
        default, kind = keywords[name].default, str(keywords[name].annotation)
        option, told = name, {"help": about[name], "default": default}
        if isinstance(default, bool):
            told["action"] = f"store_{not default}".lower()
        elif "File" in kind or "ImageLike" in kind:
            told |= {"type": Path, "metavar": "FILE"} | ({"nargs": "+"} if default == () else {})
        elif "int" in kind or "float" in kind:
            told |= {"type": int, "metavar": "N"} if "int" in kind else {"type": float}
        if default is True:
            option = f"no_{name.removeprefix('use_')}"
            told |= {"dest": name, "help": about[name].removeprefix("False").lstrip(": ")}
        group.add_argument(f"--{option.replace('_', '-')}", **told | other)


def said_of(function: Callable[..., Any]) -> dict[str, str]:
    """Return the first sentence that a function's docstring says of each parameter."""
    found: dict[str, str] = {}
    names: list[str] = []
    table = (inspect.getdoc(function) or "").partition("Parameters\n----------\n")[2]
    for line in table.partition("\n\n")[0].splitlines():
        if not line.startswith(" "):
            names = line.split(", ")
            continue
        for name in names:
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    first = {name: text.partition(". ")[0].rstrip(".") for name, text in found.items()}
    return {name: text.replace("`", "").replace("%", "%%") for name, text in first.items()}


def add_model(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options that `load_model` takes; returns their group."""
    model = parser.add_argument_group("model")
    default = inspect.signature(register).parameters["model"].default
    more = f" (default: {default}; see 'ttauncertainty models list')"
    add_keywords(model, register, "model", help=said_of(register)["model"] + more)
    add_keywords(model, register, "weights", "trust_code")
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
