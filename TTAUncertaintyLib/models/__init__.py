"""What a registration network is, which ones there are, and one file per adapter.

Knows nothing of perturbations. As a function it is the list of what
is in it: `api.models`.
"""

from __future__ import annotations

from ..lazy_imports import callable_as
from .contract import (
    NO_OPTIONS,
    ModelDescription,
    ModelOption,
    PreparedPair,
    PublishedFile,
    RegistrationModel,
    WeightsFile,
)
from .loading import find_entry, load_member, load_model, models
from .registry import DEFAULT_MODEL, MODELS, Entry

callable_as(__name__, "models")
