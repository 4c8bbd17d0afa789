"""What a map was made to look like last, and how far its look can be changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..results import MapKind
from ..results.calibration_status import outside_words
from ..results.report.scales import tidy_above
from .display import MapDisplay, default_display, read_display
from .presentation import Presentation

#: On the volume of a map: it has been given a look before, which counts from then on.
SHOWN_ATTRIBUTE = "TTAUncertainty.Shown"


@dataclass(frozen=True)
class Limits:
    """What the sliders of a map reach from and to, in its unit."""

    low: float
    high: float


def display_of(result: Any, kind: MapKind, opacity: float) -> MapDisplay:
    """Return the look that a map was given last, or the one to begin with."""
    volume = result.maps[kind]
    if volume.GetAttribute(SHOWN_ATTRIBUTE):
        return read_display(volume, kind, opacity)
    return replace(default_display(result, kind), opacity=opacity)


def suggested_level(result: Any, kind: MapKind) -> float:
    """Return the value above which a twentieth of the anatomy lies; 0 where it is not known."""
    return float(_known(result, kind).get("p95", 0.0))


def meaning_of(result: Any, kind: MapKind) -> str:
    """Return what a map says, in plain words, and for one of errors where it does not hold."""
    words = kind.facts.meaning
    if result.record.get("audit"):
        words = words.replace("the answer", "the given registration")
    return f"{words} {outside_words(result.record)}" if kind.is_error else words


def limits_of(result: Any, display: MapDisplay) -> Limits:
    """Return how far the sliders reach: over all values, and over the present look."""
    low, high = display.window
    known = _known(result, display.kind)
    top = tidy_above(max(float(known.get("maximum", 0.0)), high, display.threshold or 0.0))
    return Limits(min(0.0, low), top)


def surfaces_differ(before: Presentation | None, wanted: Presentation) -> bool:
    """Tell whether surfaces in 3D that are on the screen have to be made for another value."""
    if before is None or not (before.in_3d and wanted.in_3d):
        return False
    return before.display.kind is wanted.display.kind and before.level_3d != wanted.level_3d


def _known(result: Any, kind: MapKind) -> dict[str, float]:
    return result.record.get("summary", {}).get("maps", {}).get(kind.value) or {}
