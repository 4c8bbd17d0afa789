"""Truth that exists: structures that were drawn on both images of a result.

An overlap is no error of the transform. Structures can agree while every point inside them is
wrong, and two people draw the same structure differently: 1 is out of reach, and below it nobody
knows whose fault it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..geometry import Lattice, read_labels, resample_array
from ..review.structures import structure_statistics
from .known_result import KnownResult

#: Says what overlap is not; for pages and terminals.
NOT_AN_ERROR = (
    "Overlap and surface distance are no errors of the transform: structures can agree while the "
    "points inside them are wrong, and no two people draw them alike."
)

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class SurfaceDistance:
    """How far two surfaces lie apart, mm."""

    #: Mean over the surface voxels of both, each to the nearest one of the other.
    mean_mm: float
    #: 95th percentile Hausdorff distance: the larger one of the 95th percentiles of either way.
    p95_mm: float


@dataclass(frozen=True)
class Agreement:
    """How well one structure of the fixed and of the moving image agree."""

    #: Dice coefficient, 0 to 1.
    dice: float
    #: None where the moving image's structure has no voxel on the fixed image's lattice.
    surface: SurfaceDistance | None


@dataclass(frozen=True)
class LabelFinding:
    """What the registration did to one structure."""

    #: Of the structure.
    label: int
    name: str
    #: In either label map, each on its own lattice.
    fixed_voxels: int
    moving_voxels: int
    #: As the images stand in the world, and after registration; None where the structure was
    #: drawn on one image only.
    before: Agreement | None
    after: Agreement | None
    #: Mean of every map over the structure of the fixed image, by key, mm; NaN without any
    #: estimate there.
    map_means: Mapping[str, float]
    #: A sentence about what could not be measured; "" where everything was.
    remark: str = ""


def evaluate_known_labels(
    result: KnownResult, fixed: Path, moving: Path, names: Mapping[int, str] | None = None
) -> list[LabelFinding]:
    """Measure a result on the label maps of two files.

    Parameters
    ----------
    fixed, moving
        Label maps in the worlds of the fixed and of the moving image, on lattices of their own;
        0 is no structure, and the same number is the same structure.

    Returns
    -------
    list of LabelFinding
        Every label of either file, by number.

    Raises
    ------
    InputError
        If a file cannot be read or is no label map, or the two have no label in common.
    """
    on_fixed, on_moving = _read(fixed), _read(moving)
    common = set(np.unique(on_fixed.array)) & set(np.unique(on_moving.array)) - {0}
    if not common:
        raise InputError(
            f"{fixed} and {moving} have no label in common.",
            "The same number has to mean the same structure in both.",
        )
    maps_at = _on_lattice(on_fixed, result.fixed_lattice)
    if not maps_at.any():
        raise InputError(
            f"{fixed} does not show anything where the fixed image lies.",
            "Look whether the label maps are the right way round.",
        )
    means: dict[int, dict[str, float]] = {}
    for one in structure_statistics(result.maps, maps_at, {}, lattice=result.fixed_lattice):
        means.setdefault(one.label, {})[one.map_key] = one.mean
    before = _resampled(on_moving, on_fixed.lattice, sitk.Transform(3, sitk.sitkIdentity))
    after = _resampled(on_moving, on_fixed.lattice, result.transform)
    known = names or {}
    empty = {volume.key: float("nan") for volume in result.maps}
    found = []
    for label in sorted((set(np.unique(on_fixed.array)) | set(np.unique(on_moving.array))) - {0}):
        own = on_fixed.array == label
        fixed_voxels, moving_voxels = int(own.sum()), int((on_moving.array == label).sum())
        stands, registered = None, None
        if fixed_voxels and moving_voxels:
            stands = agreement(own, before == label, on_fixed.lattice.spacing)
            registered = agreement(own, after == label, on_fixed.lattice.spacing)
        found.append(
            LabelFinding(
                label=int(label),
                name=known.get(int(label)) or f"label {label}",
                fixed_voxels=fixed_voxels,
                moving_voxels=moving_voxels,
                before=stands,
                after=registered,
                map_means=means.get(int(label), empty),
                remark=_remark(fixed_voxels, stands, registered),
            )
        )
    return found


def agreement(first: NDArray[np.bool_], second: NDArray[np.bool_], spacing: ArrayLike) -> Agreement:
    """Compare two masks on one lattice.

    Parameters
    ----------
    first, second
        Axes (k, j, i); at least `first` is not empty.
    spacing
        Along (i, j, k), mm; the axes are perpendicular.

    Notes
    -----
    Distances are between the centres of surface voxels, those with a face that does not belong to
    the structure; all of them count alike. The distance transform is exact: Maurer et al., IEEE
    PAMI 25 (2003).
    """
    both = first | second
    dice = 2 * float((first & second).sum()) / float(first.sum() + second.sum())
    if not (first.any() and second.any()):
        return Agreement(dice, None)
    # nothing outside their common box matters, and a margin shows where the image cuts them off
    box = tuple(slice(int(at.min()), int(at.max()) + 1) for at in np.nonzero(both))
    surfaces = [_surface(np.pad(mask[box], 1), spacing) for mask in (first, second)]
    ways = [
        _distance_to(surfaces[1 - one])[sitk.GetArrayViewFromImage(surfaces[one]) > 0]
        for one in (0, 1)
    ]
    return Agreement(
        dice,
        SurfaceDistance(
            float(np.concatenate(ways).mean(dtype=np.float64)),
            max(float(np.percentile(way, 95)) for way in ways),
        ),
    )


def _surface(mask: NDArray[np.bool_], spacing: ArrayLike) -> sitk.Image:
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(np.asarray(spacing, float).tolist())
    return sitk.LabelContour(image, fullyConnected=False)


def _distance_to(surface: sitk.Image) -> NDArray[np.float32]:
    """Return the distance of every voxel centre to the nearest surface voxel's, mm."""
    distance = sitk.SignedMaurerDistanceMap(
        surface, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
    )
    return np.abs(sitk.GetArrayFromImage(distance))


