"""What a report shows, read back from a result and the images that it was made from."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..carried import CarriedLabels
from ..errors import InputError
from ..geometry import (
    DeformableTransform,
    Image,
    ImageFile,
    Lattice,
    carried,
    read_image,
    read_labels,
    read_stored,
    read_stored_labels,
)
from ..review import region_of_statistics
from .bundle import Bundle
from .findings import Findings
from .labels import LabelFindings, RecordedLabels
from .numbers import Numbers
from .transforms import StoredTransform


def findings_of(bundle: Bundle, fixed: Path | None = None, moving: Path | None = None) -> Findings:
    """Read a result back; its numbers are those on record.

    Parameters
    ----------
    bundle
        The result; one with volumes.
    fixed, moving
        The images, where they lie elsewhere than when it was made.

    Raises
    ------
    InputError
        If an image is not there, or is not the one that the result was made from; if the result is
        damaged, or is a summary.
    """
    stored = StoredTransform.read(bundle)
    vectors = np.moveaxis(stored.displacement, -1, 0).astype(np.float32)
    displacement = torch.from_numpy(np.ascontiguousarray(vectors))
    fixed_image, moving_image = _input(bundle, "fixed", fixed), _input(bundle, "moving", moving)
    lattice = Lattice.from_dict(bundle.record["network_lattices"]["fixed"])
    marks = bundle.outside_calibration
    masks = [_mask(bundle, name) for name in ("mask", "fixed_mask", "leave_out")]
    region, left_out = None, None
    if any(mask is not None for mask in masks):
        region, left_out = region_of_statistics(fixed_image, *masks)
    return Findings(
        fixed=fixed_image,
        moving=moving_image,
        transform=DeformableTransform(displacement, stored.lattice, stored.initial),
        lattice=lattice,
        maps={kind: _on(path, lattice) for kind, path in bundle.map_files.items()},
        mask=region,
        left_out=left_out,
        variances={},
        outside=None if marks is None else _on(marks, lattice, nearest=True) > 0,
        labels=_labels(bundle),
        reasons=bundle.reasons(),
        recorded=Numbers.of_record(bundle.record),
    )


def _labels(bundle: Bundle) -> LabelFindings | None:
    """Read labels back, without what a result leaves out: the passes' spread of each structure."""
    if bundle.labels is None:
        return None
    recorded, stored = RecordedLabels.of(bundle.record), read_stored_labels(bundle.labels)
    known = [0, *(each.label for each in recorded.structures)]
    file = bundle.folder / str(bundle.record["files"]["label_agreement"])
    try:
        agreement = dict(np.load(file))
        voxel, other, count = (agreement[name] for name in ("voxel", "label", "passes"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{file} cannot be read.", "The result folder is damaged: run the registration again."
        ) from error
    nothing = np.full(len(known), np.nan)
    carried_labels = CarriedLabels(
        np.searchsorted(known, stored.values).astype(np.int16),
        stored.lattice,
        recorded.passes,
        voxel,
        np.searchsorted(known, other).astype(np.int16),
        count,
        recorded.uncounted,
        *(nothing, nothing, nothing),
    )
    return LabelFindings(
        carried_labels,
        recorded.path,
        recorded.sha256,
        recorded.structures,
        recorded.calibration,
        recorded.tolerance_mm,
    )


def _input(bundle: Bundle, role: str, given: Path | None) -> Image:
    """Read an image of a result: the one on record, or one that is given and lies where it lay."""
    known = bundle.record["inputs"][role]
    path = Path(known["path"]) if given is None else given
    if not path.exists():
        raise InputError(
            f"The {role} image {path} is not there.", f"Say where it is: --{role} FILE."
        )
    image, file = read_image(path, replace_nonfinite=True)
    if given is None:
        _check_same(file, known, role)
    elif not image.lattice.is_close(Lattice.from_dict(known["lattice"])):
        raise InputError(
            f"{path} does not lie where the {role} image of this result lay.",
            "Give the image that the result was made from.",
        )
    return replace(image, name=known["name"])


def _check_same(file: ImageFile, known: Mapping[str, Any], what: str) -> None:
    if file.sha256 != known["sha256"]:
        raise InputError(
            f"{file.path} is not the {what} image any more that the result was made from.",
            f"Say where that is: --{what} FILE.",
        )


def _mask(bundle: Bundle, name: str) -> Image | None:
    known = bundle.record["inputs"].get(name)
    if known is None:
        return None
    path = Path(known["path"])
    if path.exists():
        mask, file = read_labels(path)
        if file.sha256 == known["sha256"]:
            return mask
    raise InputError(
        f"The mask {path}, over which this result has its numbers, is gone or is another one now.",
        "Put it back, or run the registration again.",
    )


def _on(path: Path, lattice: Lattice, nearest: bool = False) -> NDArray[np.float32]:
    stored = read_stored(path)
    return carried(stored.values, stored.lattice, lattice, nearest)
