"""A map per structure of a segmentation: what a planner or a physicist reads first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..geometry.lattice import Lattice
from .map_volume import MapVolume
from .why import Why


@dataclass(frozen=True)
class StructureStatistics:
    """One map over one structure."""

    #: Of the structure in the label map.
    label: int
    name: str
    #: Of the map; the unit is "mm" or "".
    map_key: str
    map_title: str
    unit: str
    #: Of the whole structure, with and without an estimate.
    voxels: int
    volume_cm3: float
    #: Of its voxels, 0 to 1.
    share_with_estimate: float
    #: Over the voxels with an estimate, in the map's unit; NaN where there is none.
    minimum: float
    mean: float
    median: float
    p95: float
    maximum: float
    #: Share of the voxels with an estimate that lie above the person's tolerance, 0 to 1; None
    #: without a tolerance, and for a map that is not in mm.
    share_above: float | None
    #: For a map without a unit (the Jacobian determinant): share at or below zero; else None.
    share_folded: float | None
    #: What raises the expected error there; empty for other maps, and where that is not known.
    why: tuple[Why, ...] = ()


def structure_statistics(
    maps: Sequence[MapVolume],
    labels: NDArray[np.integer],
    names: Mapping[int, str],
    tolerance_mm: float | None = None,
    lattice: Lattice | None = None,
) -> list[StructureStatistics]:
    """Summarise every map over every structure.

    Parameters
    ----------
    maps
        What the voxels of a structure have of them is interpolated.
    labels
        Axes (k, j, i); 0 is no structure.
    names
        Name of each label. A label without a name is called "label 7"; a name whose label does
        not occur is left out.
    tolerance_mm
        The person's own; none is shipped, since what is tolerable depends on the purpose.
    lattice
        Of the labels, world LPS mm; None for that of the maps.

    Returns
    -------
    list of StructureStatistics
        By label, within it in the order of the maps.

    Raises
    ------
    ValueError
        If the labels do not lie on that lattice.
    """
    for volume in maps:
        if labels.shape != (lattice or volume.lattice).array_shape:
            raise ValueError(
                f"The structures have shape {labels.shape}, "
                f"the map {volume.title} has {volume.values.shape}."
            )
    found, parts = voxels_of_each(labels)
    measured = []
    for volume in maps:  # one after the other, since each may be large on these voxels
        on_labels, reasons = volume.on(lattice or volume.lattice), volume.reasons
        whys = [()] * len(found) if reasons is None else reasons.of_parts(on_labels.lattice, parts)
        measured.append(
            [
                replace(_statistics(on_labels, int(label), names, part, tolerance_mm), why=why)
                for label, part, why in zip(found, parts, whys, strict=False)
            ]
        )
    return [statistics for of_label in zip(*measured, strict=True) for statistics in of_label]


def voxels_of_each(
    labels: NDArray[np.integer],
) -> tuple[NDArray[np.integer], list[NDArray[np.intp]]]:
    """Return the labels above 0 that there are, ascending, and the flat indices of each."""
    # sorted by label once, so that every structure is one slice
    where = np.flatnonzero(labels)
    kinds = labels.ravel()[where]
    order = np.argsort(kinds, kind="stable")
    where, kinds = where[order], kinds[order]
    found, starts = np.unique(kinds, return_index=True)
    return found, np.split(where, starts[1:])


def _statistics(
    volume: MapVolume,
    label: int,
    names: Mapping[int, str],
    part: NDArray[np.integer],
    tolerance_mm: float | None,
) -> StructureStatistics:
    values = volume.values.ravel()[part]
    values = values[np.isfinite(values)]
    nan = float("nan")
    low, median, p95, high = nan, nan, nan, nan
    if values.size:
        median, p95 = np.percentile(values, [50, 95]).tolist()
        low, high = float(values.min()), float(values.max())
    in_mm = volume.unit == "mm"
    above = in_mm and tolerance_mm is not None and values.size > 0
    return StructureStatistics(
        label=label,
        name=names.get(label) or f"label {label}",
        map_key=volume.key,
        map_title=volume.title,
        unit=volume.unit,
        voxels=part.size,
        volume_cm3=part.size * volume.lattice.voxel_volume / 1000,
        share_with_estimate=values.size / part.size,
        minimum=low,
        mean=float(values.mean(dtype=np.float64)) if values.size else nan,
        median=median,
        p95=p95,
        maximum=high,
        share_above=float((values > tolerance_mm).mean()) if above else None,
        share_folded=float((values <= 0).mean()) if not in_mm and values.size else None,
    )
