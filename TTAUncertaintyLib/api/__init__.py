"""The front door: register, look at results, list models, evaluate, calibrate, from Python.

`import TTAUncertaintyLib as tta` hands these names out. The command line is a client of this room,
so that both know the same choices by the same names.
"""

from typing import TYPE_CHECKING

from ..lazy_imports import lazily

if TYPE_CHECKING:
    from .catalogue import models
    from .cohorts import cohort
    from .registering import audit, register
    from .result import Result, load
    from .studies import calibrate, evaluate
else:
    __getattr__ = lazily(__name__)

__all__ = ["Result", "audit", "calibrate", "cohort", "evaluate", "load", "models", "register"]
