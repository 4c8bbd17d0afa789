"""A registration that was made elsewhere, held against what the network makes of the images."""

from typing import TYPE_CHECKING

from ..lazy_imports import lazily

if TYPE_CHECKING:
    from .second_opinion import SecondOpinion
    from .suspicions import check_direction, check_meets
else:
    __getattr__ = lazily(__name__)
