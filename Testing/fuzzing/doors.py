"""Every place where bytes from outside come in: what is valid there, and what reads it.

A door's reader returns a value, or raises what its documentation says; anything else is a finding.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from support.calibrations import PROVENANCE
from support.manifests import manifest_values
from support.records import LATTICE, RECORD

from TTAUncertaintyLib.calibration import Calibration, CueTerm, ErrorBound, Score, read_calibration
from TTAUncertaintyLib.cli.info import summary_lines
from TTAUncertaintyLib.cues import Cue
from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.geometry import Lattice, read_image
from TTAUncertaintyLib.humanize import passes_made
from TTAUncertaintyLib.models.manifest import read_manifest
from TTAUncertaintyLib.models.networks.pyramid_flow import PyramidFlowArchitecture
from TTAUncertaintyLib.models.networks.vxm_dense import VxmDenseArchitecture
from TTAUncertaintyLib.models.weights.described import (
    architecture_from_text,
    architecture_to_text,
)
from TTAUncertaintyLib.models.weights.safetensors_io import read_safetensors, write_safetensors
from TTAUncertaintyLib.results import Bundle, KeptRegistrations
from TTAUncertaintyLib.results.calibration_status import calibration_words, outside_words
from TTAUncertaintyLib.review import Review, Verdict, review_from_json, review_to_json
from TTAUncertaintyLib.review.landmark_files import pair_points, read_points
from TTAUncertaintyLib.store.record import Record
from TTAUncertaintyLib.worker import Job, parse

#: Errors that a person is meant to read.
OURS = (TTAUncertaintyError,)


@dataclass(frozen=True)
class Door:
    """A place where bytes come in."""

    #: What the bytes are called there.
    file: str
    #: Makes bytes that are fine, in an empty folder.
    valid: Callable[[Path], bytes]
    #: Takes the file that holds them; it lies in a folder of its own.
    read: Callable[[Path], object]
    #: What it may raise.
    errors: tuple[type[Exception], ...] = OURS
    #: Whether the bytes are JSON.
    json: bool = True
    #: Empty files that lie in the same folder.
    beside: tuple[str, ...] = ()


def _written(value: object) -> Callable[[Path], bytes]:
    return lambda _: json.dumps(value).encode()


def _text(path: Path) -> str:
    """Return what a door that takes text would get; other encodings are stopped before it."""
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def _points(path: Path) -> object:
    points = read_points(path)
    return pair_points(points, points[::-1])


def _bundle(path: Path) -> object:
    bundle = Bundle.open(path.parent)
    record = bundle.record
    words = passes_made(record), calibration_words(record), outside_words(record)
    for which in ("fixed", "moving"):
        Lattice.from_dict(record["inputs"][which]["lattice"])
    return summary_lines(bundle), words, bundle.map_files, bundle.warped


def _registrations(path: Path) -> object:
    return KeptRegistrations.open(Bundle(path.parent, {"files": {"registrations": path.name}}))


_REGISTRATIONS = {
    "schema_version": 1,
    "replicates_R": 2,
    "offsets": "offsets.npy",
    "lattice": LATTICE.as_dict(),
    "passes": [
        {"perturbation": n // 2, "repeat": n % 2, "label": "shift", "warped": "warped_000.nrrd"}
        for n in range(4)
    ],
}
_MARKUPS = {
    "markups": [
        {
            "type": "Fiducial",
            "coordinateSystem": "LPS",
            "coordinateUnits": "mm",
            "controlPoints": [
                {"label": f"F-{n}", "position": [n, 2.0, 3.0], "positionStatus": "defined"}
                for n in range(3)
            ],
        }
    ]
}
_CALIBRATION = Calibration(
    "m",
    "0" * 64,
    {},
    {"name": "quick"},
    2.0,
    Score(0.0, (CueTerm(Cue.TOTAL, 1.0, (0.1, 5.0)),)),
    ((-1.0, 0.5), (1.0, 3.0)),
    ErrorBound(0.9, 2.5),
    PROVENANCE,
)
_RECORD_OF_WEIGHTS = {
    "schema": 1,
    "model": "m",
    "file": "w.pt",
    "size_bytes": 3,
    "sha256": "0" * 64,
    "source": "https://example.org/w.pt",
    "source_sha256": "0" * 64,
    "origin": "publisher",
    "installed": "2026-11-27",
    "checked": True,
    "trusted": False,
}


def _image(suffix: str, compressed: bool = False) -> Callable[[Path], bytes]:
    def made(folder: Path) -> bytes:
        path = folder / f"made{suffix}"
        image = LATTICE.stamp(sitk.GetImageFromArray(np.arange(120, dtype="i2").reshape(6, 5, 4)))
        sitk.WriteImage(image, str(path), useCompression=compressed)
        return path.read_bytes()

    return made


def _safetensors(folder: Path) -> bytes:
    path = folder / "made"
    write_safetensors(path, {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2)}, {"k": "v"})
    return path.read_bytes()


_FCSV = (
    b"# Markups fiducial file version = 4.11\n# CoordinateSystem = RAS\n"
    b"1,1,2,3,0,0,0,1,1,1,0,F-1,,,2,0\n2,4,5,6,0,0,0,1,1,1,0,F-2,,,2,0\n"
)
_CSV = b"label,r,a,s\nA,1,2,3\nB,4,5,6\n"
_REVIEW = review_to_json(Review("me", 2.0, 1.5).with_overall(Verdict.CHECK, "look"))
_JOB = Job(Path("f.nii"), Path("m.nii"), Path("out")).to_json()
_PROGRESS = {"type": "progress", "phase": "perturbing", "done": 1, "total": 9, "left_s": None}
_FILES = ("warped.nrrd", "transform.h5", "report.html", "total.nrrd")

DOORS = {
    "job": Door("job.json", lambda _: _JOB.encode(), lambda path: Job.from_json(_text(path))),
    "message": Door("line", _written(_PROGRESS), lambda path: parse(_text(path)), ()),
    "manifest": Door("model.json", _written(manifest_values()), read_manifest),
    "review": Door(
        "review.json", lambda _: _REVIEW.encode(), lambda path: review_from_json(_text(path))
    ),
    "markups": Door("points.mrk.json", _written(_MARKUPS), _points),
    "fcsv": Door("points.fcsv", lambda _: _FCSV, _points, json=False),
    "csv": Door("points.csv", lambda _: _CSV, _points, json=False),
    "calibration": Door("c.json", _written(_CALIBRATION.as_dict()), read_calibration),
    "record": Door("result.json", _written(RECORD), _bundle, beside=_FILES),
    "registrations": Door("registrations.json", _written(_REGISTRATIONS), _registrations),
    "weights-record": Door(
        "weights.json", _written(_RECORD_OF_WEIGHTS), Record.read, (ValueError,)
    ),
    "pyramid-flow": Door(
        "text",
        lambda _: architecture_to_text(PyramidFlowArchitecture()).encode(),
        lambda path: architecture_from_text(PyramidFlowArchitecture, _text(path)),
        (ValueError,),
    ),
    "vxm-dense": Door(
        "text",
        _written({}),
        lambda path: architecture_from_text(VxmDenseArchitecture, _text(path)),
        (ValueError,),
    ),
    "safetensors": Door("w.safetensors", _safetensors, read_safetensors, (ValueError,), json=False),
    "nifti": Door("i.nii", _image(".nii"), read_image, json=False),
    "nifti-gz": Door("i.nii.gz", _image(".nii.gz"), read_image, json=False),
    "nrrd": Door("i.nrrd", _image(".nrrd"), read_image, json=False),
    "nrrd-gz": Door("i.nrrd", _image(".nrrd", True), read_image, json=False),
    "metaimage": Door("i.mha", _image(".mha"), read_image, json=False),
    "metaimage-z": Door("i.mha", _image(".mha", True), read_image, json=False),
}
