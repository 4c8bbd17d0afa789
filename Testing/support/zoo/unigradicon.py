"""uniGradICON and multiGradICON: random weights for fewer features, on a smaller lattice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from TTAUncertaintyLib.models.adapters.unigradicon import UniGradICON
from TTAUncertaintyLib.models.networks.gradicon import Channels, GradICONNetwork

from ..gradicon_reference import draw
from .case import Case, Published

#: Two levels of few features; the published network has five, up to 512.
FEW = Channels(down=(8, 12), up=(8, 10))
#: The suite's images have intensities that an MRI or a CT could have.
MRI = {"fixed_modality": "mri", "moving_modality": "mri"}


class SmallUniGradICON(UniGradICON):
    """The same with few features, on sizes that differ."""

    shape = (36, 40, 44)
    channels = FEW


def random_weights(folder: Path) -> Path:
    """Write weights with which the small network's displacements are some voxels long."""
    network = GradICONNetwork(FEW)
    draw(network.state_dict())
    path = folder / "random.trch"
    torch.save(network.state_dict(), path)
    return path


def make(folder: Path, options: Mapping[str, str]) -> UniGradICON:
    return SmallUniGradICON(random_weights(folder), {**MRI, **options})


def as_published(folder: Path) -> UniGradICON:
    network = GradICONNetwork()
    draw(network.state_dict())
    path = folder / "random.trch"
    torch.save(network.state_dict(), path)
    return UniGradICON(path, MRI)


CASE = Case(
    name="unigradicon",
    make=make,
    published=Published(
        at="network.network",
        quantity="displacement",
        unit="unit",
        components="first axis first",
    ),
    half_precision_mm=0.1,
    restored_mm=None,
    respaced_mm=None,
    # the same network and the same adapter, with other weights
    covers=("multigradicon",),
    as_published=as_published,
)
