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
from .matching import mismatch
from .shipped import find_calibration

if TYPE_CHECKING:
    from .application import CalibratedMaps, apply
else:
    __getattr__ = lazily(__name__, application=("CalibratedMaps", "apply"))

__all__ = [
    "CalibratedMaps",
    "Calibration",
    "CueTerm",
    "ErrorBound",
    "Score",
    "apply",
    "check_place",
    "find_calibration",
    "mismatch",
    "read_calibration",
    "write_calibration",
]
