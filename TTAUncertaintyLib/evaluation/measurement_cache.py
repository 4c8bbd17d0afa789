"""Measurements on disk, so that hours of passes are made once: one file for each.

The name of a file is a hash of everything that it depends on: images, deformation, network,
designs, this software's version. Another question finds no file, never another one's answer.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..calibration import CalibratedMaps
from ..cues import Cue
from ..errors import InputError
from ..version import __version__
from ..whole_files import written_whole
from .measuring import Measurement

_FORMAT = 2

#: Of `CalibratedMaps`.
_EXPECTED = ("expected_error", "error_bound", "outside")


class MeasurementCache:
    """A folder of measurements.

    Parameters
    ----------
    folder
        Made where it is missing; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"{folder} cannot be made: {error.strerror}.") from error

    def load(self, question: Mapping[str, Any]) -> Measurement | None:
        """Return the measurement that answers a question; None where there is none.

        Parameters
        ----------
        question
            JSON-ready: everything that the measurement depends on.
        """
        path = self._path(question)
        if path is None or not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as file:
                return _from_arrays({name: file[name] for name in file.files})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # damaged: it is made again

    def save(self, question: Mapping[str, Any], measurement: Measurement) -> None:
        """Keep a measurement, whole or not at all."""
        path = self._path(question)
        if path is None:
            return
        with written_whole(path) as partial:
            np.savez(partial, **_to_arrays(measurement))

    def _path(self, question: Mapping[str, Any]) -> Path | None:
        if self.folder is None:
            return None
        whole = {"format": _FORMAT, "version": __version__, **question}
        text = json.dumps(whole, sort_keys=True, default=str)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.npz"


def _to_arrays(measurement: Measurement) -> dict[str, Any]:
    facts = {
        name: getattr(measurement, name)
        for name in ("name", "subject", "kind", "displacement_mm", "seconds", "spacing_mm")
    }
    facts |= {"passes": dict(measurement.passes), "design": dict(measurement.design)}
    arrays = {f"cue {cue.value}": values.numpy() for cue, values in measurement.cues.items()}
    arrays |= {f"other {name}": values.numpy() for name, values in measurement.others.items()}
    if measurement.labels is not None:
        arrays["labels"] = measurement.labels.numpy()
    if measurement.expected is not None:
        maps = measurement.expected
        arrays |= {f"expected {n}": getattr(maps, n).numpy() for n in _EXPECTED}
    return {"facts": np.array(json.dumps(facts)), "error": measurement.error.numpy(), **arrays}


def _from_arrays(arrays: dict[str, Any]) -> Measurement:
    facts = json.loads(str(arrays.pop("facts")))
    tensors = {name: torch.from_numpy(values) for name, values in arrays.items()}
    cues = {Cue(n[4:]): values for n, values in tensors.items() if n.startswith("cue ")}
    others = {n[6:]: values for n, values in tensors.items() if n.startswith("other ")}
    expected = None
    if f"expected {_EXPECTED[0]}" in tensors:
        values, bound, outside = (tensors[f"expected {name}"] for name in _EXPECTED)
        expected = CalibratedMaps(values, bound, outside)
    return Measurement(
        cues=cues,
        error=tensors["error"],
        others=others,
        labels=tensors.get("labels"),
        expected=expected,
        **facts,
    )
