"""The report page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..findings import Findings


def make_report(findings: Findings, record: dict[str, Any]) -> str:
    """Return the report as one self-contained HTML page."""
    raise NotImplementedError
