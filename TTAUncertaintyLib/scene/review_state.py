"""The review of a result in the scene: kept as text on the result's node, so saved with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..geometry import carried
from ..results import MapKind
from ..review import (
    HotSpotRegions,
    MapVolume,
    Review,
    StructureStatistics,
    as_recorded,
    hot_spot_regions,
    in_structures,
    review_from_json,
    review_to_json,
    structure_statistics,
    with_reasons,
)
from .arrays import array_of, lattice_of
from .loading import reasons_of
from .result import ResultNodes
from .structures import Structures

_REVIEW = "review"


def read_review(result: ResultNodes) -> Review:
    """Return what was decided about a result so far.

    Where nothing was, an empty review of the map that says where to look first.

    Raises
    ------
    InputError
        If the scene holds a review that this version cannot read.
    """
    text = result.text(_REVIEW)
    return review_from_json(text) if text else Review(map_key=MapKind.foremost(result.maps).value)


def keep_review(result: ResultNodes, review: Review) -> None:
    """Keep a review with its result."""
    result.set_text(_REVIEW, review_to_json(review))


def map_volume(result: ResultNodes, kind: MapKind) -> MapVolume:
    """Return a map of a result as the review reads it; the values are a view of the voxels."""
    node = result.maps[kind]
    facts = kind.facts
    reasons = reasons_of(result) if kind is MapKind.EXPECTED_ERROR else None
    values, lattice = array_of(node), lattice_of(node)
    return MapVolume(kind.value, facts.title, facts.unit, values, lattice, reasons)


def map_volumes(result: ResultNodes) -> list[MapVolume]:
    """Return all maps of a result that are in the scene."""
    return [map_volume(result, kind) for kind in result.maps]


def suggested_threshold(result: ResultNodes, kind: MapKind) -> float:
    """Return the 95th percentile of a map: a place to begin, not a limit of what is acceptable."""
    known = result.record.get("summary", {}).get("maps", {}).get(kind.value)
    if known:
        return float(known["p95"])
    values = array_of(result.maps[kind])
    values = values[np.isfinite(values)]
    return float(np.percentile(values, 95)) if values.size else 0.0


def spot_search(
    result: ResultNodes, review: Review, structures: Structures | None = None
) -> Callable[[], HotSpotRegions]:
    """Return the search for hot spots of the map under review, which is fit for a thread.

    Parameters
    ----------
    result
        Its region (the anatomy) is where to look; where structures are given, still all of it.
    review
        Says the map and the threshold; without a threshold the suggested one is taken.
    """
    kind = MapKind(review.map_key)
    volume = map_volume(result, kind)
    anatomy = None
    if result.region is not None:
        anatomy = array_of(result.region), lattice_of(result.region)
    asked = review.threshold_mm
    threshold = suggested_threshold(result, kind) if asked is None else asked
    recorded = result.record.get("summary", {}).get("hot_spots", ())

    def search() -> HotSpotRegions:
        region = np.isfinite(volume.values)
        if anatomy is not None:
            region &= carried(*anatomy, volume.lattice, nearest=True) > 0
        regions = hot_spot_regions(volume.values, region, volume.lattice, threshold)
        if structures is not None:
            regions = in_structures(
                regions, structures.labels, structures.names, structures.lattice
            )
        if volume.reasons is not None:
            spots = with_reasons(regions.spots, regions, volume.reasons)
            return replace(regions, spots=tuple(spots))
        return as_recorded(regions, recorded) if kind is MapKind.EXPECTED_ERROR else regions

    return search


def statistics_search(
    result: ResultNodes, review: Review, structures: Structures
) -> Callable[[], list[StructureStatistics]]:
    """Return what measures every map over every structure, with the reviewer's own tolerance.

    It is fit for a thread.
    """
    maps = map_volumes(result)
    return lambda: structure_statistics(
        maps, structures.labels, structures.names, review.tolerance_mm, structures.lattice
    )
