"""The tables of a review: hot spots, structures and landmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .landmarks import LandmarkFinding
from .map_volume import MapVolume
from .matching import MatchedReview, ReviewedSpot
from .structures import StructureStatistics
from .table import Cell, Column, Table, percent_or_none, ras
from .verdicts import PlaceVerdict, Verdict
from .why import why_words


def _position(of: str) -> tuple[Column, ...]:
    return tuple(Column(f"{of} {axis}", "mm, RAS", 1) for axis in "RAS")


def hot_spot_table(
    matched: MatchedReview, volume: MapVolume, titles: Mapping[str, str] | None = None
) -> Table:
    """Return the hot spots with their verdicts, then every verdict that belongs to none of them.

    Parameters
    ----------
    volume
        The map under review.
    titles
        Titles of other maps by key, for verdicts that were given on those.
    """
    unit, known = volume.unit, titles or {}
    columns = (
        Column("Rank"),
        Column("Map"),
        Column("Peak", unit),
        Column("Mean", unit),
        Column("Volume", "cm3"),
        *_position("Position"),
        Column("Structure"),
        Column("Share in structure", "%", 0),
        Column("Why"),
        Column("Verdict"),
        Column("Comment"),
        Column("Decided", "UTC"),
        Column("Status"),
    )
    rows: list[tuple[Cell, ...]] = []
    for reviewed in matched.spots:
        rows.append(_spot_row(reviewed, volume.title))
        rows += [
            _place_row(place, volume.title, place.peak, f"part of hot spot {reviewed.rank} now")
            for place in reviewed.earlier
        ]
    for place in matched.elsewhere:
        if place.map_key == volume.key:
            status = "no hot spot at this threshold"
            rows.append(_place_row(place, volume.title, place.peak, status))
        else:  # its peak may have another unit than the column
            title = known.get(place.map_key, place.map_key)
            rows.append(_place_row(place, title, None, "judged on another map"))
    return Table("hot_spots", f"Hot spots: {volume.title}", columns, tuple(rows))


def _spot_row(reviewed: ReviewedSpot, map_title: str) -> tuple[Cell, ...]:
    spot = reviewed.spot
    return (
        reviewed.rank,
        map_title,
        spot.peak,
        spot.mean,
        spot.volume_cm3,
        *spot.position_ras_mm,
        spot.structure,
        100 * spot.structure_share if spot.structure else None,
        why_words(spot.why),
        reviewed.verdict.title,
        reviewed.comment,
        "" if reviewed.place is None else reviewed.place.decided,
        "hot spot",
    )


def _place_row(
    place: PlaceVerdict, map_title: str, peak: float | None, status: str
) -> tuple[Cell, ...]:
    said = place.verdict.title, place.comment, place.decided
    where = ras(place.position_lps_mm)
    return (None, map_title, peak, None, None, *where, "", None, "", *said, status)


def structure_tables(
    statistics: Sequence[StructureStatistics], tolerance_mm: float | None = None
) -> list[Table]:
    """Return the maps in mm per structure, and where there is one the Jacobian determinant.

    They are two tables, since a column has one unit.
    """
    in_mm = [found for found in statistics if found.unit == "mm"]
    without = [found for found in statistics if found.unit != "mm"]
    common = (
        Column("Structure"),
        Column("Map"),
        Column("Voxels"),
        Column("Volume", "cm3", 1),
        Column("With estimate", "%", 1),
    )
    above = "Above tolerance" if tolerance_mm is None else f"Above {tolerance_mm:g} mm"
    tables = [
        Table(
            "structures",
            "Maps in mm per structure",
            (
                *common,
                *(Column(name, "mm") for name in ("Median", "95th percentile", "Maximum", "Mean")),
                Column(above, "%", 1),
                Column("Why"),
            ),
            tuple(
                (
                    *_common(found),
                    *(found.median, found.p95, found.maximum, found.mean),
                    percent_or_none(found.share_above),
                    why_words(found.why),
                )
                for found in in_mm
            ),
        )
    ]
    if without:
        names = ("Minimum", "Median", "Maximum", "Mean")
        rows = tuple(
            (
                *_common(found),
                *(found.minimum, found.median, found.maximum, found.mean),
                percent_or_none(found.share_folded),
            )
            for found in without
        )
        columns = (*common, *(Column(name) for name in names), Column("Folded", "%", 3))
        tables.append(Table("structures_jacobian", "Volume change per structure", columns, rows))
    return tables


def _common(found: StructureStatistics) -> tuple[Cell, ...]:
    share = 100 * found.share_with_estimate
    return found.name, found.map_title, found.voxels, found.volume_cm3, share


def landmark_table(findings: Sequence[LandmarkFinding], maps: Sequence[MapVolume]) -> Table:
    """Return the landmark pairs: target registration error beside the maps at the fixed point."""
    columns = (
        Column("Landmark"),
        *_position("Fixed"),
        *_position("Moving"),
        Column("TRE before", "mm"),
        Column("TRE after", "mm"),
        *(Column(volume.title, volume.unit) for volume in maps),
        Column("Why"),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            found.pair.name,
            *ras(found.pair.fixed_lps_mm),
            *ras(found.pair.moving_lps_mm),
            found.before_mm,
            found.after_mm,
            *(found.at_fixed[volume.key] for volume in maps),
            why_words(found.why),
        )
        for found in findings
    )
    return Table("landmarks", "Landmarks", columns, rows)


def verdict_counts(matched: MatchedReview) -> str:
    """Return how the spots were judged, in words: "2 accepted, 1 rejected, 3 not decided".

    Places that are not listed are counted too: nobody should take ten for all.
    """
    order = (Verdict.REJECT, Verdict.CHECK, Verdict.ACCEPT, Verdict.OPEN)
    parts = [
        f"{matched.count(verdict)} {verdict.title.lower()}"
        for verdict in order
        if matched.count(verdict)
    ]
    if matched.left_out:
        parts.append(f"{matched.left_out} lower not listed")
    return ", ".join(parts) or "no hot spots"
