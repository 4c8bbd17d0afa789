"""The kinds of cue: what each is called, its unit, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class CueFacts:
    """What a person and a file need to know about a cue.

    Parameters
    ----------
    title
        For the screen.
    unit
        "mm" or "" (dimensionless).
    floor
        The smallest value that means something, in the cue's unit: a logarithm is taken of no
        less than this.
    """

    title: str
    unit: str
    floor: float


class Cue(Enum):
    """Kinds of cue; the value is the key in a calibration."""

    TOTAL = "total"
    INTRINSIC = "intrinsic"
    JITTER = "jitter"
    INVERSE_CONSISTENCY = "inverse_consistency"
    NCC_GAP = "ncc_gap"
    RESIDUAL = "residual"
    LOG_JACOBIAN = "log_jacobian"
    DISPLACEMENT = "displacement"
    DISAGREEMENT = "disagreement"
    OPINION = "second_opinion"
    EXPECTED = "expected_error"

    @property
    def facts(self) -> CueFacts:
        """Name, unit and floor."""
        return _FACTS[self]


_FACTS = {
    Cue.TOTAL: CueFacts("total uncertainty", "mm", 0.01),
    Cue.INTRINSIC: CueFacts("intrinsic spread", "mm", 0.01),
    Cue.JITTER: CueFacts("bias jitter", "mm", 0.01),
    Cue.INVERSE_CONSISTENCY: CueFacts("inverse-consistency gap", "mm", 0.02),
    Cue.NCC_GAP: CueFacts("1 - local correlation", "", 0.005),
    Cue.RESIDUAL: CueFacts("intensity difference", "", 0.005),
    Cue.LOG_JACOBIAN: CueFacts("|log Jacobian|", "", 0.005),
    Cue.DISPLACEMENT: CueFacts("displacement", "mm", 0.05),
    Cue.DISAGREEMENT: CueFacts("disagreement with the second opinion", "mm", 0.05),
    Cue.OPINION: CueFacts("expected error of the second opinion", "mm", 0.05),
    Cue.EXPECTED: CueFacts("expected error that is for any network", "mm", 0.05),
}
