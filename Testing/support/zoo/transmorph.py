"""TransMorph: a small one of the family, of random weights, on 64 x 64 x 64 voxels of 1.5 mm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from TTAUncertaintyLib.models.adapters.transmorph import TransMorph
from TTAUncertaintyLib.models.manifest import read_manifest

from ..transmorph_files import SMALL, drawn_network, published_state, write_manifest
from .case import Case, Published


def make(folder: Path, options: Mapping[str, str]) -> TransMorph:
    config = {**SMALL, "img_size": [64, 64, 64], "MC_drop": 0.15}
    path = folder / "transmorph.pth.tar"
    torch.save({"state_dict": published_state(drawn_network(config))}, path)
    manifest = write_manifest(path, config, input={"spacing_mm": 1.5})
    return TransMorph(read_manifest(manifest), options)


def as_published(folder: Path) -> TransMorph:
    config = {"img_size": [160, 192, 224]}
    path = folder / "transmorph.pth.tar"
    torch.save({"state_dict": published_state(drawn_network(config))}, path)
    return TransMorph(read_manifest(write_manifest(path, config)))


CASE = Case(
    name="transmorph",
    make=make,
    published=Published(
        at="network.network",
        quantity="displacement",
        unit="voxel",
        components="first axis first",
        directions="LIA",
    ),
    half_precision_mm=1.0,
    restored_mm=0.01,
    respaced_mm=0.5,
    as_published=as_published,
)
