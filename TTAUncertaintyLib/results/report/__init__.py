"""The report: one HTML file that opens offline and that a clinician can read."""

from .report import make_report

__all__ = ["make_report"]