@dataclass(frozen=True, eq=False)
class _LabelMap:
    """Labels, axes (k, j, i), and where they lie."""

    array: Labels
    lattice: Lattice


def _read(path: Path) -> _LabelMap:
    image, _ = read_labels(path)
    values = image.intensities.numpy()
    labels = np.rint(values).astype(np.int64)
    if (np.abs(values - labels) > 1e-3).any() or (labels < 0).any():
        raise InputError(
            f"{path} is no label map: it holds values that are not whole numbers from 0 up.",
            "Give a segmentation, and not an image or a probability.",
        )
    if not labels.any():
        raise InputError(f"{path} is empty: every voxel is 0.", "Give a segmentation.")
    return _LabelMap(labels, image.lattice)


def _on_lattice(labels: _LabelMap, lattice: Lattice) -> Labels:
    """Return labels at the voxels of a lattice of the same world; 0 beyond their own."""
    if labels.lattice.is_close(lattice):
        return labels.array
    values = torch.from_numpy(labels.array).float()[None]
    sampled = resample_array(values, labels.lattice, lattice, outside=0.0, mode="nearest")[0]
    return sampled.numpy().astype(np.int64)


def _resampled(labels: _LabelMap, lattice: Lattice, transform: sitk.Transform) -> Labels:
    """Return labels of the moving image at the voxels of a lattice of the fixed world."""
    image = labels.lattice.stamp(sitk.GetImageFromArray(labels.array.astype(np.int32)))
    moved = sitk.Resample(
        image, lattice.blank_itk_image(), transform, sitk.sitkNearestNeighbor, 0, sitk.sitkInt32
    )
    return sitk.GetArrayFromImage(moved).astype(np.int64)


def _remark(fixed_voxels: int, before: Agreement | None, after: Agreement | None) -> str:
    if before is None or after is None:
        return f"Only on the {'fixed' if fixed_voxels else 'moving'} image."
    if after.surface is None:
        return "Nothing is left of it after registration: it is too small, or lies outside."
    if before.surface is None:
        return "As the images stand, it lies outside the fixed image's labels."
    return ""
