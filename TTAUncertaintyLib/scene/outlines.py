"""Outlines over the images: of structures, and of the fixed image's edges.

Misalignment that blending hides shows where an outline and what it should follow part. All of them
are segmentations, of which only the lines are drawn.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..carried.outlines import LEVELS, outline_bands, outline_probability
from ..carried.structures import Color, Structure, named
from ..results import MapKind
from ..results.labels import RecordedLabels
from ..review.edges import edge_regions
from .as_seen import resampled, seen
from .result import LABELS, ResultNodes, remove_with_display
from .segmentations import add_segmentation, segment_id
from .slices import jump_to
from .stage import Stage
from .structures import Structures, structures_on

#: Roles of the lines over all, and of those of one structure.
_OVER_ALL, _OF_ONE = "outlines", "outline_of_one"

_EDGES: Color = (255, 221, 64)

#: As in the report: a white line in an orange band.
_LINE: Color = (255, 255, 255)
_BAND: Color = (255, 159, 51)
_BAND_OPACITY = 0.7


class Outlines(Enum):
    """What is outlined."""

    NONE = "none"
    LABELS = "labels"  #: labels of the moving image, brought onto the fixed one
    BANDS = "bands"  #: the same, and where their outlines may lie
    STRUCTURES = "structures"  #: what was drawn on the fixed image
    EDGES = "edges"  #: of the fixed image


def show_outlines(
    stage: Stage, result: ResultNodes, outlines: Outlines, structures: Structures | None = None
) -> None:
    """Draw outlines into every slice view; those of an earlier call go.

    Parameters
    ----------
    stage, result
        Where, and of what.
    outlines
        Which; where there are no such, none.
    structures
        Of the fixed image, from `structures_on`.
    """
    _remove(result, _OVER_ALL)
    if result.labels is not None:
        with_labels = outlines in (Outlines.LABELS, Outlines.BANDS)
        result.labels.SetDisplayVisibility(with_labels)
    if outlines is Outlines.BANDS:
        _show_bands(stage, result)
        return
    if outlines is Outlines.STRUCTURES and structures is not None:
        known = {n: (name, structures.colors.get(n)) for n, name in structures.names.items()}
        lattice, layers = structures.lattice, [(structures.labels, named(known, known))]
    elif outlines is Outlines.EDGES and result.fixed is not None:
        intensities, lattice = seen(result.fixed)
        regions = edge_regions(intensities, lattice)
        # one layer each: a border that two regions share would be drawn on both its sides
        layers = [
            ((regions >= n).astype(np.uint8) * n, [Structure(n, f"Edge {n}", _EDGES)])
            for n in range(1, int(regions.max()) + 1)
        ]
    else:
        return
    node = add_segmentation(stage, f"Outlines - {result.title}", layers, lattice)
    result.refer(_OVER_ALL, node)
    node.GetDisplayNode().SetSliceIntersectionThickness(1 if outlines is Outlines.EDGES else 2)
    node.SetDisplayVisibility(True)


def _show_bands(stage: Stage, result: ResultNodes) -> None:
    """Draw where the outlines of all labels may lie, from 5 to 95 %."""
    if result.labels is None or result.warped is None:
        return
    segmentation = result.labels.GetSegmentation()
    there = [
        each
        for each in RecordedLabels.of(result.record).structures
        if segmentation.GetSegment(segment_id(each.label)) is not None
    ]
    ids = [segment_id(each.label) for each in there]
    found = structures_on(stage, result.labels, result.warped, ids)
    error = result.maps.get(MapKind.EXPECTED_ERROR)
    band = outline_bands(
        found.labels,
        found.lattice,
        {
            number: (each.expected_surface_mm, each.surface_error_mm)
            for number, each in enumerate(there, 1)
            if each.expected_surface_mm is not None
        },
        None if error is None else resampled(error, found.lattice),
    )
    layer = band.astype(np.uint8), [Structure(1, "5 to 95 %", _BAND)]
    node = add_segmentation(stage, f"Bands - {result.title}", [layer], found.lattice)
    result.refer(_OVER_ALL, node)
    _fill(node.GetDisplayNode())


def _fill(display: Any) -> None:
    """Show a segmentation whose segment 1 is an area without a line."""
    display.SetVisibility(True)
    display.SetVisibility2DFill(True)
    display.SetSegmentOpacity2DFill(segment_id(1), _BAND_OPACITY)
    display.SetSegmentVisibility2DOutline(segment_id(1), False)


def show_outline_of(stage: Stage, result: ResultNodes, number: int) -> None:
    """Draw where the outline of one carried structure may lie, and go there.

    The line is where the structure is as likely there as not; the band reaches from 5 to 95 %.

    Parameters
    ----------
    number
        Of the structure in the record, from 0 on; -1 takes the outline away.
    """
    _remove(result, _OF_ONE)
    structures = RecordedLabels.of(result.record).structures
    if result.labels is None or result.warped is None or not 0 <= number < len(structures):
        return
    each = structures[number]
    segment = segment_id(each.label)
    if result.labels.GetSegmentation().GetSegment(segment) is None:
        return  # nothing of it lies in the fixed image
    found = structures_on(stage, result.labels, result.warped, [segment])
    inside, lattice = found.labels > 0, found.lattice
    layers: list[tuple[NDArray[Any], list[Structure]]] = []
    chance = inside.astype(np.float32)
    if each.expected_surface_mm is not None:
        error = result.maps.get(MapKind.EXPECTED_ERROR)
        chance = outline_probability(
            inside,
            lattice,
            each.expected_surface_mm,
            None if error is None else resampled(error, lattice),
            each.surface_error_mm,
        )
        band = (chance > LEVELS[0]) & (chance < LEVELS[-1])
        layers.append((band.astype(np.uint8), [Structure(1, "5 to 95 %", _BAND)]))
    line = (chance >= LEVELS[1]).astype(np.uint8) * 2
    layers.append((line, [Structure(2, "50 %", _LINE)]))
    node = add_segmentation(stage, f"Outline of {each.name}", layers, lattice)
    result.refer(_OF_ONE, node)
    display = node.GetDisplayNode()
    _fill(display)
    display.SetSegmentVisibility2DFill(segment_id(2), False)
    k, j, i = (float(np.median(at)) for at in np.nonzero(inside))
    x, y, z = lattice.to_world(np.array([i, j, k]))
    jump_to(stage, (-float(x), -float(y), float(z)))


def hide_outlines(result: ResultNodes) -> None:
    """Take all outlines out of the views."""
    for role in (_OVER_ALL, _OF_ONE):
        _remove(result, role)
    result.hide(LABELS)


def _remove(result: ResultNodes, role: str) -> None:
    node = result.reference(role)
    if node is not None:
        remove_with_display(node)
