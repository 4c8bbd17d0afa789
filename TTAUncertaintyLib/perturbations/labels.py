"""Words for a perturbation, for a person who looks at one pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .design import Draws
from .families import Amplitudes, Family, blocks


def pass_label(draws: Draws, n: int) -> str:
    """Return what pass n does, counted from 0, in words, with units; numbering starts at 1.

    Shifts and turns are along and about the axes of the moving lattice.
    """
    k, r = divmod(n, draws.design.replicates)
    name = f"perturbation {k + 1}"
    if draws.design.replicates > 1:
        name += f", repeat {r + 1}"
    return f"{name}: {describe(draws.design.family, draws.design.amplitudes, draws.parameters[k])}"


def describe(family: Family, amplitudes: Amplitudes, parameters: NDArray[np.float64]) -> str:
    """Return what a parameter vector of a family does, in words.

    Parameters
    ----------
    family, amplitudes
        What kind, and the size of one unit.
    parameters
        Shape (P,), dimensionless.
    """
    if family is Family.ELASTIC:
        reach = np.abs(parameters).reshape(3, -1).max(axis=1) * np.asarray(amplitudes.elastic_mm)
        return f"bend by control points moved up to {reach.max():.1f} mm"
    words = {
        "translation": lambda v: f"shift {_signed(v * np.asarray(amplitudes.translation_mm))} mm",
        "rotation": lambda v: f"turn {_signed(v * amplitudes.rotation_deg)} deg",
        "scale": lambda v: f"scale {_signed(v * 100 * amplitudes.scale)} %",
        "scale3": lambda v: f"scale {_signed(v * 100 * amplitudes.scale)} %",
        "shear": lambda v: f"shear {_signed(v * 100 * amplitudes.shear)} %",
    }
    parts, first = [], 0
    for block, size in blocks(family):
        parts.append(words[block](parameters[first : first + size]))
        first += size
    return ", ".join(parts)


def _signed(values: NDArray[np.float64]) -> str:
    return " ".join(f"{value:+.1f}" for value in values)
