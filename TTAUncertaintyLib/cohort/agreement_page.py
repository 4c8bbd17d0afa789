"""The page that says how far the reviewers of a study agree, and on which pairs they do not."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..evaluation.page.templates import render
from ..review.table import write_whole
from .ratings import Agreement, agreement, all_ratings, export
from .work_list import ratings_folder

PAGE_FILE, EXPORT_FILE = "agreement.html", "ratings.tsv"


def write_agreement(study: Path) -> Agreement:
    """Write page and exported table into a study's folder, and return what they say.

    Raises
    ------
    InputError
        If fewer than two people have graded, or a file of theirs cannot be read.
    OutputError
        If something cannot be written.
    """
    ratings = all_ratings(ratings_folder(study))
    if len(ratings) < 2:
        raise InputError(
            f"{len(ratings)} people have graded {study}: agreement takes two.",
            "Grade it with 'ttauncertainty view', each with their own --reviewer.",
        )
    found = agreement(ratings)
    export(ratings, study / EXPORT_FILE)
    page = render(
        "agreement.html",
        Path(__file__).with_name("assets"),
        title=f"Agreement on {study.absolute().name}",
        kicker="A cohort of registrations",
        facts=[("Reviewers", ", ".join(found.reviewers))],
        found=found,
    )
    write_whole(study / PAGE_FILE, page.encode("utf-8"))
    return found
