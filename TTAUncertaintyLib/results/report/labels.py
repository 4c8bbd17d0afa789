"""Carried labels in the report: which structures can be used, how large they are, how sure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ...carried.findings import CarriedStructure
from ...carried.outlines import outline_probability
from ...review.why import why_words
from ..labels import LabelFindings
from ..maps import MapKind
from .pictures import Layer, picture
from .slices import Plane
from .views import Views
from .words import mm, percent, text

#: Structures whose outlines are drawn, and the least of them, cm3.
_DRAWN, _LEAST_CM3 = 4, 0.5
_CLOSE_UP_MM, _PIXEL_MM = 80.0, 0.5


def labels_section(views: Views, record: dict[str, Any]) -> str:
    """Return the structures, those that are not to be used first; nothing without labels."""
    labels = views.findings.labels
    if labels is None:
        return ""
    remarked = [each for each in labels.structures if each.remark]
    told = (
        f"{len(remarked)} of {len(labels.structures)} structures have a remark and come first."
        if remarked
        else f"{len(labels.structures)} structures."
    )
    tolerance = labels.tolerance_mm
    if tolerance is None:
        told += " None was judged: no tolerance was given (<code>--label-tolerance</code>)."
    rows = "".join(
        _row(each) for each in sorted(labels.structures, key=lambda s: (not s.remark, s.label))
    )
    above = "above tolerance" if tolerance is None else f"above {tolerance:g} mm"
    return (
        '<section id="labels"><h2>Structures</h2>'
        f'<p class="lead">Labels of the moving image on the fixed one. {told}</p>'
        f"{_drawn(views, labels)}"
        '<div class="wide"><table class="numbers"><thead><tr><th>Structure</th>'
        "<th>volume cm³</th><th>interval cm³</th><th>in the moving image</th>"
        f"<th>expected Dice</th><th>surface off, mm</th><th>surface {above}</th>"
        "<th>left to right</th><th>agreement of passes</th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{_meaning(labels)}</section>"
    )


def _row(each: CarriedStructure) -> str:
    red, green, blue = each.color
    swatch = f'<i class="swatch" style="background:rgb({red},{green},{blue})"></i>'
    interval = "–"
    if each.volume_low_cm3 is not None and each.volume_high_cm3 is not None:
        interval = f"{each.volume_low_cm3:.2f} to {each.volume_high_cm3:.2f}"
    cells = (
        f"{each.volume_cm3:.2f}",
        interval,
        f"{each.moving_volume_cm3:.2f}",
        _number(each.expected_dice),
        _number(each.expected_surface_mm),
        "–" if each.surface_above is None else percent(each.surface_above),
        "–" if each.asymmetry is None else f"{100 * each.asymmetry:+.0f}\u00a0%",
        _number(each.overlap_of_passes),
    )
    return (
        f"<tr><th>{swatch}{text(each.name)}</th>"
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + f"<td>{text(_said(each))}</td></tr>"
    )


def _said(each: CarriedStructure) -> str:
    """Return the remark, and why an error is expected."""
    why = why_words(each.why)
    return f"{each.remark} {why.capitalize()}.".strip() if why else each.remark


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _meaning(labels: LabelFindings) -> str:
    uncounted = labels.carried.uncounted
    lost = f" {uncounted} disagreements found no room." if uncounted else ""
    agreement = (
        "The agreement of the passes is the network's with itself, and not with the truth." + lost
    )
    if labels.calibration is None:
        return (
            '<p class="hint">There are no intervals: none were learnt for registrations such as '
            f"this one. {agreement}</p>"
        )
    checked = labels.calibration.provenance.get("checked_on_groups_left_out", {})
    held = checked.get("volume_interval_held")
    how = f", and held for {percent(float(held))} of those of people left out" if held else ""
    return (
        f'<p class="hint">Intervals, Dice and surface distance were learnt where people drew the '
        f"same structures on both brains{how}. The interval is to hold "
        f"{percent(labels.calibration.level)} of the true volumes, a person's drawing taken for "
        f"the truth. For structures and images unlike those, they are a guess. {agreement}</p>"
    )


def _drawn(views: Views, labels: LabelFindings) -> str:
    """Return the outlines of the least sure structures over the fixed image."""
    error = views.findings.on_fixed_image(MapKind.EXPECTED_ERROR)
    known = [
        (each.expected_surface_mm / each.volume_cm3 ** (1 / 3), number)
        for number, each in enumerate(labels.structures, 1)
        if each.expected_surface_mm is not None and each.volume_cm3 >= _LEAST_CM3
    ]
    if not known:
        return ""
    field = replace(views.field_of_view, pixel_mm=_PIXEL_MM)
    lattice = views.findings.fixed.lattice
    cards = []
    for _, number in sorted(known, reverse=True)[:_DRAWN]:
        each = labels.structures[number - 1]
        inside = labels.carried.labels == number
        k, j, i = (float(np.median(at)) for at in np.nonzero(inside))
        middle = lattice.to_world([i, j, k])
        chance = torch.from_numpy(
            outline_probability(
                inside, lattice, each.expected_surface_mm or 0.0, error, each.surface_error_mm
            )
        )
        pictures = []
        for plane in Plane:
            section = field.close_up(plane, middle, _CLOSE_UP_MM)
            outline = views.gallery.add_outline(section, section.sample(chance, lattice, 0.0))
            pictures.append(
                picture(
                    section,
                    [Layer(views.fixed(section)), Layer(outline, "colors")],
                    f"{plane.title}: outline of {each.name}",
                    pixels=190,
                    bar=plane is Plane.AXIAL,
                )
            )
        cards.append(
            f'<div class="cue"><div><h3>{text(each.name)}</h3><p>Surface expected '
            f"{mm(each.expected_surface_mm or 0.0)} off.</p></div>{''.join(pictures)}</div>"
        )
    return (
        "<p>The least sure structures over the fixed image: the white line is the outline "
        "(50\u00a0%), and it lies in the orange band (5 to 95\u00a0%) where it is as far off as is "
        f"to be expected.</p>{''.join(cards)}"
    )
