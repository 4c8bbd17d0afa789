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
from .registry import DEFAULT_MODEL, MODELS, load_model

__all__ = [
    "DEFAULT_MODEL",
    "MODELS",
    "NO_OPTIONS",
    "ModelDescription",
    "ModelOption",
    "PreparedPair",
    "PublishedFile",
    "RegistrationModel",
    "WeightsFile",
    "load_model",
]
