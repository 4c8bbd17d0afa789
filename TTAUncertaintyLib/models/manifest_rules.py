"""What the values of a manifest's keys may be; each rule says what it allows."""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_CLASS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_DIRECTIONS = ("RL", "AP", "SI")


class NotAllowed(ValueError):  # noqa: N818  (caught at once, and told as a ModelError)
    """A value that is not allowed, and the key that it stands under.

    Parameters
    ----------
    why
        A sentence on what is wrong; empty where the value breaks its rule and no more.
    remedy
        What is allowed.
    key
        Below the place where this is raised, parts joined by "."; "" for that place itself.
    """

    def __init__(self, why: str = "", remedy: str = "", key: str = "") -> None:
        super().__init__(f"{key}: {why} {remedy}")
        self.why = why
        self.remedy = remedy
        self.key = key

    def below(self, key: str) -> NotAllowed:
        """Return the same under a key that this one's lies below."""
        return NotAllowed(self.why, self.remedy, f"{key}.{self.key}" if self.key else key)


class Rule(ABC):
    """What a value has to be."""

    #: What is allowed, for messages and for the table of keys.
    allowed: str

    @abstractmethod
    def read(self, value: object) -> Any:
        """Return the value as the library has it.

        Raises
        ------
        NotAllowed
            If it is not allowed.
        """


@dataclass(frozen=True)
class Matching(Rule):
    """Text that passes a test."""

    allowed: str
    test: Callable[[str], object]
    clean: Callable[[str], Any] = str

    def read(self, value: object) -> Any:
        """See `Rule.read`."""
        if not isinstance(value, str) or not self.test(value):
            raise NotAllowed
        return self.clean(value)


@dataclass(frozen=True)
class Choice(Rule):
    """One member of an enum, written as its value."""

    members: type[Enum]

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """The values of the members."""
        return " or ".join(f'"{member.value}"' for member in self.members)

    def read(self, value: object) -> Enum:
        """See `Rule.read`."""
        try:
            return self.members(value)
        except ValueError:
            raise NotAllowed from None


@dataclass(frozen=True)
class Whole(Rule):
    """A whole number from 1 to a largest one."""

    most: int

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """The range."""
        return f"a whole number from 1 to {self.most}"

    def read(self, value: object) -> int:
        """See `Rule.read`."""
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= self.most:
            raise NotAllowed
        return value


@dataclass(frozen=True)
class Number(Rule):
    """A finite number, of a range where one is given."""

    least: float = -math.inf
    most: float = math.inf

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """The range."""
        if math.isinf(self.most):
            return "a number"
        return f"a number from {self.least:g} to {self.most:g}"

    def read(self, value: object) -> float:
        """See `Rule.read`."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NotAllowed
        try:
            number = float(value)
        except OverflowError:
            raise NotAllowed from None
        if not (math.isfinite(number) and self.least <= number <= self.most):
            raise NotAllowed
        return number


@dataclass(frozen=True)
class Fixed(Rule):
    """The one value that there is."""

    value: object
    why: str = ""

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """The value."""
        return f'"{self.value}"'

    def read(self, value: object) -> object:
        """See `Rule.read`."""
        if value != self.value:
            why = f"is {_shown(value)}. {self.why}" if self.why else ""
            raise NotAllowed(why, f"Allowed: {self.allowed}.")
        return value


@dataclass(frozen=True)
class Listing(Rule):
    """A list of a fixed length, every entry under one rule."""

    each: Rule
    length: int

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """The length and the rule."""
        return f"a list of {self.length}, each {self.each.allowed}"

    def read(self, value: object) -> tuple[Any, ...]:
        """See `Rule.read`."""
        if not isinstance(value, list) or len(value) != self.length:
            raise NotAllowed
        return tuple(self.each.read(one) for one in value)


@dataclass(frozen=True)
class Nullable(Rule):
    """A rule, or null."""

    rule: Rule

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """What the rule allows, and null."""
        return f"{self.rule.allowed}, or null"

    def read(self, value: object) -> Any:
        """See `Rule.read`."""
        return None if value is None else self.rule.read(value)


class Flag(Rule):
    """True or false."""

    allowed = "true or false"

    def read(self, value: object) -> bool:
        """See `Rule.read`."""
        if not isinstance(value, bool):
            raise NotAllowed
        return value


class Order(Rule):
    """Which of the two images comes first."""

    allowed = '["moving", "fixed"] or ["fixed", "moving"]'

    def read(self, value: object) -> tuple[str, str]:
        """See `Rule.read`."""
        if value not in (["moving", "fixed"], ["fixed", "moving"]):
            raise NotAllowed
        return ("moving", "fixed") if value == ["moving", "fixed"] else ("fixed", "moving")


class Parameters(Rule):
    """Anything at all by name; whoever reads it checks it."""

    allowed = "an object; the kind says which keys it has"

    def read(self, value: object) -> dict[str, Any]:
        """See `Rule.read`."""
        if not isinstance(value, dict):
            raise NotAllowed
        return value


@dataclass(frozen=True)
class Section(Rule):
    """An object whose keys are the fields of a dataclass that were declared with `key`."""

    of: type
    allowed: str = "an object with the keys below"

    def read(self, value: object) -> Any:
        """See `Rule.read`."""
        if not isinstance(value, dict):
            raise NotAllowed
        return read_section(self.of, value)


@dataclass(frozen=True)
class ByName(Rule):
    """An object whose keys and values each follow a rule."""

    name: Rule
    value: Rule

    @property
    def allowed(self) -> str:  # type: ignore[override]
        """Both rules."""
        return f"an object of {self.name.allowed}: {self.value.allowed}"

    def read(self, value: object) -> dict[str, Any]:
        """See `Rule.read`."""
        if not isinstance(value, dict):
            raise NotAllowed
        return {self.name.read(name): self.value.read(one) for name, one in value.items()}


def _shown(value: object) -> str:
    """Return a value as it stands in the file, cut short."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]} ..."


