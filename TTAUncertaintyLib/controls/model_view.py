"""What is to be seen of the models there are, and of one of them with its weights."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..humanize import about
from ..models import MODELS, models
from ..models.offers import offered, why_offered
from ..store import DownloadPhase, DownloadState, Lack, Source, Weights, WeightsStore, weights_of
from .option import Option, Phrase

#: Links, by what they do: see `ModelControls.do`.
_OWN = '<a href="own">use the model\'s own</a>'
_FILE = '<a href="choose">use a file instead</a>'
_CARE = '<a href="verify">verify</a>, <a href="remove">remove</a>'

_WEIGHTS = {
    Source.NONE: "It has no weights.",
    Source.BUNDLED: f"Weights: included, {{size}} ({_FILE}).",
    Source.CHOSEN: f"Weights: the file {{name}}, {{size}} ({_OWN}).",
    Source.INSTALLED: f"Weights: installed, {{size}} ({_CARE}, {_FILE}).",
    Source.OWN: f"Weights: installed, {{size}} ({_CARE}).",
    Source.ABSENT: ('Weights: not on this computer yet (<a href="choose">use a file for now</a>).'),
}


#: The two buttons.
DOWNLOAD = Option(
    "download",
    "Download weights",
    "Get the network's weights from its publisher and check them.",
)
INSTALL = Option(
    "install",
    "Install from a file…",
    "Install the published file from this computer, for example from a stick where there is no "
    "internet.",
)


@dataclass(frozen=True)
class ModelView:
    """What is said of a model, with links to what can be done, and what goes on."""

    #: What it is for, its licence, where its weights come from: each line of several phrases.
    lines: tuple[tuple[Phrase, ...], ...] = ()
    #: Whom to cite.
    citation: Phrase = field(default_factory=Phrase)
    #: Those that are of use, by what they do.
    buttons: tuple[Option, ...] = ()
    #: What goes on.
    doing: Phrase = field(default_factory=Phrase)


def model_options() -> tuple[Option, ...]:
    """Return the models there are now: the person's own come and go."""
    return tuple(
        Option(name, entry.description.title, entry.description.purpose)
        for name, entry in models().items()
    )


def models_here() -> tuple[Option, ...]:
    """Return the models where nothing can be installed: those that are here first.

    The others say what to type, and cannot be chosen.
    """
    store = WeightsStore()
    options = [
        Option(name, entry.description.title, why_not=_to_type(weights_of(name, store)))
        for name, entry in models().items()
    ]
    return tuple(sorted(options, key=lambda option: bool(option.why_not)))  # else as registered


def lines_of(weights: Weights) -> tuple[tuple[Phrase, ...], ...]:
    """Return what is said of a model and its weights, line by line."""
    entry = models().get(weights.model)
    if entry is None:
        return ()
    name = weights.file.name if weights.file else ""
    numbers = {"size": megabytes(weights.size_mb), "name": name}
    facts = [_licence(weights), Phrase(_WEIGHTS[weights.source], numbers)]
    if weights.record is not None and not weights.record.checked:
        facts.append(Phrase("Not looked into yet: PyTorch was not installed."))
    facts.append(Phrase('<a href="add">Add a network of your own…</a>'))
    purpose = Phrase("{purpose}", {"purpose": Phrase(entry.description.purpose)})
    if weights.source is Source.ABSENT:  # whoever is about to get them should know
        return (purpose,), (citation_of(weights),), tuple(facts)
    return (purpose,), tuple(facts)


def offer(model: str, brains: bool | None) -> Option | None:
    """Return the other bundled network where it is the one for the images; None where it is not.

    What it is about says why, and is written before its title. `brains` is None as long as there
    are no two images of which that is known.
    """
    better = offered(model, brains)
    if not better:
        return None
    return Option(better, MODELS[better].description.title, why_offered(bool(brains)))


def offer_lines(model: str, brains: bool | None) -> tuple[tuple[Phrase, ...], ...]:
    """Return a line with a link where another network is offered: see `offer`."""
    better = offer(model, brains)
    if better is None:
        return ()
    return ((Phrase(better.about), Phrase('<a href="offer">{title}</a>', {"title": better.title})),)


def citation_of(weights: Weights) -> Phrase:
    """Say whom to cite."""
    entry = models().get(weights.model)
    said = "" if entry is None else entry.description.citation
    return Phrase("Cite: {citation}", {"citation": said}) if said else Phrase()


def buttons_for(weights: Weights) -> tuple[Option, ...]:
    """Return how weights that a run would lack can be had."""
    if weights.installed or weights.source is Source.BUNDLED:
        return ()
    entry = MODELS.get(weights.model)
    published = entry is not None and entry.description.published is not None
    return (DOWNLOAD, INSTALL) if published else (INSTALL,)


def facts_here(weights: Weights) -> str:
    """Return what is said of a model where nothing can be installed: licence, and whose it is."""
    said = _licence(weights).said()
    if weights.program:
        return f"{said} A program of your own, which runs with all that you may do here."
    return f"{said} A network of your own." if weights.source is Source.OWN else said


def download_words(state: DownloadState) -> Phrase:
    """Say how far a download is, and how long it takes."""
    if state.phase is DownloadPhase.CHECKING:
        return Phrase("Checking what came…")
    numbers: dict[str, object] = {
        "done": state.done_bytes / 1e6,
        "total": (state.total_bytes or 0) / 1e6,
    }
    if not state.total_bytes:
        return Phrase("{done:.1f} MB", numbers)
    if state.seconds_left is None:
        return Phrase("{done:.1f} of {total:.1f} MB", numbers)
    left = {"time": about(state.seconds_left)}
    return Phrase("{done:.1f} of {total:.1f} MB, {time} left", numbers | left)


def megabytes(size_mb: float) -> str:
    """Write a size in MB, with a decimal below 10."""
    return f"{size_mb:.1f} MB" if size_mb < 9.95 else f"{size_mb:.0f} MB"


def _licence(weights: Weights) -> Phrase:
    entry = models().get(weights.model)
    said = "" if entry is None else entry.description.licence.rstrip(".")
    return Phrase("Licence: {licence}.", {"licence": said}) if said else Phrase()


def _to_type(weights: Weights) -> str:
    """Return what to type, or to do, about what is missing; empty if nothing is."""
    source = "MANIFEST" if weights.record is None else weights.record.source
    install = "ttauncertainty models install"
    return {
        None: "",
        Lack.WEIGHTS: f"Not installed: {install} {weights.model}",
        Lack.CONSENT: f"A program; to agree to run it: {install} {source}",
        Lack.BUNDLED_FILE: "Its file is missing: install TTAUncertainty again.",
    }.get(weights.lack, "Choose another one.")
