"""SynthMorph: its architecture with few features and seeded random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from TTAUncertaintyLib.models.adapters.synthmorph import (
    SynthMorph,
    SynthMorphBrains,
    SynthMorphShapes,
)
from TTAUncertaintyLib.models.networks.vxm_dense import VxmDenseArchitecture, VxmDenseNetwork
from TTAUncertaintyLib.models.weights.described import ARCHITECTURE, architecture_to_text
from TTAUncertaintyLib.models.weights.safetensors_io import write_safetensors

from .case import Case, Published

#: As SynthMorph is trained, with 8 features where it has 256.
SMALL = VxmDenseArchitecture(((8,),) * 4, ((8,),) * 4, (8, 8))
PUBLISHED = VxmDenseArchitecture(((256,),) * 4, ((256,),) * 4, (256, 256))


def random_network(architecture: VxmDenseArchitecture = SMALL, seed: int = 0) -> VxmDenseNetwork:
    """Return a network whose fields reach about a voxel."""
    network = VxmDenseNetwork(architecture).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            fan_in = max(parameter[0].numel(), 1)
            width = (2 / fan_in) ** 0.5 if parameter.ndim > 1 else 0.1
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * width)
        network.velocity.weight.mul_(0.3)
    return network


def write_random_weights(path: Path, architecture: VxmDenseArchitecture = SMALL) -> Path:
    """Write the file that a conversion would have written."""
    tensors = random_network(architecture).state_dict()
    write_safetensors(path, tensors, {ARCHITECTURE: architecture_to_text(architecture)})
    return path


def _maker(adapter: type[SynthMorph]) -> Callable[[Path, Mapping[str, str]], SynthMorph]:
    return lambda folder, options: adapter(
        write_random_weights(folder / "random.safetensors"), {"spacing": "2", **options}
    )


def _maker_as_published(adapter: type[SynthMorph]) -> Callable[[Path], SynthMorph]:
    return lambda folder: adapter(
        write_random_weights(folder / "random.safetensors", PUBLISHED), {}
    )


CASES = tuple(
    Case(
        name=adapter.about.name,
        make=_maker(adapter),
        # called with arrays in the publisher's order; it answers in the contract's components
        published=Published(
            at="network",
            quantity="displacement",
            unit="voxel",
            components="last axis first",
            directions="LIA",
        ),
        half_precision_mm=0.05,
        restored_mm=1e-3,
        respaced_mm=1.0,
        as_published=_maker_as_published(adapter),
    )
    for adapter in (SynthMorphShapes, SynthMorphBrains)
)
