"""VoxelMorph's Keras network restated: units, components, resolutions, and its description."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from support.zoo.synthmorph import SMALL, random_network

from TTAUncertaintyLib.models.networks import vxm_dense
from TTAUncertaintyLib.models.networks.vxm_dense import VxmDenseArchitecture, VxmDenseNetwork
from TTAUncertaintyLib.models.weights.described import (
    architecture_from_text,
    architecture_to_text,
)

#: Resolutions of the velocity and of its integration.
RESOLUTIONS = [(1, 1), (1, 2), (2, 2), (2, 4), (4, 4)]


def images(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    moving, fixed = torch.rand((2, 1, 1, *shape), generator=torch.Generator().manual_seed(5))
    return moving, fixed


@pytest.mark.parametrize(("velocity", "integration"), RESOLUTIONS)
def test_a_constant_velocity_is_a_displacement_in_voxels_of_the_image(
    velocity: int, integration: int
) -> None:
    architecture = replace(SMALL, velocity_factor=velocity, integration_factor=integration)
    network = VxmDenseNetwork(architecture).eval()
    with torch.no_grad():
        network.velocity.weight.zero_()
        network.velocity.bias.copy_(torch.tensor([0.5, -1.0, 1.5]))
        field = network(*images(16, 32, 48))
    assert field.shape == (1, 3, 16, 32, 48) and field.dtype == torch.float32
    # the publisher's first component runs along the first axis, D; ours along W
    for component, value in enumerate((1.5, -1.0, 0.5)):
        expected = torch.full_like(field[:, component], value * velocity)
        assert torch.allclose(field[:, component], expected, atol=1e-5)


def test_features_that_are_pooled_piece_by_piece_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = random_network(VxmDenseArchitecture(((5, 9), (4,)), ((4,), (4,)), ()))
    pair = images(8, 12, 16)
    fields = []
    for channels in (4, 100):
        monkeypatch.setattr(vxm_dense, "_CHANNELS_AT_ONCE", channels)
        with torch.inference_mode():
            fields.append(network(*pair))
    assert torch.allclose(*fields, atol=1e-5)


@pytest.mark.parametrize("velocity", [1, 2, 4])
def test_an_architecture_survives_its_file(velocity: int) -> None:
    architecture = replace(SMALL, velocity_factor=velocity, integration_factor=4, final=())
    assert (
        architecture_from_text(VxmDenseArchitecture, architecture_to_text(architecture))
        == architecture
    )
    VxmDenseNetwork(architecture)


@pytest.mark.parametrize(
    "changed",
    [
        {"encoder": []},
        {"encoder": [[8], [8]]},
        {"encoder": [[8], [8], [8], []]},
        {"encoder": [[8], [8], [8], [0]]},
        {"encoder": [8, 8, 8, 8]},
        {"encoder": [[8], [8], [8], ["8"]]},
        {"encoder": [[8], [8], [8], [True]]},
        {"final": [-1]},
        {"final": 3},
        {"velocity_factor": 3},
        {"velocity_factor": 32, "integration_factor": 32},
        {"velocity_factor": 4},
        {"integration_factor": 0},
        {"squaring_steps": 0},
        {"squaring_steps": 40},
        {"squaring_steps": 7.0},
        {"more": 1},
    ],
    ids=str,
)
def test_a_description_that_cannot_be_is_refused(changed: dict[str, object]) -> None:
    described = {**json.loads(architecture_to_text(SMALL)), **changed}
    with pytest.raises(ValueError, match=r"^(its?|a level|one of) "):
        architecture_from_text(VxmDenseArchitecture, json.dumps(described))


@pytest.mark.parametrize("text", ["[]", "{}", "3", "null"])
def test_a_text_that_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not described"):
        architecture_from_text(VxmDenseArchitecture, text)
