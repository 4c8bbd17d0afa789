"""Lattices: where the voxels of an image lie in the world.

Two orders meet here and nowhere else. *Indices and vector components* are ordered (i, j, k),
i running fastest through memory, as in ITK. *Array axes* are ordered (k, j, i), as SimpleITK's
arrays and torch's [..., D, H, W]. World coordinates are LPS, in mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lattice:
    """A grid of voxels and its affine map into the world.

    The map may be any invertible affine one: flipped, oblique, anisotropic, and, for the lattice
    of a moving image seen through an initial affine transform, sheared.
    """

    #: Voxels along (i, j, k).
    size: tuple[int, int, int]
    #: Shape (4, 4). Voxel index (i, j, k, 1) to world (x, y, z, 1), LPS, mm; integer indices are
    #: voxel centres.
    matrix: Matrix

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise ValueError("A lattice needs a finite 4x4 voxel-to-world matrix.")
        if abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
            raise ValueError("A lattice needs an invertible voxel-to-world matrix.")
        if len(self.size) != 3 or min(self.size) < 1:
            raise ValueError(f"A lattice needs three positive sizes, not {self.size}.")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "size", tuple(int(n) for n in self.size))

    @classmethod
    def from_geometry(
        cls,
        size: tuple[int, int, int],
        spacing: ArrayLike,
        origin: ArrayLike,
        direction: ArrayLike | None = None,
    ) -> Lattice:
        """Build a lattice from ITK's quantities.

        Parameters
        ----------
        size
            Voxels along (i, j, k).
        spacing
            Shape (3,), mm, along (i, j, k).
        origin
            Shape (3,), world position of voxel (0, 0, 0), LPS mm.
        direction
            Shape (3, 3); column n is the world direction of axis n; identity if None.
        """
        matrix = np.eye(4)
        columns = np.eye(3) if direction is None else np.asarray(direction, float).reshape(3, 3)
        matrix[:3, :3] = columns * np.asarray(spacing, float)
        matrix[:3, 3] = np.asarray(origin, float)
        return cls(size, matrix)

    @classmethod
    def of(cls, image: sitk.Image) -> Lattice:
        """Return the lattice of a three-dimensional SimpleITK image."""
        return cls.from_geometry(
            image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Lattice)
            and self.size == other.size
            and bool(np.array_equal(self.matrix, other.matrix))
        )

    __hash__ = None  # type: ignore[assignment]

    def is_close(self, other: Lattice, tolerance_mm: float = 1e-3) -> bool:
        """Tell whether all voxel centres of two lattices agree to within a tolerance."""
        return self.size == other.size and bool(
            np.abs(self.corners() - other.corners()).max() < tolerance_mm
        )

    def farthest_from(self, other: Lattice) -> float:
        """Return the largest distance between the same voxels of two lattices of one size, mm."""
        return float(np.linalg.norm(self.corners() - other.corners(), axis=1).max())

    def straightened(self) -> Lattice:
        """Return the nearest lattice with perpendicular axes: same centre, same spacing."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.axes * self.spacing
        matrix[:3, 3] = self.center - matrix[:3, :3] @ ((np.array(self.size) - 1) / 2)
        return Lattice(self.size, matrix)

    @property
    def array_shape(self) -> tuple[int, int, int]:
        """Shape of an array on this lattice, axes (k, j, i)."""
        return self.size[2], self.size[1], self.size[0]

    @property
    def linear(self) -> Matrix:
        """The 3x3 part of the voxel-to-world matrix, mm per voxel."""
        return self.matrix[:3, :3]

    @cached_property
    def inverse(self) -> Matrix:
        """Shape (4, 4): world LPS mm to voxel index (i, j, k)."""
        return np.asarray(np.linalg.inv(self.matrix))

    @property
    def spacing(self) -> Matrix:
        """Shape (3,): the length of one voxel step along (i, j, k), mm."""
        return np.asarray(np.linalg.norm(self.linear, axis=0))

    @property
    def mean_spacing(self) -> float:
        """Mean of the three, mm."""
        return float(self.spacing.mean())

    @property
    def direction(self) -> Matrix:
        """Shape (3, 3): unit world vectors of the axes (i, j, k) as columns."""
        return self.linear / self.spacing

    @property
    def axes(self) -> Matrix:
        """Shape (3, 3): the nearest orthonormal frame to `direction` (they agree if unsheared).

        Source: polar decomposition, e.g. Higham, SIAM J. Sci. Stat. Comput. 7 (1986).
        """
        u, _, vt = np.linalg.svd(self.direction)
        return np.asarray(u @ vt)

    @property
    def origin(self) -> Matrix:
        """Shape (3,): world position of voxel (0, 0, 0), LPS mm."""
        return self.matrix[:3, 3]

    @property
    def center(self) -> Matrix:
        """Shape (3,): world position of the middle of the voxel centres, LPS mm."""
        return self.to_world((np.array(self.size) - 1) / 2)

    @property
    def extent(self) -> Matrix:
        """Shape (3,): size times spacing along (i, j, k), mm: voxels taken as full boxes."""
        return self.spacing * self.size

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel, mm^3."""
        return float(abs(np.linalg.det(self.linear)))

    @property
    def is_orthogonal(self) -> bool:
        """Whether ITK can represent the lattice (its axes are perpendicular)."""
        direction = self.direction
        return bool(np.allclose(direction.T @ direction, np.eye(3), atol=1e-5))

    def to_world(self, indices: ArrayLike) -> Matrix:
        """Map voxel indices (..., 3), order (i, j, k), to world points (..., 3), LPS mm."""
        return np.asarray(indices, float) @ self.linear.T + self.origin

    def to_voxel(self, points: ArrayLike) -> Matrix:
        """Map world points (..., 3), LPS mm, to continuous voxel indices (..., 3), (i, j, k)."""
        return np.asarray(points, float) @ self.inverse[:3, :3].T + self.inverse[:3, 3]

    def corners(self) -> Matrix:
        """Shape (8, 3): world positions of the eight outermost voxel centres, LPS mm."""
        ends = [(0, n - 1) for n in self.size]
        return self.to_world(np.stack(np.meshgrid(*ends, indexing="ij"), -1).reshape(8, 3))

    def transformed(self, matrix: Matrix) -> Lattice:
        """Return this lattice seen through a world-to-world affine map, shape (4, 4)."""
        return Lattice(self.size, np.asarray(matrix, float) @ self.matrix)

    def resampled(self, spacing: ArrayLike, multiple: int = 1) -> Lattice:
        """Return a lattice over the same field of view with another spacing.

        Parameters
        ----------
        spacing
            Wanted spacing, mm, one number or one per axis (i, j, k).
        multiple
            Sizes are rounded up to multiples of this; the centre stays where it is.
        """
        step = np.broadcast_to(np.asarray(spacing, float), (3,))
        size = np.ceil(np.round(self.extent / step, 6) / multiple).astype(int) * multiple
        return self.centered(tuple(int(n) for n in size), step, self.center)

    def centered(self, size: tuple[int, ...], spacing: ArrayLike, center: ArrayLike) -> Lattice:
        """Return a lattice with these axes, another size and spacing, about a world point.

        Parameters
        ----------
        size
            Voxels along (i, j, k).
        spacing
            mm, one number or one per axis.
        center
            Shape (3,), world position of the middle of the new lattice, LPS mm.
        """
        matrix = np.eye(4)
        matrix[:3, :3] = self.direction * np.broadcast_to(np.asarray(spacing, float), (3,))
        matrix[:3, 3] = np.asarray(center, float) - matrix[:3, :3] @ ((np.array(size) - 1) / 2)
        return Lattice((size[0], size[1], size[2]), matrix)

    def padded(self, voxels: ArrayLike) -> Lattice:
        """Return the lattice with more voxels on all sides.

        Parameters
        ----------
        voxels
            How many, one number or one per axis (i, j, k).
        """
        more = np.broadcast_to(np.asarray(voxels, int), (3,))
        matrix = self.matrix.copy()
        matrix[:3, 3] = self.to_world(-more)
        i, j, k = (np.array(self.size) + 2 * more).tolist()
        return Lattice((i, j, k), matrix)

    def oriented(self, like: ArrayLike) -> Lattice:
        """Return the same voxels' lattice with its axes reordered and flipped towards a frame.

        Parameters
        ----------
        like
            Shape (3, 3), unit columns. Axis n of the result is the axis of this lattice that
            lies closest to column n, flipped to point the same way.

        Notes
        -----
        The field of view stays exactly as it is; only the order of the voxels changes. It is the
        frame for resampling, not a relabelling: arrays have to be resampled (or permuted).
        """
        overlap = np.asarray(like, float).T @ self.direction
        matrix, size = np.eye(4), [0, 0, 0]
        origin = self.origin.copy()
        for target in np.argsort(-np.abs(overlap).max(axis=1)):
            source = int(np.argmax(np.abs(overlap[target])))
            step = self.linear[:, source]
            size[target] = self.size[source]
            if overlap[target, source] < 0:
                origin = origin + step * (self.size[source] - 1)
                step = -step
            matrix[:3, target] = step
            overlap[:, source] = 0
        matrix[:3, 3] = origin
        return Lattice((size[0], size[1], size[2]), matrix)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description: ITK's quantities and the matrix, LPS mm."""
        return {
            "size_ijk": list(self.size),
            "spacing_mm": self.spacing.tolist(),
            "origin_lps_mm": self.origin.tolist(),
            "direction": self.direction.tolist(),
            "voxel_to_world_lps": self.matrix.tolist(),
        }

    @staticmethod
    def from_dict(described: dict[str, Any]) -> Lattice:
        """Return the lattice that `as_dict` described.

        Raises
        ------
        KeyError, TypeError, ValueError
            If that is none.
        """
        i, j, k = described["size_ijk"]
        return Lattice((i, j, k), np.array(described["voxel_to_world_lps"]))

    def blank_itk_image(self, pixel: int = sitk.sitkFloat32) -> sitk.Image:
        """Return an empty SimpleITK image on this lattice.

        Raises
        ------
        ValueError
            If the axes are not perpendicular, which ITK cannot represent.
        """
        image = sitk.Image(list(self.size), pixel)
        self.stamp(image)
        return image

    def stamp(self, image: sitk.Image) -> sitk.Image:
        """Write this lattice into a SimpleITK image's header and return the image.

        Raises
        ------
        ValueError
            If the axes are not perpendicular, which ITK cannot represent.
        """
        if not self.is_orthogonal:
            raise ValueError("ITK cannot represent a lattice whose axes are not perpendicular.")
        image.SetSpacing(self.spacing.tolist())
        image.SetOrigin(self.origin.tolist())
        image.SetDirection(self.direction.ravel().tolist())
        return image
