"""Published networks with their real weights, and what their publishers' code answers.

Weights and images are those of the reference folder, and tests skip by name where it is absent. Of
the publishers' fields every 16th voxel is kept beside the tests, as
`Testing/oracles/compare_published.py` wrote it down.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from TTAUncertaintyLib.geometry import identity_map
from TTAUncertaintyLib.models import RegistrationModel, load_model
from TTAUncertaintyLib.models.contract import NO_OPTIONS, PreparedPair
from TTAUncertaintyLib.models.networks.pdd_net import STAGES, PddNetNetwork
from TTAUncertaintyLib.models.registry import MODELS

from .reference import reference_file

STORED = Path(__file__).resolve().parents[1] / "models" / "published"

#: How far ours may be from the publisher's field, voxels.
BOUND_VOXELS = 0.01

_EVERY = 16


@dataclass(frozen=True)
class PublishedPair:
    """A published network, and two images that it is for, as paths below the reference folder."""

    name: str
    folder: str
    fixed: str
    moving: str
    aligned: bool = True

    def weights(self) -> Path:
        """Return the published file; skips where it is not here."""
        published = MODELS[self.name].description.published
        assert published is not None
        return reference_file(f"{self.folder}/{published.name}")

    def model(self, options: Mapping[str, str] = NO_OPTIONS) -> RegistrationModel:
        """Load the network from its published file, converted as an installation converts it."""
        weights, entry = self.weights(), MODELS[self.name]
        if entry.convert is None:
            return load_model(self.name, weights, options)
        with tempfile.TemporaryDirectory() as folder:
            converted = Path(folder) / entry.converted_name(weights.name)
            entry.convert_file(weights, converted)
            return load_model(self.name, converted, options)

    def images(self) -> tuple[Path, Path]:
        """Return the fixed and the moving image."""
        return reference_file(self.fixed), reference_file(self.moving)


_PEOPLE = ("people/1000_SS.nii.gz", "people/1003_SS.nii.gz")
_TUMOUR = ("tumour/BraTSReg_002_01_0262_t1ce.nii.gz", "tumour/BraTSReg_002_00_0000_t1ce.nii.gz")

PAIRS = {
    pair.name: pair
    for pair in (
        PublishedPair("clapirn-lite", "brain-networks", *_PEOPLE),
        PublishedPair("symnet", "brain-networks", *_PEOPLE),
        PublishedPair(
            "pdd-net",
            "abdomen",
            "lung/3DCT_lung_baseline.mha",
            "lung/3DCT_lung_followup.mha",
        ),
        PublishedPair("dirac", "tumour", *_TUMOUR, aligned=False),
        PublishedPair(
            "multipropreg-t2-t1",
            "contrast",
            "contrast/subject-4-T1.nii.gz",
            "contrast/subject-4-T2.nii.gz",
            aligned=False,
        ),
    )
}


def coarse(model: RegistrationModel) -> RegistrationModel:
    """Let PDD-Net try displacements at fewer places: seconds, not minutes."""
    network = model.network.network  # type: ignore[attr-defined]
    if isinstance(network, PddNetNetwork):
        places = zip(STAGES, (9, 13), strict=True)
        network.stages = tuple(stage._replace(points=points) for stage, points in places)
    return model


@dataclass(frozen=True)
class Stored:
    """A publisher's answer: `initial` as it was placed, and displacements in voxels."""

    initial: NDArray[np.float64]
    field: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path) -> Stored:
        """Read what `write` wrote."""
        with np.load(path) as found:
            return cls(found["initial"], found["field"])

    def write(self, path: Path) -> None:
        """Write it."""
        path.parent.mkdir(exist_ok=True)
        np.savez_compressed(path, initial=self.initial, field=self.field)


def every_nth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return some voxels of [3, D, H, W]."""
    first = _EVERY // 2
    return np.ascontiguousarray(values[:, first::_EVERY, first::_EVERY, first::_EVERY])


def displacement(model: RegistrationModel, pair: PreparedPair) -> NDArray[np.float32]:
    """Return a model's answer, [3, D, H, W], components (i, j, k), voxels."""
    with torch.inference_mode():
        phi = model.predict(pair.moving, pair.fixed)[0]
    return np.asarray((phi - identity_map(phi.shape[1:])).numpy(), np.float32)
