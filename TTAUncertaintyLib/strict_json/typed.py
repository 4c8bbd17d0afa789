"""Plain values into typed ones: what a field's type says is what is taken, and nothing is guessed.

    @dataclass(frozen=True)
    class Point:
        name: str
        weight: Annotated[float, Between(0, 1)] = 1.0

    read_as(Point, {"name": "A", "weight": "heavy"})
    NotAllowed: 'weight' is "heavy". Allowed: a number from 0 to 1.

A type is true/false, a number, text, a path, an enum (written as its value), a list, an object of
one kind of value, or a dataclass, whose fields are the keys; `Annotated` adds a check to it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
Reader = Callable[[object], Any]


class NotAllowed(ValueError):  # noqa: N818  (caught at once, and told as an error of the room)
    """A value that is not allowed, and the key that it stands under.

    Parameters
    ----------
    why
        A sentence on what is wrong; empty where the value breaks its rule and no more.
    key
        Below the place where this is raised, parts joined by "."; "" for that place itself.
    """

    def __init__(self, why: str = "", remedy: str = "", key: str = "") -> None:
        super().__init__(f"'{key}' {why} {remedy}".strip() if key else f"It {why} {remedy}".strip())
        self.why = why
        self.remedy = remedy
        self.key = key

    def below(self, key: str) -> NotAllowed:
        """Return the same under a key that this one's lies below."""
        return NotAllowed(self.why, self.remedy, f"{key}.{self.key}" if self.key else key)


class Check(ABC):
    """What a value has to be beyond its type; stands beside it in `Annotated`."""

    @abstractmethod
    def allowed(self, kind: str) -> str:
        """Say what is allowed; `kind` says it of the type alone."""

    @abstractmethod
    def read(self, value: object, inner: Reader) -> Any:
        """Return the value; `inner` reads it as its type.

        Raises
        ------
        NotAllowed
            If it is not allowed.
        """


@dataclass(frozen=True)
class Between(Check):
    """A number of a range, ends included."""

    least: float
    most: float

    def allowed(self, kind: str) -> str:
        """See `Check.allowed`."""
        return f"{kind} from {self.least:g} to {self.most:g}"

    def read(self, value: object, inner: Reader) -> Any:
        """See `Check.read`."""
        number = inner(value)
        if not self.least <= number <= self.most:
            raise NotAllowed
        return number


@dataclass(frozen=True)
class Matching(Check):
    """Text that passes a test; `clean` makes of it what the library has."""

    words: str
    test: Callable[[str], object]
    clean: Callable[[str], str] = str

    def allowed(self, kind: str) -> str:
        """See `Check.allowed`."""
        return self.words

    def read(self, value: object, inner: Reader) -> Any:
        """See `Check.read`."""
        text = inner(value)
        if not self.test(text):
            raise NotAllowed
        return self.clean(text)


class OneOf(Check):
    """One of a few values; `why` says more where there is but one."""

    def __init__(self, *values: object, why: str = "") -> None:
        self._values = values
        self._why = why

    def allowed(self, kind: str) -> str:
        """See `Check.allowed`."""
        return " or ".join(json.dumps(value) for value in self._values)

    def read(self, value: object, inner: Reader) -> Any:
        """See `Check.read`."""
        found = inner(value)
        if found not in self._values:
            why = f"is {_shown(value)}. {self._why}" if self._why else ""
            raise NotAllowed(why, f"Allowed: {self.allowed('')}.")
        return found


class Mended(Check):
    """Text whose halves of characters, as in names of files of another encoding, are numbers."""

    def allowed(self, kind: str) -> str:
        """See `Check.allowed`."""
        return kind

    def read(self, value: object, inner: Reader) -> Any:
        """See `Check.read`."""
        if isinstance(value, str):
            value = value.encode("utf-8", "backslashreplace").decode()
        return inner(value)


@dataclass(frozen=True)
class OrNan(Check):
    """A number; where there is none, NaN or an infinite one, and null where that is said."""

    null: bool = True

    def allowed(self, kind: str) -> str:
        """See `Check.allowed`."""
        return f"{kind}, or null" if self.null else kind

    def read(self, value: object, inner: Reader) -> Any:
        """See `Check.read`."""
        none = self.null and value is None
        none = none or (isinstance(value, float) and not math.isfinite(value))
        return math.nan if none else inner(value)


