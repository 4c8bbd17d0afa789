"""From checkpoints to the weights that ship."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from TTAUncertaintyLib.geometry import sha256
from TTAUncertaintyLib.models.networks.pyramid_flow import PyramidFlowArchitecture
from TTAUncertaintyLib.models.weights.described import (
    ARCHITECTURE,
    architecture_from_text,
    architecture_to_text,
)
from TTAUncertaintyLib.models.weights.safetensors_io import write_safetensors

WEIGHTS_NAME = "tta_pyramid_flow.safetensors"


def export_weights(
    states: Sequence[dict[str, Any]],
    path: Path,
    about: dict[str, str],
    iterations: Sequence[int] | None = None,
    bits: int | None = None,
) -> str:
    """Write the averaged weights of checkpoints in half precision.

    Parameters
    ----------
    states
        Each from `Trainer.state`; of runs that went on from the same weights the mean is written,
        which is better than each of them (Wortsman et al.: Model soups. ICML 2022).
    about
        Free text for the header, beside the architecture.
    iterations
        Of the network's levels, finest first, in place of those that were trained.
    bits
        Significant ones that are kept of each weight; the file then takes less when compressed.

    Returns
    -------
    str
        The file's SHA-256, hexadecimal.
    """
    averages = [state["average"] for state in states]
    tensors = {}
    for name in averages[0]:
        mean = torch.stack([average[name].float() for average in averages]).mean(dim=0)
        tensors[name] = (mean if bits is None else _rounded(mean, bits)).to(torch.float16)
    architecture = architecture_from_text(PyramidFlowArchitecture, str(states[0]["architecture"]))
    if iterations is not None:
        architecture = replace(architecture, iterations=tuple(iterations))
    steps = "+".join(str(state["done"]) for state in states)
    metadata = {ARCHITECTURE: architecture_to_text(architecture), "steps": steps, **about}
    write_safetensors(path, tensors, metadata)
    return sha256(path)


def _rounded(values: Tensor, bits: int) -> Tensor:
    mantissa, exponent = torch.frexp(values)
    return torch.ldexp((mantissa * 2**bits).round() / 2**bits, exponent)
