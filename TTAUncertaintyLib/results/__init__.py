"""The result bundle: findings on the fixed image, their record, and the folder on disk."""

from .bundle import Bundle, check_output, new_folder, partial_folder, write_bundle
from .findings import Findings, find
from .maps import MapKind
from .record import SCHEMA_VERSION, Provenance, make_record

__all__ = [
    "SCHEMA_VERSION",
    "Bundle",
    "Findings",
    "MapKind",
    "Provenance",
    "check_output",
    "find",
    "make_record",
    "new_folder",
    "partial_folder",
    "write_bundle",
]