def _is_inside(text: str) -> bool:
    """Tell whether a path stays below the folder that it starts from, on any system."""
    posix, windows = PurePosixPath(text), PureWindowsPath(text)
    if not posix.name or posix.is_absolute() or windows.drive or windows.root:
        return False
    return ".." not in windows.parts and "\0" not in text and "\\" not in text


def _is_orientation(text: str) -> bool:
    """Tell whether three letters name three different anatomical axes."""
    axes = [axis for letter in text for axis in _DIRECTIONS if letter in axis]
    return len(text) == 3 and sorted(axes) == sorted(_DIRECTIONS)


TEXT = Matching("text that is not empty", lambda text: text.strip(), str.strip)
NAME = Matching(
    "up to 64 small letters, digits, '.', '_' and '-', a letter or digit first", _WORD.fullmatch
)
FILE = Matching("a file beside the manifest or in a folder below it, parted by '/'", _is_inside)
SHA256 = Matching("64 hexadecimal digits", _SHA256.fullmatch, str.lower)
CLASS = Matching("the name of a class", _CLASS.fullmatch)
ORIENTATION = Matching("one letter of each of R/L, A/P and S/I, such as RAS", _is_orientation)


def key(rule: Rule, text: str, default: Any = MISSING, name: str | None = None) -> Any:
    """Declare a field of a dataclass as a key of a manifest.

    Parameters
    ----------
    rule
        What its value has to be.
    text
        What it means, for the table of keys.
    default
        What holds where it is absent; a `dict` stands for an empty one. Left out: it has to be
        there.
    name
        The key's name where it cannot be the field's.
    """
    about = {"rule": rule, "text": text, "key": name}
    if default is dict:
        return field(default_factory=dict, metadata=about)
    return field(default=default, metadata=about)


def keys_of(section: type) -> dict[str, Field[Any]]:
    """Return the fields of a dataclass that are keys of a manifest, by the key's name."""
    found = (each for each in fields(section) if "rule" in each.metadata)
    return {each.metadata["key"] or each.name: each for each in found}


def is_needed(each: Field[Any]) -> bool:
    """Tell whether a key has to be there."""
    return each.default is MISSING and each.default_factory is MISSING


def read_section(section: type, values: Mapping[str, object], **known: object) -> Any:
    """Build a dataclass from an object of a manifest; `known` are its fields that are no keys.

    Raises
    ------
    NotAllowed
        If a key is unknown or missing, or a value is not allowed.
    """
    keys = keys_of(section)
    for name in values:
        if name not in keys:
            raise NotAllowed("is not a key of a manifest.", f"Allowed: {', '.join(keys)}.", name)
    read = dict(known)
    for name, each in keys.items():
        rule: Rule = each.metadata["rule"]
        if name in values:
            read[each.name] = _read(rule, name, values[name])
        elif is_needed(each):
            raise NotAllowed("is missing.", f"Allowed: {rule.allowed}.", name)
    return section(**read)


def _read(rule: Rule, name: str, value: object) -> Any:
    try:
        return rule.read(value)
    except NotAllowed as error:
        if error.why:
            raise error.below(name) from None
        raise NotAllowed(f"is {_shown(value)}.", f"Allowed: {rule.allowed}.", name) from None
