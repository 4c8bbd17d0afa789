"""Published networks that see a box: random weights on a small one; published ones on brains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from TTAUncertaintyLib.models.adapters.in_a_box import InABox
from TTAUncertaintyLib.models.adapters.lapirn import CLapIRN, Dirac, LapIRN
from TTAUncertaintyLib.models.adapters.multipropreg import MultiPropReg
from TTAUncertaintyLib.models.adapters.pdd_net import PddNet
from TTAUncertaintyLib.models.adapters.symnet import SYMNet
from TTAUncertaintyLib.models.networks.pdd_net import STAGES, PddNetNetwork

from ..reference import reference_file
from .case import Case, Published, Recovery


class SmallLapIRN(LapIRN):
    """The same on 40 x 48 x 40 voxels of 2 mm."""

    extent_mm = (80, 96, 80)


class SmallCLapIRN(CLapIRN):
    """The same."""

    extent_mm = (80, 96, 80)


class SmallSYMNet(SYMNet):
    """The same on 48 x 48 x 48 voxels."""

    extent_mm = (96, 96, 96)


class SmallMultiPropReg(MultiPropReg):
    """The same."""

    extent_mm = (96, 96, 96)


class SmallDirac(Dirac):
    """The same on 48 x 48 x 40 voxels of 1.9 x 1.9 x 2.25 mm."""

    extent_mm = (90, 90, 90)
    size = (48, 48, 40)  # type: ignore[assignment]


class SmallPddNet(PddNet):
    """The same on 48 x 48 x 48 voxels, whatever the intensities of its images."""

    extent_mm = (96, 96, 96)
    sees = replace(
        PddNet.sees, normalisation=replace(LapIRN.sees.normalisation, to=(-1000.0, 1000.0))
    )

    @staticmethod
    def build(options: Mapping[str, str]) -> PddNetNetwork:
        """Return the network with few displacements to try."""
        return PddNetNetwork(tuple(stage._replace(points=5) for stage in STAGES))


def _maker(adapter: type[InABox], **small: str) -> Callable[[Path, Mapping[str, str]], InABox]:
    def make(folder: Path, options: Mapping[str, str]) -> InABox:
        network = adapter.build(adapter.about.chosen({}))
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in network.parameters():
                width = 0.3 if issubclass(adapter, PddNet) else 0.05
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * width)
            if issubclass(adapter, SYMNet):  # fields of about a voxel, as the others have
                network.dc9[0].weight.mul_(0.1)
                network.dc10[0].weight.mul_(0.1)
        path = folder / "random.pth"
        torch.save(network.state_dict(), path)
        return adapter(path, {**small, **options})

    return make


make = _maker(SmallLapIRN)


def _published(
    directions: str, unit: str = "grid_sample", components: str = "last axis first"
) -> Published:
    return Published(
        at="network.network",
        quantity="displacement",
        unit=unit,  # type: ignore[arg-type]
        components=components,  # type: ignore[arg-type]
        directions=directions,
    )


#: Networks of brains that lie on each other already are asked for no motion: of a shift of 4 mm
#: cLapIRN leaves 2.5 mm and SYMNet 1.8 mm, with fields that are those of their publishers' code.
CASES = (
    Case(
        name="lapirn",
        make=make,
        published=_published("RAS"),
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
    ),
    Case(
        name="clapirn-lite",
        make=_maker(SmallCLapIRN, spacing="2"),
        published=_published("LIA"),
        # normalising each channel makes random features large, and their rounding with them
        half_precision_mm=0.75,
        restored_mm=1e-3,
        respaced_mm=1.5,
    ),
    Case(
        name="symnet",
        make=_maker(SmallSYMNet, spacing="2"),
        published=_published("LIA", "voxel"),
        half_precision_mm=0.25,
        restored_mm=1e-3,
        respaced_mm=1.5,
    ),
    Case(
        name="dirac",
        make=_maker(SmallDirac),
        published=_published("LPS"),
        half_precision_mm=0.25,
        restored_mm=1e-3,
        respaced_mm=1.5,
    ),
    Case(
        name="pdd-net",
        make=_maker(SmallPddNet),
        published=_published("RAS"),
        half_precision_mm=0.0,  # it computes in full precision whatever is asked
        # rounding decides where images say nothing, and random features say little
        restored_mm=5.0,
        respaced_mm=5.0,
    ),
    Case(
        name="multipropreg-t2-t1",
        make=_maker(SmallMultiPropReg, spacing="2"),
        published=replace(_published("LPS", "voxel", "first axis first"), align_corners=False),
        half_precision_mm=0.25,
        restored_mm=1e-3,
        respaced_mm=1.5,
    ),
)
