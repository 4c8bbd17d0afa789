"""What a registration network is, which ones there are, and one file per adapter.

Knows nothing of perturbations.
"""

from .contract import (
    NO_OPTIONS,
    ModelDescription,
    ModelOption,
    PreparedPair,
    PublishedFile,
    RegistrationModel,
    WeightsFile,
)
from .registry import DEFAULT_MODEL, MODELS, Entry, find_entry, load_model, models

__all__ = [
    "DEFAULT_MODEL",
    "MODELS",
    "NO_OPTIONS",
    "Entry",
    "ModelDescription",
    "ModelOption",
    "PreparedPair",
    "PublishedFile",
    "RegistrationModel",
    "WeightsFile",
    "find_entry",
    "load_model",
    "models",
]
