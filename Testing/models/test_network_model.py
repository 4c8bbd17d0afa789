"""What adapters of networks have in common; `conformance` holds each of them to the contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from support.lattices import OBLIQUE, SHEARED, SMALL
from support.predictors import DESCRIPTION, SmallNetwork, network_model, pair_on
from torch import Tensor, nn

from TTAUncertaintyLib.geometry import identity_map
from TTAUncertaintyLib.models.adapters.network_model import NetworkModel
from TTAUncertaintyLib.models.contract import PreparedPair, WeightsFile, describe


class Constant(nn.Module):
    """A network whose displacement is known: (1, 2, 3) voxels along (i, j, k)."""

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        vector = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1, 1)
        return vector.expand(moving.shape[0], 3, *fixed.shape[2:])


def test_the_map_is_the_displacement_plus_the_voxels_own_place() -> None:
    phi = NetworkModel(Constant(), DESCRIPTION, None).predict(*[torch.zeros((2, 1, 4, 5, 6))] * 2)
    assert phi.shape == (2, 3, 4, 5, 6)
    assert phi[1, :, 2, 3, 4].tolist() == [4 + 1.0, 3 + 2.0, 2 + 3.0]


def test_the_map_is_float32_whatever_the_network_computed_in() -> None:
    pair = pair_on(SMALL, SMALL)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        phi = network_model().predict(pair.moving, pair.fixed)
    assert phi.dtype == torch.float32
    # the fraction is not lost to bfloat16's steps of 1/16 at 10 voxels
    fraction = phi[0] - identity_map(SMALL.array_shape)
    assert len(torch.unique(fraction)) > 100


def test_the_network_is_frozen_and_in_evaluation_mode() -> None:
    model = network_model(dropout=0.5)
    assert not any(parameter.requires_grad for parameter in model.network.parameters())
    assert not any(module.training for module in model.network.modules())


def test_dropout_that_never_drops_is_no_dropout() -> None:
    assert not network_model(dropout=0.0).has_dropout
    assert network_model(dropout=0.1).has_dropout


@pytest.mark.parametrize("wrong", ["moving", "fixed"])
def test_a_pair_whose_tensor_is_not_on_its_lattice_is_refused(wrong: str) -> None:
    tensors = {
        "moving": torch.zeros((1, 1, *SHEARED.array_shape)),
        "fixed": torch.zeros((1, 1, *OBLIQUE.array_shape)),
    }
    PreparedPair(**tensors, moving_lattice=SHEARED, fixed_lattice=OBLIQUE)
    tensors[wrong] = tensors[wrong].transpose(2, 4)
    with pytest.raises(ValueError, match="not on its lattice"):
        PreparedPair(**tensors, moving_lattice=SHEARED, fixed_lattice=OBLIQUE)


def test_the_record_of_a_model_is_json_and_names_the_weights() -> None:
    weights = WeightsFile(Path("folder/weights.pth"), "0" * 64, True)
    record = json.loads(json.dumps(describe(NetworkModel(SmallNetwork(), DESCRIPTION, weights))))
    assert record["name"] == "stand-in"
    assert record["weights"] == {"file": "weights.pth", "sha256": "0" * 64, "published": True}
    assert describe(network_model())["weights"] is None
