"""The nested variance estimator: pure arithmetic on tensors, knows nothing of networks."""

from .nested import NestedVariance, VarianceEstimate
from .two_level import SpareContrast, spare_column
