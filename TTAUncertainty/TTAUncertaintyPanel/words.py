"""How the choices, the times and the numbers of the panel are said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.words import about, duration, millimetres
from TTAUncertaintyLib.worker.state import StandardError

#: A value as the parameter node keeps it, what it is called, and what it does.
Option = tuple[str, str, str]

#: The parameters of each family, as fields of the parameter node.
_AMPLITUDES = {
    "translation": ("translationMm",),
    "rotation": ("rotationDeg",),
    "rigid": ("translationMm", "rotationDeg"),
    "scale": ("scalePercent",),
    "anisotropic-scale": ("scalePercent",),
    "shear": ("shear",),
    "affine": ("translationMm", "rotationDeg", "scalePercent", "shear"),
    "elastic": ("elasticMm", "elasticSpacingMm"),
}


def amplitudes_of(family: str) -> tuple[str, ...]:
    """Return the fields whose numbers act in a family of perturbations."""
    return _AMPLITUDES.get(family, ())


def preset_options() -> list[Option]:
    """Presets, each with one line about it."""
    return [
        (
            "quick",
            _("Quick"),
            _("8 small shifts and turns. Total uncertainty only."),
        ),
        (
            "standard",
            _("Standard"),
            _(
                "8 small shifts and turns, each twice. Tells intrinsic spread and bias "
                "jitter apart."
            ),
        ),
        (
            "thorough",
            _("Thorough"),
            _(
                "16 small affine perturbations, each twice. Tells intrinsic spread and bias "
                "jitter apart."
            ),
        ),
        (
            "paper",
            _("Paper"),
            _(
                "50 random perturbations of one family, as published. Choose the family under "
                "Advanced. Total uncertainty only."
            ),
        ),
    ]


def family_options() -> list[Option]:
    """Families of perturbations."""
    return [
        ("translation", _("Shift"), _("Shifts along the three axes, mm.")),
        ("rotation", _("Turn"), _("Turns about the three axes, degrees.")),
        ("rigid", _("Shift and turn"), _("Shifts and turns together.")),
        ("scale", _("Scale"), _("Larger or smaller as a whole, per cent.")),
        ("anisotropic-scale", _("Scale by axis"), _("Larger or smaller along each axis.")),
        ("shear", _("Shear"), _("Sheared along the axes.")),
        ("affine", _("Affine"), _("Shifted, turned, scaled and sheared together.")),
        ("elastic", _("Elastic"), _("Bent by a smooth random deformation, mm.")),
    ]


def sampling_options() -> list[Option]:
    """Ways of placing the perturbations."""
    return [
        (
            "hadamard",
            _("Two levels, balanced"),
            _("Every parameter is plus or minus its amplitude, in balanced combinations."),
        ),
        ("sobol", _("Evenly spread (Sobol)"), _("Spread evenly between minus and plus.")),
        ("random", _("Random"), _("Uniform and independent between minus and plus.")),
    ]


def noise_options() -> list[Option]:
    """Sources of the noise between repeats."""
    return [
        (
            "discretisation",
            _("Sampling of the image"),
            _("The image is shifted by less than a voxel: another sampling, the same anatomy."),
        ),
        ("dropout", _("Dropout of the network"), _("The network's own dropout is switched on.")),
    ]


def start_options() -> list[Option]:
    """Where a registration begins."""
    return [
        ("header", _("As the volumes lie"), _("The same position is taken as the same place.")),
        ("center", _("Centres of the volumes"), _("One field of view is put onto the other.")),
        ("mass", _("Centres of mass"), _("One centre of mass is put onto the other.")),
    ]


def precision_options() -> list[Option]:
    """Arithmetic of the network."""
    return [
        ("f32", _("Full"), _("32 bits: exact. 16 bits where memory runs out.")),
        ("bf16", "bfloat16", _("16 bits: faster on newer graphics cards.")),
        ("f16", "float16", _("16 bits: faster on graphics cards.")),
    ]


def device_options(devices: Sequence[str], chosen: str) -> list[Option]:
    """Devices: automatic, those that were found, and the chosen one even if it was not found.

    Parameters
    ----------
    devices
        Names as in PyTorch, "cpu" first.
    chosen
        What the settings say.
    """
    names = ["auto", *devices]
    if chosen not in names:
        names.append(chosen)
    return [(name, device_title(name), "") for name in names]


def device_title(name: str) -> str:
    """Say a device in words: "cuda:1" is "Graphics card 1"."""
    kind, _colon, number = name.partition(":")
    titles = {
        "auto": _("Automatic"),
        "cpu": _("Processor"),
        "cuda": _("Graphics card"),
        "mps": _("Apple graphics"),
    }
    return f"{titles.get(kind, kind)} {number}".strip() if kind else ""


def passes(count: int) -> str:
    """Say how many passes through the network: "1 pass", "18 passes"."""
    return _("1 pass") if count == 1 else _("{count} passes").format(count=count)


def standard_error(known: StandardError) -> str:
    """Say how well a map is known: "map known to ±0.031 mm (6 %)"."""
    size = millimetres(known.mm)
    return _("map known to {size} ({share})").format(
        size=size if size.startswith("below") else f"±{size}", share=percent(known.fraction)
    )


def number(value: float | None, decimals: int = 2) -> str:
    """Write a number for a table; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{decimals}f}"


def percent(share: float | None) -> str:
    """Write a share of 1 as per cent; a dash where there is none."""
    if share is None or not math.isfinite(share):
        return "–"
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"


def position(ras: Any) -> str:
    """Write a position in RAS, mm, with the letters that say which side: "R 12, A 4, S 30"."""
    return ", ".join(
        f"{plus if value >= 0 else minus} {abs(value):.0f}"
        for value, plus, minus in zip(ras, "RAS", "LPI", strict=True)
    )


def megabytes(size_mb: float) -> str:
    """Write a size in MB, with a decimal below 10."""
    return f"{size_mb:.1f} MB" if size_mb < 9.95 else f"{size_mb:.0f} MB"


__all__ = [
    "Option",
    "about",
    "amplitudes_of",
    "device_options",
    "device_title",
    "duration",
    "family_options",
    "megabytes",
    "noise_options",
    "number",
    "passes",
    "percent",
    "position",
    "precision_options",
    "preset_options",
    "sampling_options",
    "standard_error",
    "start_options",
]
