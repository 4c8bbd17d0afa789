"""Writing a result bundle: every file is read back, and the folder is complete or absent."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import OutputError
from ..geometry import DeformableTransform, Lattice
from .files import (
    MEAN_TRANSFORM_FILE,
    OUTSIDE_FILE,
    RECORD_FILE,
    REPORT_FILE,
    TRANSFORM_FILE,
    VARIANCES_FILE,
    WARPED_FILE,
)
from .findings import Findings
from .labels import SEGMENTATION_FILE, write_tables
from .maps import MapKind
from .report import make_report

#: Bytes kept free beyond what the bundle itself needs.
SPARE_BYTES = 16 << 20

#: The format is named: ITK would else ask all that it knows, HDF5 among them, which fails, or
#: crashes, while another thread writes a transform with it.
_NRRD = "NrrdImageIO"

#: Files that are written at the same time: each holds what it wrote and what it read back.
_WRITERS = 2


def write_bundle(folder: Path, findings: Findings, record: dict[str, Any]) -> None:
    """Write the files of a result bundle.

    Parameters
    ----------
    folder
        From `new_folder`: what is written takes its place when that context ends well.
    findings
        What to write.
    record
        From `make_record`.

    Raises
    ------
    OSError
        If a file cannot be written whole; `new_folder` turns it into an OutputError.
    """
    # compressing, reading back and the report's pictures all leave Python free meanwhile
    with ThreadPoolExecutor(max_workers=_WRITERS) as writers:
        files = [writers.submit(write) for write in _images(folder, findings)]
        # one after the other, in this thread: HDF5 does not stand two at a time
        _write_transform(folder / TRANSFORM_FILE, findings.transform)
        if findings.mean_transform is not None:
            _write_transform(folder / MEAN_TRANSFORM_FILE, findings.mean_transform)
        if findings.labels is not None:
            write_tables(folder, findings.labels)
        report = make_report(findings, record)
        for file in files:
            file.result()
    (folder / REPORT_FILE).write_text(report, encoding="utf-8")
    text = json.dumps(record, indent=2, allow_nan=True)
    (folder / RECORD_FILE).write_text(text + "\n", encoding="utf-8")


def _images(folder: Path, findings: Findings) -> Iterator[Callable[[], None]]:
    """Yield what writes each image, the large ones first."""
    lattice = findings.fixed.lattice
    for kind, values in findings.maps.items():
        yield partial(_write_map, folder, kind, values, lattice)
    yield partial(
        write_image,
        folder / WARPED_FILE,
        findings.warped.intensities.numpy(),
        lattice,
        {"title": findings.warped.name, "unit": "as the moving image"},
    )
    if findings.mean_transform is not None:
        yield partial(_write_variances, folder / VARIANCES_FILE, findings)
    if findings.labels is not None:
        labels = findings.labels
        header = labels.segmentation_header()
        yield partial(write_image, folder / SEGMENTATION_FILE, labels.values(), lattice, header)
    if findings.outside is not None:
        yield partial(
            write_image,
            folder / OUTSIDE_FILE,
            findings.outside.astype(np.uint8),
            lattice,
            {"title": "Outside the calibrated range", "unit": "1 where it is"},
        )


def _write_map(folder: Path, kind: MapKind, values: NDArray[np.float32], lattice: Lattice) -> None:
    facts = kind.facts
    header = {"title": facts.title, "unit": facts.unit, "frame": "fixed image"}
    write_image(folder / facts.file, _rounded(values), lattice, header)


def check_space(partial: Path, fixed: Lattice, network: Lattice, more_bytes: int = 0) -> None:
    """Make sure, before the passes, that there is room for the bundle.

    Parameters
    ----------
    partial
        Where it will be written.
    fixed, network
        The lattices of the fixed image and of the network.
    more_bytes
        What else is still to be written there: kept registrations.

    Raises
    ------
    OutputError
        If there may be too little. All maps that there are, uncompressed: it is always enough.
    """
    # on the fixed image every map, the warped image, and where there is no calibration; on the
    # network's lattice two transforms of 3 doubles and three variances
    voxels, network_voxels = (int(np.prod(lattice.size)) for lattice in (fixed, network))
    needed = 4 * voxels * (len(MapKind) + 2) + 60 * network_voxels + SPARE_BYTES
    needed += more_bytes
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


def write_image(
    path: Path,
    values: NDArray[Any],
    lattice: Lattice,
    header: dict[str, str],
    compress: bool = True,
) -> None:
    """Write an NRRD file and read it back: ITK does not always notice a full disk."""
    image = lattice.stamp(sitk.GetImageFromArray(values, isVector=values.ndim == 4))
    for key, value in header.items():
        image.SetMetaData(key, value)
    try:
        writer = sitk.ImageFileWriter()
        writer.SetImageIO(_NRRD)
        writer.SetUseCompression(compress)
        writer.SetCompressionLevel(1)
        writer.SetFileName(str(path))
        writer.Execute(image)
        back = sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO=_NRRD))
    except RuntimeError as error:
        raise OSError(f"{path.name} could not be written") from error
    # bit by bit: that takes no copies, and NaN is itself
    if back.dtype != values.dtype or not np.array_equal(_bytes(back), _bytes(values)):
        raise OSError(f"{path.name} was not written whole")


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


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
    write_image(
        path,
        values,
        findings.outcome.fixed_lattice,
        {"components": " ".join(names), "unit": "mm^2", "frame": "network lattice"},
    )
