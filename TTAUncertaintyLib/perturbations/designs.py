"""Designs: which points of the parameter cube [-1, 1]^P are taken.

A design decides how the K outer perturbations fill the parameter space; what the parameters mean
is the family's business.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError


class Sampling(Enum):
    """How the outer perturbations are placed; the value is the name on the command line."""

    RANDOM = "random"  #: independent and uniform in the cube
    SOBOL = "sobol"  #: scrambled Sobol points: uniform, low discrepancy
    HADAMARD = "hadamard"  #: two levels, +-1, orthogonal columns; "plus or minus the amplitude"


def design_points(
    sampling: Sampling, count: int, parameters: int, seed: int
) -> NDArray[np.float64]:
    """Return the points of a design.

    Parameters
    ----------
    sampling
        The kind of design.
    count
        K, how many points.

    Returns
    -------
    ndarray
        Shape (K, P), in [-1, 1].

    Raises
    ------
    DesignError
        If the orthogonal design does not exist for this K and P; the message names one that does.
    """
    if sampling is Sampling.HADAMARD:
        return _two_level(count, parameters, seed)
    if sampling is Sampling.SOBOL:
        import torch  # the other designs do without it

        if parameters > torch.quasirandom.SobolEngine.MAXDIM:
            raise DesignError(
                f"Sobol points exist for up to {torch.quasirandom.SobolEngine.MAXDIM} parameters, "
                f"this design has {parameters}.",
                "Use random sampling or a wider spacing of the control points.",
            )
        engine = torch.quasirandom.SobolEngine(parameters, scramble=True, seed=seed)
        return np.asarray(engine.draw(count, dtype=torch.float64).numpy() * 2 - 1)
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (count, parameters))


def _two_level(count: int, parameters: int, seed: int) -> NDArray[np.float64]:
    """Return `parameters` columns of a Hadamard matrix, each balanced and orthogonal.

    The seed chooses the columns and their signs. The column of ones is left out: it is the mean.
    Source: Plackett and Burman, Biometrika 33 (1946).
    """
    matrix = hadamard_matrix(count)
    if matrix is None or count <= parameters:
        larger = next(n for n in range(max(count, parameters + 1), 1 << 20) if _exists(n))
        raise DesignError(
            f"There is no two-level orthogonal design with {count} perturbations for "
            f"{parameters} parameters.",
            f"Take {larger} perturbations, or random or sobol sampling.",
        )
    generator = np.random.default_rng(seed)
    columns = 1 + generator.permutation(count - 1)[:parameters]
    signs = generator.choice([-1.0, 1.0], parameters)
    return matrix[:, columns] * signs


def _exists(order: int) -> bool:
    return hadamard_matrix(order) is not None


def hadamard_matrix(order: int) -> NDArray[np.float64] | None:
    """Return a Hadamard matrix whose first column is all ones, or None where none is known here.

    Sylvester's doubling and Paley's first construction: orders 1, 2, and 2^n (q + 1) for primes
    q = 3 mod 4 (4, 8, 12, 16, 20, 24, 32, 40, 44, 48, ...).

    Returns
    -------
    ndarray or None
        Shape (order, order), entries +-1, rows and columns orthogonal.
    """
    if order == 1:
        return np.ones((1, 1))
    paley = _paley(order - 1)
    if paley is not None:
        return paley
    if order < 2 or order % 2:
        return None
    half = hadamard_matrix(order // 2)
    return None if half is None else np.block([[half, half], [half, -half]])


def _paley(q: int) -> NDArray[np.float64] | None:
    """Return Paley's matrix of order q + 1 for a prime q = 3 mod 4, signs set for column one."""
    if q < 3 or q % 4 != 3 or any(q % d == 0 for d in range(3, int(q**0.5) + 1, 2)):
        return None
    squares = {(x * x) % q for x in range(1, q)}
    character = np.array([0.0] + [1.0 if x in squares else -1.0 for x in range(1, q)])
    index = np.arange(q)
    matrix = np.ones((q + 1, q + 1))
    matrix[1:, 1:] = character[(index[None] - index[:, None]) % q] - np.eye(q)
    # column one is all ones by construction; row one is too
    return matrix
