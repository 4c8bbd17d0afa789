"""Everything that a review report is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...review import (
    LandmarkFinding,
    MapVolume,
    MatchedReview,
    Review,
    StructureStatistics,
    Table,
    hot_spot_table,
    landmark_table,
    structure_tables,
)

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a view, as the reviewer saw it."""

    caption: str
    #: The content of a PNG file.
    png: bytes
    #: Of the hot spot that it shows; None for a picture of the whole.
    rank: int | None = None

    def __post_init__(self) -> None:
        if not self.png.startswith(_PNG):
            raise ValueError(f"The picture {self.caption!r} is not a PNG file.")


@dataclass(frozen=True, eq=False)
class ReviewContent:
    """Everything that a review report is made from."""

    #: As a person calls the images.
    fixed_name: str
    moving_name: str
    #: The result's record, the content of its `result.json`.
    record: dict[str, Any]
    #: What was decided, and which hot spot it belongs to.
    review: Review
    matched: MatchedReview
    #: The result's maps, the one under review among them.
    maps: Sequence[MapVolume]
    #: Per structure, with `review.tolerance_mm`; may be empty.
    statistics: Sequence[StructureStatistics] = ()
    #: May be empty.
    landmarks: Sequence[LandmarkFinding] = ()
    #: May be empty.
    pictures: Sequence[Picture] = ()

    @property
    def volume(self) -> MapVolume:
        """The map under review.

        Raises
        ------
        ValueError
            If the result has no such map.
        """
        for volume in self.maps:
            if volume.key == self.review.map_key:
                return volume
        raise ValueError(f"The result has no map {self.review.map_key!r}.")

    @property
    def maps_in_mm(self) -> list[MapVolume]:
        """The maps that can stand beside a target registration error."""
        return [volume for volume in self.maps if volume.unit == "mm"]

    def tables(self) -> list[Table]:
        """Return the tables that have something to say; the hot spots always do."""
        titles = {volume.key: volume.title for volume in self.maps}
        made = [hot_spot_table(self.matched, self.volume, titles)]
        if self.statistics:
            made += structure_tables(self.statistics, self.review.tolerance_mm)
        if self.landmarks:
            made.append(landmark_table(self.landmarks, self.maps_in_mm))
        return made
