"""A registration that was made elsewhere, in the report: where it and the network disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..maps import MapKind
from .map_row import Cuts, map_row
from .views import Views
from .words import coordinates, mm, percent, place, text

_SHOWN = (MapKind.DISAGREEMENT, MapKind.OPINION_BOUND, MapKind.LOCAL_MISMATCH)


def audit_reading(views: Views, audit: Mapping[str, Any]) -> str:
    """Return the audit in plain words."""
    findings, numbers = views.findings, views.findings.numbers
    apart = numbers.statistics.get(MapKind.DISAGREEMENT)
    name, kind = text(audit["name"]), text(audit["kind"])
    said = [f"The registration under audit is <strong>{name}</strong> ({kind})."]
    if apart is None:
        said.append("The network sees nothing of the region: there is no second opinion.")
        return f'<p class="reading">{" ".join(said)}</p>'
    said.append(
        "The network registered the same images by itself. The two put the same place a median of "
        f"<strong>{mm(apart.median)}</strong> apart, and less than {mm(apart.p95)} in 95\u00a0% of "
        "the region."
    )
    above = audit.get("region_above_opinions_bound_fraction")
    if above is not None:
        said.append(
            f"In <strong>{percent(above)}</strong> of it they disagree by more than "
            "the error bound of the network's own answer: there the given registration is most "
            "likely wrong, by at least the difference."
        )
    meant = []
    if numbers.hot_spots:
        worst = numbers.hot_spots[0]
        what = "expected error" if findings.foremost.is_error else "disagreement"
        meant.append(
            f"The {what} is highest near <strong>{place(worst.position_ras_mm)}\u00a0mm</strong> "
            f"(RAS {coordinates(worst.position_ras_mm)}), {mm(worst.peak)}: look there first."
        )
    meant.append(
        "The expected error is that of the given registration, learnt where its truth was known."
        if findings.foremost.is_error
        else "A disagreement is no error: either of the two may be wrong."
    )
    meant.append("Two registrations may also agree on the same mistake.")
    return f'<p class="reading">{" ".join(said)}</p><p class="reading">{" ".join(meant)}</p>'


def audit_section(views: Views, record: dict[str, Any]) -> str:
    """Return the maps of the second opinion; nothing for a run of our own."""
    if not record.get("audit"):
        return ""
    cuts = Cuts.through(views, views.focus)
    rows = [
        map_row(views, kind, cuts)
        for kind in _SHOWN
        if kind in views.findings.maps and views.findings.values(kind).size
    ]
    return (
        '<section id="opinion"><h2>Second opinion</h2><p class="lead">By '
        f"{text(record['model']['title'])}, which did not see the given transform.</p>"
        f"{''.join(rows)}</section>"
    )
