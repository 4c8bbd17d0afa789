"""Test-time uncertainty of learned image registration by transformation equivariance.

    import TTAUncertaintyLib as tta

    result = tta.register("fixed.nii.gz", "moving.nii.gz", preset="quick")
    result.maps["total"]          # SimpleITK image on the fixed image's grid, mm
    result.save("result")

Nothing is loaded before it is used, PyTorch last of all.

Source of the method: Tian, Hu, Iglesias, "Test-time Uncertainty Estimation for Medical Image
Registration via Transformation Equivariance", arXiv 2509.23355.
"""

from typing import TYPE_CHECKING

from .lazy_imports import lazily
from .version import __version__

if TYPE_CHECKING:
    from . import errors
    from .api import Result, audit, calibrate, cohort, evaluate, load, models, register
else:
    _named = lazily(__name__)

    def __getattr__(name):
        # rooms that a person may name without importing them; two of them can be called as well
        if name in ("cohort", "errors", "models"):
            from importlib import import_module

            return import_module(f"{__name__}.{name}")
        return _named(name)


__all__ = [
    "Result",
    "__version__",
    "audit",
    "calibrate",
    "cohort",
    "errors",
    "evaluate",
    "load",
    "models",
    "register",
]


def __dir__() -> list[str]:
    return __all__
