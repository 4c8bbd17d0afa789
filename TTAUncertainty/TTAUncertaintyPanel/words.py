"""How the numbers of the panel are said."""

from __future__ import annotations


def megabytes(size_mb: float) -> str:
    """Write a size in MB, with a decimal below 10."""
    return f"{size_mb:.1f} MB" if size_mb < 9.95 else f"{size_mb:.0f} MB"
