"""What a registration network is, which ones there are, and one file per adapter.

Knows nothing of perturbations.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from .contract import (
    NO_OPTIONS,
    ModelDescription,
    ModelOption,
    PreparedPair,
    PublishedFile,
    RegistrationModel,
    WeightsFile,
)
from .loading import find_entry, load_model, models
from .registry import DEFAULT_MODEL, MODELS, Entry

if TYPE_CHECKING:
    from ..api.catalogue import Models


class _CallableRoom(ModuleType):
    """`TTAUncertaintyLib.models` is this room, and as a function the list of what is in it."""

    def __call__(self) -> Models:
        """Return the registration models by name: what `register` takes."""
        from ..api import catalogue

        return catalogue.models()


sys.modules[__name__].__class__ = _CallableRoom
