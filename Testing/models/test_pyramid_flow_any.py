"""The bundled network for any anatomy: a finer lattice for small images, a coarser beginning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.lattices import FLIPPED, OBLIQUE
from torch import Tensor

from TTAUncertaintyLib.geometry import Image, Lattice, read_image, resample_image
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.adapters.pyramid_flow import PyramidFlowAny
from TTAUncertaintyLib.models.contract import encode_fixed
from TTAUncertaintyLib.models.networks.pyramid_flow import PyramidFlowNetwork
from TTAUncertaintyLib.sample_data import sample_images


def spacing_over(extent_mm: tuple[float, float, float], frame: Lattice, asked: str) -> float:
    """Return the spacing of the lattice that two images are shown on."""
    model = load_model("pyramid-flow-any", None, {"contrast": "one", "spacing": asked})
    size = (40, 44, 36)
    lattice = frame.centered(size, np.array(extent_mm) / size, (5.0, -7.0, 9.0))
    image = Image(torch.rand(size[::-1], generator=torch.Generator().manual_seed(1)), lattice, "it")
    pair = model.prepare(image, image, np.eye(4))
    assert pair.fixed_lattice.spacing == pytest.approx(np.full(3, pair.fixed_lattice.mean_spacing))
    return pair.fixed_lattice.mean_spacing


@pytest.mark.parametrize("frame", [OBLIQUE, FLIPPED])
@pytest.mark.parametrize(
    ("extent_mm", "spacing"),
    [
        ((84.0, 103.0, 64.0), 1.0),  # a macaque's brain
        ((128.0, 62.0, 128.0), 1.25),  # a knee
        ((120.0, 120.0, 128.0), 1.5),  # a heart
        ((152.0, 187.0, 158.0), 2.0),  # a person's brain
    ],
)
def test_a_small_field_of_view_gets_a_finer_lattice(
    extent_mm: tuple[float, float, float], spacing: float, frame: Lattice
) -> None:
    assert spacing_over(extent_mm, frame, "auto") == pytest.approx(spacing)


def test_the_lattice_that_is_asked_for_is_taken() -> None:
    assert spacing_over((84.0, 103.0, 64.0), OBLIQUE, "2") == pytest.approx(2.0)
    assert spacing_over((152.0, 187.0, 158.0), OBLIQUE, "1.5") == pytest.approx(1.5)


@pytest.fixture(scope="module")
def far_apart() -> tuple[Tensor, Tensor]:
    """Return a brain and the same brain 40 mm aside, [1, 1, D, H, W], 2 mm voxels."""
    brain, _ = read_image(sample_images()["mni152"].path)
    lattice = brain.lattice.centered((96, 112, 96), (2.0, 2.0, 2.0), brain.lattice.center)
    image = resample_image(brain, lattice).intensities
    fixed = (image / image.max())[None, None]
    return fixed.roll(20, dims=-1), fixed


@torch.inference_mode()
def test_what_is_far_off_is_found_by_beginning_coarser(far_apart: tuple[Tensor, Tensor]) -> None:
    moving, fixed = far_apart
    model = load_model("pyramid-flow-any", None)
    assert isinstance(model, PyramidFlowAny) and isinstance(model.network, PyramidFlowNetwork)
    assert model.network.begins_coarser
    error = []
    for model.network.begins_coarser in (False, True):
        found = model.network(moving, fixed)[0]
        off = (found - torch.tensor([20.0, 0, 0]).view(3, 1, 1, 1)).norm(dim=0)
        error.append(2 * float(off[fixed[0, 0] > 0.2].mean()))
    assert error[1] < 0.75 * error[0]


@torch.inference_mode()
def test_the_coarser_beginning_is_the_answer_at_half_the_resolution() -> None:
    model = load_model("pyramid-flow-any", None)
    assert isinstance(model, PyramidFlowAny) and isinstance(model.network, PyramidFlowNetwork)
    network = model.network
    generator = torch.Generator().manual_seed(2)
    moving, fixed = torch.rand(2, 1, 1, 64, 96, 32, generator=generator)
    encoded = network.encode_fixed(fixed)
    assert encoded.coarser is not None
    half = [torch.nn.functional.avg_pool3d(image, 2) for image in (moving, fixed)]
    network.begins_coarser = False
    expected = network.flows(*half, finest_level=2)[-1]  # an eighth of the resolution
    assert float(expected.abs().max()) > 0.1
    begun = network._begin(moving, encoded.coarser)
    assert begun.shape == (1, 3, 4, 6, 2)
    # two voxels there are one of the coarsest level's
    mean = expected.unflatten(4, (2, 2)).unflatten(3, (6, 2)).unflatten(2, (4, 2)).mean((3, 5, 7))
    assert torch.allclose(begun, mean / 2, atol=1e-5)


@torch.inference_mode()
def test_the_fixed_image_is_encoded_for_both_beginnings() -> None:
    model = load_model("pyramid-flow-any", None)
    generator = torch.Generator().manual_seed(2)
    moving, fixed = torch.rand(2, 1, 1, 48, 32, 80, generator=generator)
    encoded = encode_fixed(model, fixed)
    found = model.predict(moving, encoded)
    assert torch.equal(found, model.predict(moving, fixed))
    without = model.predict(moving, replace(encoded, coarser=None))
    assert not torch.allclose(found, without, atol=1e-3)
    several = model.predict(torch.cat((fixed, moving)), encoded)
    assert torch.allclose(several[1:], found, atol=1e-3)
