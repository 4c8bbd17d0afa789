"""The network registers the pair itself: where it and a given transform disagree, one is wrong.

With T the given transform, phi the network's answer, b its error bound and e_T, e_phi the distance
of each from the truth,

    d = |T − phi|  <=  e_T + e_phi,        so that   e_T >= d − b   wherever e_phi <= b.

The disagreement d, what the network expects of its own error, and how well the image warped by T
fits are the cues from which a calibration makes the expected error of T.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ..calibration import CalibratedMaps
from ..cues import Cue, compute_cues
from ..engine import Outcome
from ..engine.fields import jacobian_determinant_mm
from ..geometry import affine_map, identity_map, points_on
from ..geometry.given_transform import GivenTransform
from ..models import PreparedPair


@dataclass(frozen=True, eq=False)
class SecondOpinion:
    """A given transform beside the network's answer, on the network's fixed lattice."""

    #: The transform under audit.
    given: GivenTransform
    #: What the network found.
    outcome: Outcome
    #: The images as the network saw them.
    pair: PreparedPair
    #: The network's expected error and bound; None where it is not calibrated.
    own: CalibratedMaps | None

    @cached_property
    def points(self) -> Tensor:
        """Where T sends the voxels, float32 [3, D, H, W], moving world, LPS mm."""
        lattice = self.outcome.fixed_lattice
        here = affine_map(torch.tensor(lattice.matrix), identity_map(lattice.array_shape))
        return here + torch.from_numpy(self.given.displacement(lattice))

    @cached_property
    def disagreement(self) -> Tensor:
        """|T − phi|, float32 [D, H, W], mm in the moving world."""
        answer = points_on(self.outcome.transform(), self.outcome.fixed_lattice)
        return (self.points - answer).square_().sum(0).sqrt_()

    @cached_property
    def _voxels(self) -> Tensor:
        """Where T sends the voxels, in voxels of the network's moving lattice."""
        return affine_map(torch.from_numpy(self.outcome.moving_lattice.inverse), self.points)

    @cached_property
    def jacobian(self) -> Tensor:
        """Determinant of T's Jacobian, float32 [D, H, W]."""
        return jacobian_determinant_mm(
            self._voxels, self.outcome.moving_lattice, self.outcome.fixed_lattice
        )

    @cached_property
    def cues(self) -> dict[Cue, Tensor]:
        """What there is to judge T by, float32 [D, H, W] each."""
        as_if_found = replace(
            self.outcome,
            prediction=self._voxels,
            jacobian=self.jacobian,
            inverse_consistency=None,
            variance=None,
        )
        cues = compute_cues(as_if_found, self.pair) | {Cue.DISAGREEMENT: self.disagreement}
        if self.own is not None:
            cues[Cue.OPINION] = self.own.expected_error
        return cues

    @property
    def local_mismatch(self) -> Tensor:
        """1 minus the squared local correlation of fixed and warped image, float32 [D, H, W]."""
        return self.cues[Cue.NCC_GAP]
