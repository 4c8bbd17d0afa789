"""What is to be seen of a review: places, structures, landmarks, the decision, and their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..results import MapKind
from ..results.labels import RecordedLabels
from ..results.report.scales import tidy_above
from ..results.report.words import percent, place
from ..review import (
    LandmarkFinding,
    MatchedReview,
    Review,
    ReviewedSpot,
    StructureStatistics,
    Verdict,
)
from ..review.table import Column, Table
from ..review.tables import structure_tables, verdict_counts
from ..review.why import why_words
from .option import Option, Phrase, barred, sentences
from .table_view import Heading, Row, TableView, picked

SPOT_VERDICTS = (
    Option("accept", "Accept", "The registration is good enough here."),
    Option("check", "Check", "Somebody has to look again here."),
    Option("reject", "Reject", "The registration is not to be used here."),
)
OVERALL_VERDICTS = (
    Option("accept", "Accept", "The registration is good enough as a whole."),
    Option("check", "Check", "Somebody has to look again as a whole."),
    Option("reject", "Reject", "The registration is not to be used as a whole."),
)
NO_STRUCTURES = "A segmentation or label map of the fixed image gives the uncertainty by structure."
NO_LANDMARKS = "The same places on both images give the error of the registration there."

_NO_WORDS, _NO_PLACE = Phrase(), "Choose a place first."
_NO_TABLE, _UNDECIDED = TableView(), Review()
_NOTHING = Phrase("There is nothing to review before there is a result.")


@dataclass(frozen=True)
class SpotsView:
    """The places where the map is highest."""

    #: How many, and how they were judged.
    words: Phrase = _NO_WORDS
    #: Above which value places are listed, how far that can go, and in what.
    threshold: float = 0.0
    highest: float = 1.0
    unit: str = "mm"
    #: A row a place, the highest first.
    table: TableView = _NO_TABLE
    #: The row that is looked at; -1 for none.
    selected: int = -1
    #: Which it is, of how many; and what is known of it.
    place: Phrase = _NO_WORDS
    facts: Phrase = _NO_WORDS
    #: What names it, whatever its rank is by now.
    key: str = ""
    #: What was said of it, and what can be.
    verdict: str = ""
    verdicts: tuple[Option, ...] = barred(SPOT_VERDICTS, _NO_PLACE)
    comment: str = ""


@dataclass(frozen=True)
class TablesView:
    """Tables under words: of structures, or of landmarks."""

    words: Phrase = _NO_WORDS
    tables: tuple[TableView, ...] = ()


@dataclass(frozen=True)
class ReviewView:
    """What is to be seen of a review."""

    #: Why there is nothing to review; without words where there is.
    nothing: Phrase = _NOTHING
    #: What is decided so far; on the whole, one of `overalls`.
    said: Review = _UNDECIDED
    overalls: tuple[Option, ...] = OVERALL_VERDICTS
    spots: SpotsView = SpotsView()
    structures: TablesView = TablesView(Phrase(NO_STRUCTURES))
    landmarks: TablesView = TablesView(Phrase(NO_LANDMARKS))
    #: Labels of the moving image; no table where there are none.
    carried: TablesView = TablesView()
    #: The row of the carried labels that is looked at; -1 for none.
    structure: int = -1
    #: The row of the landmarks that is looked at; -1 for none.
    landmark: int = -1


def given(verdict: Verdict) -> str:
    """Return a verdict as an option's value; "" where nothing was decided."""
    return "" if verdict is Verdict.OPEN else verdict.value


def key_of(spot: ReviewedSpot) -> str:
    """Return what names a hot spot whatever its rank is by now."""
    return ", ".join(f"{x:.3f}" for x in spot.spot.position_lps_mm)


