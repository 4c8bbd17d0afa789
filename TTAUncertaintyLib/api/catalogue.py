"""Which registration models there are, and whether their weights are on this computer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from ..models.loading import models as entries
from ..models.registry import DEFAULT_MODEL, Entry
from ..store import WeightsStore


@dataclass(frozen=True)
class Model:
    """A registration model.

    Parameters
    ----------
    name
        What `register` takes.
    title, purpose, licence, citation
        For a person.
    weights
        Where its weights are, in words: "3.4 MB", "installed, 4.0 MB", "not installed",
        "needs no weights".
    has_weights
        Whether they are here, or none are needed.
    """

    name: str
    title: str
    purpose: str
    licence: str
    citation: str
    weights: str
    has_weights: bool


class Models(Mapping[str, Model]):
    """Models by name, in the order of the registry; shows itself as a table."""

    def __init__(self, found: Mapping[str, Model]) -> None:
        self._found = dict(found)

    def __getitem__(self, name: str) -> Model:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        column = max(len(name) for name in self) + 2
        return "\n".join(
            f"{each.name:{column}}{each.title} [{each.weights}]" for each in self.values()
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td><code>{escape(each.name)}</code></td><td>{escape(each.title)}</td>"
            f"<td>{escape(each.weights)}</td>"
            f'<td style="text-align:left">{escape(each.purpose)}</td></tr>'
            for each in self.values()
        )
        heads = "".join(f"<th>{head}</th>" for head in ("model", "title", "weights", "for"))
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def models() -> Models:
    """Return the registration models: what `register` takes, those that were installed included."""
    store = WeightsStore()
    return Models({name: _model(store, name, entry) for name, entry in entries().items()})


def _model(store: WeightsStore, name: str, entry: Entry) -> Model:
    about = entry.description
    weights, here = _weights(store, name, entry)
    if name == DEFAULT_MODEL:
        weights += ", default"
    return Model(name, about.title, about.purpose, about.licence, about.citation, weights, here)


def _weights(store: WeightsStore, name: str, entry: Entry) -> tuple[str, bool]:
    """Say where a model's weights are, and whether they are here."""
    if not entry.description.needs_weights:
        return "needs no weights", True
    if entry.bundled:
        return megabytes(entry.bundled_bytes or 0), True
    installed = store.installed(name)
    if installed is not None:
        return f"installed, {megabytes(installed.record.size_bytes)}", True
    return "not installed", False


def megabytes(size: int) -> str:
    """Say a file's size."""
    return f"{size / 1e6:.1f} MB"
