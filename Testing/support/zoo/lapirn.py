"""LapIRN: random weights on a small field of view; the published ones on brains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from TTAUncertaintyLib.models.adapters.lapirn import LapIRN
from TTAUncertaintyLib.models.networks.lapirn import LapIRNNetwork

from ..reference import reference_file
from .case import Case, Published, Recovery


class SmallLapIRN(LapIRN):
    """The same on 40 x 48 x 40 voxels of 2 mm."""

    extent_mm = (80, 96, 80)


def make(folder: Path, options: Mapping[str, str]) -> LapIRN:
    network = LapIRNNetwork()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
    path = folder / "random.pth"
    torch.save(network.state_dict(), path)
    return SmallLapIRN(path, options)


CASE = Case(
    name="lapirn",
    make=make,
    published=Published(
        at="network.network",
        quantity="displacement",
        unit="grid_sample",
        components="last axis first",
        directions="RAS",
    ),
    half_precision_mm=0.25,
    restored_mm=1e-3,
    # random weights turn what another spacing does to the edges of the balls into a millimetre
    respaced_mm=1.5,
    recovery=Recovery(
        bound_mm=1.5,
        make=lambda: LapIRN(reference_file("LapIRN_disp_fea7.pth")),
        image="brain",
        slow=True,
    ),
)
