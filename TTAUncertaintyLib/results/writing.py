"""Writing a result bundle: every file is read back, and the folder is complete or absent."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..carried.structures import segmentation_header
from ..errors import OutputError
from ..geometry import NO_WEIGHT, DeformableTransform, Lattice, Warping, carried_slabs
from ..geometry.nrrd_writer import write_nrrd
from .files import (
    DISPLACEMENT_FILE,
    MEAN_TRANSFORM_FILE,
    OUTSIDE_FILE,
    REASONS_FILE,
    RECORD_FILE,
    REPORT_FILE,
    REPORT_PARTIAL,
    TRANSFORM_FILE,
    VARIANCES_FILE,
    WARPED_FILE,
)
from .findings import Findings
from .keep import Keep
from .labels import SEGMENTATION_FILE, write_tables
from .maps import MapKind
from .report import make_report

#: Bytes kept free beyond what the bundle itself needs.
SPARE_BYTES = 16 << 20

#: Files that are written at the same time.
_WRITERS = 2

#: Values are multiples of the network's voxel over this, rounded down to a power of two: the rest
#: is noise, and does not compress. At 2 mm that is 0.004 mm.
_STEPS = 512

#: What a map without a unit (the Jacobian determinant) is a multiple of.
_SHARE = 1 / 512

#: Integer types that a warped image keeps, by ITK's words for them; all others become float32, in
#: which it is made, and which cannot tell larger whole numbers apart.
_KEPT_TYPES = {
    "8-bit unsigned integer": np.uint8,
    "8-bit signed integer": np.int8,
    "16-bit unsigned integer": np.uint16,
    "16-bit signed integer": np.int16,
}

Pieces = Iterable[NDArray[Any]]

#: Of an image that is written: its file, its voxels, where they lie, and what is said of them.
_Volume = tuple[str, Pieces, Lattice, Mapping[str, str]]


@contextlib.contextmanager
def volumes_written(
    folder: Path, keep: Keep = Keep.COMPACT, pixel_type: str = ""
) -> Iterator[Callable[[Findings], None]]:
    """Write the volumes of a result while something else is done; at the end they are there.

    Parameters
    ----------
    pixel_type
        Of the moving image as it is stored, in ITK's words: the warped one keeps it.

    Yields
    ------
    callable
        Begins to write what findings have; those that have more later may follow.

    Raises
    ------
    OSError
        If a file cannot be written whole; `new_folder` turns it into an OutputError.
    """
    # compressing and reading back leave Python free meanwhile
    writers = ThreadPoolExecutor(max_workers=_WRITERS)
    begun: dict[str, Future[None]] = {}

    def begin(findings: Findings) -> None:
        if keep is Keep.SUMMARY:
            return
        first = not begun
        volumes = _answer(findings, keep, pixel_type) if first else iter(())
        for name, pieces, lattice, header in itertools.chain(volumes, _maps(findings, keep)):
            if name not in begun:
                begun[name] = writers.submit(write_nrrd, folder / name, pieces, lattice, header)
        if findings.reasons is not None and REASONS_FILE not in begun:
            begun[REASONS_FILE] = writers.submit(findings.reasons.write, folder / REASONS_FILE)
        if first and keep is Keep.ALL:
            # one after the other, in this thread: HDF5 does not stand two at a time
            _write_transform(folder / TRANSFORM_FILE, findings.transform)
            if findings.mean_transform is not None:
                _write_transform(folder / MEAN_TRANSFORM_FILE, findings.mean_transform)
        if findings.labels is not None:
            write_tables(folder, findings.labels)

    try:
        yield begin
        for file in begun.values():
            file.result()
    finally:
        writers.shutdown(cancel_futures=True)


def write_record(folder: Path, findings: Findings, record: dict[str, Any]) -> None:
    """Write the record, and the report where nothing is left that it could be made from later.

    Raises
    ------
    OSError
        As `volumes_written`.
    """
    (folder / RECORD_FILE).write_text(_record_text(record), encoding="utf-8")
    if record["keep"] == Keep.SUMMARY.value:
        (folder / REPORT_FILE).write_text(make_report(findings, record), encoding="utf-8")


def write_report(folder: Path, findings: Findings, record: dict[str, Any]) -> bool:
    """Write the report into a result that has taken its place, whole or not at all.

    Returns
    -------
    bool
        False where the result is not there any more, another one has taken its place, or the disk
        is full: a report can be made later.
    """
    partial = folder / REPORT_PARTIAL
    try:
        if not _holds(folder, record):
            return False
        if not (folder / REPORT_FILE).exists():
            partial.write_text(make_report(findings, record), encoding="utf-8")
            if not _holds(folder, record):  # asked last: another result may have come meanwhile,
                return False
            partial.replace(folder / REPORT_FILE)  # and with a later one, this file is not there
    except (OSError, ValueError):
        return False
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return True


def _holds(folder: Path, record: dict[str, Any]) -> bool:
    """Tell whether a folder holds the result of this record."""
    there = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    return _record_text(there) == _record_text(record)


def _record_text(record: dict[str, Any]) -> str:
    return json.dumps(record, indent=2, allow_nan=True) + "\n"


def _answer(findings: Findings, keep: Keep, pixel_type: str) -> Iterator[_Volume]:
    """Yield the transform, where that is kept as an image, and the warped image."""
    fixed, transform = findings.fixed.lattice, findings.transform
    if keep is not Keep.ALL:  # what is written, and what warps the image, are the same
        vectors = rounded(transform.vectors(), step_of(findings.lattice))
        header = {"title": "Displacement, fixed to moving", "unit": "mm", "frame": "LPS; x y z"}
        yield DISPLACEMENT_FILE, (vectors,), transform.lattice, header
        transform = DeformableTransform.from_vectors(vectors, transform.lattice, transform.initial)
    slabs = Warping(transform, findings.moving).slabs(fixed)
    warped = (as_stored(slab.numpy(), pixel_type) for slab in slabs)
    header = {"title": f"{findings.moving.name} (warped)", "unit": "as the moving image"}
    yield WARPED_FILE, warped, fixed, header


def _maps(findings: Findings, keep: Keep) -> Iterator[_Volume]:
    """Yield all other volumes that there are so far."""
    fixed, network = findings.fixed.lattice, findings.lattice
    whole, step = keep is Keep.ALL, step_of(network)
    target = fixed if whole else network
    frame = {"frame": "fixed image" if whole else "network lattice"}
    for kind, values in findings.maps.items():
        facts = kind.facts
        header = {"title": facts.title, "unit": facts.unit} | frame
        layers = _rounded(_on(target, values, network), step if facts.unit == "mm" else _SHARE)
        yield facts.file, layers, target, header
    if findings.outside is not None:
        header = {"title": "Outside the calibrated range", "unit": "1 where it is"} | frame
        # a voxel is marked where any that it is made of is
        shares = _on(target, findings.outside.astype(np.float32), network)
        marks = ((share > NO_WEIGHT).view(np.uint8) for share in shares)
        yield OUTSIDE_FILE, marks, target, header
    if findings.labels is not None:
        labels = findings.labels
        header = segmentation_header(labels.structures, labels.carried.lattice.size)
        yield SEGMENTATION_FILE, (labels.values(),), fixed, header
    if whole and findings.variances:  # the unclamped traces, as one vector image
        traces = np.stack(list(findings.variances.values()), axis=-1)
        names = " ".join(kind.value for kind in findings.variances)
        header = {"components": names, "unit": "mm^2", "frame": "network lattice"}
        if len(findings.variances) == 1:  # ITK knows no vectors of one component
            traces = traces[..., 0]
        yield VARIANCES_FILE, (traces,), network, header


def _rounded(layers: Pieces, step: float) -> Iterator[NDArray[np.float32]]:
    for layer in layers:
        yield rounded(layer, step)


def _on(
    target: Lattice, values: NDArray[np.float32], network: Lattice
) -> Iterator[NDArray[np.float32]]:
    """Return an array of the network's lattice on a target, a few slices at a time; NaN beyond."""
    return iter((values,)) if target is network else carried_slabs(values, network, target)


