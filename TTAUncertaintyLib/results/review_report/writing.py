"""The review as a report: one HTML file that opens offline, and the same numbers as CSV."""

from __future__ import annotations

from pathlib import Path

from ...review import review_to_json, write_csv, write_whole
from ..calibration_status import calibration_words
from ..files import REVIEW_FILE
from ..report.document import document
from ..report.numbers import provenance_section
from ..report.words import written_date
from .content import ReviewContent
from .decision import decision_section
from .findings import hot_spots_section, landmarks_section, structures_section, views_section

REVIEW_PAGE = "review.html"
_TABLES = ("hot_spots", "structures", "structures_jacobian", "landmarks")


def write_review(folder: Path, content: ReviewContent) -> Path:
    """Write a review into a folder: the tables as CSV, the review itself, and the report.

    Parameters
    ----------
    folder
        Made where it is absent. What an earlier review left there is replaced.

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
    review, record = content.review, content.record
    return document(
        "Registration review",
        (content.fixed_name, content.moving_name),
        (
            ("Reviewer", review.reviewer or "not named"),
            ("Decision", review.verdict.title),
            ("Decided", written_date(review.decided) if review.decided else "not yet"),
            ("Model", record["model"]["title"]),
            ("Registered", written_date(record["created"])),
            ("Status", calibration_words(record)),
        ),
        {
            "decision": ("Decision", decision_section(content)),
            "views": ("Views", views_section(content)),
            "spots": ("Hot spots", hot_spots_section(content)),
            "structures": ("Structures", structures_section(content)),
            "landmarks": ("Landmarks", landmarks_section(content)),
            "provenance": ("How it was made", provenance_section(record)),
        },
        "The tables lie beside this page as CSV files, and the review as review.json.",
        record["versions"]["ttauncertainty"],
        ("report.css", "review.css"),
    )
