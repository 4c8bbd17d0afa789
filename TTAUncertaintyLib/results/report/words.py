"""How numbers and places are written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from math import floor, log10
from typing import Any

from ...perturbations.families import AMPLITUDES_OF

#: How each family of perturbations is said; keys as in the record.
_FAMILY_WORDS = {
    "translation": "shifted",
    "rotation": "turned",
    "rigid": "shifted and turned",
    "scale": "scaled",
    "anisotropic-scale": "scaled",
    "shear": "sheared",
    "affine": "shifted, turned, scaled and sheared",
    "elastic": "bent elastically",
}


def text(value: object) -> str:
    """Return anything as HTML text: all that comes from files or the record goes through here."""
    whole = str(value).encode("utf-8", "backslashreplace").decode()  # names of files may be halves
    return escape(whole, quote=True)


def written_date(created: str) -> str:
    """Return a time of a record as a person writes it; as it is, where it cannot be read."""
    try:
        when = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{when.day} {when:%B %Y, %H:%M} {when.tzname() or ''}".strip()


def mm(value: float) -> str:
    """Return a length: "0.48 mm"."""
    return f"{value:.2f}\u00a0mm"


def percent(share: float) -> str:
    """Return a share of 1 with as many digits as it needs: "12 %", "0.002 %"."""
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f}\u00a0%"
    # never round what is nearly nothing to nothing, nor nearly everything to everything
    size = abs(value)
    rest = round(min(size, abs(100 - size)), 9) or 1e-9
    digits = 1 if rest >= 0.95 else 1 - floor(log10(rest))
    return f"{value:.{digits}f}\u00a0%"


def place(position_ras_mm: Sequence[float]) -> str:
    """Return a place as Slicer shows it: "R 21, P 64, S 58"."""
    letters = (("L", "R"), ("P", "A"), ("I", "S"))
    return ", ".join(
        f"{pair[value >= 0]}\u00a0{abs(value):.0f}"
        for pair, value in zip(letters, position_ras_mm, strict=True)
    )


def coordinates(position_ras_mm: Sequence[float]) -> str:
    """Return a place as numbers that can be typed into Slicer: "21, -64, 58"."""
    return ", ".join(f"{value:.0f}".replace("-", "\u2212") for value in position_ras_mm)


def perturbed_how(design: dict[str, Any]) -> str:
    """Return what a design does to the moving image: "shifted and turned"."""
    return _FAMILY_WORDS.get(str(design["family"]), str(design["family"]))


def amplitudes(design: dict[str, Any]) -> list[str]:
    """Return the amplitudes that act in a design: "translation ± 0.97 mm", ..."""
    names = AMPLITUDES_OF.get(str(design["family"]), tuple(design["amplitudes"]))
    return [_amplitude(name, design["amplitudes"][name]) for name in names]


def _amplitude(name: str, value: float | Sequence[float]) -> str:
    stem, _, tail = name.rpartition("_")
    unit = {"mm": "\u00a0mm", "deg": "°"}.get(tail, "")
    title = (stem if unit else name).replace("_", " ")
    values = [value] if isinstance(value, int | float) else list(value)
    numbers = " × ".join(f"{number:.3g}" for number in values)
    sign = "every" if name.endswith("spacing_mm") else "±"
    return f"{title} {sign} {numbers}{unit}"
