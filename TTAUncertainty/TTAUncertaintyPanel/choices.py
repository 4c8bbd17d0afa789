"""What a run needs to know, apart from the panel: the same for a click and for a script."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from .design import DESIGN_FIELDS, preset_fields


@dataclass(frozen=True)
class RunChoices:
    """The part of `TTAUncertaintyParameters` that decides a run, without a scene.

    Attributes are those of `TTAUncertaintyParameters`; nodes may be None.
    """

    fixedVolume: Any = None
    movingVolume: Any = None
    model: str = "pyramid-flow"
    modelOptions: str = "{}"
    initialTransform: Any = None
    structures: Any = None
    preset: str = "standard"
    customise: bool = False
    family: str = "rigid"
    sampling: str = "hadamard"
    noise: str = "discretisation"
    outer: int = 8
    replicates: int = 2
    seed: int = 0
    stopBelowMm: float = 0.0
    translationMm: float = 1.0
    rotationDeg: float = 1.0
    scalePercent: float = 2.0
    shear: float = 0.01
    elasticMm: float = 5.0
    elasticSpacingMm: float = 20.0
    start: str = "header"
    keepRegistrations: bool = False

    @classmethod
    def of(cls, parameters: Any) -> RunChoices:
        """Take the choices out of a parameter node, as they are now."""
        return cls(**{field.name: getattr(parameters, field.name) for field in fields(cls)})

    def changed(self, **changes: Any) -> RunChoices:
        """Return other choices.

        A change of the preset brings its own numbers; on top of them, changing one field of the
        design (`DESIGN_FIELDS`) makes the design a custom one.

        Raises
        ------
        TypeError
            If there is no such field.
        """
        known = {field.name for field in fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise TypeError(
                f"A run has no choice named {', '.join(unknown)}. "
                f"There are: {', '.join(sorted(known))}."
            )
        chosen = replace(self, **{k: v for k, v in changes.items() if k not in DESIGN_FIELDS})
        custom = {name: value for name, value in changes.items() if name in DESIGN_FIELDS}
        if not custom:
            return chosen
        if set(custom) == {"family"} and chosen.preset == "paper":
            return replace(chosen, **custom)
        if not self.customise or "preset" in changes:
            family = custom.get("family", chosen.family)
            chosen = replace(chosen, **preset_fields(chosen.preset, chosen.model, family))
        return replace(chosen, **custom, customise=True)
