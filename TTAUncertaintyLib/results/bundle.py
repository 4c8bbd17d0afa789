"""The result bundle: a folder that is complete or absent.

It is written under a temporary name beside its place, read back, and renamed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError, OutputError
from ..geometry import DeformableTransform, Lattice
from .findings import Findings
from .maps import MapKind
from .record import (
    MEAN_TRANSFORM_FILE,
    RECORD_FILE,
    REPORT_FILE,
    SCHEMA_VERSION,
    TRANSFORM_FILE,
    VARIANCES_FILE,
    WARPED_FILE,
)
from .report import make_report

#: Bytes kept free beyond what the bundle itself needs.
_SPARE_BYTES = 16 << 20


def check_output(folder: Path, overwrite: bool = False) -> None:
    """Make sure, before a long run, that its result will have a place.

    Raises
    ------
    OutputError
        If the folder exists with content (of another kind, or without `overwrite`), or cannot
        be written.
    """
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file.", "Name a folder for the result.")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / RECORD_FILE).is_file():
            raise OutputError(
                f"{folder} exists and holds other things.", "Name a new folder for the result."
            )
        if not overwrite:
            raise OutputError(
                f"{folder} already holds a result.",
                "Name another folder, or replace it with --overwrite.",
            )
    existing = next(p for p in (folder.parent, *folder.parents) if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"{existing} cannot be written to.", "Choose another place.")


def write_bundle(
    folder: Path, findings: Findings, record: dict[str, Any], overwrite: bool = False
) -> None:
    """Write a result bundle.

    Parameters
    ----------
    folder
        Where it is to be; absent, empty, or an older result to be replaced.
    findings
        What to write.
    record
        From `make_record`.
    overwrite
        Replace an older result.

    Raises
    ------
    OutputError
        If it cannot be written whole, for example because the disk is full. Then nothing is left
        behind, and an older result is untouched.
    """
    with new_folder(folder, overwrite) as partial:
        _check_space(partial, findings)
        for kind, values in findings.maps.items():
            facts = kind.facts
            _write_image(
                partial / facts.file,
                _rounded(values),
                findings.fixed.lattice,
                {"title": facts.title, "unit": facts.unit, "frame": "fixed image"},
            )
        _write_image(
            partial / WARPED_FILE,
            findings.warped.intensities.numpy(),
            findings.fixed.lattice,
            {"title": findings.warped.name, "unit": "as the moving image"},
        )
        _write_transform(partial / TRANSFORM_FILE, findings.transform)
        if findings.mean_transform is not None:
            _write_transform(partial / MEAN_TRANSFORM_FILE, findings.mean_transform)
            _write_variances(partial / VARIANCES_FILE, findings)
        (partial / REPORT_FILE).write_text(make_report(findings, record), encoding="utf-8")
        text = json.dumps(record, indent=2, allow_nan=True)
        (partial / RECORD_FILE).write_text(text + "\n", encoding="utf-8")


@contextlib.contextmanager
def new_folder(folder: Path, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder that takes its place only if everything went well.

    Raises
    ------
    OutputError
        If writing failed; nothing is left behind then.
    """
    folder = folder.absolute()
    check_output(folder, overwrite)
    partial = partial_folder(folder, os.getpid())
    try:
        partial.mkdir(parents=True)
        yield partial
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    except OSError as error:
        raise OutputError(
            f"The result could not be written to {folder}: {error.strerror or error}.",
            "Free some space or choose another place; nothing was left behind.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def partial_folder(folder: Path, process: int) -> Path:
    """Return the temporary name under which a process writes a bundle."""
    return folder.absolute().with_name(f"{folder.name}.{process}.partial")


def _check_space(partial: Path, findings: Findings) -> None:
    voxels = int(np.prod(findings.fixed.lattice.size))
    network_voxels = int(np.prod(findings.outcome.fixed_lattice.size))
    # uncompressed: what is asked for is always enough
    needed = 4 * voxels * (len(findings.maps) + 1) + 60 * network_voxels + _SPARE_BYTES
    free = shutil.disk_usage(partial).free
    if free < needed:
        raise OutputError(
            f"The disk is too full: the result may need {needed / 1e6:.0f} MB, "
            f"{free / 1e6:.0f} MB are free at {partial.parent}.",
            "Free some space or choose another place; nothing was left behind.",
        )


def _rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep 12 significant bits of a map (0.012 %): the rest is noise, and does not compress."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.int32)
    return ((bits + 0x400) & ~np.int32(0x7FF)).view(np.float32)


def _write_image(
    path: Path, values: NDArray[Any], lattice: Lattice, header: dict[str, str]
) -> None:
    """Write an NRRD file and read it back: ITK does not always notice a full disk."""
    image = lattice.stamp(sitk.GetImageFromArray(values, isVector=values.ndim == 4))
    for key, value in header.items():
        image.SetMetaData(key, value)
    try:
        sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=1)
        back = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    except RuntimeError as error:
        raise OSError(f"{path.name} could not be written") from error
    if not np.array_equal(back, values, equal_nan=True):
        raise OSError(f"{path.name} was not written whole")


