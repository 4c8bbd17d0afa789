"""The group page opens from the disk alone, worst first; it is searched, filtered, and clicked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.chromium import chromium

from TTAUncertaintyLib.cohort.page import make_page
from TTAUncertaintyLib.cohort.study import Failure

ROWS = [
    {"pair": f"sub-{n:02d}", "group": f"site {n % 2}", "state": "done", "flags": ""}
    | {"total_median": 1.0 + n % 7, "total_p95": 2.0 + n % 7, "dice_mean": 0.9 - n / 100}
    for n in range(40)
]
ROWS[5] |= {"flags": "total_p95 z=+4.2"}
ROWS.append({"pair": "lost", "group": "site 0", "state": "failed", "flags": ""})


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("page")
    failure = Failure("lost", "</script><b>It crashed", "Look.", "last & <words>", 2, "node7")
    (folder / "index.html").write_text(make_page("<study>", ROWS, {"lost": failure}))
    with chromium(["--no-sandbox"]) as browser:
        context = browser.new_context(offline=True, viewport={"width": 1300, "height": 900})
        shown = context.new_page()
        shown.problems = []
        shown.on("pageerror", lambda error: shown.problems.append(str(error)))
        shown.on("request", lambda r: shown.problems.append(r.url) if "//" in r.url[7:] else None)
        shown.goto((folder / "index.html").as_uri())
        shown.wait_for_function("document.documentElement.dataset.ready", timeout=120_000)
        yield shown


def names(page: Any) -> list[str]:
    return page.eval_on_selector_all("#pairs tbody td.pair", "cells => cells.map(c => c.innerText)")


def first_is(page: Any, name: str) -> None:
    """Wait for a row to be the first: a table is sorted in a turn of its own."""
    first = "document.querySelector('#pairs tbody td.pair').innerText"
    page.wait_for_function(f"name => {first}.startsWith(name)", arg=name, timeout=10_000)


def test_the_worst_is_first_and_any_column_sorts(page: Any) -> None:
    assert page.title() == "Study <study>"
    assert {name[:6] for name in names(page)[:3]} <= {f"sub-{n:02d}" for n in range(6, 40, 7)}
    page.get_by_role("columnheader", name="Dice mean").first.click()
    first_is(page, "sub-39")  # the least overlap is the worst
    page.get_by_role("columnheader", name="Pair").first.click()
    first_is(page, "lost")
    assert not page.problems


def test_search_and_filters(page: Any) -> None:
    page.fill("input[type=search]", "sub-1")
    assert sorted(names(page)) == [f"sub-{n}" for n in range(10, 20)]
    page.select_option("#group", "=site 1")
    assert sorted(names(page)) == [f"sub-{n}" for n in range(11, 20, 2)]
    page.fill("input[type=search]", "")
    page.select_option("#group", "")
    page.check("#flagged")
    assert names(page) == ["sub-05flag"]
    assert "robust z +4.2" in page.get_attribute("#pairs .flag", "title")
    page.uncheck("#flagged")
    page.select_option("#state", "failed")
    assert names(page) == ["lost"]
    page.select_option("#state", "")
    assert not page.problems


def test_what_failed_is_told_with_its_log(page: Any) -> None:
    assert "lost: </script><b>It crashed Look." in page.inner_text("#failed summary")
    page.click("#failed summary")
    assert page.inner_text("#failed pre") == "last & <words>"


def test_a_click_in_a_plot_opens_the_report(page: Any) -> None:
    page.evaluate("window.open = address => { window.opened = address; }")
    page.evaluate("document.getElementById('plots').scrollIntoView()")
    page.wait_for_selector("#strips .strip .point", timeout=60_000)
    assert page.locator("#strips .strip").count() == 3
    page.evaluate(
        "document.querySelector('#strips .strip').emit('plotly_click', {points: [{customdata: 7}]})"
    )
    assert page.evaluate("window.opened") == "pairs/sub-07/result/report.html"
    assert not page.problems
