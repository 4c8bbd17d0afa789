"""Weights whose file says what network they are of: its architecture stands in the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from ...errors import ModelError
from ...strict_json import NotAllowed, parse_json, plain, read_as
from .safetensors_io import read_safetensors

_T = TypeVar("_T")

#: Under this key.
ARCHITECTURE = "architecture"


def architecture_to_text(architecture: object) -> str:
    """Return an architecture, a dataclass, as text for a header."""
    return json.dumps(plain(architecture), sort_keys=True)


def architecture_from_text(kind: type[_T], text: str) -> _T:
    """Read what `architecture_to_text` wrote of an architecture of a kind.

    Raises
    ------
    ValueError
        If it is anything else; the message continues a sentence about the file.
    """
    try:
        return read_as(kind, parse_json(text))
    except NotAllowed as error:
        said = str(error).rstrip(".")
        raise ValueError(
            f"its architecture is not described as this program describes it ({said})."
        ) from error


def read_described(path: Path, kind: type[_T], again: str) -> tuple[dict[str, Tensor], _T]:
    """Read the tensors and the architecture of a safetensors file.

    Parameters
    ----------
    again
        What to do where the file cannot be used.

    Raises
    ------
    ModelError
        If it is missing, damaged, or says nothing of such an architecture.
    """
    try:
        tensors, metadata = read_safetensors(path)
        return tensors, architecture_from_text(kind, metadata[ARCHITECTURE])
    except FileNotFoundError as error:
        raise ModelError(f"The weights file {path} does not exist.", "Check the path.") from error
    except KeyError as error:
        raise ModelError(
            f"The weights file {path} does not say what network its weights are for.", again
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"The weights file {path} cannot be used: {error}", again) from error
