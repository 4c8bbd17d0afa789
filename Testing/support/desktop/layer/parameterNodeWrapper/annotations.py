"""What can stand beside a field's type in ``Annotated``: what it is held to, and its default."""

from dataclasses import dataclass


class Check:
    """Something a value is held to; `validate` raises ValueError."""

    def validate(self, value):
        """Hold a value to it."""
        if not self.allows(value):
            raise ValueError(f"{value!r} does not satisfy {self}")


@dataclass
class WithinRange(Check):
    """Between two numbers, these included."""

    minimum: float
    maximum: float

    def allows(self, value):
        """Say whether a value may be written."""
        return self.minimum <= value <= self.maximum


@dataclass
class Minimum(Check):
    """No smaller than a number."""

    minimum: float

    def allows(self, value):
        """Say whether a value may be written."""
        return value >= self.minimum


@dataclass
class Maximum(Check):
    """No larger than a number."""

    maximum: float

    def allows(self, value):
        """Say whether a value may be written."""
        return value <= self.maximum


@dataclass
class Choice(Check):
    """One of some values."""

    choices: list

    def allows(self, value):
        """Say whether a value may be written."""
        return value in self.choices


@dataclass
class Exclude(Check):
    """None of some values."""

    excluded: list

    def allows(self, value):
        """Say whether a value may be written."""
        return value not in self.excluded


class NotNone(Check):
    """Something, in a field that could hold nothing."""

    def allows(self, value):
        """Say whether a value may be written."""
        return value is not None


@dataclass
class RangeBounds(Check):
    """A range within two numbers."""

    minimum: float
    maximum: float

    def allows(self, value):
        """Say whether a value may be written."""
        return self.minimum <= value.minimum and value.maximum <= self.maximum


@dataclass
class Default:
    """The value of a field that nobody has written yet."""

    value: object = None


@dataclass
class Decimals:
    """Decimals that a widget shows."""

    value: int


@dataclass
class SingleStep:
    """How far one step of a widget goes."""

    value: float


@dataclass
class FloatRange:
    """Two numbers, the smaller one first. Changing one in place does not reach the node here."""

    minimum: float = 0.0
    maximum: float = 0.0

    def __post_init__(self):
        if self.minimum > self.maximum:
            raise ValueError(f"FloatRange from {self.minimum} to {self.maximum}")
