"""A small picture of a pair: the slice through its worst place, fixed, warped and with its map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from ..geometry import StoredImage, carried, read_stored
from ..results import Bundle, MapKind
from ..results.report.scales import LinearScale
from ..results.report.slices import FieldOfView, Plane, Section
from ..results.report.views import table_of
from .measures import region_of
from .pairs import Pair

#: Longest side of each of the three pictures, pixels.
_SIDE = 132
_PERCENTILES = (0.5, 99.5)


def write_picture(path: Path, bundle: Bundle, pair: Pair) -> None:
    """Write the picture of a pair as JPEG.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    fixed, region = region_of(pair.files["fixed"], pair.files.get("mask"))
    warped = read_stored(bundle.warped)
    view = FieldOfView.around(region, fixed.lattice)
    view = replace(view, pixel_mm=float((view.high - view.low).max()) / _SIDE)
    spots = bundle.record["summary"]["hot_spots"]
    middle = view.axes @ ((view.low + view.high) / 2)
    place = np.array(spots[0]["position_ras_mm"]) * [-1, -1, 1] if spots else middle
    section = view.section(Plane.AXIAL, place)
    panels = [_grey(section, fixed, region), _grey(section, warped, region)]
    kind = MapKind.foremost(bundle.map_files)
    if kind in bundle.map_files:
        panels.append(_painted(section, panels[1], kind, bundle, region))
    if spots:
        across, down = section.place(place)
        panels[-1] = _marked(panels[-1], across / view.pixel_mm, down / view.pixel_mm)
    image = sitk.GetImageFromArray(np.hstack(panels), isVector=True)
    try:
        sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=85)
    except RuntimeError as error:
        raise OSError(f"{path.name} could not be written") from error


def _grey(section: Section, image: StoredImage, region: NDArray[np.bool_]) -> NDArray[np.uint8]:
    values = np.nan_to_num(image.values.astype(np.float32))
    inside = values[region] if region.any() else values.ravel()
    dark = float(values.min())
    low, high = np.percentile(inside[:: max(1, inside.size // 100_000)], _PERCENTILES)
    low = min(float(low), dark)
    shown = section.sample(torch.from_numpy(values), image.lattice, dark)
    grey = np.clip((shown - low) / max(float(high) - low, 1e-9), 0, 1) * 255
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)


def _painted(
    section: Section,
    under: NDArray[np.uint8],
    kind: MapKind,
    bundle: Bundle,
    region: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Paint a map over the warped image, within the region, on a scale of its own."""
    stored, lattice = read_stored(bundle.map_files[kind]), bundle.fixed_lattice
    values = carried(stored.values, stored.lattice, lattice)
    inside = values[region]
    scale = LinearScale.of(inside[np.isfinite(inside)])
    masked = np.where(region, values, np.float32("nan"))
    shown = section.sample(torch.from_numpy(masked), lattice, float("nan"))
    known = np.isfinite(shown)
    position = scale.position(np.where(known, shown, 0.0))
    rgba = table_of(kind).rgba[np.round(position * 255).astype(int)].astype(np.float32)
    opacity = np.where(known, rgba[..., 3] / 255, 0.0)[..., None]
    return ((1 - opacity) * (0.8 * under) + opacity * rgba[..., :3]).astype(np.uint8)


def _marked(panel: NDArray[np.uint8], across: float, down: float) -> NDArray[np.uint8]:
    """Mark a place with the ends of a cross, which leaves the place itself to be seen."""
    marked = panel.copy()
    height, width = panel.shape[:2]
    row, column = int(np.clip(down, 0, height - 1)), int(np.clip(across, 0, width - 1))
    for start, end in ((-9, -4), (5, 10)):
        marked[max(row + start, 0) : max(row + end, 0), column] = 255
        marked[row, max(column + start, 0) : max(column + end, 0)] = 255
    return marked
