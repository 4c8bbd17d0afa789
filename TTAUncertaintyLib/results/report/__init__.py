"""The report: one HTML file that opens offline and that a clinician can read."""

from typing import TYPE_CHECKING

from ...lazy_imports import lazily

if TYPE_CHECKING:
    from .report import make_report
else:
    __getattr__ = lazily(__name__)
