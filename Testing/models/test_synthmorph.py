"""SynthMorph's adapter: the publisher's frame and intensities, and only converted weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.images import analytic_image
from support.lattices import FLIPPED, affine, rotation
from support.zoo.synthmorph import SMALL, random_network, write_random_weights

from TTAUncertaintyLib.errors import ModelError
from TTAUncertaintyLib.geometry import Image
from TTAUncertaintyLib.models.adapters.synthmorph import SynthMorphBrains, SynthMorphShapes
from TTAUncertaintyLib.models.descriptions import bundled_weights
from TTAUncertaintyLib.models.weights.described import architecture_to_text
from TTAUncertaintyLib.models.weights.safetensors_io import write_safetensors

Array = NDArray[np.float64]

#: World directions (LPS) of left, inferior, anterior, as columns.
LIA = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]])
BRAIN = np.array([5.0, -9.0, 4.0])
RADIUS = 30.0


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_weights(tmp_path_factory.mktemp("weights") / "random.safetensors")


def ball(field_of_view_mm: float) -> Image:
    """Return a ball that is brightest in one voxel, in a large empty field of view."""

    def value(points: Array) -> Array:
        distance = np.linalg.norm(points - BRAIN, axis=-1)
        return np.asarray(np.clip(RADIUS - distance, 0, 10) + 90 * (distance < 1.5) - 40)

    size = (round(field_of_view_mm / 2),) * 3
    return analytic_image(value, FLIPPED.centered(size, 2.0, BRAIN + 4.0), "fixed")


@pytest.mark.parametrize("spacing", ["1", "2"])
def test_its_lattice_surrounds_the_brain_in_the_publishers_frame(
    weights: Path, spacing: str
) -> None:
    fixed = ball(140.0)
    initial = affine(rotation((0, 0, 1), 5.0), (1.0, 2.0, 3.0))
    pair = SynthMorphBrains(weights, {"spacing": spacing}).prepare(fixed, fixed, initial)
    lattice = pair.fixed_lattice
    assert np.allclose(lattice.spacing, float(spacing))
    assert all(n % SMALL.shape_multiple == 0 for n in lattice.size)
    # array axes (k, j, i) run left, inferior, anterior
    assert np.allclose(lattice.direction[:, ::-1], LIA)
    # the ball ends between two voxels of 2 mm
    assert np.linalg.norm(lattice.center - BRAIN) < 3.0
    # 27 mm (a tenth of the brightness is reached there) and 8 mm on either side, up to 16 voxels
    assert (lattice.extent >= 2 * (27 + 8) - 4).all()
    assert (lattice.extent <= 2 * (27 + 8) + 16 * float(spacing)).all()
    assert np.allclose(pair.moving_lattice.matrix, initial @ lattice.matrix)


def test_intensities_run_from_the_darkest_to_the_brightest(weights: Path) -> None:
    fixed = ball(100.0)
    prepared = SynthMorphShapes(weights, {"spacing": "2"}).prepare(fixed, fixed, np.eye(4)).fixed
    assert float(prepared.min()) == 0.0 and float(prepared.max()) == 1.0
    # the few brightest voxels are not cut off: what is 10 above the darkest of 100 stays small
    assert float((prepared > 0.5).float().mean()) < 0.001


@pytest.mark.parametrize("adapter", [SynthMorphShapes, SynthMorphBrains])
def test_keras_files_and_files_of_others_are_refused(
    adapter: type[SynthMorphShapes] | type[SynthMorphBrains], tmp_path: Path
) -> None:
    tensors = random_network().state_dict()
    architecture = {"architecture": architecture_to_text(SMALL)}
    paths = {
        "has to be converted first": tmp_path / "published.h5",
        "does not exist": tmp_path / "nowhere.safetensors",
        "does not say what network": tmp_path / "unknown.safetensors",
        "not described": bundled_weights(),
        "cannot be used": tmp_path / "broken.safetensors",
        "does not belong to this model": tmp_path / "few.safetensors",
        "NaN or infinite": tmp_path / "nan.safetensors",
    }
    write_safetensors(paths["does not say what network"], tensors)
    paths["cannot be used"].write_bytes(b"\xff" * 100)
    few = {name: tensor for name, tensor in tensors.items() if "final" not in name}
    write_safetensors(paths["does not belong to this model"], few, architecture)
    broken = {**tensors, "velocity.bias": torch.full((3,), torch.nan)}
    write_safetensors(paths["NaN or infinite"], broken, architecture)
    for message, path in paths.items():
        with pytest.raises(ModelError, match=message):
            adapter(path)
