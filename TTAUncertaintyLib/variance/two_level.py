"""How well the map of a whole two-level design is known: from a column that no factor uses.

The points of a two-level design are orthogonal, so that its total does not scatter as that of
independent draws does. With c_j = 1/K sum_k x_kj gbar_k over the K - 1 columns x_j of the design's
Hadamard matrix (entries +-1),

    tr Bm = K/(K-1) sum_j |c_j|^2        c_j = a_j + e_j

where a_j is the factor's linear effect, 0 for a spare column, and e_j what is confounded with it:
interactions, and noise. Another seed takes other columns and signs: it leaves a_j as it is and
draws e_j anew. With the covariance E = E[e_j e_j^T], the same in all columns,

    Var(tr Bm) = (K/(K-1))^2 (4 sum_j a_j^T E a_j + 2 (K-1) tr E^2)

The spare column's contrast c is a sample of e, so that c c^T estimates E and t = |c|^4 / 5 its
tr E^2 (exact where E is isotropic). The columns as they are found give

    s = sum_j (c . c_j)^2 over the others = c^T ((K-1)/K Bm) c - |c|^4
    E[s] = sum_j a_j^T E a_j + (K-2) tr E^2

and so 4 max(0, s - (K-2) t) + 2 (K-1) t is what stands in the brackets. It is the products along c
that count, not the lengths: where an image shows little along an edge, effects and what is
confounded with them both lie along it.

Where the effects are all linear, the map is known exactly, whatever its size; where they are all
noise, this is the variance of as many independent draws. A factor's own interactions are confounded
with other columns only, so that a spare column has more of them: where nothing but interactions is
confounded, the standard error is too large by a tenth (K = 16, P = 12) to a quarter (K = 8 or 12,
P = 6).

Sources: Plackett and Burman, Biometrika 33 (1946), for the designs; Box, Hunter, Hunter,
"Statistics for Experimenters" (2005), chapter 5, for spare columns as a measure of error.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .covariance import COMPONENTS

#: tr E^2 / E|e|^4 for an isotropic normal vector e in R^3 with covariance E.
_TRACE_SHARE = 1 / 5


def spare_column(points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return a column that is orthogonal to those of a two-level design and to its mean.

    Parameters
    ----------
    points
        Shape (K, P): balanced, orthogonal columns of +-1.

    Returns
    -------
    ndarray or None
        Shape (K,), its squares sum up to K; None for a saturated design, where K = P + 1.
    """
    count, factors = points.shape
    if count <= factors + 1:
        return None
    used = np.column_stack((np.ones(count), points))
    left = np.linalg.svd(used)[0][:, factors + 1]
    return np.asarray(left * np.sqrt(count))


class SpareContrast:
    """Follows the contrast of a spare column at some voxels, from the running mean of the groups.

    Parameters
    ----------
    column
        From `spare_column`.
    """

    def __init__(self, column: NDArray[np.float64]) -> None:
        self._column = column.tolist()
        self._groups = 0
        self._mean = self._contrast = self._products = torch.empty(0)

    def follow(self, mean: Tensor, groups: int) -> None:
        """Take in the next group.

        Parameters
        ----------
        mean
            [3, N], mm: the mean of all groups so far, the new one included.
        groups
            How many these are. After a gap, when the contrast cannot be completed any more, it is
            never `complete`.
        """
        if groups != self._groups + 1:
            self._groups = -1
            return
        if groups == 1:
            self._mean, self._contrast = torch.zeros_like(mean), torch.zeros_like(mean)
            self._products = mean.new_zeros((6, mean.shape[1]))
        self._mean, self._contrast, self._products = (
            part.to(mean) for part in (self._mean, self._contrast, self._products)
        )
        delta = (mean - self._mean) * groups  # the new group's own mean less that before it
        self._contrast.add_(self._mean + delta, alpha=self._column[groups - 1] / len(self._column))
        for c, (a, b) in enumerate(COMPONENTS):
            self._products[c].addcmul_(delta[a], delta[b], value=(groups - 1) / groups)
        self._mean = mean.clone()
        self._groups = groups

    @property
    def complete(self) -> bool:
        """Whether all groups of the design have been taken in."""
        return self._groups == len(self._column)

    def variance(self) -> Tensor:
        """Return the variance of tr Bm over designs that differ in their columns and signs.

        Returns
        -------
        Tensor
            [N], mm^4.

        Raises
        ------
        ValueError
            If the design is not complete.
        """
        if not self.complete:
            raise ValueError("The design is not complete.")
        count, c = len(self._column), self._contrast
        fourth = c.square().sum(0).square_()
        along = -fourth  # the products' sum is K times that over the columns, the spare one too
        for n, (a, b) in enumerate(COMPONENTS):
            twice = 1 if a == b else 2
            along.addcmul_(self._products[n], c[a] * c[b], value=twice / count)
        confounded = fourth * _TRACE_SHARE
        linear = along.sub_(confounded, alpha=count - 2).clamp_(min=0)
        return (4 * linear + 2 * (count - 1) * confounded) * (count / (count - 1)) ** 2

    def state(self) -> dict[str, Tensor]:
        """Return what is needed to go on later, as tensors on the CPU; empty before the start."""
        if self._groups == 0:
            return {}
        return {
            "spare_groups": torch.tensor(self._groups),
            "spare_mean": self._mean.cpu().clone(),
            "spare_contrast": self._contrast.cpu().clone(),
            "spare_products": self._products.cpu().clone(),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` returned."""
        self._groups = int(state.get("spare_groups", 0))
        if self._groups:
            self._mean = state["spare_mean"]
            self._contrast = state["spare_contrast"]
            self._products = state["spare_products"]
