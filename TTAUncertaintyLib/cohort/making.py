"""Making the table of a cohort: images onto a template, a BIDS dataset, or all pairs of a list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import permutations
from pathlib import Path

from ..errors import InputError
from .pairs import relative

Row = dict[str, str]

#: BIDS entities in a file's name: "sub-01_ses-2_T1w.nii.gz".
_ENTITY = re.compile(r"(?:^|_)([a-z]+)-([A-Za-z0-9+]+)")
_IMAGE = re.compile(r".*\.(nii|nii\.gz|nrrd|nhdr|mha|mhd)", re.IGNORECASE)


def onto(
    images: Sequence[Path],
    template: Path,
    folder: Path,
    labels: Sequence[Path] = (),
    template_labels: Path | None = None,
) -> list[Row]:
    """Return a row for each image, which is moving; the template is fixed.

    Parameters
    ----------
    images, template
        Files, or DICOM folders.
    folder
        Where the table will lie: its paths are relative to it.
    labels
        A label map of each image, in the same order; empty for none.
    template_labels
        Of the template.

    Raises
    ------
    InputError
        If there are no images, two of the same name, or not one label map for each.
    """
    columns = {"pair": _names(images), "fixed": relative([template] * len(images), folder)}
    columns["moving"] = relative(images, folder)
    if template_labels is not None:
        columns["fixed_labels"] = relative([template_labels] * len(images), folder)
    if labels:
        if len(labels) != len(images):
            raise InputError(
                f"There are {len(images)} images and {len(labels)} label maps.",
                "Give one for each image, in the same order.",
            )
        columns["moving_labels"] = relative(labels, folder)
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def all_pairs(images: Sequence[Path], folder: Path) -> list[Row]:
    """Return a row for each ordered pair of different images."""
    if len(images) < 2:
        raise InputError("All pairs of fewer than two images are none.", "Give more --images.")
    named = dict(zip(_names(images), relative(images, folder), strict=True))
    return [
        {"pair": f"{moving}-to-{fixed}", "fixed": named[fixed], "moving": named[moving]}
        for moving, fixed in permutations(named, 2)
    ]


def from_bids(
    dataset: Path, folder: Path, template: Path | None = None, suffix: str = "T1w"
) -> list[Row]:
    """Return the pairs of a BIDS dataset; entities become columns.

    Parameters
    ----------
    dataset
        Its folder; derivatives in it are left out.
    folder
        Where the table will lie.
    template
        The fixed image of all; None registers each session of a subject to its first one.
    suffix
        Of the images to take: "T1w".

    Raises
    ------
    InputError
        If there is no such dataset, no such image, or no two sessions of anybody.
    """
    if not (dataset / "dataset_description.json").is_file():
        raise InputError(
            f"{dataset} is no BIDS dataset (it has no dataset_description.json).",
            "Name its top folder, or give --images.",
        )
    found = sorted(
        path
        for subject in dataset.glob("sub-*")
        for path in subject.rglob(f"*_{suffix}.nii*")
        if _IMAGE.fullmatch(path.name)
    )
    if not found:
        raise InputError(f"{dataset} has no image *_{suffix}.nii or .nii.gz.", "Give --suffix.")
    if template is not None:
        rows = onto(found, template, folder)
        return [row | entities(path) for row, path in zip(rows, found, strict=True)]
    return _between_sessions(found, folder, suffix)


def entities(path: Path) -> dict[str, str]:
    """Return the BIDS entities in a file's name, for example {"sub": "01", "ses": "2"}."""
    return dict(_ENTITY.findall(path.name))


def _between_sessions(images: Iterable[Path], folder: Path, suffix: str) -> list[Row]:
    """Register each later session to the first of the same subject, all else being equal."""
    first: dict[tuple[tuple[str, str], ...], Path] = {}
    rows = []
    for path in images:
        own = entities(path)
        same = tuple((key, value) for key, value in own.items() if key != "ses")
        fixed = first.setdefault(same, path)
        if fixed is path:
            continue
        start, end = entities(fixed).get("ses", ""), own.get("ses", "")
        names = relative([fixed, path], folder)
        rows.append(
            {
                "pair": f"{_stem(path)}-to-ses-{start}",
                "fixed": names[0],
                "moving": names[1],
                **own,
                "fixed_ses": start,
                "ses": end,
            }
        )
    if not rows:
        raise InputError(
            f"No subject has two sessions with an image *_{suffix}.",
            "Give a template with --onto, or another --suffix.",
        )
    return rows


def _names(images: Sequence[Path]) -> list[str]:
    """Return a name for each image: its file's, with its folders' in front where that is needed."""
    if not images:
        raise InputError("There are no images.", "Give --images, or --bids.")
    for depth in range(4):
        names = [_stem(path, depth) for path in images]
        if len({name.lower() for name in names}) == len(names):
            return names
    twice = next(name for name in names if names.count(name) > 1)
    raise InputError(f"Two images would both be called '{twice}'.", "Is one named twice?")


def _stem(path: Path, depth: int = 0) -> str:
    parts = path.absolute().parts
    name = "-".join([*parts[-1 - depth : -1], parts[-1].partition(".")[0]])
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-.") or "image"
