"""Reading TorchScript files, which are programs: only for somebody who agreed to run one.

Nothing can be told about such a file by looking at it first. While torch reads it, it evaluates the
default of every argument of every method, the constants of its classes and the methods
`__setstate__`, and any of these can write a file (`aten::save`) or read one; hooks of the network
are no part of the compiled graph of `forward`. So there is no reading without running.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import torch
from torch import nn

from ...errors import ModelError
from .archives import check_program


def read_torchscript(path: Path, data: bytes) -> nn.Module:
    """Load a TorchScript file that somebody agreed to run, onto the CPU.

    Raises
    ------
    ModelError
        If it is damaged, or no TorchScript file.
    """
    check_program(path, data)
    try:
        with warnings.catch_warnings():
            # torch advises those who write such files to export them otherwise
            warnings.simplefilter("ignore", DeprecationWarning)
            module: nn.Module = torch.jit.load(io.BytesIO(data), map_location="cpu")
    except (RuntimeError, ValueError, EOFError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} is damaged, or is no TorchScript that this torch reads "
            f"({str(error).strip().splitlines()[-1]}).",
            "Export it again.",
        ) from error
    return module
