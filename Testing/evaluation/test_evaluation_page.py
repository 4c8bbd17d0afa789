"""The folder of an evaluation: whole or absent, read back the same, and drawn where it belongs."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from TTAUncertaintyLib.errors import OutputError
from TTAUncertaintyLib.evaluation.page import EVALUATION, EVALUATION_FILE, figures, write_evaluation
from TTAUncertaintyLib.evaluation.page.figures import beside_each_other
from TTAUncertaintyLib.evaluation.page.methods import shown_methods
from TTAUncertaintyLib.evaluation.page.page import make_page
from TTAUncertaintyLib.evaluation.results_table import (
    ORACLE,
    CaseError,
    CaseScore,
    Curve,
    Evaluation,
    StructureScore,
)
from TTAUncertaintyLib.evaluation.summaries import summarise

#: Name, passes, Pearson, nAURC. The first is an expected error in mm.
METHODS = (
    ("expected error, calibrated", 12, 0.8, 0.2),
    ("quick: Total uncertainty", 11, 0.7, 0.3),
    ("Inverse-consistency gap", 2, 0.5, 0.45),
    ("Displacement <magnitude> & more", 1, 0.2, 0.8),
    *((f"paper: family {n}", 51, 0.3 + n / 100, 0.6 + n / 100) for n in range(8)),
)


def evaluation() -> Evaluation:
    generator = np.random.default_rng(0)
    cases, errors = [], []
    for subject in ("mni152", "colin27", "inia19"):
        for kind in ("smooth", "affine"):
            name = f"{subject} {kind}"
            errors.append(CaseError(name, subject, kind, 6.0, 1.5, 3.5, 12345))
            for method, passes, r, naurc in METHODS:
                noise = float(generator.normal(0, 0.02))
                metrics = {"pearson": r + noise, "spearman": r, "naurc": naurc - noise}
                if method.startswith("expected"):
                    metrics |= {"mae_mm": 0.5, "coverage": 0.91, "sharpness_mm": 3.0}
                cases.append(CaseScore(name, subject, kind, method, passes, metrics))
    fractions = [0.0, 0.25, 0.5, 0.75]
    return Evaluation(
        title="Does <it> tell & hold?",
        created="2026-11-23T01:00:00+00:00",
        model={"name": "pyramid-flow", "title": "Pyramid flow", "weights": None},
        images=[{"name": "mni152", "sha256": "ab" * 32, "mask": False}],
        cases=cases,
        errors=errors,
        summaries=summarise(cases),
        sparsification=[
            Curve(ORACLE, fractions, [1.0, 0.6, 0.3, 0.1]),
            *(Curve(name, fractions, [1.0, 0.9, 0.8, naurc]) for name, _, _, naurc in METHODS),
        ],
        reliability=[Curve(METHODS[0][0], [0.5, 1.0, 2.0], [0.4, 1.1, 2.5])],
        command="ttauncertainty evaluate -o there",
        notes=["Intervals are over <subjects>."],
        structures=[StructureScore("Grey matter", METHODS[0][0], 6, 1.2, {"pearson": math.nan})],
    )


class Checked(HTMLParser):
    """Sees that what is opened is closed, in its order, and collects what a page would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def section(page: str, anchor: str) -> str:
    return page.split(f'<section id="{anchor}">')[1].split("</section>")[0]


def test_the_folder_holds_the_page_and_every_number(tmp_path: Path) -> None:
    made, folder = evaluation(), tmp_path / "Über alles"
    write_evaluation(folder, made)
    assert {file.name for file in folder.iterdir()} == {
        "evaluation.json",
        "evaluation.html",
        "cases.csv",
        "methods.csv",
    }
    again = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    assert again == made.as_dict()
    assert again["structures"][0]["metrics"]["pearson"] is None
    assert (
        again["summaries"][0]["metrics"]["naurc"] == asdict(made.summaries[0])["metrics"]["naurc"]
    )


def test_the_tables_hold_every_score(tmp_path: Path) -> None:
    made = evaluation()
    write_evaluation(tmp_path / "out", made)

    def rows(name: str) -> list[dict[str, str]]:
        text = (tmp_path / "out" / name).read_text(encoding="utf-8-sig")
        return list(csv.DictReader(text.splitlines()))

    cases = rows("cases.csv")
    assert len(cases) == len(made.cases) == 6 * len(METHODS)
    assert cases[0]["case"] == "mni152 smooth"
    assert float(cases[0]["pearson"]) == pytest.approx(made.cases[0].metrics["pearson"], rel=1e-5)
    assert (cases[0]["coverage"], cases[1]["coverage"]) == ("0.91", "")
    methods = rows("methods.csv")
    found = made.summaries[1].metrics["naurc"]
    assert methods[1]["method"] == METHODS[1][0]
    assert [float(methods[1][f"naurc{end}"]) for end in ("", "_low", "_high")] == pytest.approx(
        [found.mean, found.low, found.high], rel=1e-5
    )


def test_the_page_is_whole_and_loads_nothing() -> None:
    page = make_page(evaluation())
    checked = Checked(page)
    assert not {"script", "link", "iframe", "img"} & set(checked.tags)
    assert all(target.startswith("#") for target in checked.loads)
    for target in checked.loads:
        assert f'id="{target[1:]}"' in page
    assert "http" not in page
    assert page.count("url(") == page.count("url(#")
    identifiers = re.findall(r' id="([^"]*)"', page)
    for within in re.findall(r'(?:url\(|href=")#([^")]*)', page):
        assert within in identifiers
    assert "Does &lt;it&gt; tell &amp; hold?" in page
    assert "over &lt;subjects&gt;" in page
    assert "<magnitude>" not in page
    assert "23 November 2026" in page
    assert "ttauncertainty evaluate -o there" in page


