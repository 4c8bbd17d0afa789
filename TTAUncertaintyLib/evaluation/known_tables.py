"""Tables of a result against the truth that exists: landmarks, and labels, told apart."""

from __future__ import annotations

from collections.abc import Sequence

from ..review.map_volume import MapVolume
from ..review.table import Cell, Column, Table, percent_or_none
from .known_labels import Agreement, LabelFinding
from .known_landmarks import MapAtLandmarks


def maps_at_landmarks(maps: Sequence[MapAtLandmarks]) -> Table:
    """Return how each map goes along with the target registration error."""
    rows: list[tuple[Cell, ...]] = [
        (m.title, m.landmarks, m.pearson, m.spearman, percent_or_none(m.coverage)) for m in maps
    ]
    columns = (
        Column("Map"),
        Column("Landmarks"),
        Column("Pearson"),
        Column("Spearman"),
        Column("Errors below it", "%", 0),
    )
    return Table("maps_at_landmarks", "Maps against the error at landmarks", columns, tuple(rows))


def labels(findings: Sequence[LabelFinding], maps: Sequence[MapVolume]) -> Table:
    """Return the structures: overlap and surface distance, before and after, beside the maps."""
    columns = (
        Column("Structure"),
        Column("Voxels, fixed"),
        Column("Voxels, moving"),
        *(Column(f"Dice {when}", digits=3) for when in ("before", "after")),
        *(Column(f"Surface distance {when}", "mm") for when in ("before", "after")),
        *(Column(f"95 % Hausdorff {when}", "mm") for when in ("before", "after")),
        *(Column(f"Mean {volume.title.lower()}", volume.unit) for volume in maps),
        Column("Remark"),
    )
    rows: list[tuple[Cell, ...]] = []
    for found in findings:
        both = found.before, found.after
        rows.append(
            (
                found.name,
                found.fixed_voxels,
                found.moving_voxels,
                *(None if one is None else one.dice for one in both),
                *(_surface(one, "mean_mm") for one in both),
                *(_surface(one, "p95_mm") for one in both),
                *(found.map_means[volume.key] for volume in maps),
                found.remark,
            )
        )
    return Table("labels", "Structures drawn on both images", columns, tuple(rows))


def _surface(found: Agreement | None, which: str) -> float | None:
    if found is None or found.surface is None:
        return None
    return float(getattr(found.surface, which))
