"""What can be chosen, and words that numbers go into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath


@dataclass(frozen=True)
class Option:
    """One of several things to choose."""

    #: As the choices keep it.
    value: str
    #: What it is called, and a sentence about it.
    title: str
    about: str = ""
    #: Why it cannot be chosen now; "" if it can.
    why_not: str = ""


def barred(
    options: Iterable[Option], why_not: str, values: Iterable[str] | None = None
) -> tuple[Option, ...]:
    """Return options of which some cannot be chosen: those with these values, else all."""
    return tuple(
        replace(option, why_not=why_not) if values is None or option.value in values else option
        for option in options
    )


@dataclass(frozen=True)
class Phrase:
    """Words, and the numbers that go into them once the words are translated."""

    #: With the names of the numbers in braces.
    words: str = ""
    #: By name; numbers, or phrases of their own.
    numbers: Mapping[str, object] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether there are words."""
        return bool(self.words)

    def said(
        self, translated: Callable[[str], str] = str, written: Callable[[str], str] = str
    ) -> str:
        """Return the words with their numbers.

        Parameters
        ----------
        translated
            Makes of English words those of the person's language.
        written
            Makes text among the numbers fit for where it goes to: a page, for example.
        """
        numbers = {
            name: value.said(translated, written)
            if isinstance(value, Phrase)
            else written(str(value))
            if isinstance(value, (str, PurePath))
            else value
            for name, value in self.numbers.items()
        }
        return translated(self.words).format(**numbers) if self.words else ""


def sentences(*phrases: Phrase) -> Phrase:
    """Return several phrases as one, those without words left out."""
    said = {f"s{n}": phrase for n, phrase in enumerate(phrases) if phrase.words}
    return Phrase(" ".join(f"{{{name}}}" for name in said), said)
