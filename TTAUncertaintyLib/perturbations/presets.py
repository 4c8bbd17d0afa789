"""Presets: designs that were chosen by measurement, and the paper's own protocol.

Amplitudes follow the network's voxel size, since a network answers to shifts in voxels. At a
voxel of 2 mm, Quick's are 1 mm and 1 degree.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from ..errors import DesignError
from ..geometry import Lattice
from .design import Design
from .designs import Sampling
from .families import Amplitudes, Family


class Preset(Enum):
    """Named designs; the value is the name on the command line."""

    QUICK = "quick"
    STANDARD = "standard"
    THOROUGH = "thorough"
    PAPER = "paper"


#: The paper's lattice, voxels along each axis: its amplitudes in voxels scale with it.
_PAPER_SIZE = 175
PAPER_FAMILIES = (Family.TRANSLATION, Family.SHEAR, Family.SCALE, Family.ELASTIC)


def preset_design(
    preset: Preset, lattice: Lattice, seed: int = 0, family: Family | None = None
) -> Design:
    """Return a preset's design for a moving lattice.

    Parameters
    ----------
    lattice
        The network's moving lattice: gives the voxel size and the field of view.
    family
        Paper only: translation (default), shear, scale or elastic.

    Raises
    ------
    DesignError
        If the paper's protocol has no such family.
    """
    if preset is Preset.PAPER:
        return paper_design(family or Family.TRANSLATION, lattice, seed)
    voxel = float(np.prod(lattice.spacing) ** (1 / 3))
    if preset is Preset.THOROUGH:
        amplitudes = Amplitudes(
            translation_mm=0.75 * voxel, rotation_deg=0.75 * voxel, scale=0.02, shear=0.01
        )
        return Design(
            Family.AFFINE, amplitudes, Sampling.HADAMARD, 16, 2, seed=seed, name=preset.value
        )
    amplitudes = Amplitudes(translation_mm=0.5 * voxel, rotation_deg=0.5 * voxel)
    replicates = 2 if preset is Preset.STANDARD else 1
    return Design(
        Family.RIGID, amplitudes, Sampling.HADAMARD, 8, replicates, seed=seed, name=preset.value
    )


def paper_design(family: Family, lattice: Lattice, seed: int = 0) -> Design:
    """Return the published protocol of one family: N = 50 independent uniform draws.

    Translation up to 1 % of the image's shape; shear +-0.02; scale 0.9 to 1.1; cubic B-spline
    with control points every 10 voxels and coefficients of up to +-12.5 voxels on a lattice of
    175^3. What is given in voxels there is taken as the same share of this lattice's extent.
    The B-spline folds at that amplitude; the protocol is kept as it is, and the run says so.

    Source: Tian, Hu, Iglesias, arXiv 2509.23355.
    """
    if family not in PAPER_FAMILIES:
        raise DesignError(
            f"The paper has no family '{family.value}'.",
            f"Choose one of {', '.join(f.value for f in PAPER_FAMILIES)}.",
        )

    def share(fraction: float) -> tuple[float, float, float]:
        x, y, z = (lattice.extent * fraction).tolist()
        return x, y, z

    amplitudes = Amplitudes(
        translation_mm=share(0.01),
        shear=0.02,
        scale=0.1,
        elastic_mm=share(12.5 / _PAPER_SIZE),
        elastic_spacing_mm=share(10 / _PAPER_SIZE),
    )
    return Design(
        family,
        amplitudes,
        Sampling.RANDOM,
        outer=50,
        seed=seed,
        allow_folding=family is Family.ELASTIC,
        name=f"paper-{family.value}",
    )
