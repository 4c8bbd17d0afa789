"""The review report says what was decided, escapes what was typed, and opens offline."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import textwrap
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import found
from support.calibrations import PROVENANCE
from support.lattices import OBLIQUE

from TTAUncertaintyLib.errors import OutputError
from TTAUncertaintyLib.results.report.png import encode_grey
from TTAUncertaintyLib.results.report.words import percent
from TTAUncertaintyLib.results.review_report import (
    Picture,
    ReviewContent,
    make_review_report,
    write_review,
)
from TTAUncertaintyLib.review import (
    LandmarkPair,
    MapVolume,
    Review,
    Verdict,
    decide,
    evaluate_landmarks,
    hot_spot_regions,
    match_verdicts,
    review_from_json,
    structure_statistics,
)

HOSTILE = '<script>alert("x")</script>&'
PNG = encode_grey(np.zeros((4, 6), np.uint8))


def record(**changes: Any) -> dict[str, Any]:
    plain = found.record()
    file = plain["inputs"]["fixed"] | {"path": f"/images/{HOSTILE}", "lattice": OBLIQUE.as_dict()}
    made = plain | {
        "inputs": {"fixed": file, "moving": file, "mask": None},
        "model": plain["model"] | {"title": f"A network {HOSTILE}"},
        "design": plain["design"] | {"seed": 12345},
        "network_lattices": {"fixed": OBLIQUE.as_dict(), "moving": OBLIQUE.as_dict()},
        "summary": {
            "region_voxels": 1000,
            "region_covered_fraction": 1.0,
            "folded_fraction": 0.0,
            "maps": {"total": {"median": 0.51, "p95": 1.55, "maximum": 3.25, "mean": 0.6}},
        },
        "versions": {"ttauncertainty": "9.8.7", "torch": "2"},
    }
    return made | changes


def maps() -> list[MapVolume]:
    values = np.full(OBLIQUE.array_shape, 0.5, np.float32)
    values[2:5, 3:6, 4:7], values[8:11, 9:12, 9:12] = 3, 2
    return [
        MapVolume("total", "Total uncertainty", "mm", values, OBLIQUE),
        MapVolume("jacobian", "Jacobian determinant", "", values - 1, OBLIQUE),
    ]


def content(review: Review | None = None, threshold: float = 1.0, **changes: Any) -> ReviewContent:
    """Two hot spots, the higher one rejected unless another review is given."""
    total = maps()[0]
    if review is None:
        found = hot_spot_regions(total.values, total.values > 0, OBLIQUE, 1.0)
        review = Review(f"Dr. {HOSTILE}", 1.5, threshold)
        first, _ = match_verdicts(review, found).spots
        review = decide(review, first, Verdict.REJECT, f"wrong gyrus {HOSTILE}")
    regions = hot_spot_regions(total.values, total.values > 0, OBLIQUE, threshold)
    labels = np.ones(OBLIQUE.array_shape, int)
    x, y, z = OBLIQUE.to_world([5, 4, 3]).tolist()
    pairs = [
        LandmarkPair(f"notch {HOSTILE}", (x, y, z), (x + 3, y, z + 4)),
        LandmarkPair("edge", (x, y, z), (x + 1, y, z)),
    ]
    made = ReviewContent(
        fixed_name=f"Fixed {HOSTILE}",
        moving_name="Moving",
        record=record(),
        review=review,
        matched=match_verdicts(review, regions),
        maps=maps(),
        statistics=structure_statistics(maps(), labels, {1: f"brain {HOSTILE}"}, 1.5),
        landmarks=evaluate_landmarks(pairs, lambda points: points, maps()),
        pictures=(Picture(f"Red view {HOSTILE}", PNG), Picture("1: 3.0 mm", PNG, rank=1)),
    )
    return replace(made, **changes)


class Page(HTMLParser):
    """Collects the tags, their links and the text; fails on tags that do not match."""

    VOID = ("meta", "img", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"


def test_the_page_is_well_formed_and_loads_nothing() -> None:
    page = Page(make_review_report(content()))
    assert "script" not in page.tags
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in page.links)
    assert page.tags.count("img") == 2
    targets = {link[1:] for link in page.links if link.startswith("#")}
    assert targets == {"decision", "views", "spots", "structures", "landmarks", "provenance"}


def test_everything_typed_or_read_is_escaped() -> None:
    html = make_review_report(content())
    assert HOSTILE not in html
    assert "<script" not in html
    words = Page(html).words
    for said in ("Dr.", "wrong gyrus", "brain", "notch", "Fixed", "A network", "/images/"):
        assert re.search(re.escape(f"{said}") + r"\s?" + re.escape(HOSTILE), words), said
    assert words.count(HOSTILE) >= 7


def test_it_says_the_decision_who_made_it_and_that_nothing_is_calibrated() -> None:
    made = content()
    review = replace(made.review, reviewer="Dr. Who").with_overall(Verdict.CHECK, "Look again.")
    words = Page(make_review_report(replace(made, review=review))).words
    for said in ("Dr. Who", "To be checked", "Look again.", "uncalibrated", "12345", "cd" * 32):
        assert said in words
    assert "1 rejected, 1 not decided" in words
    assert "tolerance is 1.5 mm" in words


@pytest.mark.parametrize(("share", "careful"), [(0.02, False), (0.34, True)])
def test_of_a_calibrated_result_it_says_how_far_the_calibration_reaches(
    share: float, careful: bool
) -> None:
    calibration = {"provenance": PROVENANCE, "region_outside_fraction": share}
    calibrated = record(calibrated=True, calibration=calibration)
    words = Page(make_review_report(replace(content(), record=calibrated))).words
    assert "uncalibrated" not in words and "the other maps are uncertainties" in words
    assert f"In {percent(share)} of the region the cues lie outside" in words
    assert words.count("calibrated on 12 registrations of 2 subjects, 2026-11-20") == 2
    assert ("Beyond the calibration." in words) is careful


def test_accepting_the_whole_over_rejected_places_is_pointed_out() -> None:
    made = content()
    accepted = replace(made, review=made.review.with_overall(Verdict.ACCEPT))
    assert "Accepted as a whole, but not everywhere." in make_review_report(accepted)
    assert "Accepted as a whole" not in make_review_report(made)
    assert "Not everything was judged." in make_review_report(made)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"complete": False, "passes": {"asked": 16, "done": 5}}, "stopped early"),
        ({"notes": ["A note <b>"]}, "A note &lt;b&gt;"),
    ],
)
def test_what_limits_the_result_limits_the_review(change: dict[str, Any], said: str) -> None:
    passes = record()["passes"]
    if "passes" in change:
        change = change | {"passes": passes | change["passes"]}
    assert said in make_review_report(content(record=record(**change)))
    assert said not in make_review_report(content())


def test_a_comment_on_a_place_that_is_no_hot_spot_any_more_is_still_read() -> None:
    made = content()
    moved = content(replace(made.review, threshold_mm=3.5), threshold=3.5)
    assert not moved.matched.spots
    html = make_review_report(moved)
    assert "wrong gyrus" in html
    assert "no hot spot at this threshold" in html


def test_sections_without_content_are_left_out() -> None:
    bare = content(statistics=(), landmarks=(), pictures=())
    page = Page(make_review_report(bare))
    assert set(page.links) == {"#decision", "#spots", "#provenance"}


def test_landmarks_are_summarised() -> None:
    words = re.sub(r"\s+", " ", Page(make_review_report(content())).words)
    assert "Mean 3.00 3.00 3.00" in words  # of 5 and 1 mm, beside the map at the fixed point
    assert "Maximum 5.00 5.00 3.00" in words


def test_the_folder_holds_the_page_the_tables_and_the_review(tmp_path: Path) -> None:
    made = content()
    folder = tmp_path / "Prüfung 1"
    page = write_review(folder, made)
    assert page == folder / "review.html"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "review.html",
        "review.json",
        "hot_spots.csv",
        "structures.csv",
        "structures_jacobian.csv",
        "landmarks.csv",
    }
    assert review_from_json((folder / "review.json").read_text()) == made.review
    with (folder / "hot_spots.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert [row["Verdict"] for row in csv.DictReader(stream)] == ["Rejected", "Not decided"]


def test_an_earlier_export_leaves_nothing_that_is_no_longer_true(tmp_path: Path) -> None:
    write_review(tmp_path, content())
    write_review(tmp_path, content(landmarks=(), statistics=()))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"review.html", "review.json", "hot_spots.csv"}


def test_a_place_that_cannot_be_written_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        write_review(tmp_path / "file" / "below", content())


def test_only_png_pictures_are_taken() -> None:
    with pytest.raises(ValueError, match="not a PNG"):
        Picture("a view", b"GIF89a")


def test_it_is_written_without_torch() -> None:
    code = textwrap.dedent("""
        import sys
        sys.modules["torch"] = None
        import TTAUncertaintyLib.results.review_report
        assert "SimpleITK" in sys.modules
    """)
    subprocess.run([sys.executable, "-c", code], check=True)
