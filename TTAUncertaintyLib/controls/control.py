"""Kinds of controls, and the rows that a panel or a page makes of them.

What can be set is described once, as an annotation of a field of choices (`run_choices`). A screen
has one widget for each kind of control; it makes the rows that it is given, shows their values, and
tells what a person sets by the row's name. A field that is added is on every screen then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Any, get_type_hints

from .option import Option


class Place(Enum):
    """Where in a panel or a page a control stands."""

    OWN = "own"  #: in a place of its own, which the section makes for it
    INPUTS = "inputs"
    MASKS = "masks"
    DESIGN = "design"
    RUN = "run"
    MACHINE = "machine"


@dataclass(frozen=True)
class Control:
    """Something that can be set."""

    #: What it is called, and a sentence about it.
    title: str
    about: str = ""
    place: Place = Place.OWN
    #: What the command line, Python and a job call it: its field's name in their way of writing
    #: if None, "" where none of them has it.
    asked: str | None = None

    def usable(self, value: Any, default: Any) -> Any:
        """Return a value as it was kept in a file, or the default where it makes no sense."""
        return default if value is None else value

    def asks(self, value: Any) -> Any:
        """Return what the value asks of a job."""
        return value


@dataclass(frozen=True)
class OneOf(Control):
    """A list of choices."""

    #: Those there are; where they are found out while it is shown, those that are certain.
    options: tuple[Option, ...] = ()
    #: Whether two of them stand side by side.
    half: bool = False
    #: Whether there are no others than `options`.
    closed: bool = True

    def usable(self, value: Any, default: Any) -> Any:
        """As `Control.usable`."""
        known = {option.value for option in self.options}
        text = str(super().usable(value, default))
        return text if text in known or not self.closed else default


@dataclass(frozen=True)
class Number(Control):
    """A number."""

    #: What can be chosen; 0 decimals for whole numbers.
    low: float = 0.0
    high: float = 100.0
    step: float = 1.0
    decimals: int = 0
    unit: str = ""
    #: What is written in place of the smallest number, which means something else then.
    lowest: str = ""
    #: From the number that is shown to what is asked for.
    factor: float = 1.0

    def usable(self, value: Any, default: Any) -> Any:
        """As `Control.usable`; a number outside the range comes to its nearest end."""
        try:
            number = min(max(float(value), self.low), self.high)
            return float(number) if self.decimals else int(number)
        except (TypeError, ValueError):
            return default

    def asks(self, value: Any) -> Any:
        """As `Control.asks`; None leaves the choice to the library."""
        if self.lowest and value <= self.low:
            return None
        return value if self.factor == 1 else value * self.factor


@dataclass(frozen=True)
class Switch(Control):
    """Something that is on or off."""


@dataclass(frozen=True)
class Line(Control):
    """A line of text."""


class NodeFile(Enum):
    """As what a run reads a node of the scene."""

    VOLUME = "volume"
    LINEAR = "linear transform"
    TRANSFORM = "transform"
    LABELS = "labels"


@dataclass(frozen=True)
class Node(Control):
    """A node of the scene."""

    #: Which can be chosen.
    classes: tuple[str, ...] = ("vtkMRMLScalarVolumeNode",)
    #: What is written where there is none.
    none: str = "None (optional)"
    #: As what a run reads it.
    file: NodeFile = NodeFile.VOLUME
    #: Field of the volume that labels are drawn on.
    drawn_on: str = ""
    #: Whether a job takes several of them.
    many: bool = False

    def asks(self, value: Any) -> Any:
        """As `Control.asks`, of a file."""
        return [value] if self.many else value


@dataclass(frozen=True)
class Row:
    """A control as it is to be seen now."""

    name: str
    control: Control
    #: What it shows.
    value: Any
    #: Why it cannot be set; "" if it can.
    why_not: str = ""
    #: Those of a `OneOf`.
    options: Sequence[Option] = ()


@cache
def controls_of(choices: type) -> Mapping[str, Control]:
    """Return the controls that a class of choices has as annotations of its fields, by name."""
    hints = get_type_hints(choices, include_extras=True)
    found = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
    return {
        name: _named(name, annotations[0])
        for name, annotations in found.items()
        if annotations and isinstance(annotations[0], Control)
    }


def _named(name: str, control: Control) -> Control:
    snake = re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)
    return replace(control, asked=snake) if control.asked is None else control


def rows_of(
    choices: type,
    places: Iterable[Place],
    values: Any,
    why_not: Mapping[str, str] | None = None,
    options: Mapping[str, Sequence[Option]] | None = None,
) -> tuple[Row, ...]:
    """Return the rows of some places, in the order of the fields.

    Parameters
    ----------
    values
        Anything with the fields as attributes.
    why_not, options
        Of single fields, by name.
    """
    places = set(places)
    return tuple(
        Row(
            name,
            control,
            getattr(values, name),
            (why_not or {}).get(name, ""),
            (options or {}).get(name, getattr(control, "options", ())),
        )
        for name, control in controls_of(choices).items()
        if control.place in places
    )