def check_space(
    partial: Path, fixed: Lattice, network: Lattice, keep: Keep, more_bytes: int = 0
) -> None:
    """Make sure, before the passes, that there is room for the bundle.

    Parameters
    ----------
    fixed, network
        The lattices of the fixed image and of the network.
    more_bytes
        What else is still to be written there: kept registrations.

    Raises
    ------
    OutputError
        If there may be too little. All maps that there are, uncompressed: it is always enough.
    """
    # every map, and where there is no calibration; the warped image; on the network's lattice the
    # displacement, or two transforms of 3 doubles and three variances
    voxels, network_voxels = (int(np.prod(lattice.size)) for lattice in (fixed, network))
    volumes = {
        Keep.SUMMARY: 0,
        Keep.COMPACT: 4 * voxels + 4 * network_voxels * (len(MapKind) + 4),
        Keep.ALL: 4 * voxels * (len(MapKind) + 2) + 60 * network_voxels,
    }
    needed = volumes[keep] + SPARE_BYTES + more_bytes
    free = shutil.disk_usage(partial).free
    if free < needed:
        raise OutputError(
            f"The disk is too full: the result may need {needed / 1e6:.0f} MB, "
            f"{free / 1e6:.0f} MB are free at {partial.parent}.",
            "Free some space or choose another place; nothing was left behind.",
        )


def step_of(lattice: Lattice) -> float:
    """Return what values in mm on a network's lattice are multiples of: a power of two."""
    return float(2.0 ** np.floor(np.log2(lattice.spacing.min() / _STEPS)))


def rounded(values: NDArray[np.floating], step: float) -> NDArray[np.float32]:
    """Return values rounded to multiples of a step, float32."""
    return np.asarray(np.rint(values / step) * step, np.float32)


def as_stored(values: NDArray[np.float32], pixel_type: str) -> NDArray[Any]:
    """Return intensities in the type of an image's file (ITK's words): integers, or float32.

    They are a mean of the image's own intensities, so that they fit.
    """
    kind: Any = _KEPT_TYPES.get(pixel_type, np.float32)
    return values if kind is np.float32 else np.asarray(np.rint(values).astype(kind))


def _write_transform(path: Path, transform: DeformableTransform) -> None:
    try:
        sitk.WriteTransform(transform.to_itk(), str(path))
        sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise OSError(f"{path.name} could not be written") from error
