"""Slices through a volume as a radiologist expects them, in true millimetres.

Axial, coronal and sagittal are the planes of the fixed image's own axes that lie closest to them,
so that an oblique image is shown in its own planes. The patient's right is on the left of the
picture, front is up in axial slices and on the left in sagittal ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ...geometry import Lattice, Matrix, resample_array

#: Around the anatomy, mm.
_MARGIN_MM = 8.0
#: Longest side of a picture, pixels: pixels get larger than voxels beyond that.
_LARGEST_PICTURE = 360
#: A second letter is printed where an edge points this far (as a cosine) towards it.
_OBLIQUE = 0.34


class Plane(Enum):
    """Planes of a view: (axis across, sign, axis down, sign) of the frame (L, P, S)."""

    AXIAL = (0, 1, 1, 1)
    CORONAL = (0, 1, 2, -1)
    SAGITTAL = (1, 1, 2, -1)

    @property
    def title(self) -> str:
        """For the screen."""
        return self.name.capitalize()


@dataclass(frozen=True, eq=False)
class Section:
    """One flat, isotropic lattice of pixels in the world."""

    #: Size (width, height, 1), world LPS mm; pixels are square.
    lattice: Lattice

    @property
    def width_mm(self) -> float:
        """Width of the picture, full pixels."""
        return float(self.lattice.extent[0])

    @property
    def height_mm(self) -> float:
        """Height of the picture, full pixels."""
        return float(self.lattice.extent[1])

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """What the edges point to: left, right, top, bottom; letters of R, L, A, P, S, I."""
        across, down = self.lattice.direction[:, 0], self.lattice.direction[:, 1]
        return (
            direction_letters(-across),
            direction_letters(across),
            direction_letters(-down),
            direction_letters(down),
        )

    def place(self, point: ArrayLike) -> tuple[float, float]:
        """Return where a world point (LPS mm) lies: mm from the left and from the top edge."""
        i, j, _ = (self.lattice.to_voxel(point) + 0.5).tolist()
        step = self.lattice.spacing
        return i * float(step[0]), j * float(step[1])

    def sample(
        self,
        values: torch.Tensor,
        lattice: Lattice,
        outside: float,
        world: Matrix | None = None,
    ) -> NDArray[np.float32]:
        """Interpolate a volume at the pixels.

        Parameters
        ----------
        values
            float32, axes (k, j, i), on `lattice`.
        lattice
            Of the volume, world LPS mm.
        outside
            What to give where the volume has no voxels.
        world
            Shape (4, 4): the map from this section's world to the volume's; identity if None.

        Returns
        -------
        ndarray
            float32, axes (row, column).
        """
        found = resample_array(values[None], lattice, self.lattice, world, outside=outside)
        return np.asarray(found[0, 0].numpy())


@dataclass(frozen=True, eq=False)
class FieldOfView:
    """The part of the fixed world that pictures show."""

    #: Shape (3, 3): unit columns, the fixed image's axes nearest to L, P, S.
    axes: Matrix
    #: Shape (3,): the box shown, mm along `axes` from the world's origin.
    low: Matrix
    high: Matrix
    #: Side of a pixel.
    pixel_mm: float

    @classmethod
    def around(cls, region: NDArray[np.bool_], lattice: Lattice) -> FieldOfView:
        """Return what is seen of a region of a lattice: all of it, where the region is empty.

        Parameters
        ----------
        region
            bool, axes (k, j, i).
        lattice
            Of the region and of the fixed image.
        """
        axes = lattice.oriented(np.eye(3)).axes
        ends = np.array([(-0.5, n - 0.5) for n in lattice.size])
        field = _box(ends, lattice, axes)
        low, high = field
        if region.any():
            flat = np.any(region, axis=0)  # over slices first: the rest is cheap then
            hits = (np.any(flat, axis=0), np.any(flat, axis=1), np.any(region, axis=(1, 2)))
            found = [np.flatnonzero(hit)[[0, -1]] for hit in hits]
            low, high = _box(np.array(found) + np.array([-0.5, 0.5]), lattice, axes)
            low = np.maximum(low - _MARGIN_MM, field[0])
            high = np.minimum(high + _MARGIN_MM, field[1])
        pixel = max(float(lattice.spacing.min()), float((high - low).max()) / _LARGEST_PICTURE)
        return cls(axes, low, high, pixel)

    def section(self, plane: Plane, point: ArrayLike) -> Section:
        """Return the whole slice through a world point, LPS mm."""
        at = np.asarray(point, float) @ self.axes
        return self._cut(plane, at, self.low, self.high)

    def close_up(self, plane: Plane, point: ArrayLike, side_mm: float) -> Section:
        """Return a square part of the slice with a world point (LPS mm) in its middle."""
        at = np.asarray(point, float) @ self.axes
        return self._cut(plane, at, at - side_mm / 2, at + side_mm / 2)

    def _cut(self, plane: Plane, at: Matrix, low: Matrix, high: Matrix) -> Section:
        across, right, down, below = plane.value
        normal = 3 - across - down
        size = (
            max(1, round(float(high[across] - low[across]) / self.pixel_mm)),
            max(1, round(float(high[down] - low[down]) / self.pixel_mm)),
            1,
        )
        step = (
            np.stack(
                [right * self.axes[:, across], below * self.axes[:, down], self.axes[:, normal]],
                axis=1,
            )
            * self.pixel_mm
        )
        middle = (low + high) / 2
        middle[normal] = at[normal]
        matrix = np.eye(4)
        matrix[:3, :3] = step
        matrix[:3, 3] = self.axes @ middle - step @ ((np.array(size) - 1) / 2)
        return Section(Lattice(size, matrix))


def direction_letters(direction: ArrayLike) -> str:
    """Return what a world direction (LPS) points to: one letter, two where it is oblique."""
    vector = np.asarray(direction, float)
    vector = vector / np.linalg.norm(vector)
    order = np.argsort(-np.abs(vector))[:2]
    names = ["RL"[int(vector[0] > 0)], "AP"[int(vector[1] > 0)], "IS"[int(vector[2] > 0)]]
    second = names[order[1]] if abs(vector[order[1]]) > _OBLIQUE else ""
    return f"{names[order[0]]}{second}"


def _box(ends: NDArray[np.floating], lattice: Lattice, axes: Matrix) -> tuple[Matrix, Matrix]:
    """Return the extent along `axes` of a box of voxel indices, shape (3, 2)."""
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    along = lattice.to_world(corners) @ axes
    return along.min(axis=0), along.max(axis=0)
