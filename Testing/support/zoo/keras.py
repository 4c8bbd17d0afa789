"""A small network that Keras itself saved, behind a manifest."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from TTAUncertaintyLib.models.adapters.keras import KerasNetwork
from TTAUncertaintyLib.models.manifest import read_manifest

from ..manifests import write_beside
from .case import OWN_CHECKPOINT, Case

FILE = Path(__file__).parents[2] / "models" / "keras" / "vxm_dense_keras.h5"
SEEN = {"spacing_mm": 2.0, "orientation": "RAS", "array_order": "ijk", "affine_alignment": True}


def make(folder: Path, options: Mapping[str, str]) -> KerasNetwork:
    manifest = write_beside(Path(shutil.copy(FILE, folder)), "keras", input=SEEN)
    return KerasNetwork(read_manifest(manifest), options)


def _no_h5py() -> str | None:
    return None if find_spec("h5py") else "NOT TESTED: h5py is not installed"


CASE = Case(
    name="keras",
    make=make,
    published=OWN_CHECKPOINT,
    half_precision_mm=1.0,
    restored_mm=1.0,
    respaced_mm=1.0,
    unavailable=_no_h5py,
)
