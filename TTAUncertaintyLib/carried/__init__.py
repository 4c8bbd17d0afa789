"""Labels of the moving image on the fixed one, and how far they are to be trusted."""

from typing import TYPE_CHECKING

from ..lazy_imports import lazily
from .structures import Structure, read_names

if TYPE_CHECKING:
    from .carrier import CarriedLabels, LabelCarrier
    from .label_map import LabelMap, read_label_map
else:
    __getattr__ = lazily(__name__)
