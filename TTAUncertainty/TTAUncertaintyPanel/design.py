"""From the panel's numbers to the design of a run, and from a preset to the panel's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.models import DEFAULT_MODEL, MODELS, models
from TTAUncertaintyLib.perturbations import (
    PAPER_FAMILIES,
    Design,
    DesignRequest,
    Family,
    Noise,
    Preset,
    Sampling,
)

#: Field of view that stands for a head where the network's own is not known yet, mm along i, j, k.
_TYPICAL_EXTENT_MM = (160.0, 192.0, 160.0)

#: Spacing for a network whose lattice follows from the images.
_TYPICAL_SPACING_MM = 2.0

_PAPER_NAMES = tuple(member.value for member in PAPER_FAMILIES)

#: Field of the parameter node, field of `DesignRequest`, and the factor between their units.
_REQUEST: dict[str, tuple[str, float | None]] = {
    "family": ("family", None),
    "sampling": ("sampling", None),
    "noise": ("noise", None),
    "outer": ("outer", None),
    "replicates": ("replicates", None),
    "translationMm": ("translation_mm", None),
    "rotationDeg": ("rotation_deg", None),
    "scalePercent": ("scale", 0.01),
    "shear": ("shear", None),
    "elasticMm": ("elastic_mm", None),
    "elasticSpacingMm": ("elastic_spacing_mm", None),
}


#: Fields that replace the preset's values, and so mean `customise`.
DESIGN_FIELDS = tuple(_REQUEST)

#: The parameters of each family, as fields of the parameter node.
_ACTING = {
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
    return _ACTING.get(family, ())


def design_request(choices: Any) -> DesignRequest:
    """Return what the choices ask for.

    Parameters
    ----------
    choices
        `TTAUncertaintyParameters` or `RunChoices`.

    Raises
    ------
    DesignError
        If a name is none of the library's.
    """
    asked: dict[str, Any] = {"preset": choices.preset, "seed": choices.seed}
    if choices.preset == Preset.PAPER.value and choices.family in _PAPER_NAMES:
        asked["family"] = choices.family
    if choices.customise:
        # what is still the preset's is left to it: its amplitudes may differ by axis
        own = preset_fields(choices.preset, choices.model, choices.family)
        asked |= {
            name: getattr(choices, field) * factor if factor else getattr(choices, field)
            for field, (name, factor) in _REQUEST.items()
            if getattr(choices, field) != own[field]
        }
    return DesignRequest.from_dict(asked)


def typical_lattice(model: str) -> Lattice:
    """Return a lattice of the network's spacing over the field of view of a head.

    The design of a run is resolved on the network's own lattice, which is known only once the
    images are read; presets depend on its spacing alone, the paper's protocol on its extent too.
    """
    entry = models().get(model, MODELS[DEFAULT_MODEL])
    spacing = entry.description.spacing_mm or _TYPICAL_SPACING_MM
    size = tuple(max(1, round(extent / spacing)) for extent in _TYPICAL_EXTENT_MM)
    return Lattice(size, np.diag([spacing, spacing, spacing, 1.0]))  # type: ignore[arg-type]


def resolved(choices: Any) -> Design:
    """Return the design on a typical lattice: K, R, family, sampling and amplitudes.

    Raises
    ------
    DesignError
        If a number is out of its range.
    """
    return design_request(choices).resolve(typical_lattice(choices.model))


def passes(choices: Any) -> int:
    """Passes through the network that a run makes: K times R, and two that are not perturbed.

    0 where the design is not valid.
    """
    try:
        return resolved(choices).passes + 2
    except TTAUncertaintyError:
        return 0


def preset_fields(preset: str, model: str, family: str = "") -> dict[str, Any]:
    """Return a preset's own numbers as fields of the parameter node, from `family` on.

    Amplitudes that differ by axis (the paper's) are given by their mean.

    Parameters
    ----------
    preset
        A value of `Preset`.
    model
        Name in the registry: amplitudes follow the spacing of its lattice.
    family
        For the paper's protocol, which has one design for each of its families.
    """
    paper = preset == Preset.PAPER.value and family in _PAPER_NAMES
    request = DesignRequest(Preset(preset), Family(family) if paper else None)
    design = request.resolve(typical_lattice(model))
    amplitudes = design.amplitudes

    def number(value: Any) -> float:
        return round(float(np.mean(value)), 4)

    return {
        "family": design.family.value,
        "sampling": design.sampling.value,
        "noise": design.noise.value,
        "outer": design.outer,
        "replicates": design.replicates,
        "translationMm": number(amplitudes.translation_mm),
        "rotationDeg": number(amplitudes.rotation_deg),
        "scalePercent": number(amplitudes.scale * 100),
        "shear": number(amplitudes.shear),
        "elasticMm": number(amplitudes.elastic_mm),
        "elasticSpacingMm": number(amplitudes.elastic_spacing_mm),
    }


def fill_from_preset(parameters: Any) -> None:
    """Write a preset's own numbers into a parameter node and switch `customise` off."""
    fields = preset_fields(parameters.preset, parameters.model, parameters.family)
    modifying = parameters.StartModify()
    try:
        parameters.customise = False
        for name, value in fields.items():
            setattr(parameters, name, value)
    finally:
        parameters.EndModify(modifying)


#: What can be chosen, as values, in the order of the library.
FAMILIES = tuple(member.value for member in Family)
SAMPLINGS = tuple(member.value for member in Sampling)
NOISES = (Noise.DISCRETISATION.value, Noise.DROPOUT.value)
PRESETS = tuple(member.value for member in Preset)
