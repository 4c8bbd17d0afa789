"""One-way random-effects analysis of variance, per voxel, on vectors, in one pass.

With g_kr the compensated prediction of replicate r under perturbation k, in R^3:

    W  = 1/(K(R-1)) sum_k sum_r (g_kr - gbar_k)(g_kr - gbar_k)^T     E[W]  = intrinsic spread
    Bm = 1/(K-1)    sum_k (gbar_k - gbar)(gbar_k - gbar)^T           E[Bm] = jitter + intrinsic/R

    intrinsic = W        jitter = Bm - W/R        total = intrinsic + jitter

All are 3x3 covariances in mm^2. `jitter` is unbiased and may therefore be negative where the
truth is near zero: it is clamped where it is shown, never where it is averaged. With R = 1 only
the total, Bm, exists.

How well the total's trace is known, without keeping the values: Welford's increments

    c_k = (k-1)/k |gbar_k - mean of the k-1 before|^2,  k = 2..K,      tr Bm = mean of the c_k

are squared Helmert contrasts. For independent normal group means they are independent with one
distribution, and so are the traces w_k of the K groups' own covariances, whose mean is tr W:

    Var(tr Bm) = s^2(c) / (K-1)      Var(tr W) = s^2(w) / K      (s^2: sample variance)
    Var(total) = Var(tr Bm) + (1 - 1/R)^2 Var(tr W)              (Bm and W are independent)
    SE(sqrt(total)) = sqrt(Var(total)) / (2 sqrt(total))         (delta method)

For values with an excess kurtosis the truth has one more term, of which s^2(c) holds two thirds
at K = 8 and all in the limit: uniform values, whose excess is negative, get an error that is too
large (at most 16 % at K = 8), heavy tails one that is too small. The points of a whole two-level
design are no independent draws: `two_level` is for these.

Sources: Lemma 4.1 of arXiv 2509.23355 for the two terms; Searle, Casella, McCulloch, "Variance
Components" (1992) for the estimator; Lancaster, "The Helmert Matrices", Amer. Math. Monthly 72
(1965), for the contrasts; Welford (1962) for the streaming updates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .covariance import COMPONENTS, trace
from .two_level import SpareContrast


@dataclass(frozen=True, eq=False)
class VarianceEstimate:
    """The estimated variances at every voxel, mm^2."""

    #: Traces, [D, H, W]; or full covariances, [6, D, H, W] in the order xx, xy, xz, yy, yz, zz.
    #: The last two are None where R = 1: a split cannot be estimated from single passes.
    total: Tensor
    intrinsic: Tensor | None
    jitter: Tensor | None
    #: [3, D, H, W]: the mean of the values that were added.
    mean_offset: Tensor
    #: K and R that the estimate rests on.
    groups: int
    replicates: int
    #: [D, H, W], mm: of the root of the total's trace, the perturbations taken for independent
    #: draws; None before three of them are complete. 0 where the total is 0.
    standard_error: Tensor | None = None

    def traces(self) -> VarianceEstimate:
        """Return the same estimate with traces in place of full covariances."""
        return self._with_each(trace)

    def cpu(self) -> VarianceEstimate:
        """Return the same estimate on the CPU."""
        estimate = self._with_each(Tensor.cpu)
        error = None if self.standard_error is None else self.standard_error.cpu()
        return replace(estimate, mean_offset=self.mean_offset.cpu(), standard_error=error)

    def _with_each(self, change: Callable[[Tensor], Tensor]) -> VarianceEstimate:
        return replace(
            self,
            total=change(self.total),
            intrinsic=None if self.intrinsic is None else change(self.intrinsic),
            jitter=None if self.jitter is None else change(self.jitter),
        )


class NestedVariance:
    """Streaming accumulator; its memory does not grow with K or R.

    The standard error takes one scalar field of it, and a second one from R = 2 on.

    Parameters
    ----------
    shape
        (D, H, W) of the lattice.
    replicates
        R, how many consecutive values belong to one perturbation.
    full
        Keep 3x3 covariances; otherwise traces only.
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
        # sums of squared deviations of the increments c_k, and of the groups' own sums of squares
        self._between_spread = torch.zeros(shape, device=device)
        self._within_spread = torch.zeros(tuple(shape) if inner else (0,), device=device)

    @property
    def complete(self) -> bool:
        """Whether the group of the last value is complete."""
        return self._open == 0

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
            own = self._trace_of(self._open_within)
            _spread(self._within_spread, self._trace_of(self.within), own, self.groups)
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
        increment = _squared(delta, (n - 1) / n)
        _spread(self._between_spread, self._trace_of(self.between), increment, n - 2)
        self._accumulate(self.between, delta, (n - 1) / n)

    def _trace_of(self, sums: Tensor) -> Tensor:
        return trace(sums) if self.full else sums[0]

    def _accumulate(self, sums: Tensor, delta: Tensor, weight: float) -> None:
        """Add weight * delta delta^T (or its trace) to a sum of squares."""
        if self.full:
            for c, (a, b) in enumerate(COMPONENTS):
                sums[c].addcmul_(delta[a], delta[b], value=weight)
        else:
            for a in range(3):
                sums[0].addcmul_(delta[a], delta[a], value=weight)

    def estimate(self) -> VarianceEstimate:
        """Return the estimate from the complete groups so far; nothing is changed.

        Raises
        ------
        ValueError
            If fewer than two groups are complete.
        """
        if self.groups < 2:
            raise ValueError("A variance needs at least two complete perturbations.")
        error = None if self.groups < 3 else self.total_and_error()[1]
        # a trace is kept with a leading axis of one, which ends here
        between = self.between / (self.groups - 1)
        between = between if self.full else between[0]
        if self.replicates == 1:
            estimate = VarianceEstimate(
                between, None, None, self.mean.clone(), self.groups, 1, error
            )
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
                error,
            )
        return estimate

    def total_and_error(
        self, voxels: Tensor | None = None, spare: SpareContrast | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the root of the total's trace and its standard error.

        Parameters
        ----------
        voxels
            [N], int64 on the accumulator's device: indices into the flattened lattice; None for
            all of it.
        spare
            Of a complete two-level design, at the same voxels: its groups are not independent
            draws, and this tells how well their spread is known.

        Returns
        -------
        tuple of Tensor
            Both [N] or [D, H, W], mm.

        Raises
        ------
        ValueError
            If fewer than three groups are complete.
        """
        k, r = self.groups, self.replicates
        if k < 3:
            raise ValueError("A standard error needs at least three complete perturbations.")

        def at(field: Tensor) -> Tensor:
            return field if voxels is None else field.flatten()[voxels]

        total = self._trace_at(self.between, at) / (k - 1)
        if spare is not None:
            variance = spare.variance()
        else:
            variance = at(self._between_spread) / ((k - 2) * (k - 1))
        if r > 1:
            total += self._trace_at(self.within, at) / (k * (r - 1)) * (1 - 1 / r)
            # the groups' traces are their sums of squares over R - 1
            share = (1 - 1 / r) / (r - 1)
            variance += at(self._within_spread) * (share**2 / ((k - 1) * k))
        root = total.sqrt_()
        error = torch.where(root == 0, 0.0, variance.sqrt_() / (2 * root))
        return root, error

    def _trace_at(self, sums: Tensor, at: Callable[[Tensor], Tensor]) -> Tensor:
        return at(sums[0]) + at(sums[3]) + at(sums[5]) if self.full else at(sums[0])

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
_STATE = (
    "mean",
    "between",
    "within",
    "_open_within",
    "_group_mean",
    "_between_spread",
    "_within_spread",
)


def _squared(vectors: Tensor, weight: float) -> Tensor:
    """Return weight |v|^2, [D, H, W]."""
    squared = torch.zeros_like(vectors[0])
    for component in vectors:
        squared.addcmul_(component, component, value=weight)
    return squared


def _spread(spread: Tensor, sums: Tensor, value: Tensor, count: int) -> None:
    """Add a value to a sum of squared deviations; `sums` is the sum of the `count` before it."""
    if count > 0:
        deviation = torch.sub(value, sums, alpha=1 / count)
        spread.addcmul_(deviation, deviation, value=count / (count + 1))
