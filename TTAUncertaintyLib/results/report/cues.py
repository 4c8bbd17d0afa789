"""The two terms of the variance, and the cues that see what variance cannot."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..findings import Findings
from ..maps import MapKind
from .map_row import Cuts, map_row
from .pictures import Layer, picture
from .slices import Plane
from .views import Views
from .words import mm, percent, place, text

_TERMS = (MapKind.TOTAL, MapKind.INTRINSIC, MapKind.JITTER)


def terms_section(views: Views, record: dict[str, Any]) -> str:
    """Return intrinsic spread beside bias jitter, or why there is no split."""
    title = '<section id="terms"><h2>Two terms</h2>'
    if MapKind.TOTAL not in views.findings.maps:
        return ""
    if MapKind.INTRINSIC not in views.findings.maps:
        once = record["design"]["replicates_R"] == 1
        why = (
            "A split into intrinsic spread and bias jitter was not asked for: every perturbation "
            "was made once (R = 1), and single passes cannot tell noise from a changing bias. "
            "Run the Standard preset (R = 2) to get it."
            if once
            else "Too few passes were completed to split the variance."
        )
        return f'{title}<p class="lead">{why}</p></section>'
    design = record["design"]
    meanings = "".join(
        f"<dt>{kind.facts.title}</dt><dd>{kind.facts.meaning}</dd>" for kind in _TERMS[1:]
    )
    return (
        f'{title}<div class="terms"><div><p class="lead">Every perturbation was repeated '
        f"{design['replicates_R']} times, with nothing changed but the noise "
        f"({text(design['noise'])}). That tells two parts of the variance apart.</p>"
        f'<dl class="meanings">{meanings}</dl></div><div>{_split(views.findings)}</div></div>'
        f"{_term_pictures(views)}</section>"
    )


def _term_pictures(views: Views) -> str:
    """Return the terms on one scale, and each on its own."""
    section = views.field_of_view.section(Plane.AXIAL, views.focus)
    warped = Layer(views.warped(section), "under")
    shared = views.scale(MapKind.TOTAL)
    shown = [(kind, shared, "on one scale") for kind in _TERMS]
    shown += [(kind, views.scale(kind), "on its own scale") for kind in _TERMS[1:]]
    heads, pictures = [], []
    for number, (kind, scale, how) in enumerate(shown):
        heads.append(f'<div class="head">{kind.facts.title} <small>{how}</small></div>')
        layers = [warped, Layer(views.map(section, kind, scale), "colors")]
        label = f"{kind.facts.title}, {how}"
        pictures.append(picture(section, layers, label, pixels=230, bar=number == 0))
    legends = views.legend(MapKind.TOTAL, "The three maps on one scale", shared, width=440)
    legends += "".join(views.legend(kind, width=200) for kind in _TERMS[1:])
    return (
        f'<div class="grid columns-5">{"".join(heads)}{"".join(pictures)}</div>'
        f'<div class="grid columns-5 legends">{legends}</div>'
    )


def _split(findings: Findings) -> str:
    """Return the shares of the mean variance: a bar and the numbers behind it."""
    means = {kind: findings.numbers.root_mean[kind] ** 2 for kind in _TERMS}
    total = means[MapKind.TOTAL]
    if not total > 0:
        return "<h3>Shares</h3><p>The mean variance cannot be told apart from zero.</p>"
    shares = {kind: means[kind] / total for kind in _TERMS[1:]}
    width = 100 * min(1.0, max(0.0, shares[MapKind.INTRINSIC]))
    rows = "".join(
        f'<tr><th><i class="swatch {kind.value}"></i>{kind.facts.title}</th>'
        f"<td>{percent(shares[kind])}</td><td>{mm(findings.numbers.root_mean[kind])}</td></tr>"
        for kind in _TERMS[1:]
    )
    unresolved = [kind for kind in _TERMS[1:] if means[kind] <= 0]
    remark = "".join(
        f"<p>{kind.facts.title} is not told apart from zero here.</p>" for kind in unresolved
    )
    return (
        "<h3>Shares of the variance</h3>"
        f'<svg class="shares" viewBox="0 0 100 7" preserveAspectRatio="none" role="img" '
        f'aria-label="Intrinsic spread {percent(shares[MapKind.INTRINSIC])}">'
        f'<rect class="jitter" width="100" height="7"/>'
        f'<rect class="intrinsic" width="{width:.2f}" height="7"/></svg>'
        '<table class="numbers"><thead><tr><th></th><th>share</th><th>root mean</th></tr></thead>'
        f"<tbody>{rows}<tr><th>Total</th><td>100\u00a0%</td>"
        f"<td>{mm(findings.numbers.root_mean[MapKind.TOTAL])}</td></tr></tbody></table>{remark}"
        "<p>Averaged as variances over the region, before anything is cut off at zero, so that "
        "the two parts add up.</p>"
    )


def cues_section(views: Views, record: dict[str, Any]) -> str:
    """Return the inverse-consistency gap and the Jacobian determinant."""
    initial = np.array(record["placement"]["initial_fixed_to_moving_lps"])
    factor = float(np.linalg.det(initial[:3, :3]))
    cuts = Cuts.through(views, views.widest_gap)
    rows, where = [], ""
    if MapKind.INVERSE_CONSISTENCY in views.findings.maps:
        x, y, z = views.widest_gap.tolist()
        where = f" Both through the widest gap, {place((-x, -y, z))}\u00a0mm."
        rows.append(map_row(views, MapKind.INVERSE_CONSISTENCY, cuts))
    remark = (
        f"The initial alignment alone has {factor:.2f} everywhere; that is included. The legend "
        "is logarithmic: half and twice lie equally far from 1."
    )
    rows.append(map_row(views, MapKind.JACOBIAN, cuts, remark))
    return (
        '<section id="cues"><h2>Other cues</h2><p class="lead">An answer that is wrong in the '
        "same way under every perturbation leaves no spread. These maps come from the plain, "
        f"unperturbed answer and can catch some of that.{where}</p>{''.join(rows)}</section>"
    )
