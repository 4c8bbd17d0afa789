"""What a person asks for: a preset, and what they want otherwise.

A request knows no lattice yet; amplitudes that follow the voxel size are filled in when it is
resolved.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from ..errors import DesignError
from ..geometry import Lattice
from ..strict_json import NotAllowed, read_as
from .design import Design, Noise
from .designs import Sampling
from .families import Family
from .presets import Preset, preset_design


@dataclass(frozen=True)
class DesignRequest:
    """A preset and the changes to it; None keeps what the preset says."""

    #: Where to begin.
    preset: Preset = Preset.STANDARD
    #: As in `Design`.
    family: Family | None = None
    sampling: Sampling | None = None
    outer: int | None = None
    replicates: int | None = None
    noise: Noise | None = None
    seed: int = 0
    #: As in `Amplitudes`.
    translation_mm: float | None = None
    rotation_deg: float | None = None
    scale: float | None = None
    shear: float | None = None
    elastic_mm: float | None = None
    elastic_spacing_mm: float | None = None

    def resolve(self, lattice: Lattice) -> Design:
        """Return the design for a moving lattice.

        Raises
        ------
        DesignError
            If a value is out of its range.
        """
        paper = self.preset is Preset.PAPER
        base = preset_design(self.preset, lattice, self.seed, self.family if paper else None)
        amplitudes = {
            name: getattr(self, name)
            for name in vars(base.amplitudes)
            if getattr(self, name) is not None
        }
        changes: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("family", "sampling", "outer", "replicates", "noise")
            if getattr(self, name) is not None
        }
        if paper:
            changes.pop("family", None)
        if amplitudes:
            changes["amplitudes"] = replace(base.amplitudes, **amplitudes)
        if not changes:
            return base
        return replace(base, **changes, name=f"custom, from {base.name}")

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description without what keeps the preset's value."""
        return {
            name: getattr(value, "value", value)
            for name, value in asdict(self).items()
            if value is not None
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DesignRequest:
        """Read what `as_dict` wrote.

        Raises
        ------
        DesignError
            If a key or a value is not known.
        """
        try:
            return read_as(cls, values)
        except NotAllowed as error:
            raise DesignError(f"The design's '{error.key}' {error.why}", error.remedy) from error
