"""A study in the page: graded by one person, while others' grades stay out of sight."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.viewer_page import Study, open_page, settled
from support.viewer_process import ViewerProcess

from TTAUncertaintyLib.cohort.ratings import Ratings, read_ratings


@pytest.fixture(scope="module")
def cohort(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study as a work list reads it; there is no bundle of its third pair, and nobody looks."""
    folder = tmp_path_factory.mktemp("cohort") / "study"
    rows = ["pair\tgroup\tstate\tflags\ttotal_p95\ttotal_maximum"]
    for name, bundle, p95 in (("better", study.better, 1), ("worse", study.worse, 3)):
        shutil.copytree(bundle.folder, folder / "pairs" / name / "result")
        rows.append(f"{name}\told\tdone\t{'total_p95 z=+9' if p95 > 2 else ''}\t{p95}\t{p95 + 1}")
    rows.append("last\tyoung\tdone\t\t0.5\t0.7")
    rows.append("lost\tyoung\tfailed\t\t\t")
    (folder / "study.json").write_text('{"schema_version": 1, "settings": {}}')
    (folder / "results.tsv").write_text("\n".join(rows) + "\n")
    Ratings(folder / "ratings", "bob").say("worse", grade=4, comment="a fold")
    return folder


@pytest.fixture(scope="module")
def viewer(cohort: Path, browser: Any, tmp_path_factory: Any) -> Iterator[ViewerProcess]:
    folder = tmp_path_factory.mktemp("view")
    with ViewerProcess(folder, cohort, "--reviewer", "ann") as viewer:
        yield viewer


def test_grades_by_key_are_kept_in_a_file_of_ones_own(
    viewer: ViewerProcess, browser: Any, cohort: Path
) -> None:
    page = open_page(browser, viewer.address, ".tta-cell")
    page.click(".tta-tab-work")
    page.wait_for_selector(".tta-work tbody tr")
    settled(page)
    rows = page.locator(".tta-work tbody tr")
    names = [text.split("\n")[0] for text in rows.all_inner_texts()]
    assert names == ["worse", "better", "last"]
    assert page.locator("text=lost").count() == 0  # of those that failed, nothing can be shown
    assert "flag" in rows.nth(0).inner_text() and "a fold" not in page.inner_text("body")
    page.locator(".tta-cell").first.hover()
    page.keyboard.press("3")
    page.wait_for_function("document.querySelector('.tta-work-words').innerText.startsWith('1 of')")
    assert read_ratings(cohort / "ratings" / "ann.tsv")["worse"].grade == 3
    page.click(".tta-tab-review")
    page.keyboard.press("n")
    page.wait_for_selector(".tta-spots tr.chosen")
    page.keyboard.press("r")
    page.wait_for_selector(".tta-spots .tta-reject")
    assert (cohort / "ratings" / "ann" / "worse.json").is_file()
    assert not (cohort / "pairs" / "worse" / "result" / "review.json").exists()
    page.click(".tta-tab-work")
    page.fill(".tta-work-text input", "old")
    page.press(".tta-work-text input", "Enter")
    page.wait_for_function("document.querySelectorAll('.tta-work tbody tr').length === 2")
    page.click(".tta-work-ungraded input")
    page.wait_for_function("document.querySelectorAll('.tta-work tbody tr').length === 1")
    page.click(".tta-work-ungraded input")
    page.locator(".tta-cell").first.hover()
    page.keyboard.press("]")
    page.wait_for_function(
        "() => document.querySelector('.tta-work tr.chosen')?.innerText.startsWith('better')"
    )
    settled(page)
    page.click(".tta-grade-1")
    page.wait_for_function("document.querySelector('.tta-work-words').innerText.startsWith('2 of')")
    assert read_ratings(cohort / "ratings" / "ann.tsv")["better"].grade == 1
    assert read_ratings(cohort / "ratings" / "bob.tsv").keys() == {"worse"}
    page.click(".tta-work-others input")
    page.wait_for_selector("text=Nobody else says anything of it.")
    page.keyboard.press("[")
    page.wait_for_selector("text=bob 4 a fold")
    page.screenshot(path=str(cohort.parent / "work-list.png"))
    page.context.close()
