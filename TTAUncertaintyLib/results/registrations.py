"""The perturbed registrations that a result kept: what each pass answered, for whoever looks on.

Needs no torch, and keeps nothing in memory but what is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..geometry import Lattice
from ..strict_json import Between, read_as, read_json, take_version
from .bundle import Bundle
from .files import REGISTRATIONS_VERSION
from .record_shape import FileName, RecordedLattice

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PointCovariances:
    """The covariances at one point, mm^2, axes (x, y, z), LPS of the moving world."""

    #: Shape (3, 3). The last two are None where R = 1. Jitter is not clamped: it may have
    #: negative eigenvalues where the truth is near zero. NaN where there is no estimate.
    total: Array
    intrinsic: Array | None
    jitter: Array | None


@dataclass(frozen=True)
class _Pass:
    label: str
    perturbation: int
    repeat: int
    warped: FileName


@dataclass(frozen=True)
class _Description:
    """What `Recorder` writes beside the files, as far as it is read."""

    passes: tuple[_Pass, ...]
    replicates_R: Annotated[int, Between(1, 1e6)]  # noqa: N815  (the key)
    lattice: RecordedLattice
    offsets: FileName


@dataclass(frozen=True, eq=False)
class KeptRegistrations:
    """The registrations of a result's perturbed passes."""

    #: What each pass did, in words.
    labels: tuple[str, ...]
    #: Index of each pass's perturbation, from 0.
    groups: tuple[int, ...]
    #: Index of each pass among those of its perturbation, from 0.
    repeats: tuple[int, ...]
    #: R.
    replicates: int
    #: For each pass, the moving image mapped back through its compensated prediction, on
    #: `lattice`.
    warped_files: tuple[Path, ...]
    #: The network's fixed lattice, LPS mm.
    lattice: Lattice
    _offsets_file: Path

    @classmethod
    def open(cls, bundle: Bundle) -> KeptRegistrations:
        """Open what a bundle kept.

        Raises
        ------
        InputError
            If it kept nothing, is damaged, or was written by a newer version.
        """
        name = bundle.record["files"].get("registrations")
        if name is None:
            raise InputError(
                f"{bundle.folder} holds no perturbed registrations.",
                "Run it again and ask for them to be kept.",
            )
        file = bundle.folder / name
        again = "Run the registration again."
        try:
            found = read_as(
                _Description, take_version(read_json(file), REGISTRATIONS_VERSION), others=True
            )
            kept = cls(
                tuple(each.label for each in found.passes),
                tuple(each.perturbation for each in found.passes),
                tuple(each.repeat for each in found.passes),
                found.replicates_R,
                tuple(file.parent / each.warped for each in found.passes),
                found.lattice.lattice,
                file.parent / found.offsets,
            )
            shape = kept._offsets().shape
        except (OSError, ValueError) as error:
            said = str(error).rstrip(".")
            raise InputError(f"{file.parent} is damaged ({said}).", again) from error
        missing = [path.name for path in kept.warped_files if not path.is_file()]
        if missing or shape != (kept.count, 3, *kept.lattice.array_shape):
            what = f"{missing[0]} is missing" if missing else "its files do not fit together"
            raise InputError(f"{file.parent} is not complete: {what}.", again)
        return kept

    @property
    def count(self) -> int:
        """How many passes were kept."""
        return len(self.labels)

    def offsets_at(self, point_lps: ArrayLike) -> Array:
        """Return where each pass puts a point, relative to where the plain prediction puts it.

        Parameters
        ----------
        point_lps
            Shape (3,), fixed world, LPS mm.

        Returns
        -------
        ndarray
            Shape (N, 3), mm in the moving world, LPS; trilinear between voxels. NaN more than
            half a voxel outside the lattice.
        """
        corners, weights = self._around(point_lps)
        return np.asarray(corners.reshape(self.count, 3, 8) @ weights)

    def covariances_at(self, point_lps: ArrayLike) -> PointCovariances:
        """Return the covariances at a point, by the formulas that made the maps.

        As in the maps, they are estimated at the voxels and interpolated between them: here as
        covariances, there as standard deviations, which can be a little smaller. So can the spread
        of `offsets_at`, which are interpolated themselves.
        Passes of a perturbation that was not repeated in full are left out.

        Parameters
        ----------
        point_lps
            Shape (3,), fixed world, LPS mm.
        """
        corners, weights = self._around(point_lps)
        outer, inner = self.count // self.replicates, self.replicates
        if outer < 2:
            return PointCovariances(*[np.full((3, 3), np.nan)] * 3)
        values = corners[: outer * inner].reshape(outer, inner, 3, 8)
        means = values.mean(axis=1)  # gbar_k
        around = means - means.mean(axis=0)
        between = np.einsum("kac,kbc,c->ab", around, around, weights) / (outer - 1)  # Bm
        if inner == 1:
            return PointCovariances(between, None, None)
        within = values - means[:, None]
        intrinsic = np.einsum("krac,krbc,c->ab", within, within, weights) / (outer * (inner - 1))
        jitter = between - intrinsic / inner
        return PointCovariances(intrinsic + jitter, intrinsic, jitter)

    def offsets_of(self, passes: slice) -> NDArray[np.float32]:
        """Return the offsets of some passes at every voxel.

        Returns
        -------
        ndarray
            Shape (n, 3, D, H, W), mm in the moving world, LPS.
        """
        return np.array(self._offsets()[passes], dtype=np.float32)

    def _offsets(self) -> NDArray[np.float16]:
        """Map the offsets into memory, for one look: an open file could not be removed later."""
        return np.asanyarray(np.load(self._offsets_file, mmap_mode="r", allow_pickle=False))

    def _around(self, point_lps: ArrayLike) -> tuple[Array, Array]:
        """Return the offsets [N, 3, 2, 2, 2] at the voxels around a point, and weights [8]."""
        voxel = self.lattice.to_voxel(point_lps)
        last = np.array(self.lattice.size) - 1
        if not np.all((voxel >= -0.5 - 1e-4) & (voxel < last + 0.5 - 1e-4)):
            return np.full((self.count, 3, 2, 2, 2), np.nan), np.full(8, np.nan)
        voxel = np.clip(voxel, 0, last)  # beyond the outermost centres they are repeated
        first = np.minimum(voxel.astype(int), np.maximum(last - 1, 0))
        part = voxel - first
        i, j, k = (slice(f, f + 2) for f in first)
        corners = np.array(self._offsets()[:, :, k, j, i], dtype=np.float64)
        short = [(0, 2 - n) for n in corners.shape[2:]]  # a lattice one voxel thick
        corners = np.pad(corners, [(0, 0), (0, 0), *short], mode="edge")
        at_i, at_j, at_k = (np.array([1 - p, p]) for p in part)
        return corners, np.einsum("k,j,i->kji", at_k, at_j, at_i).ravel()
