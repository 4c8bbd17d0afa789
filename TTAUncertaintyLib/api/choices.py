"""From the choices of a person to a job: the one place that command line and Python go through.

A choice has one name: the option ``--batch-size`` of the command line is the keyword `batch_size`
of `register`, and both are a field of `Job` or of `DesignRequest`, which say what they mean.
"""

from __future__ import annotations

import numbers
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

from ..errors import DesignError, InputError, TTAUncertaintyError
from ..perturbations import DesignRequest
from ..strict_json import NotAllowed, read_as
from ..worker import Job

#: Choices that a job knows by a name with its unit.
JOB_NAMES = {
    "time_limit": "time_limit_s",
    "tolerance": "tolerance_mm",
    "label_tolerance": "label_tolerance_mm",
}

#: Fields that are made of several values.
_BY_THEMSELVES = ("design", "options")


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
    )


def design_of(choices: Mapping[str, Any]) -> DesignRequest:
    """Return the design that choices ask for; as `job_of`."""
    return DesignRequest(**_typed(DesignRequest, choices, DesignError))


def _typed(of: type, values: Mapping[str, Any], error: type[TTAUncertaintyError]) -> dict[str, Any]:
    """Return the values that a dataclass has fields for, each of its field's type."""
    found = {}
    for name, hint in get_type_hints(of, include_extras=True).items():
        if name in values and name not in _BY_THEMSELVES:
            try:
                found[name] = read_as(hint, _of_python(values[name]))
            except NotAllowed as refused:
                raise error(f"'{name}' {refused.why}", refused.remedy) from None
    return found


def _of_python(value: Any) -> Any:
    """Return numpy's numbers as Python's, and whatever is a path as a `Path`."""
    if isinstance(value, list | tuple):
        return [_of_python(each) for each in value]
    if isinstance(value, os.PathLike):
        return Path(value)
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    return value


def _options(given: Any) -> dict[str, str]:
    try:
        return {str(name): str(value) for name, value in dict(given).items()}
    except (TypeError, ValueError):
        raise InputError(
            f"options are {given!r}, and not names with their values.",
            'Give, for example, options={"name": "value"}.',
        ) from None