def spots_view(
    matched: MatchedReview, selected: int, kind: MapKind, threshold: float, highest: float
) -> SpotsView:
    """Return what is to be seen of hot spots, one of them chosen (from 0 on; -1 for none)."""
    facts, count = kind.facts, len(matched.spots)
    seen = SpotsView(
        words=_counted(matched, facts.title),
        threshold=threshold,
        highest=tidy_above(max(highest, threshold)),
        unit=facts.unit,
        table=_spots_table(matched, facts.unit),
        place=Phrase("{n} places", {"n": count}) if count else Phrase(),
    )
    if not 0 <= selected < count:
        return seen
    spot = matched.spots[selected]
    found = {
        "peak": spot.spot.peak,
        "volume": spot.spot.volume_cm3,
        "place": place(spot.spot.position_ras_mm),
        "unit": facts.unit,
        "why": why_words(spot.spot.why),
    }
    said = "Peak {peak:.2f} {unit}, {volume:.1f} cm³, at {place} mm"
    return replace(
        seen,
        selected=selected,
        place=Phrase("{rank} of {n}", {"rank": spot.rank, "n": count}),
        facts=Phrase(f"{said}: {{why}}" if spot.spot.why else said, found),
        key=key_of(spot),
        verdict=given(spot.verdict),
        verdicts=SPOT_VERDICTS,
        comment=spot.comment,
    )


def _counted(matched: MatchedReview, title: str) -> Phrase:
    counts, others = verdict_counts(matched), len(matched.elsewhere)
    said = Phrase("{map}: {counts}.", {"map": Phrase(title), "counts": counts})
    if not matched.spots:
        nothing = "{map}: nothing above this value is larger than 0.1 cm³."
        said = Phrase(nothing, {"map": Phrase(title)})
    kept = Phrase("{n} verdicts on other places or maps are kept.", {"n": others})
    one = Phrase("One verdict on another place or map is kept.")
    return sentences(said, one if others == 1 else kept if others else Phrase())


def _spots_table(matched: MatchedReview, unit: str) -> TableView:
    named = any(spot.spot.structure for spot in matched.spots)
    headings = (
        Heading("#"),
        Heading("Peak", unit),
        Heading("Mean", unit),
        Heading("cm³"),
        Heading("Place", "mm", words=True, spare=True),
        *([Heading("Structure", words=True)] if named else []),
        Heading("Verdict", words=True),
    )
    rows = []
    for spot in matched.spots:
        found = spot.spot
        cells = [str(spot.rank), f"{found.peak:.2f}", f"{found.mean:.2f}"]
        cells += [f"{found.volume_cm3:.1f}", place(found.position_ras_mm)]
        cells += [found.structure or "–"] if named else []
        rows.append(Row((*cells, given(spot.verdict)), given(spot.verdict), spot.comment))
    return TableView(headings, tuple(rows))


#: Titles of the columns that there is room for, of those that the export has.
_STRUCTURES = {
    "Structure": "Structure",
    "Volume": "cm³",
    "Minimum": "Lowest",
    "Median": "Median",
    "95th percentile": "95 %",
    "Maximum": "Highest",
    "Folded": "Folded",
}


def structures_view(
    statistics: Sequence[StructureStatistics], kind: MapKind, tolerance_mm: float | None
) -> TablesView:
    """Return a map per structure, and where there is one the change of volume.

    Parameters
    ----------
    kind
        The map under review, in mm.
    """
    shown = [one for one in statistics if one.map_key == kind.value or one.unit != "mm"]
    titles = _STRUCTURES
    if tolerance_mm is not None:
        titles = titles | {f"Above {tolerance_mm:g} mm": f"> {tolerance_mm:g} mm"}
    in_mm, *others = (picked(table, titles) for table in structure_tables(shown, tolerance_mm))
    in_mm = replace(in_mm, title=f"{kind.facts.title} per structure, mm")
    words = "{map} in mm. All maps are in the table of this result in the scene."
    return TablesView(Phrase(words, {"map": Phrase(kind.facts.title)}), (in_mm, *others))


