"""What a run says about a voxel besides its answer: the cues that an expected error is made of."""

from typing import TYPE_CHECKING

from ..lazy_imports import lazily
from .kinds import Cue, CueFacts

if TYPE_CHECKING:
    from .compute import anatomy, compute_cues
else:
    __getattr__ = lazily(__name__)
