"""The body of the review report: views, hot spots, structures and landmarks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ...review import Column, ReviewedSpot, Table, landmark_table, structure_tables
from ...review.table import Cell, ras
from ...review.verdicts import PlaceVerdict
from ..report.png import data_uri
from ..report.words import coordinates, place, text, written_date
from .content import Picture, ReviewContent
from .decision import badge

#: Columns that hold words, which stand on the left; numbers stand on the right.
_WORDS = ("Structure", "Map", "Landmark", "Why")


def views_section(content: ReviewContent) -> str:
    """Return the pictures of the whole; nothing without any."""
    pictures = [picture for picture in content.pictures if picture.rank is None]
    if not pictures:
        return ""
    figures = "".join(_figure(picture, text(picture.caption)) for picture in pictures)
    return (
        '<section id="views"><h2>Views</h2><p class="lead">As the reviewer saw them.</p>'
        f'<div class="views">{figures}</div></section>'
    )


def hot_spots_section(content: ReviewContent) -> str:
    """Return the hot spots with their verdicts, pictures, and verdicts that stand apart."""
    matched, volume = content.matched, content.volume
    if matched.spots:
        unit = f" ({volume.unit})" if volume.unit else ""
        heads = (
            ("", "Place"),
            ("", f"Peak{unit}"),
            ("", f"Mean{unit}"),
            ("", "Volume (cm³)"),
            ("left", "RAS (mm)"),
            ("left", "Structure"),
            ("left", "Verdict"),
            ("left", "Comment"),
        )
        rows = "".join(_spot_row(reviewed) for reviewed in matched.spots)
        body = f'<div class="wide"><table class="numbers full">{_head(heads)}{rows}</table></div>'
    else:
        body = '<p class="lead">No connected place lies above the threshold.</p>'
    return (
        f'<section id="spots"><h2>Hot spots</h2><p class="lead">Connected places above the '
        f"threshold on the map of the {text(volume.title.lower())}, highest peak first. The "
        "threshold is the reviewer's and marks no limit of what is acceptable.</p>"
        f"{body}{_spot_pictures(content)}{_earlier(content)}</section>"
    )


def structures_section(content: ReviewContent) -> str:
    """Return the maps per structure: the one under review open, the others folded."""
    if not content.statistics:
        return ""
    tolerance = content.review.tolerance_mm
    said = (
        "No tolerance was set, so no share above one is given."
        if tolerance is None
        else f"Shares above {tolerance:g} mm are of the voxels with an estimate; the tolerance is "
        "the reviewer's own."
    )
    blocks = []
    shown = sorted(content.maps, key=lambda volume: volume.key != content.review.map_key)
    for number, volume in enumerate(shown):
        here = [found for found in content.statistics if found.map_key == volume.key]
        if not here:
            continue
        table = next(made for made in structure_tables(here, tolerance) if made.rows)
        inner = _table(_with_reasons(_without(table, "Map")))
        opened = " open" if number == 0 else ""
        title = text(f"{volume.title} ({volume.unit})" if volume.unit else volume.title)
        blocks.append(f"<details{opened}><summary>{title}</summary>{inner}</details>")
    return (
        '<section id="structures"><h2>Structures</h2>'
        f'<p class="lead">{said}</p>{"".join(blocks)}</section>'
    )


def landmarks_section(content: ReviewContent) -> str:
    """Return the landmark pairs and their summary; nothing without any."""
    if not content.landmarks:
        return ""
    table = landmark_table(content.landmarks, content.maps_in_mm)
    columns = [
        number for number, column in enumerate(table.columns) if not column.unit.endswith("RAS")
    ]
    rows = tuple(tuple(row[number] for number in columns) for row in table.rows)
    slim = Table(table.key, table.title, tuple(table.columns[n] for n in columns), rows)
    slim = _with_reasons(slim)
    return (
        '<section id="landmarks"><h2>Landmarks</h2><p class="lead">Pairs of points placed by a '
        "person. TRE is the target registration error: the distance from where the registration "
        "sends the fixed point to the moving point, in the moving image's world. Before means "
        "without any registration, as the images came. Uncertainty is that of the map at the "
        f"fixed point.</p>{_table(slim, _summary(slim))}</section>"
    )


def _spot_row(reviewed: ReviewedSpot) -> str:
    spot = reviewed.spot
    structure = text(spot.structure) if spot.structure else "–"
    if spot.structure:
        structure += f" <small>{100 * spot.structure_share:.0f}\u00a0%</small>"
    ras_mm = spot.position_ras_mm
    return (
        f'<tr><th><span class="rank">{reviewed.rank}</span></th><td>{spot.peak:.2f}</td>'
        f"<td>{spot.mean:.2f}</td><td>{spot.volume_cm3:.1f}</td>"
        f'<td class="left">{coordinates(ras_mm)} <small>{place(ras_mm)}</small></td>'
        f'<td class="left">{structure}</td><td class="left">{badge(reviewed.verdict)}</td>'
        f'<td class="left comment">{text(reviewed.comment)}</td></tr>'
    )


def _spot_pictures(content: ReviewContent) -> str:
    by_rank = {reviewed.rank: reviewed for reviewed in content.matched.spots}
    figures = []
    for picture in content.pictures:
        if picture.rank is None:
            continue
        said = text(picture.caption)
        if picture.rank in by_rank:
            said += badge(by_rank[picture.rank].verdict)
        figures.append(_figure(picture, said))
    if not figures:
        return ""
    return f'<h3 class="after">Pictures</h3><div class="views small">{"".join(figures)}</div>'


def _earlier(content: ReviewContent) -> str:
    """Return the verdicts that belong to no hot spot of this threshold: none is dropped."""
    entries: list[tuple[PlaceVerdict, str]] = []
    for reviewed in content.matched.spots:
        said = f"now part of hot spot {reviewed.rank}"
        entries += [(judged, said) for judged in reviewed.earlier]
    titles = {volume.key: volume.title for volume in content.maps}
    for judged in content.matched.elsewhere:
        title = titles.get(judged.map_key, judged.map_key)
        here = judged.map_key == content.review.map_key
        entries.append(
            (judged, "no hot spot at this threshold" if here else f"judged on: {title.lower()}")
        )
    if not entries:
        return ""
    heads = (
        ("", "RAS (mm)"),
        ("left", "Status"),
        ("left", "Verdict"),
        ("left", "Comment"),
        ("left", "Decided"),
    )
    rows = "".join(
        f"<tr><th>{coordinates(ras(judged.position_lps_mm))}</th>"
        f'<td class="left">{text(said)}</td><td class="left">{badge(judged.verdict)}</td>'
        f'<td class="left comment">{text(judged.comment)}</td>'
        f'<td class="left">{text(written_date(judged.decided))}</td></tr>'
        for judged, said in entries
    )
    return (
        '<h3 class="after">Other verdicts</h3><p class="hint">Given at another threshold or on '
        "another map.</p>"
        f'<div class="wide"><table class="numbers full">{_head(heads)}{rows}</table></div>'
    )


def _summary(table: Table) -> str:
    """Return a table's last rows: mean and maximum of every column of numbers."""
    rows = []
    for name, summarise in (("Mean", np.mean), ("Median", np.median), ("Maximum", np.max)):
        cells = [f"<th>{name}</th>"]
        for number, column in enumerate(table.columns[1:], start=1):
            if column.title in _WORDS:
                cells.append("<td></td>")
                continue
            values = np.array([row[number] for row in table.rows], dtype=float)
            values = values[np.isfinite(values)]
            shown = column.shown(float(summarise(values))) if values.size else "–"
            cells.append(f"<td>{shown}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<tfoot>{''.join(rows)}</tfoot>"


def _table(table: Table, foot: str = "") -> str:
    """Return a table as HTML: the first column are the rows' names."""
    heads = (("left" if column.title in _WORDS else "", column.heading) for column in table.columns)
    rows = "".join(f"<tr>{_cells(table.columns, row)}</tr>" for row in table.rows)
    return (
        f'<div class="wide"><table class="numbers full">{_head(heads)}<tbody>{rows}</tbody>'
        f"{foot}</table></div>"
    )


def _cells(columns: Sequence[Column], row: Sequence[Cell]) -> str:
    cells = []
    for number, (column, cell) in enumerate(zip(columns, row, strict=True)):
        shown = text(f"{cell:,}" if isinstance(cell, int) else column.shown(cell))
        shown = shown.replace("-", "\u2212") if isinstance(cell, float) else shown
        if column.title == "Why":
            cells.append(f'<td class="left comment">{shown}</td>')
        else:
            kind = "th" if number == 0 else "td"
            cells.append(f"<{kind}>{shown}</{kind}>")
    return "".join(cells)


def _head(heads: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f'<th class="{kind}">{text(name)}</th>' if kind else f"<th>{text(name)}</th>"
        for kind, name in heads
    )
    return f"<thead><tr>{cells}</tr></thead>"


def _with_reasons(table: Table) -> Table:
    """Return a table without its column of reasons where none is known."""
    why = [number for number, column in enumerate(table.columns) if column.title == "Why"]
    known = any(row[number] for row in table.rows for number in why)
    return table if known else _without(table, "Why")


def _without(table: Table, title: str) -> Table:
    kept = [number for number, column in enumerate(table.columns) if column.title != title]
    rows = tuple(tuple(row[number] for number in kept) for row in table.rows)
    return Table(table.key, table.title, tuple(table.columns[n] for n in kept), rows)


def _figure(picture: Picture, caption: str) -> str:
    """Return a picture; the caption is HTML."""
    return (
        f'<figure class="view"><img src="{data_uri(picture.png)}" alt="{text(picture.caption)}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
