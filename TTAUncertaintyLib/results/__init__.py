"""The result bundle: findings on the fixed image, their record, and the folder on disk."""

from typing import TYPE_CHECKING

from ..lazy_imports import lazily
from .bundle import Bundle
from .files import SCHEMA_VERSION
from .folder import check_apart, check_output, clear_up_after, new_folder, partial_folder
from .keep import Keep
from .layout import RESULT, Layout
from .maps import MapKind
from .registrations import KeptRegistrations, PointCovariances
from .transforms import read_transform

if TYPE_CHECKING:
    from .findings import Findings, find
    from .record import Provenance, make_record
    from .recording import Recorder
    from .soundness import remarks_on_findings, remarks_on_images
    from .writing import check_space, volumes_written, write_record, write_report
else:
    __getattr__ = lazily(__name__)
