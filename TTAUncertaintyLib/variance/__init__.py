"""The nested variance estimator: pure arithmetic on tensors, knows nothing of networks."""

from .nested import NestedVariance, VarianceEstimate

__all__ = ["NestedVariance", "VarianceEstimate"]
