"""What a run says while it works."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """What the engine has just done."""

    REGISTERING = "registering"  #: the unperturbed prediction
    INVERSE = "inverse"  #: the reverse pass for the inverse-consistency map
    PERTURBING = "perturbing"  #: perturbed passes


#: Perturbations from which on a run may stop by itself: three increments vary too much.
LEAST_PERTURBATIONS = 4


@dataclass(frozen=True)
class Convergence:
    """How well the map is known after some perturbations."""

    #: Complete ones, 3 or more.
    perturbations: int
    #: Of the map of total uncertainty: root mean square over the foreground.
    standard_error_mm: float
    #: The map itself: root mean square over the same voxels.
    total_mm: float

    @property
    def fraction(self) -> float:
        """The standard error as a share of the map; 0 for a map of zeros."""
        return self.standard_error_mm / self.total_mm if self.total_mm else 0.0

    def is_below(self, tolerance_mm: float | None) -> bool:
        """Tell whether a run with this tolerance may stop; never without one."""
        return (
            tolerance_mm is not None
            and self.perturbations >= LEAST_PERTURBATIONS
            and self.standard_error_mm < tolerance_mm
        )

    def still_needed(self, tolerance_mm: float) -> int:
        """Return about how many more perturbations bring it below a tolerance: SE ~ (K-1)^-1/2."""
        needed = 1 + (self.perturbations - 1) * (self.standard_error_mm / tolerance_mm) ** 2
        return max(0, math.ceil(max(needed, LEAST_PERTURBATIONS) - self.perturbations))


@dataclass(frozen=True)
class Progress:
    """A report after a step."""

    phase: Phase
    #: Passes through the network, of all kinds.
    done: int
    total: int
    #: Perturbed passes done, among them.
    perturbed: int
    #: Seconds since the run began (this session's, when a run is resumed).
    elapsed_s: float
    #: Estimate of the seconds left; None before there is anything to estimate from.
    left_s: float | None
    #: How well the map is known; None before three perturbations are complete.
    convergence: Convergence | None = None
