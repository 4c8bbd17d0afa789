"""MultiPropReg's network as a class of somebody's own: what a person writes who has downloaded it.

The publisher's code is imported from where it was unpacked, as the environment variable
TTAUNCERTAINTY_MULTIPROPREG says. Nothing of it is here.

Three things are not as its documents have it, and were found by reading its code. Its `test.py`
makes another class than the one whose weights it ships, and loads them with `strict=False`, so that
none of them arrives: the class that fits is `MPR_net_noHyper`. Its atlas has a header that says RAS
and arrays that run left, inferior, anterior. Its warp divides voxels by N - 1 and samples with
`align_corners=False`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


class MultiPropReg(nn.Module):
    """The published network, called with the moving image first; returns its field alone."""

    def __init__(self, manifest: Any) -> None:
        super().__init__()
        folder = Path(os.environ["TTAUNCERTAINTY_MULTIPROPREG"])
        sys.path.insert(0, str(folder))
        from MultiPropReg.torch import networks

        networks.shape = manifest.input.shape  # the size of its grids of voxel indices
        self.network = networks.MPR_net_noHyper(None)
        path = folder / "MultiPropReg" / "models" / "pretrained_model_epoch400.ckpt"
        state = torch.load(path, map_location="cpu", weights_only=True)
        grids = {n: g for n, g in self.network.state_dict().items() if n.endswith(".grid")}
        state = {n: t for n, t in state.items() if not n.startswith("criterion.")}
        self.network.load_state_dict(state | grids, strict=True)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        field: Tensor = self.network(moving, fixed)[1]
        return field