def read_as(kind: type[T], value: object, others: bool = False, **known: object) -> T:
    """Return a plain value as a type.

    Parameters
    ----------
    kind
        Most often a dataclass.
    others
        Leave out the keys that no field has, instead of refusing them.
    **known
        Fields of the dataclass that are no keys.

    Raises
    ------
    NotAllowed
        If it is not of the type, or a key is missing or unknown. What the dataclass itself raises
        comes through.
    """
    try:
        if is_dataclass(kind):
            found: T = _read_dataclass(kind, others, known, value)
        else:
            found = _reader(cast(Any, kind), others)(value)
        return found
    except NotAllowed as error:
        raise error if error.why else _refused(kind, value) from None


def plain(value: object) -> Any:
    """Return a typed value as JSON has it, so that `read_as` makes the same of it again.

    Dataclasses become objects by the names of their keys; a number that is not finite becomes null.
    """
    if is_dataclass(value) and not isinstance(value, type):
        keys = keys_of(type(value))
        return {name: plain(getattr(value, each.name)) for name, each in keys.items()}
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def take_version(value: object, newest: int, key: str = "schema_version") -> dict[str, Any]:
    """Return an object without its version, which has to be one that is known here.

    Raises
    ------
    NotAllowed
        If it is not an object, or of another version.
    """
    if not isinstance(value, dict):
        raise NotAllowed("is not an object.")
    rest = dict(value)
    version = rest.pop(key, None)
    if type(version) is not int or version < 1:
        said = "is missing" if key not in value else f"is {_shown(version)}"
        raise NotAllowed(f"{said}.", f"Allowed: a whole number from 1 to {newest}.", key)
    if version > newest:
        raise NotAllowed(
            f"is {version}: it was written by a newer version.", "Update TTAUncertainty.", key
        )
    return rest


def key(text: str, default: Any = MISSING, name: str | None = None) -> Any:
    """Declare a field of a dataclass as a key that has more to it than its name and type.

    Parameters
    ----------
    text
        What it means, for tables of keys.
    default
        What holds where it is absent; a `dict` stands for an empty one. Left out: it has to be
        there.
    name
        The key's name where it cannot be the field's.
    """
    about = {"text": text, "key": name}
    if default is dict:
        return field(default_factory=dict, metadata=about)
    return field(default=default, metadata=about)


@functools.cache
def keys_of(kind: type) -> dict[str, Field[Any]]:
    """Return the fields of a dataclass by the name of their key."""
    return {each.metadata.get("key") or each.name: each for each in fields(kind)}


def is_needed(each: Field[Any]) -> bool:
    """Tell whether a key has to be there."""
    return each.default is MISSING and each.default_factory is MISSING


def allowed(kind: Any) -> str:
    """Say what values of a type are, in JSON."""
    arguments = get_args(kind)
    if get_origin(kind) is Annotated:
        words = allowed(arguments[0])
        for check in arguments[1:]:
            words = check.allowed(words)
        return words
    if _is_union(kind):
        return ", or ".join("null" if each is type(None) else allowed(each) for each in arguments)
    if _is_list(kind):
        if arguments[-1] is Ellipsis or len(arguments) == 1:
            return f"a list, each {allowed(arguments[0])}"
        return f"a list of {len(arguments)}, each {allowed(arguments[0])}"
    if _is_object(kind):
        if arguments[1] is Any:
            return "an object"
        return f"an object of {allowed(arguments[0])}: {allowed(arguments[1])}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(json.dumps(member.value) for member in kind)
    return _WORDS.get(kind, "an object")


_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    Any: "anything",
}