def test_the_best_is_first_and_marked_and_the_front_is_in_bold() -> None:
    methods = shown_methods(evaluation().summaries)
    assert [one.summary.method for one in methods[:3]] == [name for name, *_ in METHODS[:3]]
    assert [one.number for one in methods] == list(range(1, len(METHODS) + 1))
    front = {one.summary.method for one in methods if one.fronts}
    assert front == {name for name, *_ in METHODS[:4]}
    # those on the front are in colour wherever they stand, and no two alike
    colors = [one.css for one in methods if one.css != "rest"]
    assert len(colors) == len(set(colors)) == 6
    assert all(one.css != "rest" for one in methods if one.fronts)
    table = section(make_page(evaluation()), "methods")
    best = re.findall(r'<tr( class="on-front")?>.*?</tr>', table, re.DOTALL)
    assert sum(bool(front) for front in best) == 4 + 1  # and again among those in mm
    first = table.split("<tbody>")[1].split("</tr>")[0]
    assert first.count('class="best"') == 3
    assert table.split("<h3")[0].count('class="best"') == 3


def test_points_and_lines_are_drawn_at_their_values() -> None:
    made = evaluation()
    methods = shown_methods(made.summaries)
    drawn = figures.reliability(made, methods)
    assert drawn is not None
    (axes,) = drawn.axes
    diagonal, curve = axes.lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [2.5, 2.5]]
    (given,) = made.reliability
    assert curve.get_xydata().tolist() == [list(p) for p in zip(given.x, given.y, strict=True)]
    assert axes.get_xlim()[0] == axes.get_ylim()[0] == 0
    assert axes.get_xlim()[1] >= 2.5 and axes.get_ylim()[1] >= 2.5

    drawn = figures.against_passes(methods, "naurc")
    assert drawn is not None
    (axes,) = drawn.axes
    front, *points = axes.lines
    assert len(points) == len(methods) == len(axes.collections)
    numbered = {int(text.get_text()): point for text, point in zip(axes.texts, points, strict=True)}
    for one in methods:
        found = one.summary.metrics["naurc"]
        assert numbered[one.number].get_ydata()[0] == found.mean
        if "naurc" in one.fronts:  # it has stayed in its place
            assert numbered[one.number].get_xdata()[0] == pytest.approx(one.summary.passes)
    assert front.get_xydata()[0].tolist() == [1, pytest.approx(0.8, abs=0.05)]

    page = make_page(made)
    assert section(page, "passes").count("<svg") == section(page, "curves").count("<svg") == 2
    assert "held for <strong>91%</strong>" in page


def test_a_plot_has_the_page_s_colours_and_no_other() -> None:
    plots = "".join(section(make_page(evaluation()), name) for name in ("passes", "curves"))
    assert not re.findall(r"#[0-9a-f]{6}\b", plots)
    styles = "".join(re.findall(r"<style>(.*?)</style>", make_page(evaluation()), re.DOTALL))
    for name in set(re.findall(r"var\(--([a-z0-9-]+)\)", plots)):
        assert f"--{name}:" in styles


def test_points_that_would_cover_each_other_stand_side_by_side() -> None:
    places = [(50.0, 10.0), (50.0, 12.0), (50.0, 11.0), (50.0, 90.0)]
    moved = beside_each_other(places, apart=20)
    assert (moved[0], moved[3]) == (50, 50)
    shown = [(x, y) for x, (_, y) in zip(moved, places, strict=True)]
    for n, first in enumerate(shown):
        assert all(math.dist(first, other) >= 20 for other in shown[n + 1 :])


def test_an_evaluation_of_little_has_a_page_too() -> None:
    made = evaluation()
    alone = [replace(case, kind="smooth") for case in made.cases if case.passes == 1][:1]
    little = replace(
        made,
        cases=alone,
        errors=made.errors[:1],
        summaries=summarise(alone),
        reliability=(),
        structures=(),
    )
    page = make_page(little)
    Checked(page)
    assert "nothing to calibrate on" in page
    assert 'id="kinds"' not in page
    Checked(make_page(replace(little, cases=[], errors=[], summaries=[], sparsification=())))


def test_a_folder_is_replaced_only_if_asked_and_only_an_evaluation(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_evaluation(folder, evaluation())
    with pytest.raises(OutputError, match="already holds"):
        write_evaluation(folder, evaluation())
    write_evaluation(folder, replace(evaluation(), title="newer"), overwrite=True)
    assert '"title": "newer"' in (folder / EVALUATION_FILE).read_text(encoding="utf-8")
    assert EVALUATION.others(folder) == []
    (folder / "notes.txt").write_text("three years of work")
    with pytest.raises(OutputError, match=r"notes\.txt"):
        write_evaluation(folder, evaluation(), overwrite=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "result.json").write_text("{}")
    with pytest.raises(OutputError, match="holds other things"):
        write_evaluation(other, evaluation(), overwrite=True)


def test_nothing_is_left_where_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("TTAUncertaintyLib.evaluation.page.page.make_page", fails)
    with pytest.raises(OutputError, match="No space left"):
        write_evaluation(tmp_path / "out", evaluation())
    assert list(tmp_path.iterdir()) == []
