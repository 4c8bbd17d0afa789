"""A small head-like pair of images on files: oblique, anisotropic, registrable in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.perturbations.families import rotation_matrix

#: Oblique and anisotropic, one axis flipped; the fixed and the moving lattice differ.
FIXED = Lattice.from_geometry(
    (30, 36, 26),
    (2.5, 2.0, 3.0),
    (30, -40, -35),
    rotation_matrix(np.array([0.1, -0.15, 0.2])) @ np.diag([-1.0, 1.0, 1.0]),
)
MOVING = Lattice.from_geometry(
    (36, 30, 30), (2.2, 2.4, 2.6), (-38, -36, -38), rotation_matrix(np.array([-0.1, 0.05, 0.1]))
)


def phantom(lattice: Lattice, shift_mm: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    """Return a smooth head-like image, axes (k, j, i), about the world's origin plus a shift."""
    k, j, i = np.meshgrid(*[np.arange(n) for n in lattice.array_shape], indexing="ij")
    x, y, z = np.moveaxis(lattice.to_world(np.stack((i, j, k), -1)) - shift_mm, -1, 0)
    head = 1 / (1 + np.exp((x**2 / 26**2 + y**2 / 30**2 + z**2 / 26**2 - 1) * 8))
    inner = 0.4 * np.sin(x / 7) * np.cos(y / 8) * np.sin(z / 6 + 1) + 0.6
    return (1000 * head * inner).astype(np.float32)


def write(
    path: Path, array: np.ndarray, lattice: Lattice = FIXED, pixel: int = sitk.sitkFloat32
) -> Path:
    """Write an array (k, j, i) as an image file and return its path."""
    image = lattice.stamp(sitk.GetImageFromArray(array))
    sitk.WriteImage(sitk.Cast(image, pixel), str(path))
    return path


def write_pair(folder: Path) -> tuple[Path, Path]:
    """Write a fixed and a moving image, a few millimetres apart, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    fixed = write(folder / "fixed.nii.gz", phantom(FIXED))
    moving = write(folder / "moving.nrrd", phantom(MOVING, (3, -2, 2)), MOVING, sitk.sitkInt16)
    return fixed, moving


def write_moving_labels(path: Path) -> Path:
    """Write two halves of the moving image's head, of 12 mm, as a segmentation of Slicer's."""
    from TTAUncertaintyLib.carried.structures import Structure, segmentation_header
    from TTAUncertaintyLib.geometry.nrrd_writer import write_nrrd

    k, j, i = np.indices(MOVING.array_shape)
    x, y, z = np.moveaxis(MOVING.to_world(np.stack((i, j, k), -1)) - (3, -2, 2), -1, 0)
    inside = x**2 + y**2 + z**2 < 12**2
    labels = np.where(x > 0, 4, 7).astype(np.uint8) * inside
    halves = [Structure(4, "Left half", (230, 60, 60)), Structure(7, "Right half", (60, 90, 230))]
    write_nrrd(path, (labels,), MOVING, segmentation_header(halves, MOVING.size))
    return path