def _write_transform(path: Path, transform: DeformableTransform) -> None:
    try:
        sitk.WriteTransform(transform.to_itk(), str(path))
        sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise OSError(f"{path.name} could not be written") from error


def _write_variances(path: Path, findings: Findings) -> None:
    """Write the unclamped traces as one vector image on the network's lattice."""
    variance = findings.outcome.variance
    if variance is None:
        return
    traces = variance.traces()
    names = ["total"]
    layers = [traces.total]
    if traces.intrinsic is not None and traces.jitter is not None:
        names += ["intrinsic", "jitter"]
        layers += [traces.intrinsic, traces.jitter]
    values = np.stack([layer.numpy() for layer in layers], axis=-1)
    if len(layers) == 1:  # ITK knows no vectors of one component
        values = values[..., 0]
    _write_image(
        path,
        values,
        findings.outcome.fixed_lattice,
        {"components": " ".join(names), "unit": "mm^2", "frame": "network lattice"},
    )


@dataclass(frozen=True)
class Bundle:
    """A result bundle on disk.

    Parameters
    ----------
    folder
        Where it lies.
    record
        The content of `result.json`.
    """

    folder: Path
    record: dict[str, Any]

    @classmethod
    def open(cls, folder: Path | str) -> Bundle:
        """Open a bundle.

        Raises
        ------
        InputError
            If the folder is not a bundle, is not complete, or was written by a newer version.
        """
        folder = Path(folder)
        file = folder / RECORD_FILE
        if not file.is_file():
            raise InputError(f"{folder} is not a result folder (it has no {RECORD_FILE}).")
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            version = record["schema_version"]
            missing = [name for name in record["files"].values() if not (folder / name).is_file()]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{file} is damaged.", "Run the registration again.") from error
        if version > SCHEMA_VERSION:
            raise InputError(
                f"{folder} was written by a newer version (schema {version}).", "Update."
            )
        if missing:
            raise InputError(f"{folder} is not complete: {', '.join(missing)} is missing.")
        return cls(folder, record)

    @property
    def map_files(self) -> dict[MapKind, Path]:
        """The files of the maps that this bundle has."""
        files = self.record["files"]
        return {kind: self.folder / files[kind.value] for kind in MapKind if kind.value in files}

    @property
    def warped(self) -> Path:
        """The warped moving image, on the fixed lattice."""
        return self.folder / str(self.record["files"]["warped"])

    @property
    def transform(self) -> Path:
        """The unperturbed transform, an ITK file, fixed to moving."""
        return self.folder / str(self.record["files"]["transform"])

    @property
    def report(self) -> Path:
        """The report, HTML."""
        return self.folder / str(self.record["files"]["report"])
