"""One-way random-effects analysis of variance, per voxel, on vectors, in one pass.

With g_kr the compensated prediction of replicate r under perturbation k, in R^3:

    W  = 1/(K(R-1)) sum_k sum_r (g_kr - gbar_k)(g_kr - gbar_k)^T     E[W]  = intrinsic spread
    Bm = 1/(K-1)    sum_k (gbar_k - gbar)(gbar_k - gbar)^T           E[Bm] = jitter + intrinsic/R

    intrinsic = W        jitter = Bm - W/R        total = intrinsic + jitter

All are 3x3 covariances in mm^2. `jitter` is unbiased and may therefore be negative where the
truth is near zero: it is clamped where it is shown, never where it is averaged. With R = 1 only
the total, Bm, exists.

Sources: Lemma 4.1 of arXiv 2509.23355 for the two terms; Searle, Casella, McCulloch, "Variance
Components" (1992) for the estimator; Welford (1962) and Chan, Golub, LeVeque (1979) for the
streaming and merging updates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

#: Order of the components of a full covariance.
COMPONENTS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


@dataclass(frozen=True, eq=False)
class VarianceEstimate:
    """The estimated variances at every voxel, mm^2.

    Parameters
    ----------
    total, intrinsic, jitter
        Traces, [D, H, W]; or full covariances, [6, D, H, W] in the order xx, xy, xz, yy, yz, zz.
        The last two are None where R = 1: a split cannot be estimated from single passes.
    mean_offset
        [3, D, H, W]: the mean of the values that were added.
    groups, replicates
        K and R that the estimate rests on.
    """

    total: Tensor
    intrinsic: Tensor | None
    jitter: Tensor | None
    mean_offset: Tensor
    groups: int
    replicates: int

    def traces(self) -> VarianceEstimate:
        """Return the same estimate with traces in place of full covariances."""
        return self._with_each(_trace)

    def cpu(self) -> VarianceEstimate:
        """Return the same estimate on the CPU."""
        estimate = self._with_each(Tensor.cpu)
        return replace(estimate, mean_offset=self.mean_offset.cpu())

    def _with_each(self, change: Callable[[Tensor], Tensor]) -> VarianceEstimate:
        return replace(
            self,
            total=change(self.total),
            intrinsic=None if self.intrinsic is None else change(self.intrinsic),
            jitter=None if self.jitter is None else change(self.jitter),
        )


class NestedVariance:
    """Streaming accumulator; its memory does not grow with K or R.

    Parameters
    ----------
    shape
        (D, H, W) of the lattice.
    replicates
        R, how many consecutive values belong to one perturbation.
    full
        Keep 3x3 covariances; otherwise traces only.
    device
        Where to accumulate.
    """

    def __init__(
        self,
        shape: tuple[int, int, int] | torch.Size,
        replicates: int = 1,
        full: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        self.replicates = replicates
        self.full = full
        self.groups = 0
        self._open = 0  # values in the group that is not complete yet
        vector, spread = (3, *shape), (6 if full else 1, *shape)
        self.mean = torch.zeros(vector, device=device)
        self.between = torch.zeros(spread, device=device)
        self._delta = torch.empty(vector, device=device)
        # with R = 1 a group is its only value: nothing is kept for the inner level
        inner = replicates > 1
        self.within = torch.zeros(spread if inner else (0,), device=device)
        self._open_within = torch.zeros(spread if inner else (0,), device=device)
        self._group_mean = torch.zeros(vector if inner else (0,), device=device)

    @property
    def count(self) -> int:
        """How many values have been added, those of an incomplete group included."""
        return self.groups * self.replicates + self._open

    def add(self, values: Tensor) -> None:
        """Add the next value: replicate r of perturbation k, k in the outer, r in the inner loop.

        Parameters
        ----------
        values
            float32 [3, D, H, W], mm. Best given as small offsets (for example from the
            unperturbed prediction), so that no digits are lost.
        """
        if self.replicates == 1:
            self._add_group(values)
            return
        self._open += 1
        r = self._open
        if r == 1:
            self._group_mean.copy_(values)
            self._open_within.zero_()
        else:
            delta = torch.sub(values, self._group_mean, out=self._delta)
            self._group_mean.add_(delta, alpha=1 / r)
            self._accumulate(self._open_within, delta, (r - 1) / r)
        if r == self.replicates:
            self.within += self._open_within
            self._add_group(self._group_mean)
            self._open = 0

    def _add_group(self, group_mean: Tensor) -> None:
        self.groups += 1
        n = self.groups
        if n == 1:
            self.mean.copy_(group_mean)
            return
        delta = torch.sub(group_mean, self.mean, out=self._delta)
        self.mean.add_(delta, alpha=1 / n)
        self._accumulate(self.between, delta, (n - 1) / n)

    def _accumulate(self, sums: Tensor, delta: Tensor, weight: float) -> None:
        """Add weight * delta delta^T (or its trace) to a sum of squares."""
        if self.full:
            for c, (a, b) in enumerate(COMPONENTS):
                sums[c].addcmul_(delta[a], delta[b], value=weight)
        else:
            for a in range(3):
                sums[0].addcmul_(delta[a], delta[a], value=weight)

    def merge(self, other: NestedVariance) -> None:
        """Take in what another accumulator has seen, as if this one had seen it.

        Raises
        ------
        ValueError
            If R or the kind differ, or either holds an incomplete group.
        """
        if (self.replicates, self.full) != (other.replicates, other.full):
            raise ValueError("Only accumulators with the same R and of the same kind can merge.")
        if self._open or other._open:
            raise ValueError("An incomplete group cannot be merged.")
        if other.groups == 0:
            return
        n, m = self.groups, other.groups
        delta = other.mean.to(self.mean) - self.mean
        self.within += other.within.to(self.within)
        self.between += other.between.to(self.between)
        self._accumulate(self.between, delta, n * m / (n + m))
        self.mean.add_(delta, alpha=m / (n + m))
        self.groups = n + m

    def estimate(self) -> VarianceEstimate:
        """Return the estimate from the complete groups so far; nothing is changed.

        Raises
        ------
        ValueError
            If fewer than two groups are complete.
        """
        if self.groups < 2:
            raise ValueError("A variance needs at least two complete perturbations.")
        # a trace is kept with a leading axis of one, which ends here
        between = self.between / (self.groups - 1)
        between = between if self.full else between[0]
        if self.replicates == 1:
            estimate = VarianceEstimate(between, None, None, self.mean.clone(), self.groups, 1)
        else:
            intrinsic = self.within / (self.groups * (self.replicates - 1))
            intrinsic = intrinsic if self.full else intrinsic[0]
            jitter = between.sub_(intrinsic, alpha=1 / self.replicates)
            estimate = VarianceEstimate(
                intrinsic + jitter,
                intrinsic,
                jitter,
                self.mean.clone(),
                self.groups,
                self.replicates,
            )
        return estimate

    def state(self) -> dict[str, Tensor]:
        """Return everything needed to go on later, as tensors on the CPU."""
        return {
            "counts": torch.tensor([self.replicates, int(self.full), self.groups, self._open]),
            **{name: getattr(self, name).cpu().clone() for name in _STATE},
        }

    @classmethod
    def from_state(
        cls, state: dict[str, Tensor], device: torch.device | str = "cpu"
    ) -> NestedVariance:
        """Rebuild an accumulator from `state`."""
        replicates, full, groups, open_ = (int(n) for n in state["counts"])
        result = cls(state["mean"].shape[1:], replicates, bool(full), device)
        result.groups, result._open = groups, open_
        for name in _STATE:
            getattr(result, name).copy_(state[name])
        return result


#: The tensors that hold an accumulator's state.
_STATE = ("mean", "between", "within", "_open_within", "_group_mean")


def _trace(values: Tensor) -> Tensor:
    return values if values.ndim == 3 else values[0] + values[3] + values[5]
