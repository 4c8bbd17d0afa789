"""Whether a calibration belongs to a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..models import models
from ..perturbations.families import AMPLITUDES_OF

#: Relative difference up to which two amplitudes are the same: presets take them from the voxels
#: of the moving image, which an affine alignment has scaled.
_SAME_AMPLITUDE = 0.15


class OfOneNetwork(Protocol):
    """A calibration of any kind: of one network under one design."""

    @property
    def model(self) -> str:
        """Name of the network."""
        ...

    @property
    def weights_sha256(self) -> str | None:
        """Hash of its weights file; None where it has none."""
        ...

    @property
    def options(self) -> Mapping[str, str]:
        """The model's options, by name."""
        ...

    @property
    def design(self) -> Mapping[str, Any]:
        """As `Design.as_dict`."""
        ...

    @property
    def spacing_mm(self) -> float:
        """Mean voxel spacing of the network's fixed lattice."""
        ...

    @property
    def needs_reverse_pass(self) -> bool:
        """Whether it uses the inverse-consistency gap."""
        ...


def mismatch(
    calibration: OfOneNetwork,
    model: Mapping[str, Any],
    design: Mapping[str, Any],
    spacing_mm: float,
    reverse_pass: bool = True,
) -> str | None:
    """Return why a calibration does not hold for a run, in a sentence; None where it holds.

    Parameters
    ----------
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
    theirs, ours = (
        _with_defaults(of, model["name"]) for of in (calibration.options, model["options"])
    )
    if theirs != ours:
        return "The calibration is of this model with other options."
    differs = design_difference(calibration.design, design)
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


def _with_defaults(options: Mapping[str, str], model: str) -> dict[str, str]:
    """Return options with the defaults of those that did not exist when they were written."""
    entry = models().get(model)
    defaults = {} if entry is None else {o.name: o.default for o in entry.description.options}
    return defaults | dict(options)


def head_mismatch(design: Mapping[str, Any], reverse_pass: bool) -> str | None:
    """Return why the head that comes with the software does not hold for a run; None where it does.

    Parameters
    ----------
    design
        As `Design.as_dict`.
    reverse_pass
        Whether the run makes the pass for the inverse-consistency gap.
    """
    if design.get("family") != "rigid" or design.get("sampling") != "hadamard":
        return (
            "The expected error is for small turns and shifts as Quick and Standard make them, "
            f"not for the perturbations of this run ({design.get('name')}, {design.get('family')})."
        )
    if not reverse_pass:
        return "The expected error needs the inverse-consistency gap, which this run leaves out."
    return None


def design_difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> str | None:
    """Return the name of the first thing that differs between two designs, as `Design.as_dict`.

    Seeds and names may differ, and so may amplitudes that do not act in the family.
    """
    for name in sorted((set(first) | set(second)) - {"seed", "name", "amplitudes"}):
        if first.get(name) != second.get(name):
            return name
    acting = AMPLITUDES_OF.get(str(first.get("family")), ())
    for name in acting:
        one, other = (design.get("amplitudes", {}).get(name) for design in (first, second))
        if not np.allclose(_three(one), _three(other), rtol=_SAME_AMPLITUDE, equal_nan=True):
            return name
    return None


def _three(amplitude: Any) -> NDArray[np.float64]:
    values = np.nan if amplitude is None else np.asarray(amplitude, dtype=float)
    return np.array(np.broadcast_to(values, 3))
