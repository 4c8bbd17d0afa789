"""The registration at a glance, and the worst places one by one."""

from __future__ import annotations

import numpy as np

from ...review import HotSpot
from ...review.why import why_words
from ..maps import MapKind
from .pictures import Layer, picture
from .slices import Plane, Section
from .views import Views
from .words import coordinates, mm, place

#: Sides of the close-ups of a place, mm.
_CLOSE_UP_MM = 64.0
#: How many places are shown.
MOST_PLACES = 6


def glance_section(views: Views) -> str:
    """Return three planes through the worst place, from the fixed image to the uncertainty."""
    sections = {plane: views.field_of_view.section(plane, views.focus) for plane in Plane}
    widest = max(section.width_mm for section in sections.values())
    shown = _shown(views)
    heads = [
        "Fixed",
        "Before <small>moving, initial alignment only</small>",
        "After <small>moving, warped</small>",
        "Checkerboard <small>fixed and after</small>",
    ]
    if shown is not None:
        heads.append(f"{shown.facts.title} <small>over the warped image</small>")
    cells = [f'<div class="head">{head}</div>' for head in heads]
    for plane, section in sections.items():
        cells += _glance_row(views, plane, section, widest, shown)
    spots = views.findings.numbers.hot_spots
    where = (
        f"Through the worst place, {place(spots[0].position_ras_mm)}\u00a0mm."
        if spots
        else "Through the middle of the image."
    )
    scale = ""
    if shown is not None:
        scale = (
            f'<div class="below">{views.legend(shown)}'
            f'<p class="hint">{shown.facts.meaning} The legend ends where hardly any value of '
            "this result lies above, or half-way up to the highest places; the curve above it "
            "shows how often each value occurs. It marks no limit of what is acceptable.</p></div>"
        )
    return (
        '<section id="glance"><h2>At a glance</h2>'
        f'<p class="lead">{where} As a radiologist sees it: the patient\'s right is on the left. '
        'All pictures have one scale.<span class="screen"> Point at a picture to see the fixed '
        "image in its place, and at the uncertainty to see what lies under the colours.</span></p>"
        f'<div class="grid columns-{len(heads)}">{"".join(cells)}</div>{scale}</section>'
    )


def _shown(views: Views) -> MapKind | None:
    """Return the map beside the images: the total uncertainty, of an audit the foremost one."""
    maps = views.findings.maps
    audited = MapKind.DISAGREEMENT in maps
    kind = views.findings.foremost if audited else MapKind.TOTAL
    return kind if kind in maps else None


def _glance_row(
    views: Views, plane: Plane, section: Section, widest: float, shown: MapKind | None
) -> list[str]:
    fixed, before, warped = (
        Layer(views.fixed(section)),
        Layer(views.before(section)),
        Layer(views.warped(section)),
    )
    flicker = Layer(fixed.identity, "instead")
    stacks = [
        ("fixed image", [fixed]),
        ("moving image before", [before, flicker]),
        ("moving image after", [warped, flicker]),
        ("checkerboard of fixed and warped", [warped, Layer(fixed.identity, "checks")]),
    ]
    if shown is not None:
        under = Layer(warped.identity, "under")
        stack = [under, *views.colors(section, shown)]
        stacks.append((f"{shown.facts.title.lower()} over the warped image", stack))
    point = section.place(views.focus) if views.findings.numbers.hot_spots else None
    return [
        picture(
            section, layers, f"{plane.title}: {name}", point, widest, pixels=230, bar=number == 0
        )
        for number, (name, layers) in enumerate(stacks)
    ]


def places_section(views: Views) -> str:
    """Return the hot spots with close-ups, worst first; nothing without an estimate."""
    kind = views.findings.foremost
    if kind not in views.findings.maps:
        return ""
    what = kind.facts.title.lower()
    spots = views.findings.numbers.hot_spots[:MOST_PLACES]
    if not spots:
        body = (
            '<p class="lead">There is no connected place of at least 0.1 cm³ above the 95th '
            f"percentile of the {what}: the highest values are scattered.</p>"
        )
        return f'<section id="places"><h2>The worst places</h2>{body}</section>'
    cards = []
    for number, spot in enumerate(spots, start=1):
        fixed, over = [], []
        for plane in Plane:
            section = views.field_of_view.close_up(plane, spot.position_lps_mm, _CLOSE_UP_MM)
            layers = [
                Layer(views.warped(section), "under"),
                *views.colors(section, kind),
            ]
            point = section.place(spot.position_lps_mm)
            name = f"{plane.title}, place {number}"
            fixed.append(
                picture(
                    section,
                    [Layer(views.fixed(section))],
                    f"{name}: fixed image",
                    point,
                    pixels=150,
                    bar=plane is Plane.AXIAL,
                )
            )
            over.append(
                picture(
                    section,
                    layers,
                    f"{name}: {what} over the warped image",
                    point,
                    pixels=150,
                    bar=False,
                )
            )
        cards.append(
            f'<article class="place"><div class="facts"><h3><span class="rank">{number}</span>'
            f"{mm(spot.peak)}</h3><dl><dt>at</dt><dd>{place(spot.position_ras_mm)}</dd>"
            f"<dt>RAS mm</dt><dd>{coordinates(spot.position_ras_mm)}</dd>"
            f"{_bound(views, spot)}<dt>mean</dt><dd>{mm(spot.mean)}</dd>"
            f"<dt>volume</dt><dd>{spot.volume_cm3:.1f}\u00a0cm³</dd></dl>"
            f"{_why(spot)}{go_button(spot, 'Look around here')}</div>"
            f"<figure>{''.join(fixed)}<figcaption>Fixed</figcaption></figure>"
            f"<figure>{''.join(over)}<figcaption>Warped, with {what}</figcaption></figure>"
            "</article>"
        )
    return (
        '<section id="places"><h2>The worst places</h2>'
        f'<p class="lead">Connected places above the 95th percentile of the {what}, highest peak '
        f"first. Each picture is {_CLOSE_UP_MM:.0f} mm wide, about the peak; colours as above."
        f"</p>{''.join(cards)}</section>"
    )


def go_button(spot: HotSpot, label: str, style: str = "") -> str:
    """Return a button that brings the volumes in the page to a place, where they can be shown."""
    where = ",".join(f"{value:.2f}" for value in spot.position_ras_mm)
    return f'<button type="button" class="alive {style}" data-ras="{where}">{label}</button>'


def _bound(views: Views, spot: HotSpot) -> str:
    """Return the error bound at the peak of a spot, where there is one."""
    bound = views.findings.maps.get(MapKind.ERROR_BOUND)
    if bound is None:
        return ""
    i, j, k = np.rint(views.findings.lattice.to_voxel(spot.position_lps_mm)).astype(int)
    return f"<dt>bound</dt><dd>{mm(float(bound[k, j, i]))}</dd>"


def _why(spot: HotSpot) -> str:
    """Return what raises the expected error of a spot; nothing where that is not known."""
    return f'<p class="hint">{why_words(spot.why).capitalize()}.</p>' if spot.why else ""