def carried_view(labels: RecordedLabels) -> TablesView:
    """Return the labels of the moving image on the fixed one, and how far they can be trusted."""
    if not labels.structures:
        return TablesView()
    tolerance = labels.tolerance_mm
    headings = (
        Heading("Structure", words=True),
        Heading("cm³"),
        Heading("90 %"),
        Heading("Dice"),
        Heading("Off", "mm"),
        Heading("Above" if tolerance is None else f"> {tolerance:g} mm"),
    )
    rows = tuple(
        Row(
            (
                each.name,
                f"{each.volume_cm3:.2f}",
                _interval(each.volume_low_cm3, each.volume_high_cm3),
                _number(each.expected_dice),
                _number(each.expected_surface_mm),
                _NONE if each.surface_above is None else percent(each.surface_above),
            ),
            "check" if each.remark else "",
            each.remark or why_words(each.why),
        )
        for each in labels.structures
    )
    words = (
        "Labels of the moving image on the fixed one. The interval is to hold 90 % of the true "
        "volumes; Dice and how far the surface is off are expected, against what a person would "
        "draw. Choose one to see its outline, and the band where it may lie."
    )
    if all(each.expected_dice is None for each in labels.structures):
        words = (
            "Labels of the moving image on the fixed one. There are no intervals: none were learnt "
            "for registrations such as this one. Choose one to see its outline."
        )
    marked = sum(bool(each.remark) for each in labels.structures)
    remarks = Phrase("{n} are coloured: point at them to see why.", {"n": marked})
    said = sentences(Phrase(words), remarks if marked else Phrase())
    return TablesView(said, (TableView(headings, rows),))


_NONE = "–"


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.2f}"


def _interval(low: float | None, high: float | None) -> str:
    return _NONE if low is None or high is None else f"{low:.2f} – {high:.2f}"


def landmarks_view(
    findings: Sequence[LandmarkFinding], kind: MapKind, how: str, looked_at: int = -1
) -> TablesView:
    """Return how far landmark pairs are apart, beside a map.

    Parameters
    ----------
    kind
        The map under review, in mm.
    how
        How they were paired: "by name".
    looked_at
        The row whose reasons are said; -1 for none.
    """
    title = kind.facts.title
    rows = [
        (
            one.pair.name,
            one.before_mm,
            one.after_mm,
            one.at_fixed.get(kind.value),
            why_words(one.why),
        )
        for one in findings
    ]
    columns = [Column("Landmark"), *(Column(name, "mm") for name in ("Before", "After", title))]
    columns.append(Column("Why"))
    table = picked(Table("landmarks", "", tuple(columns), tuple(rows)))
    after = [one.after_mm for one in findings]
    said = {
        "n": len(findings),
        "how": how,
        "before": np.median([one.before_mm for one in findings]),
        "after": np.median(after),
        "worst": max(after),
    }
    if len(findings) == 1:
        words = "One pair: {before:.2f} mm apart before the registration, {after:.2f} mm after it."
    else:
        words = (
            "{n} landmarks, paired {how}: half of them are met within {after:.1f} mm "
            "({before:.1f} before), the worst within {worst:.1f} mm."
        )
    chosen = Phrase()
    if looked_at >= 0 and findings[looked_at].why:
        one = findings[looked_at]
        chosen = Phrase("{name}: {why}.", {"name": one.pair.name, "why": why_words(one.why)})
    return TablesView(sentences(Phrase(words, said), _bounded(findings), chosen), (table,))


def _bounded(findings: Sequence[LandmarkFinding]) -> Phrase:
    """Say how often the error bound held, where the result has one."""
    key = MapKind.ERROR_BOUND.value
    bounds = [(one.after_mm, one.at_fixed.get(key, np.nan)) for one in findings]
    bounds = [(after, bound) for after, bound in bounds if np.isfinite(bound)]
    held = sum(after <= bound for after, bound in bounds)
    words = "The error bound holds at {held} of {n}." if bounds else ""
    return Phrase(words, {"held": held, "n": len(bounds)})
