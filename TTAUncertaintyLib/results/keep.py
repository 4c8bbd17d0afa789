"""How much of a result is kept on disk."""

from __future__ import annotations

from enum import Enum


class Keep(Enum):
    """What the folder of a result holds; everything else can be had from it by interpolation."""

    COMPACT = "compact"
    ALL = "all"
    SUMMARY = "summary"

    @property
    def meaning(self) -> str:
        """In plain words."""
        return _MEANINGS[self]


_MEANINGS = {
    Keep.COMPACT: "maps and transform on the network's own voxels, which is all that is known",
    Keep.ALL: "maps on the fixed image's voxels, ITK transform files, the mean of all passes",
    Keep.SUMMARY: "the record, tables, the report and a picture; no volumes",
}
