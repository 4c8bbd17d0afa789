"""Volumes small enough to lie in a page: on one grid, whole numbers, as compressed NIfTI files."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import torch
from numpy.typing import NDArray

from ...geometry import Image, Lattice, Matrix, resample_array
from .scales import Scale
from .slices import FieldOfView

#: Levels of a map from one end of its legend to the other; above that they go on.
LEVELS = 500
_HIGHEST_LEVEL = np.iinfo(np.int16).max
#: Planes of the hatching: one in so many voxels along every axis.
_HATCH_PITCH = 5

#: From LPS, the world here, to RAS, the world of NIfTI.
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_NIFTI_TYPES = {np.dtype(np.uint8): (2, 8), np.dtype(np.int16): (4, 16)}


def grid(view: FieldOfView, finest_mm: float, most_voxels: int) -> Lattice:
    """Return the lattice of the volumes: cubes along the image's own axes, ordered (R, A, S).

    Parameters
    ----------
    finest_mm
        Side that voxels have at least: finer ones would show nothing more.
    """
    sides = view.high - view.low
    step = max(finest_mm, float(np.prod(sides) / most_voxels) ** (1 / 3))
    size = [max(1, int(side / step)) for side in sides]
    matrix = np.eye(4)
    matrix[:3, :3] = view.axes * np.array([-step, -step, step])
    middle = view.axes @ ((view.low + view.high) / 2)
    matrix[:3, 3] = middle - matrix[:3, :3] @ ((np.array(size) - 1) / 2)
    return Lattice((size[0], size[1], size[2]), matrix)


def grey_file(
    image: Image, lattice: Lattice, window: tuple[float, float], world: Matrix | None = None
) -> bytes:
    """Return an image on a lattice, black (0) to white (255) over a window.

    `world`, shape (4, 4), is the map from the lattice's world to the image's; identity if None.
    """
    found = resample_array(
        image.intensities[None], image.lattice, lattice, world, outside=image.background
    )[0].numpy()
    low, high = window
    grey = np.clip((found - low) / max(high - low, 1e-9), 0, 1) * 255
    return _nifti(np.round(grey).astype(np.uint8), lattice)


def map_file(
    values: NDArray[np.float32],
    source: Lattice,
    inside: NDArray[np.bool_],
    lattice: Lattice,
    scale: Scale,
) -> bytes:
    """Return a map on a lattice: 0 for none, else 1 + LEVELS times the place on its legend.

    Parameters
    ----------
    values
        In the map's unit, on `source`, axes (k, j, i); NaN where there is no estimate.
    inside
        Where the map means something, on `lattice`, axes (k, j, i).
    source, lattice
        Lattices, world LPS mm.
    scale
        Of the legend. What lies above its end keeps its value, what lies below gets 1.
    """
    layer = torch.from_numpy(values)[None]
    found = resample_array(layer, source, lattice, outside=0.0)[0].numpy()
    known = inside & np.isfinite(found)
    place = scale.unlimited(np.where(known, found, 1.0))
    level = np.clip(1 + np.round(place * LEVELS), 1, _HIGHEST_LEVEL)
    return _nifti(np.where(known, level, 0).astype(np.int16), lattice)


def mark_file(
    marked: NDArray[np.bool_],
    source: Lattice,
    inside: NDArray[np.bool_],
    lattice: Lattice,
    hatched: bool = False,
) -> bytes:
    """Return 1 where voxels of `source` are marked, or on slanting planes there: lines in slices.

    Parameters
    ----------
    marked
        On `source`, axes (k, j, i).
    inside
        Where marks mean something, on `lattice`, axes (k, j, i).
    source, lattice
        Lattices, world LPS mm.
    """
    there = torch.from_numpy(marked.astype(np.float32))[None]
    shown = inside & (resample_array(there, source, lattice, outside=0.0)[0].numpy() > 0.5)
    if hatched:
        depth, height, width = shown.shape
        k, j, i = np.ogrid[:depth, :height, :width]
        shown &= (i + j + k) % _HATCH_PITCH == 0
    return _nifti(shown.astype(np.uint8), lattice)


def _nifti(values: NDArray[np.uint8] | NDArray[np.int16], lattice: Lattice) -> bytes:
    """Return a compressed NIfTI-1 file of a volume on a lattice (world LPS mm), axes (k, j, i)."""
    code, bits = _NIFTI_TYPES[values.dtype]
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *lattice.size, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, code, bits)
    struct.pack_into("<9f", header, 76, 1, *lattice.spacing, 0, 0, 0, 0, 352)
    struct.pack_into("<2f", header, 112, 1, 0)  # slope and intercept
    header[123] = 2  # mm
    struct.pack_into("<h", header, 254, 1)  # the sform holds, and it is the scanner's
    struct.pack_into("<12f", header, 280, *(_TO_RAS @ lattice.matrix)[:3].ravel())
    header[344:348] = b"n+1\0"
    stored = values.astype(values.dtype.newbyteorder("<")).tobytes()
    return gzip.compress(bytes(header) + stored, 6, mtime=0)
