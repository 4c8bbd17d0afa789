"""From the choices of a person to a job: the one place that command line and Python go through.

A choice has one name: the option ``--batch-size`` of the command line is the keyword `batch_size`
of `register`, and both are a field of `Job` or of `DesignRequest`, which say what they mean.
"""

from __future__ import annotations

import numbers
import os
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

from ..errors import DesignError, InputError, TTAUncertaintyError
from ..perturbations import DesignRequest
from ..worker import Job

#: Choices that a job knows by a name with its unit.
JOB_NAMES = {
    "time_limit": "time_limit_s",
    "tolerance": "tolerance_mm",
    "label_tolerance": "label_tolerance_mm",
}


#: Fields that hold several files.
_SEVERAL = ("ensemble", "transform", "inverse_transform")

#: Fields that are made of several values.
_OF_MANY = ("design", "options", *_SEVERAL)


def job_of(choices: Mapping[str, Any]) -> Job:
    """Return the job that choices ask for.

    Parameters
    ----------
    choices
        By name; those that are left out have the defaults of `Job` and `DesignRequest`, and names
        that neither has are left alone. Members of an enum may be given by their value, numbers
        as Python's or numpy's, paths as text.

    Raises
    ------
    InputError, DesignError
        If a value is of the wrong kind, or not one of those that there are.
    """
    values = {JOB_NAMES.get(name, name): value for name, value in choices.items()}
    return Job(
        **_typed(Job, values, InputError),
        design=design_of(choices),
        options=_options(choices.get("options", {})),
        **{name: _paths(name, choices.get(name) or ()) for name in _SEVERAL},
    )


def design_of(choices: Mapping[str, Any]) -> DesignRequest:
    """Return the design that choices ask for; as `job_of`."""
    return DesignRequest(**_typed(DesignRequest, choices, DesignError))


def _typed(of: type, values: Mapping[str, Any], error: type[TTAUncertaintyError]) -> dict[str, Any]:
    """Return the values that a dataclass has fields for, each of its field's type."""
    hints = get_type_hints(of)
    return {
        field.name: _as(hints[field.name], field.name, values[field.name], error)
        for field in fields(of)
        if field.name in values and field.name not in _OF_MANY
    }


def _as(hint: Any, name: str, value: Any, error: type[TTAUncertaintyError]) -> Any:
    kinds = get_args(hint) or (hint,)
    if value is None and type(None) in kinds:
        return None
    kind = kinds[0]
    if kind is Path:
        return _path(name, value)
    if issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError:
            known = ", ".join(each.value for each in kind)
            raise error(f"There is no {name} '{value}'.", f"Choose one of {known}.") from None
    if kind is bool and not isinstance(value, bool):
        raise error(f"{name} is {value!r}, and neither True nor False.")
    if kind is int:
        if not isinstance(value, numbers.Integral) or isinstance(value, bool):
            raise error(f"{name} is {value!r}, and not a whole number.")
        return int(value)
    if kind is float:
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            raise error(f"{name} is {value!r}, and not a number.")
        return float(value)
    if kind is str and not isinstance(value, str):
        raise error(f"{name} is {value!r}, and not text.")
    return value


def _options(given: Any) -> dict[str, str]:
    try:
        return {str(name): str(value) for name, value in dict(given).items()}
    except (TypeError, ValueError):
        raise InputError(
            f"options are {given!r}, and not names with their values.",
            'Give, for example, options={"name": "value"}.',
        ) from None


def _paths(name: str, values: Any) -> tuple[Path, ...]:
    """Return one file or several."""
    several = [values] if isinstance(values, (str, os.PathLike)) else values
    return tuple(_path(name, each) for each in several)


def _path(name: str, value: Any) -> Path:
    if not isinstance(value, (str, os.PathLike)):
        raise InputError(f"{name} is {value!r}, and not a path.")
    return Path(os.fspath(value))