def _read_dataclass(kind: Any, others: bool, known: Mapping[str, object], value: object) -> Any:
    if not isinstance(value, dict):
        raise NotAllowed
    keys = {name: each for name, each in keys_of(kind).items() if each.name not in known}
    for name in value:
        if name not in keys and not others:
            raise NotAllowed("is not a key here.", f"Allowed: {', '.join(keys)}.", name[:60])
    read, hints = dict(known), _hints(kind)
    for name, each in keys.items():
        hint = hints[each.name]
        if name in value:
            read[each.name] = _below(name, hint, value[name], others)
        elif is_needed(each):
            raise NotAllowed("is missing.", f"Allowed: {allowed(hint)}.", name)
    return kind(**read)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _below(name: str, kind: Any, value: object, others: bool) -> Any:
    try:
        return _reader(kind, others)(value)
    except NotAllowed as error:
        raise (error if error.why else _refused(kind, value)).below(name) from None


def _refused(kind: Any, value: object) -> NotAllowed:
    return NotAllowed(f"is {_shown(value)}.", f"Allowed: {allowed(kind)}.")


@functools.cache
def _reader(kind: Any, others: bool) -> Reader:
    """Return what reads a plain value as a type."""
    arguments = get_args(kind)
    if get_origin(kind) is Annotated:
        reader = _reader(arguments[0], others)
        for check in arguments[1:]:
            reader = functools.partial(check.read, inner=reader)
        return reader
    if _is_union(kind):
        return functools.partial(_read_union, arguments, others)
    if _is_list(kind):
        return functools.partial(_read_list, arguments, others)
    if _is_object(kind):
        return functools.partial(_read_object, arguments, others)
    if is_dataclass(kind):
        return functools.partial(_read_dataclass, kind, others, {})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return functools.partial(_read_enum, kind)
    return _PLAIN[kind]


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in (tuple, list, Sequence)


def _is_object(kind: Any) -> bool:
    return get_origin(kind) in (dict, Mapping)


def _read_union(kinds: tuple[Any, ...], others: bool, value: object) -> Any:
    *first, last = (kind for kind in kinds if kind is not type(None))
    if value is None and type(None) in kinds:
        return None
    for kind in first:
        with contextlib.suppress(NotAllowed):
            return _reader(kind, others)(value)
    return _reader(last, others)(value)


def _read_list(kinds: tuple[Any, ...], others: bool, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise NotAllowed
    if kinds[-1] is Ellipsis or len(kinds) == 1:
        kinds = (kinds[0],) * len(value)
    if len(value) != len(kinds):
        raise NotAllowed
    plain = not any(is_dataclass(kind) for kind in kinds[:1])
    if plain:  # a list of numbers is shown whole
        readers = {kind: _reader(kind, others) for kind in set(kinds)}
        return tuple(readers[kind](one) for kind, one in zip(kinds, value, strict=True))
    pairs = zip(kinds, value, strict=True)
    return tuple(_below(f"{n}", kind, one, others) for n, (kind, one) in enumerate(pairs))


def _read_object(kinds: tuple[Any, Any], others: bool, value: object) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise NotAllowed
    read_key = _reader(kinds[0], others)
    return {read_key(name): _below(name[:60], kinds[1], one, others) for name, one in value.items()}


def _read_enum(kind: type[Enum], value: object) -> Enum:
    for member in kind:
        if member is value or (type(value) is type(member.value) and value == member.value):
            return member
    raise NotAllowed


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise NotAllowed
    return value


def _read_whole(value: object) -> int:
    if type(value) is not int:
        raise NotAllowed
    return value


def _read_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAllowed
    try:
        number = float(value)
    except OverflowError:
        raise NotAllowed from None
    if not math.isfinite(number):
        raise NotAllowed
    return number


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise NotAllowed
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotAllowed("holds half a character.", "Write it anew.") from None
    return value


def _read_path(value: object) -> Path:
    """Read a path; its bytes may be of any encoding, as the system has it."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or "\0" in value:
        raise NotAllowed
    return Path(value)


_PLAIN: dict[Any, Reader] = {
    bool: _read_flag,
    int: _read_whole,
    float: _read_number,
    str: _read_text,
    Path: _read_path,
    Any: lambda value: value,
}


def _shown(value: object) -> str:
    """Return a value as it stands in the file, cut short."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:60]} ..."
