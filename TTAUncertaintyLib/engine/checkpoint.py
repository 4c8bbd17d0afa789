"""Keeping a run's state in a file, so that a later session can go on."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..models.safetensors_io import read_safetensors, write_safetensors
from .engine import Engine


def save_checkpoint(engine: Engine, path: Path) -> None:
    """Write the engine's state; the file is complete or, if something fails, as it was before."""
    partial = path.with_name(path.name + ".partial")
    write_safetensors(partial, engine.state(), {"fingerprint": engine.fingerprint()})
    partial.replace(path)


def load_checkpoint(engine: Engine, path: Path) -> bool:
    """Take up a saved state.

    Returns
    -------
    bool
        Whether there was a file to take up.

    Raises
    ------
    InputError
        If the file is damaged or belongs to a run with other images, model or design.
    """
    if not path.exists():
        return False
    try:
        state, metadata = read_safetensors(path)
    except (ValueError, OSError) as error:
        raise InputError(
            f"The checkpoint {path} cannot be read: {error}", "Delete it to begin again."
        ) from error
    if metadata.get("fingerprint") != engine.fingerprint():
        raise InputError(
            f"The checkpoint {path} belongs to another run (other images, model, design or "
            "precision).",
            "Name another file, or delete it to begin again.",
        )
    engine.restore(state)
    return True
