"""The sample images that come with the library, as listed in ``sample_data.json``.

Nothing is loaded into memory here: callers get paths and read them as any other image.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TTAUncertaintyLib.resources import resources_folder

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class SampleImage:
    """One sample image, or a file that goes with one."""

    #: Identifier, for example ``"colin27"``.
    name: str
    #: Absolute path of the file: NIfTI, or Slicer's markups (.mrk.json).
    path: Path
    #: ``"fixed"``, ``"moving"``, ``"labels"`` or ``"landmarks"``.
    role: str
    #: What a person reads about it.
    title: str
    description: str
    #: SHA-256 of the file, hexadecimal.
    sha256: str
    source: str
    licence: str
    #: What the labels 1, 2, ... mean; empty for an image that is none of labels.
    labels: tuple[str, ...] = ()

    def is_intact(self) -> bool:
        """Whether the file is there and has the listed checksum."""
        return (
            self.path.is_file()
            and hashlib.sha256(self.path.read_bytes()).hexdigest() == self.sha256
        )


@dataclass(frozen=True)
class SamplePair:
    """A fixed and a moving image that belong together, with their labels and landmarks.

    Both brains share one world frame; the two lungs do not. Each label image lies on the lattice
    of its image. The landmarks are the same anatomical points by the same names, world LPS mm.
    """

    name: str
    description: str
    fixed: SampleImage
    moving: SampleImage
    fixed_labels: SampleImage
    moving_labels: SampleImage
    fixed_landmarks: SampleImage
    moving_landmarks: SampleImage


def sample_images(folder: Path | None = None) -> dict[str, SampleImage]:
    """Every sample image by name.

    Parameters
    ----------
    folder
        Folder with ``sample_data.json``; the one that comes with the library if not given.

    Returns
    -------
    dict
        In the order of the file.

    Raises
    ------
    FileNotFoundError
        If the folder or its list is missing.
    ValueError
        If the list was written in a format that this version does not know.
    """
    folder, document = _read_list(folder)
    return _images_of(folder, document)


def sample_pairs(folder: Path | None = None) -> dict[str, SamplePair]:
    """Every sample pair by name: ``"reference"``, ``"lesion"`` and ``"lung"``.

    Parameters and errors are those of `sample_images`.
    """
    folder, document = _read_list(folder)
    images = _images_of(folder, document)
    return {
        record["name"]: SamplePair(
            name=record["name"],
            description=record["description"],
            fixed=images[record["fixed"]],
            moving=images[record["moving"]],
            fixed_labels=images[record["fixed_labels"]],
            moving_labels=images[record["moving_labels"]],
            fixed_landmarks=images[record["fixed_landmarks"]],
            moving_landmarks=images[record["moving_landmarks"]],
        )
        for record in document["pairs"]
    }


def sample_pair(name: str = "reference", folder: Path | None = None) -> SamplePair:
    """One sample pair.

    Raises
    ------
    KeyError
        If there is no pair of that name; the message lists those that there are.
    """
    pairs = sample_pairs(folder)
    if name not in pairs:
        raise KeyError(f"There is no sample pair '{name}'. There are: {', '.join(pairs)}.")
    return pairs[name]


def _read_list(folder: Path | None) -> tuple[Path, Mapping[str, Any]]:
    folder = resources_folder() / "SampleData" if folder is None else folder
    document = json.loads((folder / "sample_data.json").read_text(encoding="utf-8"))
    if document.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(
            f"{folder / 'sample_data.json'} has format {document.get('schema_version')}; "
            f"this version of TTAUncertainty reads format {SCHEMA_VERSION}."
        )
    return folder, document


def _images_of(folder: Path, document: Mapping[str, Any]) -> dict[str, SampleImage]:
    return {
        record["name"]: SampleImage(
            name=record["name"],
            path=folder / record["file"],
            role=record["role"],
            title=record["title"],
            description=record["description"],
            sha256=record["sha256"],
            source=record["source"],
            licence=record["licence"],
            labels=tuple(record.get("labels", ())),
        )
        for record in document["images"]
    }
