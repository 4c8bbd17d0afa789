"""From cues to millimetres of error: what a calibration is, and applying and fitting one."""

from typing import TYPE_CHECKING

from ..lazy_imports import lazily
from .calibration import (
    Calibration,
    CueTerm,
    ErrorBound,
    Score,
    check_place,
    read_calibration,
    write_calibration,
)
from .matching import head_mismatch, mismatch

if TYPE_CHECKING:
    from .application import CalibratedMaps, adjusted, apply
    from .head import Head, read_head, shipped_head
else:
    __getattr__ = lazily(__name__)
