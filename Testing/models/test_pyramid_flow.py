"""The bundled network computes what it says, and encodes the fixed image once for all passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.images import waves
from support.lattices import FLIPPED, OBLIQUE, affine
from support.plain_pyramid_flow import plain_pyramid_flow
from torch import Tensor

from TTAUncertaintyLib.engine import Engine, place, prepare
from TTAUncertaintyLib.geometry import Lattice, identity_map, read_image
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.adapters.pyramid_flow import PyramidFlow
from TTAUncertaintyLib.models.contract import PreparedPair, encode_fixed
from TTAUncertaintyLib.models.networks import displacement_fields
from TTAUncertaintyLib.models.networks.pyramid_flow import (
    EncodedFixed,
    PyramidFlowArchitecture,
    PyramidFlowNetwork,
)
from TTAUncertaintyLib.perturbations import Preset, preset_design
from TTAUncertaintyLib.sample_data import sample_pairs

#: Both sides add the same float32 numbers, in another order. On the network's 2 mm lattice this is
#: a twentieth of the 0.02 mm that a change of implementation may move the answer by.
SAME_VOXELS = 5e-4


@pytest.fixture(scope="module")
def model() -> PyramidFlow:
    model = load_model("pyramid-flow", None)
    assert isinstance(model, PyramidFlow)
    return model


def network_of(model: PyramidFlow) -> PyramidFlowNetwork:
    assert isinstance(model.network, PyramidFlowNetwork)
    return model.network


def sample_pair(model: PyramidFlow) -> PreparedPair:
    """Return a crop of the sample pair, as it lies: enough for every level, quick to compute."""
    images = sample_pairs()["reference"]
    fixed, moving = read_image(images.fixed.path)[0], read_image(images.moving.path)[0]
    return prepare(fixed, moving, model, place(fixed, moving, model))


@torch.inference_mode()
@pytest.mark.parametrize("channels_last", [True, False])
def test_the_fast_way_equals_the_plain_one_on_the_sample_pair(
    model: PyramidFlow, channels_last: bool
) -> None:
    pair = sample_pair(model)
    middle = (..., slice(8, 72), slice(16, 80), slice(16, 64))
    moving, fixed = pair.moving[middle], pair.fixed[middle]
    model.place(torch.device("cpu"), channels_last)
    expected = plain_pyramid_flow(network_of(model), moving, fixed)
    assert float(expected.abs().max()) > 1
    found = model.predict(moving, encode_fixed(model, fixed)) - identity_map(moving.shape[2:])
    assert float((found - expected).abs().max()) < SAME_VOXELS
    # and without encoding the fixed image beforehand
    at_once = model.predict(moving, fixed) - identity_map(moving.shape[2:])
    assert torch.equal(at_once, found)


@torch.inference_mode()
@pytest.mark.parametrize("lattice", [OBLIQUE, FLIPPED])
def test_the_fast_way_equals_the_plain_one_on_oblique_lattices(
    model: PyramidFlow, lattice: Lattice
) -> None:
    fine = lattice.transformed(affine(2 * np.eye(3), (0, 0, 0)))
    fixed, moving = waves(fine, 1), waves(fine, 2)
    pair = model.prepare(fixed, moving, np.eye(4))
    model.place(torch.device("cpu"), channels_last=True)
    expected = plain_pyramid_flow(network_of(model), pair.moving, pair.fixed)
    found = model.predict(pair.moving, pair.fixed) - identity_map(pair.moving.shape[2:])
    assert float((found - expected).abs().max()) < SAME_VOXELS


def random_images(batch: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(6)
    first, second = torch.rand(2, batch, 1, 16, 32, 48, generator=generator)
    return first, second


ARCHITECTURES = {
    "as bundled": PyramidFlowArchitecture(),
    "no full resolution": PyramidFlowArchitecture(full_resolution_channels=0),
    "other sizes": PyramidFlowArchitecture(
        (4, 6), (6, 8), (True, False), (2, 1), squaring_steps=2, full_resolution_channels=3
    ),
}


@torch.inference_mode()
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_fast_way_equals_the_plain_one_for_other_architectures(name: str) -> None:
    torch.manual_seed(3)
    network = PyramidFlowNetwork(ARCHITECTURES[name]).eval()
    moving, fixed = random_images(2)
    expected = plain_pyramid_flow(network, moving, fixed)
    assert float((network(moving, fixed) - expected).abs().max()) < SAME_VOXELS


@torch.inference_mode()
def test_one_encoded_fixed_image_serves_a_batch(model: PyramidFlow) -> None:
    moving, fixed = random_images(3)
    model.place(torch.device("cpu"), channels_last=True)
    encoded = encode_fixed(model, fixed[:1])
    assert isinstance(encoded, EncodedFixed)
    together = model.predict(moving, encoded)
    for n in range(3):
        assert torch.allclose(model.predict(moving[n : n + 1], encoded)[0], together[n], atol=1e-4)


@torch.inference_mode()
def test_dropout_drops_the_same_channels_as_in_the_plain_network() -> None:
    architecture = replace(PyramidFlowArchitecture(), dropout=0.3)
    torch.manual_seed(3)
    network = PyramidFlowNetwork(architecture).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout3d):
            module.train()
    moving, fixed = random_images()
    torch.manual_seed(11)
    expected = plain_pyramid_flow(network, moving, fixed)
    torch.manual_seed(11)
    found = network(moving, network.encode_fixed(fixed))
    assert float((found - expected).abs().max()) < SAME_VOXELS


def test_the_gradients_are_those_of_the_plain_network() -> None:
    torch.manual_seed(3)
    network = PyramidFlowNetwork(ARCHITECTURES["other sizes"]).eval()
    moving, fixed = random_images()
    name = "regressors.0.enter.weight"

    def gradient(answer: Tensor) -> Tensor:
        weight = network.get_parameter(name)
        (found,) = torch.autograd.grad(answer.square().sum(), weight)
        return found

    parameters = dict(network.named_parameters())
    network.state_dict = lambda: parameters  # type: ignore[method-assign, assignment]
    expected = gradient(plain_pyramid_flow(network, moving, fixed))
    found = gradient(network(moving, fixed))
    assert float(expected.abs().max()) > 0
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_a_fixed_image_of_another_shape_is_refused(model: PyramidFlow) -> None:
    moving, fixed = random_images()
    with pytest.raises(ValueError, match="one shape"):
        model.predict(moving[..., :32], encode_fixed(model, fixed))


def test_the_engine_encodes_the_fixed_image_once(
    model: PyramidFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = []
    network = network_of(model)

    def encode(fixed: Tensor) -> EncodedFixed:
        encoded.append(fixed)
        return network.encode_fixed(fixed)

    monkeypatch.setattr(model, "_encode", encode)
    moving, fixed = random_images()
    lattice = OBLIQUE.centered((48, 32, 16), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0))
    pair = PreparedPair(moving, fixed, lattice, lattice)
    engine = Engine(model, pair, preset_design(Preset.QUICK, lattice))
    engine.run()
    assert len(encoded) == 1


@pytest.mark.parametrize("channels", [3, 8])
def test_sampling_many_channels_equals_sampling_few(channels: int) -> None:
    """Both ways of sampling, far beyond the border and for lattices one voxel thin."""
    generator = torch.Generator().manual_seed(1)
    for shape in ((7, 6, 5), (1, 6, 5), (7, 6, 1)):
        volume = torch.rand((2, channels, *shape), generator=generator)
        displacement = 8 * torch.rand((2, 3, *shape), generator=generator) - 4
        together = displacement_fields.sample_displaced(volume, displacement)
        apart = [
            displacement_fields.sample_displaced(volume[:, c : c + 1], displacement)
            for c in range(channels)
        ]
        assert torch.allclose(together, torch.cat(apart, 1), atol=1e-4)
