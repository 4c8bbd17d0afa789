"""Compare the restated `VxmPairwise` with VoxelMorph's torch package, on random weights.

Run it with the Python of an environment that holds `requirements-voxelmorph.txt`; it prints the
largest difference of the displacement fields, in voxels, and fails above 1e-5. With a folder as its
argument it writes there what the tests know of the package: small checkpoints, and some of the
fields that they answer.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
import voxelmorph as vxm
from torch import nn

from TTAUncertaintyLib.models.networks.vxm_pairwise import VxmPairwiseNetwork
from TTAUncertaintyLib.models.networks.vxm_pairwise_architecture import (
    VxmPairwiseArchitecture,
)
from TTAUncertaintyLib.strict_json import read_as

BOUND_VOXELS = 1e-5
LARGEST_DISPLACEMENT = 4.0

#: Name, shape, and the arguments as a manifest has them.
CASES: list[tuple[str, tuple[int, int, int], dict[str, Any]]] = [
    ("the package's defaults", (32, 32, 64), {}),
    ("three levels, rectangular", (24, 40, 16), {"nb_features": [8, 12, 16]}),
    ("other features upwards", (16, 24, 40), {"nb_features": [[6, 8, 10], [12, 9, 7]]}),
    ("no full resolution", (32, 16, 48), {"nb_features": [0, 8, 12]}),
    ("pass-through both ways", (16, 32, 24), {"nb_features": [[8, 0, 6], [10, 0, 0]]}),
    ("one level", (10, 6, 14), {"nb_features": [8]}),
    ("no integration", (16, 16, 24), {"nb_features": [8, 8], "integration_steps": 0}),
    ("ten steps", (16, 24, 16), {"nb_features": [8, 8], "integration_steps": 10}),
    (
        "kept, and without effect",
        (16, 16, 24),
        {"nb_features": [8, 8], "resize_integrated_fields": True, "flow_initializer": 1e-3},
    ),
    ("leaky", (16, 24, 16), {"nb_features": [8, 8], "activations": "leaky_relu"}),
    (
        "leakier",
        (16, 24, 16),
        {"nb_features": [8, 8], "activations": "leaky_relu", "negative_slope": 0.2},
    ),
    (
        "an activation a level, and a last one",
        (16, 24, 40),
        {
            "nb_features": [8, 6, 10],
            "activations": ["elu", "gelu", None],
            "final_activation": "tanh",
        },
    ),
    ("sigmoid-weighted", (16, 8, 12), {"nb_features": [8, 8], "activations": "silu"}),
    ("tanh", (16, 8, 12), {"nb_features": [8, 8], "activations": "tanh"}),
]
CASES += [
    (f"U-Net: {within}", (16, 24, 40), {"nb_features": [6, 8, 10], "unet_kwargs": within})
    for within in (
        {"padding_mode": "replicate"},
        {"padding_mode": "reflect"},
        {"upsample_mode": "nearest"},
        {"upsample_mode": "transposed"},
        {"skip_connections": False},
        {"skip_connections": False, "upsample_mode": "transposed", "order": "aca"},
        {"normalizations": "instance", "order": "cna"},
        {"normalizations": "batch", "order": "ncaca"},
        {"normalizations": ["batch", None, "instance"], "order": "cnacna"},
    )
]

_CLASSES = {"gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}


def _module(name: Any, slope: float | None) -> Any:
    """Return what the package takes for a name in a manifest."""
    if isinstance(name, list):
        return [_module(entry, slope) for entry in name]
    if name == "leaky_relu" and slope is not None:
        return nn.LeakyReLU(slope)
    return _CLASSES.get(name, name)


def original(arguments: dict[str, Any]) -> vxm.nn.models.VxmPairwise:
    """Build the package's network."""
    given = dict(arguments)
    slope = given.pop("negative_slope", None)
    for name in ("activations", "final_activation"):
        if name in given:
            given[name] = _module(given[name], slope)
    return vxm.nn.models.VxmPairwise(3, 1, 1, **given).eval()


def randomise(network: nn.Module, generator: torch.Generator) -> None:
    """Give every tensor of a network random values of a size that keeps the signal alive."""
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
            elif value.is_floating_point():
                width = (2 / value[0].numel()) ** 0.5 if value.ndim > 1 else 0.2
                value.copy_(torch.randn(value.shape, generator=generator) * width)


def scaled(
    arguments: dict[str, Any], moving: torch.Tensor, fixed: torch.Tensor
) -> tuple[nn.Module, torch.Tensor]:
    """Build the package's network with random weights whose field reaches some voxels."""
    network = original(arguments)
    randomise(network, torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for _ in range(2):
            factor = LARGEST_DISPLACEMENT / network(moving, fixed).abs().max()
            for tensor in network.flow_layer.state_dict().values():
                tensor.mul_(factor)
        return network, network(moving, fixed)


def difference(name: str, shape: tuple[int, int, int], arguments: dict[str, Any]) -> float:
    """Return the largest difference between the two fields, voxels."""
    moving, fixed = torch.rand((2, 1, 1, *shape), generator=torch.Generator().manual_seed(1))
    theirs, expected = scaled(arguments, moving, fixed)
    ours = VxmPairwiseNetwork(read_as(VxmPairwiseArchitecture, arguments)).eval()
    ours.load_state_dict(theirs.state_dict())
    with torch.inference_mode():
        result = float((ours(moving, fixed) - expected).abs().max())
    largest = float(expected.abs().max())
    print(
        f"{name[:60]:60s} {shape!s:12s} field {largest:4.2f}, difference {result:.1e}", flush=True
    )
    return result


#: What the tests know: name of the file, and arguments.
SAMPLES = {
    "plain": {"nb_features": [3, 4], "activations": "leaky_relu"},
    "varied": {
        "nb_features": [[4, 0, 3], [3, 4, 0]],
        "activations": ["elu", "relu", "tanh"],
        "integration_steps": 7,
        "unet_kwargs": {"normalizations": "batch", "order": "cnac", "upsample_mode": "transposed"},
    },
}


def write_samples(folder: Path) -> None:
    """Write small checkpoints and their fields at some voxels, for the tests.

    The images are `numpy.random.default_rng(0).random((2, 16, 24, 40), "float32")`, moving first.
    """
    shape = (16, 24, 40)
    images = torch.from_numpy(np.random.default_rng(0).random((2, *shape), "float32"))
    voxels = np.random.default_rng(1).integers(0, shape, (200, 3))
    for name, arguments in SAMPLES.items():
        network, field = scaled(arguments, *images[:, None, None])
        torch.save(network.state_dict(), folder / f"vxm_pairwise_{name}.pt")
        np.savez_compressed(
            folder / f"vxm_pairwise_{name}.npz",
            arguments=json.dumps(arguments),
            voxels=voxels.astype("uint8"),
            field=field[0].movedim(0, -1).numpy()[tuple(voxels.T)],
        )


def main() -> int:
    """Compare all cases; return 1 if one is beyond the bound."""
    if len(sys.argv) > 1:
        write_samples(Path(sys.argv[1]))
        return 0
    worst = max(difference(*case) for case in CASES)
    print(f"VoxelMorph: largest difference {worst:.1e} voxel (bound {BOUND_VOXELS:.0e})")
    return int(worst > BOUND_VOXELS)


if __name__ == "__main__":
    sys.exit(main())
