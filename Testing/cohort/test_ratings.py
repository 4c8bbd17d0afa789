"""Several people grade one study: each has a file, nobody overwrites anybody, agreement is told."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from TTAUncertaintyLib.cli import main
from TTAUncertaintyLib.cohort.ratings import (
    Ratings,
    agreement,
    all_ratings,
    cohens_kappa,
    export,
    fleiss_kappa,
)
from TTAUncertaintyLib.cohort.reviewing import StudyReview
from TTAUncertaintyLib.cohort.work_list import read_work_list
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.review import Review, Verdict


def write_study(folder: Path, names: list[str]) -> Path:
    """Write what a work list is read from, and no bundle."""
    folder.mkdir()
    (folder / "study.json").write_text('{"schema_version": 1, "settings": {}}')
    rows = ["pair\tgroup\tstate\tflags\ttotal_p95\ttotal_maximum"]
    rows += [f"{name}\tG{n % 2}\tdone\t\t{n}.5\t{n + 2}" for n, name in enumerate(names)]
    rows.append("broken\tG0\tfailed\t\t\t")
    (folder / "results.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_the_work_list_is_the_table_worst_first(tmp_path: Path) -> None:
    listed = read_work_list(write_study(tmp_path / "study", ["a", "b", "c"]))
    ranked = [(one.name, one.rank_mm) for one in listed if one.state == "done"]
    assert ranked == [("c", 2.5), ("b", 1.5), ("a", 0.5)]
    assert [one.name for one in listed][3:] == ["broken"]
    assert listed[0].folder == tmp_path / "study" / "pairs" / "c" / "result"
    assert [one.name for one in listed if one.matches("g1")] == ["b"]
    with pytest.raises(InputError, match="cohort status"):
        read_work_list(tmp_path)


def test_reviewers_do_not_touch_each_others_files(tmp_path: Path) -> None:
    study = write_study(tmp_path / "study", ["a", "b"])
    ann, bob = StudyReview(study, "ann"), StudyReview(study, "bob")
    of = study / "pairs" / "a" / "result"
    ann.grade(of, 2)
    bob.grade(of, 4)
    bob.on_review(of, Review(verdict=Verdict.REJECT, comment="a tab\tand\na line"))
    assert StudyReview(study, "ann").rating(of).grade == 2
    again = StudyReview(study, "bob").rating(of)
    assert (again.grade, again.verdict, again.comment) == (4, "reject", "a tab\tand\na line")
    assert ann.review_file(of) != bob.review_file(of)
    ann.grade(of, 2)  # the same again takes it back
    assert StudyReview(study, "ann").rating(of).grade == 0
    with pytest.raises(InputError, match="cannot be the name"):
        StudyReview(study, "../ann")


def test_a_damaged_file_of_ratings_is_told_and_left(tmp_path: Path) -> None:
    (tmp_path / "ann.tsv").write_text("what\nelse\n")
    with pytest.raises(InputError, match=r"ann\.tsv cannot be read"):
        Ratings(tmp_path, "ann")
    assert (tmp_path / "ann.tsv").read_text() == "what\nelse\n"


def test_kappas_are_those_of_the_literature() -> None:
    # Fleiss (1971) as tabulated since: 10 subjects, 14 raters, 5 categories: kappa 0.210
    counts = [
        (0, 0, 0, 0, 14),
        (0, 2, 6, 4, 2),
        (0, 0, 3, 5, 6),
        (0, 3, 9, 2, 0),
        (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0),
        (3, 2, 6, 3, 0),
        (2, 5, 3, 2, 2),
        (6, 5, 2, 1, 0),
        (0, 2, 2, 3, 7),
    ]
    cases = [[grade for grade, n in enumerate(row) for _ in range(n)] for row in counts]
    assert fleiss_kappa(cases) == pytest.approx(0.210, abs=5e-4)
    # two readers of 50 proposals: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: kappa 0.4
    first = [1] * 25 + [2] * 25
    second = [1] * 20 + [2] * 5 + [1] * 10 + [2] * 15
    assert cohens_kappa(first, second) == pytest.approx(0.4)
    assert cohens_kappa([1, 1], [1, 1]) is None and cohens_kappa([], []) is None
    assert fleiss_kappa([[1, 1], [2, 2]]) == 1


def test_agreement_and_export(tmp_path: Path) -> None:
    for name, grades in {"ann": {"a": 1, "b": 2, "c": 4}, "bob": {"a": 1, "b": 4, "c": 3}}.items():
        ratings = Ratings(tmp_path, name)
        for pair, grade in grades.items():
            ratings.say(pair, grade=grade)
    found = agreement(all_ratings(tmp_path))
    assert found.reviewers == ("ann", "bob") and found.common == 3
    assert found.pairwise[0][:3] == ("ann", "bob", 3)
    assert [pair for pair, _ in found.disagreements] == ["b", "c"]
    file = tmp_path / "out" / "all.tsv"
    file.parent.mkdir()
    assert export(all_ratings(tmp_path), file) == 6
    rows = list(csv.DictReader(file.open(), delimiter="\t"))
    study = write_study(tmp_path / "study", ["a", "b", "c"])
    assert main(["cohort", "agreement", str(study)]) == 2
    (tmp_path / "out").rename(study / "ratings")
    for name in ("ann", "bob"):
        (tmp_path / f"{name}.tsv").rename(study / "ratings" / f"{name}.tsv")
    (study / "ratings" / "all.tsv").rename(study / "elsewhere.tsv")
    assert main(["cohort", "agreement", str(study)]) == 0
    page = (study / "agreement.html").read_text()
    assert "pairs/b/result/report.html" in page and "ann, bob" in page
    assert {(row["reviewer"], row["pair"], row["grade"]) for row in rows} >= {("bob", "b", "4")}
