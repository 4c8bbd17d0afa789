"""What goes wrong, in the words of Python where the library's own are those of the command line."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args, get_type_hints

from ..errors import TTAUncertaintyError
from ..perturbations import DesignRequest
from ..worker import Job


@contextlib.contextmanager
def said_in_python() -> Iterator[None]:
    """Turn options in the words of an error into keywords: `seed` for ``--seed``."""
    try:
        yield
    except TTAUncertaintyError as error:
        said = type(error)(keywords(error.problem), keywords(error.remedy))
        said.exit_code = error.exit_code
        raise said from None


def keywords(words: str) -> str:
    """Return a sentence that names keywords of `register` where it named options."""
    return re.sub(r"--([a-z][a-z-]*[a-z])(?: ([a-z0-9]+)\b)?", _keyword, words)


def _keyword(option: re.Match[str]) -> str:
    from .registering import register

    name, value = option[1].replace("-", "_"), option[2]
    known = inspect.signature(register).parameters
    if name not in known:
        return option[0]
    rest = "" if value is None else f" {value}"
    if isinstance(known[name].default, bool):
        return f"{name}=True{rest}"
    if value in _values(name):
        return f'{name}="{value}"'
    return f"{name}{rest}"


def _values(name: str) -> tuple[str, ...]:
    """Return the words that a keyword takes, where they are few."""
    if name == "device":
        return "auto", "cpu", "cuda", "mps"
    hint = (get_type_hints(Job) | get_type_hints(DesignRequest)).get(name)
    kinds: tuple[Any, ...] = get_args(hint) or (hint,)
    if isinstance(kinds[0], type) and issubclass(kinds[0], Enum):
        return tuple(str(each.value) for each in kinds[0])
    return ()
