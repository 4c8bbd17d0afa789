"""The review as a report: one HTML file that opens offline, and the same numbers as CSV.

It needs no torch: it is written where the review takes place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..review import (
    LandmarkFinding,
    MapVolume,
    MatchedReview,
    Review,
    StructureStatistics,
    Table,
    hot_spot_table,
    landmark_table,
    review_to_json,
    structure_tables,
    write_csv,
    write_whole,
)
from .files import REVIEW_FILE
from .report.numbers import provenance_section
from .report.style import STYLE
from .report.words import text
from .review_report_decision import decision_section, header
from .review_report_findings import (
    hot_spots_section,
    landmarks_section,
    structures_section,
    views_section,
)
from .review_report_style import REVIEW_STYLE

REVIEW_PAGE = "review.html"
_TABLES = ("hot_spots", "structures", "structures_jacobian", "landmarks")
_PNG = b"\x89PNG\r\n\x1a\n"

#: Anchors of the sections, and what the contents call them.
_CONTENTS = (
    ("decision", "Decision"),
    ("views", "Views"),
    ("spots", "Hot spots"),
    ("structures", "Structures"),
    ("landmarks", "Landmarks"),
    ("provenance", "How it was made"),
)


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a view, as the reviewer saw it.

    Parameters
    ----------
    caption
        What it shows; will be escaped.
    png
        The content of a PNG file.
    rank
        Of the hot spot that it shows; None for a picture of the whole.
    """

    caption: str
    png: bytes
    rank: int | None = None

    def __post_init__(self) -> None:
        if not self.png.startswith(_PNG):
            raise ValueError(f"The picture {self.caption!r} is not a PNG file.")


@dataclass(frozen=True, eq=False)
class ReviewContent:
    """Everything that a review report is made from.

    Parameters
    ----------
    fixed_name, moving_name
        As a person calls the images.
    record
        The result's record, the content of its `result.json`.
    review, matched
        What was decided, and which hot spot it belongs to.
    maps
        The result's maps, the one under review among them.
    statistics
        Per structure, with `review.tolerance_mm`; may be empty.
    landmarks
        May be empty.
    pictures
        May be empty.
    """

    fixed_name: str
    moving_name: str
    record: dict[str, Any]
    review: Review
    matched: MatchedReview
    maps: Sequence[MapVolume]
    statistics: Sequence[StructureStatistics] = ()
    landmarks: Sequence[LandmarkFinding] = ()
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


def write_review(folder: Path, content: ReviewContent) -> Path:
    """Write a review into a folder: the tables as CSV, the review itself, and the report.

    Parameters
    ----------
    folder
        Made where it is absent. What an earlier review left there is replaced.
    content
        What to write.

    Returns
    -------
    Path
        The report, which is written last: where it is new, everything is.

    Raises
    ------
    OutputError
        If something cannot be written.
    """
    tables = content.tables()
    page = make_review_report(content).encode("utf-8")
    for table in tables:
        write_csv(folder / f"{table.key}.csv", table)
    for key in set(_TABLES) - {table.key for table in tables}:
        (folder / f"{key}.csv").unlink(missing_ok=True)
    write_whole(folder / REVIEW_FILE, (review_to_json(content.review) + "\n").encode("ascii"))
    write_whole(folder / REVIEW_PAGE, page)
    return folder / REVIEW_PAGE


def make_review_report(content: ReviewContent) -> str:
    """Return the report as one self-contained HTML page.

    Nothing in it is loaded from elsewhere: pictures are data URIs, and there is no script. Every
    word that comes from a person, a file or the record is escaped.
    """
    body = "".join(
        (
            decision_section(content),
            views_section(content),
            hot_spots_section(content),
            structures_section(content),
            landmarks_section(content),
            provenance_section(content.record),
        )
    )
    links = "".join(
        f'<a href="#{anchor}">{name}</a>' for anchor, name in _CONTENTS if f'id="{anchor}"' in body
    )
    title = f"{text(content.moving_name)} on {text(content.fixed_name)}"
    version = text(content.record["versions"]["ttauncertainty"])
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Registration review: {title}</title><style>{STYLE}{REVIEW_STYLE}</style></head>"
        f"<body><main>{header(content)}<nav>{links}</nav>{body}"
        f"<footer>TTAUncertainty {version}. For research; not a medical device. The tables lie "
        "beside this page as CSV files, and the review as review.json.</footer>"
        "</main></body></html>\n"
    )
