"""Perturb, predict, compensate, accumulate: the one loop, and what surrounds it."""

from .checkpoint import load_checkpoint, save_checkpoint
from .engine import Engine
from .execution import Execution, Precision
from .fields import (
    in_mm,
    inverse_consistency,
    jacobian_determinant_mm,
    rest_matrix,
)
from .outcome import Outcome
from .placement import Placement, check_overlap, overlap, place, prepare
from .progress import Phase, Progress

__all__ = [
    "Engine",
    "Execution",
    "Outcome",
    "Phase",
    "Placement",
    "Precision",
    "Progress",
    "check_overlap",
    "in_mm",
    "inverse_consistency",
    "jacobian_determinant_mm",
    "load_checkpoint",
    "overlap",
    "place",
    "prepare",
    "rest_matrix",
    "save_checkpoint",
]
