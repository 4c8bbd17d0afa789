"""A BIDS derivatives folder of a study: the same files under the names that BIDS gives them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from ..results import Bundle
from ..results.transforms import read_transform
from ..version import __version__
from .layout import BUNDLE
from .making import entities
from .pairs import Pair
from .study import Study, write_json

FOLDER = "derivatives"
_BIDS_VERSION = "1.9.0"


def write_derivatives(study: Study, pairs: Sequence[Pair]) -> None:
    """Write the derivatives of pairs that are done, as links to their files where it can be.

    Parameters
    ----------
    study
        Theirs.
    pairs
        Their moving images name the subject: its entity "sub", else the pair's own name.
    """
    folder = study.folder / FOLDER
    folder.mkdir(exist_ok=True)
    write_json(
        folder / "dataset_description.json",
        {
            "Name": "Registrations and their uncertainty",
            "BIDSVersion": _BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "TTAUncertainty", "Version": __version__}],
        },
    )
    for pair in pairs:
        _write(folder, pair, Bundle.open(study.place(pair.name) / BUNDLE))


def _write(folder: Path, pair: Pair, bundle: Bundle) -> None:
    own = entities(pair.files["moving"])
    own.setdefault("sub", _letters(pair.name))
    place = folder / f"sub-{own['sub']}" / (f"ses-{own['ses']}" if "ses" in own else "")
    place = place / "anat"
    place.mkdir(parents=True, exist_ok=True)
    stem = "_".join(f"{key}-{value}" for key, value in own.items())
    fixed = entities(pair.files["fixed"])
    target = fixed.get("tpl") or _letters(pair.files["fixed"].name.partition(".")[0])
    if fixed.get("sub") == own["sub"] and "ses" in fixed:
        target = f"ses{fixed['ses']}"
    suffix = pair.files["moving"].name.partition(".")[0].rpartition("_")[2]
    suffix = suffix if "sub" in entities(pair.files["moving"]) else "image"
    source = f"ses{own['ses']}" if "ses" in own else suffix
    # an image goes the other way than points: the transform takes fixed points to moving ones
    transform = f"{stem}_from-{source}_to-{target}_mode-image_xfm.h5"
    _write_transform(bundle, place / transform)
    links = {}
    links[f"{stem}_space-{target}_{suffix}{bundle.warped.suffix}"] = bundle.warped
    for kind, file in bundle.map_files.items():
        described = _letters(kind.value)
        links[f"{stem}_space-{target}_desc-{described}_map{file.suffix}"] = file
    for name, file in links.items():
        _link(file, place / name)
    write_json(
        (place / transform).with_suffix(".json"),
        {
            "Description": "Maps points of the fixed image to the moving one (LPS mm), as ITK "
            "resamples images.",
            "FixedImage": str(pair.files["fixed"]),
            "MovingImage": str(pair.files["moving"]),
        },
    )


def _write_transform(bundle: Bundle, place: Path) -> None:
    """Write the transform as ITK reads it, however the bundle keeps it."""
    partial = place.with_name(f".{place.stem}.partial.h5")
    sitk.WriteTransform(read_transform(bundle), str(partial))
    partial.replace(place)


def _link(source: Path, place: Path) -> None:
    partial = place.with_name(f".{place.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        os.link(source, partial)
    except OSError:  # a disk without hard links
        shutil.copyfile(source, partial)
    partial.replace(place)


def _letters(text: str) -> str:
    """Return what BIDS allows in a value: letters and digits."""
    return "".join(character for character in text if character.isalnum() and character.isascii())
