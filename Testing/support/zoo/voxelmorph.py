"""VoxelMorph: a small network of random weights, as a checkpoint of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from TTAUncertaintyLib.models.adapters.voxelmorph import VoxelMorph
from TTAUncertaintyLib.models.manifest import read_manifest
from TTAUncertaintyLib.models.networks.vxm_pairwise import VxmPairwiseNetwork
from TTAUncertaintyLib.models.networks.vxm_pairwise_architecture import VxmPairwiseArchitecture
from TTAUncertaintyLib.strict_json import read_as

from ..manifests import write_voxelmorph
from .case import OWN_CHECKPOINT, Case

SMALL = {"nb_features": [8, 8, 8], "activations": "leaky_relu", "negative_slope": 0.2}


def random_network(arguments: Mapping[str, object] = SMALL) -> VxmPairwiseNetwork:
    """Return a network whose fields reach about a voxel, with weights that are always the same."""
    network = VxmPairwiseNetwork(read_as(VxmPairwiseArchitecture, arguments)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            width = (2 / parameter[0].numel()) ** 0.5 if parameter.ndim > 1 else 0.1
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * width)
        network.flow_layer.conv0.weight.mul_(0.3)
    return network


def make(folder: Path, options: Mapping[str, str]) -> VoxelMorph:
    path = folder / "voxelmorph.pt"
    torch.save(random_network().state_dict(), path)
    return VoxelMorph(read_manifest(write_voxelmorph(path, SMALL)), options)


CASE = Case(
    name="voxelmorph",
    make=make,
    published=OWN_CHECKPOINT,
    half_precision_mm=1.0,
    restored_mm=1.0,
    respaced_mm=1.0,
)
