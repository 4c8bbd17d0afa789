"""What a run has found, on the network's own lattice."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..geometry import DeformableTransform, Lattice
from ..variance import VarianceEstimate
from .execution import Precision
from .fields import rest_matrix
from .progress import Convergence


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run has found so far; all tensors on the CPU, on the fixed lattice."""

    #: The network's lattices.
    moving_lattice: Lattice
    fixed_lattice: Lattice
    #: [3, D, H, W]: phi_0, voxels of the moving lattice, components (i, j, k).
    prediction: Tensor
    #: [D, H, W]: determinant of phi_0's Jacobian in the world.
    jacobian: Tensor
    #: [D, H, W], mm; None if it was not asked for.
    inverse_consistency: Tensor | None
    #: The estimate, mm^2 in the moving world; None before two perturbations are complete.
    variance: VarianceEstimate | None
    #: Perturbed passes done, and in the design.
    perturbed: int
    asked: int
    #: Spent in the loop, earlier sessions of a resumed run not counted.
    seconds: float
    #: Where the last pass ran; in which precision all of them did, the prediction's included.
    device: str
    precision: Precision
    #: What the person should know: smaller batches, a change of device, folding perturbations.
    notes: tuple[str, ...]
    #: How well the map is known; None before three perturbations are complete.
    convergence: Convergence | None = None
    #: The standard error below which the run stops by itself; None if it does not.
    tolerance_mm: float | None = None

    @property
    def whole(self) -> bool:
        """Whether every pass of the design was made."""
        return self.perturbed == self.asked

    @property
    def converged(self) -> bool:
        """Whether the standard error is below the tolerance that was asked for."""
        return self.convergence is not None and self.convergence.is_below(self.tolerance_mm)

    @property
    def complete(self) -> bool:
        """Whether the run came to its own end: every pass was made, or it has converged."""
        return self.whole or self.converged

    def transform(self) -> DeformableTransform:
        """Return the unperturbed prediction as a transform, fixed world to moving world."""
        return transform_of(self.prediction, self.moving_lattice, self.fixed_lattice)


def transform_of(prediction: Tensor, moving: Lattice, fixed: Lattice) -> DeformableTransform:
    """Return a prediction as a transform, its affine part split off.

    Parameters
    ----------
    prediction
        [3, D, H, W] on the CPU and on the fixed lattice: voxels of the moving lattice.
    """
    return DeformableTransform.from_map(prediction, moving, fixed, rest_matrix(moving, fixed))
