"""Whether a calibration belongs to a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .calibration import Calibration

#: Relative difference up to which two amplitudes or spacings are the same.
_SAME = 1e-3


def mismatch(
    calibration: Calibration,
    model: Mapping[str, Any],
    design: Mapping[str, Any],
    spacing_mm: float,
    reverse_pass: bool = True,
) -> str | None:
    """Return why a calibration does not hold for a run, in a sentence; None where it holds.

    Parameters
    ----------
    calibration
        The calibration.
    model
        As `models.contract.describe` returns it, or `result.json` says it.
    design
        As `Design.as_dict`.
    spacing_mm
        Mean voxel spacing of the network's fixed lattice.
    reverse_pass
        Whether the run makes the pass for the inverse-consistency gap.
    """
    if calibration.model != model["name"]:
        return f"The calibration is of the model {calibration.model}, not of {model['name']}."
    weights = model["weights"]
    if calibration.weights_sha256 != (None if weights is None else weights["sha256"]):
        return "The calibration is of other weights of this model."
    if dict(calibration.options) != dict(model["options"]):
        return "The calibration is of this model with other options."
    differs = _first_difference(calibration.design, design)
    if differs is not None:
        return f"The calibration is of another design of perturbations ({differs} differs)."
    if not math.isclose(calibration.spacing_mm, spacing_mm, rel_tol=0.02):
        return (
            f"The calibration is of voxels of {calibration.spacing_mm:.2g} mm, "
            f"the network sees {spacing_mm:.2g} mm here."
        )
    if calibration.needs_reverse_pass and not reverse_pass:
        return "The calibration needs the inverse-consistency gap, which this run leaves out."
    return None


def _first_difference(first: Any, second: Any, name: str = "") -> str | None:
    """Return the name of the first thing that differs between two designs; seeds may."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in sorted(set(first) | set(second)):
            if key in ("seed", "name"):
                continue
            found = _first_difference(first.get(key), second.get(key), key)
            if found is not None:
                return found
        return None
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        if len(first) != len(second):
            return name
        pairs = zip(first, second, strict=True)
        return next((name for a, b in pairs if _first_difference(a, b, name)), None)
    numbers = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (first, second))
    same = math.isclose(first, second, rel_tol=_SAME) if numbers else first == second
    return None if same else name
