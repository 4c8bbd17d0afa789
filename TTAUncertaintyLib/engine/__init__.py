"""Perturb, predict, compensate, accumulate: the one loop, and what surrounds it."""

from typing import TYPE_CHECKING

from ..lazy_imports import lazily
from .execution import Execution, Precision, use_threads
from .progress import Convergence, Phase, Progress

if TYPE_CHECKING:
    from .checkpoint import check_checkpoint, load_checkpoint, save_checkpoint
    from .engine import Engine
    from .fields import (
        in_mm,
        inverse_consistency,
        jacobian_determinant_mm,
        rest_matrix,
    )
    from .outcome import Outcome
    from .placement import Placement, check_overlap, overlap, place, prepare
else:
    __getattr__ = lazily(__name__)
