"""What can stand beside a field's type in ``Annotated``: what it is held to, and its default."""

from dataclasses import dataclass


class Check:
    """Something a value is held to; `validate` raises ValueError."""

    def validate(self, value):
        if not self.allows(value):
            raise ValueError(f"{value!r} does not satisfy {self}")


@dataclass
class WithinRange(Check):
    """Between two numbers, these included."""

    minimum: float
    maximum: float

    def allows(self, value):
        return self.minimum <= value <= self.maximum


@dataclass
class Choice(Check):
    """One of some values."""

    choices: list

    def allows(self, value):
        return value in self.choices


@dataclass
class Default:
    """The value of a field that nobody has written yet."""

    value: object = None
