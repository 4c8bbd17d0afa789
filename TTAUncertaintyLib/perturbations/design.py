"""A design: everything that decides which perturbed passes a run makes.

Outer level: K perturbations tau_k of one family. Inner level: R replicates of each, in which
nothing but the noise changes. See `variance` for what is estimated from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError
from ..geometry import Lattice
from .designs import Sampling, design_points
from .families import Amplitudes, Family, cannot_fold, parameter_count

if TYPE_CHECKING:
    import torch

    from .actions import Action


class Noise(Enum):
    """Where the inner level's noise comes from; the value is the name on the command line."""

    DISCRETISATION = "discretisation"  #: a shift below one voxel changes the sampling phase
    DROPOUT = "dropout"  #: the network's own dropout layers are switched on
    ENSEMBLE = "ensemble"  #: each pass takes one of several checkpoints at random


@dataclass(frozen=True)
class Design:
    """Which perturbations, how many, how large, and how often each is repeated.

    Raises
    ------
    DesignError
        If a number is out of its range.
    """

    #: What the outer perturbations are and how they are placed.
    family: Family = Family.RIGID
    amplitudes: Amplitudes = field(default_factory=Amplitudes)
    sampling: Sampling = Sampling.HADAMARD
    #: K, at least 2.
    outer: int = 8
    #: R, at least 1. With R = 1 only the total variance exists.
    replicates: int = 1
    #: Source of the inner noise. Discretisation acts from R = 2 on.
    noise: Noise = Noise.DISCRETISATION
    #: All draws of the design come from it.
    seed: int = 0
    #: Discretisation noise: uniform shifts of up to this many voxels along each axis, below 1.
    micro_voxels: float = 0.5
    #: Accept elastic perturbations that fold; only the paper's protocol needs it.
    allow_folding: bool = False
    #: The preset it came from, or "custom".
    name: str = "custom"

    def __post_init__(self) -> None:
        if self.outer < 2:
            raise DesignError(
                f"K is {self.outer}: a variance needs at least 2 perturbations.", "Raise --outer."
            )
        if self.replicates < 1:
            raise DesignError(f"R is {self.replicates}.", "Take at least 1 replicate.")
        if not 0 < self.micro_voxels < 1:
            raise DesignError("Micro-perturbations are above 0 and below 1 voxel.")
        if not 0 <= self.seed < 2**63:
            raise DesignError("The seed is a whole number from 0 to 2^63 - 1.")

    @property
    def passes(self) -> int:
        """K times R: how many perturbed passes the design asks for."""
        return self.outer * self.replicates

    @property
    def has_noise(self) -> bool:
        """Whether the noise source acts: the network's own always, discretisation from R = 2 on."""
        return self.replicates > 1 or self.noise is not Noise.DISCRETISATION

    def draw(self, lattice: Lattice) -> Draws:
        """Fix every random number of the design for a moving lattice.

        Raises
        ------
        DesignError
            If the sampling does not exist for this many perturbations and parameters.
        """
        parameters = parameter_count(self.family, self.amplitudes, lattice)
        outer = design_points(self.sampling, self.outer, parameters, self.seed)
        inner = np.random.default_rng([self.seed, 1])
        shape = (self.outer, self.replicates)
        shifts = inner.uniform(-self.micro_voxels, self.micro_voxels, (*shape, 3))
        if self.noise is not Noise.DISCRETISATION or not self.has_noise:
            shifts[:] = 0
        seeds = np.random.default_rng([self.seed, 2]).integers(0, 2**62, shape)
        return Draws(self, lattice, outer, shifts, seeds)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description with units in the names."""
        return {
            "name": self.name,
            "family": self.family.value,
            "amplitudes": dict(vars(self.amplitudes)),
            "sampling": self.sampling.value,
            "outer_K": self.outer,
            "replicates_R": self.replicates,
            "noise": self.noise.value if self.has_noise else None,
            "micro_voxels": self.micro_voxels,
            "seed": self.seed,
            "allow_folding": self.allow_folding,
        }


@dataclass(frozen=True, eq=False)
class Draws:
    """A design with all of its random numbers fixed, on one moving lattice."""

    #: What was drawn, and for which moving lattice.
    design: Design
    lattice: Lattice
    #: Shape (K, P), dimensionless, in [-1, 1].
    parameters: NDArray[np.float64]
    #: Shape (K, R, 3), micro-perturbations, voxels, order (i, j, k).
    shifts: NDArray[np.float64]
    #: Shape (K, R): seed of the network's own noise in each pass.
    seeds: NDArray[np.int64]

    def spare_column(self) -> NDArray[np.float64] | None:
        """Return a column of a two-level design that no parameter uses, shape (K,).

        None for other designs, and where there is none. See `variance.spare_column`.
        """
        from ..variance import spare_column

        if self.design.sampling is not Sampling.HADAMARD:
            return None
        return spare_column(self.parameters)

    def action(self, k: int, device: torch.device | str = "cpu") -> Action:
        """Return tau_k on the moving lattice.

        Raises
        ------
        DesignError
            If it folds and the design does not allow that.
        """
        # here, so that a design can be chosen and checked where there is no torch
        from .building import build_action

        design = self.design
        action = build_action(
            design.family, design.amplitudes, self.parameters[k], self.lattice, device
        )
        if not (design.allow_folding or cannot_fold(design.family, design.amplitudes)):
            folded = action.folded_fraction()
            if folded > 0:
                raise DesignError(
                    f"Perturbation {k + 1} folds {folded:.2%} of the image: its amplitude is too "
                    "large for the spacing of its control points.",
                    "Take a smaller amplitude or a wider spacing (below 0.4 of the spacing nothing "
                    "folds).",
                )
        return action

    def passes(self, first: int, last: int, device: torch.device | str = "cpu") -> list[Action]:
        """Return the actions of passes first..last-1; pass n is replicate n mod R of tau_(n div R).

        Each is tau_k followed by its micro-perturbation.
        """
        import torch

        actions: list[Action] = []
        current, outer = -1, None
        for n in range(first, last):
            k, r = divmod(n, self.design.replicates)
            if k != current or outer is None:
                current, outer = k, self.action(k, device)
            shift = self.shifts[k, r]
            actions.append(outer.shifted(torch.from_numpy(shift)) if shift.any() else outer)
        return actions
