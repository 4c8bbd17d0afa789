"""What the publisher's own code answered for weights and images that can be drawn anywhere.

`Testing/oracles/compare_unigradicon.py` draws the same, runs the publisher's code, and holds its
answer against the numbers below. They came from `icon_registration` 1.1.9.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: Features of the publisher's `UNet2`: two levels, the images' two channels not counted.
DOWN, UP = (8, 12), (8, 10)
#: (D, H, W); odd, even, and not a multiple of four.
SHAPE = (19, 22, 26)
#: Places at which the answer is remembered, array indices (d, h, w).
PLACES = ((0, 0, 0), (9, 11, 13), (18, 0, 25), (4, 17, 8), (13, 6, 21))
#: phi_AB there, coordinates in [0, 1] along array axes (d, h, w).
MAP = (
    (0.00837037, -0.01029024, 0.02372116),
    (0.45179972, 0.59983277, 0.52095848),
    (1.02743614, 0.04035991, 1.01726270),
    (0.19780555, 0.88455570, 0.34120086),
    (0.67053908, 0.35196370, 0.83257300),
)


def draw(state: Mapping[str, Tensor]) -> None:
    """Overwrite a state dict with seeded random values: displacements of some voxels."""
    generator = np.random.RandomState(0)
    for name, tensor in sorted(state.items()):
        if name.endswith("num_batches_tracked"):
            continue
        noise = generator.standard_normal(tuple(tensor.shape))
        if "batchNorms" in name and name.endswith(("weight", "running_var")):
            noise = 1 + 0.2 * noise.clip(-2, 2)
        elif tensor.dim() > 1:
            noise *= (1.5 / tensor[0].numel()) ** 0.5 * (0.25 if "lastConv" in name else 1.0)
        else:
            noise *= 0.1
        tensor.copy_(torch.from_numpy(noise))


def images() -> tuple[Tensor, Tensor]:
    """Return the moving and the fixed image, float32 [1, 1, *SHAPE] in [0, 1]."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), -1)

    def waves(lengths: tuple[float, float, float]) -> Tensor:
        values: NDArray[np.float64] = 0.5 + 0.5 * np.sin(grid / np.array(lengths)).prod(-1)
        return torch.from_numpy(values.astype(np.float32))[None, None]

    return waves((2.0, 3.0, 4.0)), waves((2.5, 2.8, 3.7))
