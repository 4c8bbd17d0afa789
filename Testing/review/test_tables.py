"""Tables carry units, keep every verdict, and are plain data to a spreadsheet."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.lattices import OBLIQUE

from TTAUncertaintyLib.errors import OutputError
from TTAUncertaintyLib.review import (
    Column,
    LandmarkPair,
    MapVolume,
    Review,
    Table,
    Verdict,
    csv_text,
    decide,
    evaluate_landmarks,
    hot_spot_regions,
    hot_spot_table,
    landmark_table,
    match_verdicts,
    structure_statistics,
    structure_tables,
    verdict_counts,
    write_csv,
)


def volume(key: str = "total", unit: str = "mm") -> MapVolume:
    values = np.full(OBLIQUE.array_shape, 0.5, np.float32)
    values[2:5, 3:6, 4:7], values[8:11, 9:12, 9:12] = 3, 2
    return MapVolume(key, f"{key.capitalize()} map", unit, values, OBLIQUE)


def read(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(table), newline="")))


def one_column(*cells: str | float | None) -> Table:
    return Table("t", "T", (Column("Words"), Column("More")), tuple((c, None) for c in cells))


def test_csv_keeps_quotes_commas_and_line_breaks() -> None:
    words = ['he said "no", twice', "two\nlines", "Übergröße; 3 µm"]
    assert [row["Words"] for row in read(one_column(*words))] == words
    assert csv_text(one_column("a")).split("\r\n") == ["Words,More", "a,", ""]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "  ="])
def test_words_are_never_a_formula(start: str) -> None:
    (row,) = read(one_column(f"{start}HYPERLINK(1)"))
    assert row["Words"] == f"'{start}HYPERLINK(1)"


def test_negative_numbers_stay_numbers_and_missing_ones_are_empty() -> None:
    found = [row["Words"] for row in read(one_column(-12.5, float("nan"), None, 1 / 3))]
    assert found == ["-12.5", "", "", "0.333333"]


def test_a_file_is_read_back_by_excel_and_python_alike(tmp_path: Path) -> None:
    file = tmp_path / "neuer Ordner" / "Prüfung.csv"
    write_csv(file, one_column("Ä"))
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    assert file.read_text(encoding="utf-8-sig").splitlines()[1] == "Ä,"
    assert [path.name for path in file.parent.iterdir()] == ["Prüfung.csv"]


def test_a_file_that_cannot_be_replaced_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "table.csv"
    write_csv(file, one_column("old"))

    def full(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space"):
        write_csv(file, one_column("new"))
    assert "old" in file.read_text(encoding="utf-8-sig")
    assert len(list(tmp_path.iterdir())) == 1


def test_every_number_has_its_unit_in_the_heading() -> None:
    maps = [volume(), volume("jacobian", "")]
    labels = np.ones(OBLIQUE.array_shape, int)
    in_mm, without = structure_tables(structure_statistics(maps, labels, {1: "brain"}, 1.5), 1.5)
    headings = [column.heading for column in in_mm.columns]
    for heading in ("Median (mm)", "95th percentile (mm)", "Maximum (mm)", "Above 1.5 mm (%)"):
        assert heading in headings
    assert in_mm.column("Map") == ["Total map"]
    assert without.column("Map") == ["Jacobian map"]
    assert not any("mm" in column.heading for column in without.columns)
    assert without.column("Folded (%)") == [0.0]


def test_the_hot_spot_table_says_where_what_and_how_judged() -> None:
    shown = volume()
    regions = hot_spot_regions(shown.values, shown.values > 0, OBLIQUE, 1.0)
    review = Review()
    first = match_verdicts(review, regions).spots[0]
    review = decide(review, first, Verdict.REJECT, "=not here")
    matched = match_verdicts(review, regions)
    table = hot_spot_table(matched, shown)
    top, second = read(table)
    assert (top["Rank"], top["Peak (mm)"], top["Verdict"]) == ("1", "3", "Rejected")
    assert top["Comment"] == "'=not here"
    assert second["Verdict"] == "Not decided"
    x, y, z = first.spot.position_lps_mm
    position = [float(top[f"Position {axis} (mm, RAS)"]) for axis in "RAS"]
    np.testing.assert_allclose(position, [-x, -y, z], atol=1e-3)
    assert verdict_counts(matched) == "1 rejected, 1 not decided"
    fewer = hot_spot_regions(shown.values, shown.values > 0, OBLIQUE, 1.0, most=1)
    assert verdict_counts(match_verdicts(review, fewer)) == "1 rejected, 1 lower not listed"


def test_verdicts_without_a_spot_stay_in_the_table() -> None:
    shown = volume()
    regions = hot_spot_regions(shown.values, shown.values > 0, OBLIQUE, 1.0)
    review = Review()
    for spot in match_verdicts(review, regions).spots:
        review = decide(review, spot, Verdict.ACCEPT, f"spot {spot.rank}")
    high = hot_spot_regions(shown.values, shown.values > 0, OBLIQUE, 2.5)
    table = hot_spot_table(match_verdicts(review, high), shown)
    assert table.column("Comment") == ["spot 1", "spot 2"]
    assert table.column("Status") == ["hot spot", "no hot spot at this threshold"]
    jitter = replace(volume("jitter"), values=shown.values)
    other = match_verdicts(replace(review, map_key="jitter"), regions)
    table = hot_spot_table(other, jitter, {"total": "Total map"})
    assert table.column("Map") == ["Jitter map", "Jitter map", "Total map", "Total map"]
    assert table.column("Status")[2:] == ["judged on another map"] * 2
    assert table.column("Peak (mm)")[2:] == [None, None]


def test_landmarks_stand_beside_every_map() -> None:
    shown = volume()
    x, y, z = OBLIQUE.to_world([5, 4, 3]).tolist()
    pair = LandmarkPair("corner", (x, y, z), (x + 3, y, z + 4))
    found = evaluate_landmarks([pair], lambda points: np.add(points, [3, 0, 0]), [shown])
    (row,) = read(landmark_table(found, [shown]))
    assert (row["TRE before (mm)"], row["TRE after (mm)"]) == ("5", "4")
    assert row["Total map (mm)"] == "3"
    assert float(row["Fixed R (mm, RAS)"]) == pytest.approx(-x, rel=1e-5)


def test_rows_have_to_fit_their_columns() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Table("t", "T", (Column("A"),), ((1, 2),))
