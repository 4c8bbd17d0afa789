"""What a checkpoint of TransMorph holds beside its weights, and what it tells of the network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import ModelError
from ..networks.transmorph import TransMorphNetwork
from ..networks.transmorph_architecture import TransMorphArchitecture
from .state_dicts import load_strictly, read_state_dict

_GRID = "spatial_trans.grid"
_BAYES = "net."
_INDEX = ".relative_position_index"

#: Other networks of the family, by tensors that only they have.
_RELATIVES = {
    "flow_mean.weight": "TransMorph-diff",
    "resize_conv.0.0.weight": "TransMorph-bspl",
    "cs.0.0.weight": "TransMorph-TVF",
}


def read_transmorph(architecture: TransMorphArchitecture, path: Path) -> TransMorphNetwork:
    """Return the network of a checkpoint.

    Beside the weights a checkpoint holds numbers that follow from the architecture: the voxels'
    own coordinates for the warping in training ("spatial_trans.grid"), and the numbering of the
    offsets within a window ("relative_position_index"). They are compared, and not kept.

    Parameters
    ----------
    architecture
        That the manifest gives; a checkpoint of another one is refused before anything is built.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or another network's; the message says what differs.
    """
    state = without_wrapping(read_state_dict(path))
    for name, relative in _RELATIVES.items():
        if name in state:
            raise ModelError(
                f"The weights file {path} is a {relative}, which is another network than "
                "TransMorph.",
                "Export it with torch.export, and give its manifest the kind 'torch-export'.",
            )
    told = told_by(state)
    if not told:
        raise ModelError(
            f"The weights file {path} is no TransMorph: names that all of them have are missing.",
            "Give a checkpoint that the publisher's code wrote.",
        )
    _refuse_another_architecture(architecture, told, path)
    network = TransMorphNetwork(architecture)
    _take_constants(network, state, path)
    load_strictly(network, state, path)
    return network


def without_wrapping(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the tensors of a TransMorph-Bayes the names that they have in TransMorph.

    It is a TransMorph, called "net", whose own heads nothing reads, and a head beside it.
    """
    if not any(name.startswith(f"{_BAYES}transformer.") for name in state):
        return state
    unread = tuple(f"{_BAYES}{name}." for name in ("reg_head", "sigma_head", "spatial_trans"))
    return {
        name.removeprefix(_BAYES): value
        for name, value in state.items()
        if not name.startswith(unread)
    }


def _refuse_another_architecture(
    architecture: TransMorphArchitecture, told: dict[str, Any], path: Path
) -> None:
    differing = {
        name: (value, getattr(architecture, name))
        for name, value in told.items()
        if value != getattr(architecture, name)
    }
    if differing:
        there = ", ".join(f"{name} {_shown(value)}" for name, (value, _) in differing.items())
        here = ", ".join(f"{name} {_shown(value)}" for name, (_, value) in differing.items())
        raise ModelError(
            f"The weights file {path} was trained with {there}; the manifest's 'architecture' "
            f"has {here}.",
            "Give the manifest what it was trained with.",
        )


def told_by(state: dict[str, Tensor]) -> dict[str, Any]:
    """Return what names and shapes of a checkpoint tell of its architecture.

    Returns
    -------
    dict
        Fields of `TransMorphArchitecture`; empty for what is no TransMorph.
    """
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    table = "transformer.layers.{}.blocks.0.attn.relative_position_bias_table"
    try:
        told: dict[str, Any] = {
            "embed_dim": shapes["transformer.patch_embed.proj.weight"][0],
            "depths": tuple(
                len({found[0] for name in shapes if (found := re.match(pattern, name))})
                for pattern in (rf"transformer\.layers\.{n}\.blocks\.\d+\." for n in range(4))
            ),
            "num_heads": tuple(shapes[table.format(n)][1] for n in range(4)),
            "reg_head_chan": shapes["reg_head.0.weight"][1],
            "oasis": "up4.conv1.0.weight" not in shapes,
            "qkv_bias": "transformer.layers.0.blocks.0.attn.qkv.bias" in shapes,
            "patch_norm": "transformer.patch_embed.norm.weight" in shapes,
            "ape": "transformer.absolute_pos_embed" in shapes,
            "rpe": any(name.endswith(_INDEX) for name in shapes),
        }
        if _GRID in shapes:
            told["img_size"] = shapes[_GRID][2:]
    except (KeyError, IndexError):
        return {}
    return told


def _take_constants(network: TransMorphNetwork, state: dict[str, Tensor], path: Path) -> None:
    """Remove what follows from the architecture."""
    state.pop(_GRID, None)
    for name, expected in network.named_buffers():
        value = state.pop(name, None)
        if value is None or not _same(value, expected):
            raise ModelError(
                f"The weights file {path} was not trained with the window_size "
                f"{list(network.architecture.window_size)} of the manifest's 'architecture'.",
                "Give the manifest what it was trained with.",
            )


def _same(value: Tensor, expected: Tensor) -> bool:
    """Compare two tensors of which the first may be anything that a file can hold."""
    plain = value.layout is torch.strided and value.device.type == "cpu"
    return plain and value.dtype == expected.dtype and torch.equal(value, expected)


def _shown(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value).lower()
