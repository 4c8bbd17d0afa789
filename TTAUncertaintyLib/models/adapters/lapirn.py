"""LapIRN's family, third-party brain networks (MIT), behind the contract.

All are fully convolutional, and answer in units of their field of view, so that its extent is kept
at any spacing. LapIRN and cLapIRN were trained on skull-stripped, affinely aligned T1 brains
(OASIS) at 1 mm, and tolerate 2 mm; DIRAC on contrast-enhanced T1 brains with a tumour (BraTS-Reg),
240 x 240 x 155 mm sampled on 160 x 160 x 80 voxels.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..descriptions import CLAPIRN, DIRAC, LAPIRN
from ..networks.lapirn import LapIRNArchitecture, LapIRNNetwork
from .in_a_box import IN_HALF_LENGTHS, InABox, seen


class LapIRN(InABox):
    """LapIRN; the option `spacing` is that of its lattice, mm."""

    about = LAPIRN
    sees = seen("RAS", 1.0)
    answers = IN_HALF_LENGTHS
    extent_mm = (160, 192, 144)

    @staticmethod
    def build(options: Mapping[str, str]) -> LapIRNNetwork:
        """Return the network without its weights."""
        return LapIRNNetwork()


class CLapIRN(InABox):
    """cLapIRN's light variant; `regularisation` is the weight that it is asked for."""

    about = CLAPIRN
    sees = seen("LIA", 1.0)
    answers = IN_HALF_LENGTHS
    extent_mm = (160, 192, 224)

    @staticmethod
    def build(options: Mapping[str, str]) -> LapIRNNetwork:
        """Return the network without its weights, asked for the chosen regularisation."""
        weight = float(options["regularisation"])
        return LapIRNNetwork(LapIRNArchitecture(8, 16, 8, weight, normalised=True))


class Dirac(InABox):
    """DIRAC; `regularisation` is the weight that it is asked for."""

    about = DIRAC
    sees = seen("LPS", 1.0)
    answers = IN_HALF_LENGTHS
    extent_mm = (240, 240, 155)

    @staticmethod
    def build(options: Mapping[str, str]) -> LapIRNNetwork:
        """Return the network without its weights, asked for the chosen regularisation."""
        return LapIRNNetwork(LapIRNArchitecture(24, 24, 24, float(options["regularisation"])))

    @property
    def size(self) -> tuple[int, int, int]:
        """Voxels along i, j, k: the published ones."""
        return 160, 160, 80
