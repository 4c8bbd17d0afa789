"""What a run says while it works."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """What the engine has just done."""

    REGISTERING = "registering"  #: the unperturbed prediction
    INVERSE = "inverse"  #: the reverse pass for the inverse-consistency map
    PERTURBING = "perturbing"  #: perturbed passes


@dataclass(frozen=True)
class Progress:
    """A report after a step.

    Parameters
    ----------
    phase
        Of the step just finished.
    done, total
        Passes through the network, of all kinds.
    perturbed
        Perturbed passes done, among them.
    elapsed_s
        Seconds since the run began (this session's, when a run is resumed).
    left_s
        Estimate of the seconds left; None before there is anything to estimate from.
    """

    phase: Phase
    done: int
    total: int
    perturbed: int
    elapsed_s: float
    left_s: float | None
