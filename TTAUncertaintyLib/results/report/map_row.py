"""A map in the three planes through a place, beside its meaning and its legend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...geometry import Matrix
from ..maps import MapKind
from .pictures import Layer, picture
from .slices import Plane, Section
from .views import Views


@dataclass(frozen=True, eq=False)
class Cuts:
    """The planes through a place, and the warped image in each, for as many maps as are shown."""

    #: Shape (3,), LPS mm.
    point: Matrix
    sections: Mapping[Plane, Section]
    warped: Mapping[Plane, Layer]

    @classmethod
    def through(cls, views: Views, point: Matrix) -> Cuts:
        """Return those through a place."""
        sections = {plane: views.field_of_view.section(plane, point) for plane in Plane}
        warped = {plane: Layer(views.warped(cut), "under") for plane, cut in sections.items()}
        return cls(point, sections, warped)


def map_row(views: Views, kind: MapKind, cuts: Cuts, remark: str = "") -> str:
    """Return a map's row; `remark` is said below its legend."""
    widest = max(section.width_mm for section in cuts.sections.values())
    shown = "".join(
        picture(
            section,
            [cuts.warped[plane], *views.colors(section, kind)],
            f"{plane.title}: {kind.facts.title}",
            section.place(cuts.point),
            widest,
            pixels=270,
            bar=plane is Plane.AXIAL,
        )
        for plane, section in cuts.sections.items()
    )
    said = f'<p class="hint">{remark}</p>' if remark else ""
    return (
        f'<div class="cue"><div><h3>{kind.facts.title}</h3><p>{kind.facts.meaning}</p>'
        f"{views.legend(kind, width=250)}{said}</div>{shown}</div>"
    )
