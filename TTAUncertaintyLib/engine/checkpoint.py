"""Keeping a run's state in a file, so that a later session can go on."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from ..errors import InputError, OutputError
from ..models.weights.safetensors_io import read_safetensors, write_safetensors
from .engine import Engine
from .execution import Precision

#: Of what a checkpoint holds; 2: the sums behind the standard error too; 3: the spare contrast.
_STATE_VERSION = "3"


def fingerprint(engine: Engine) -> str:
    """Return a hash of everything that decides a result: two equal runs may share a state."""
    description = {
        "design": engine.design.as_dict(),
        "model": engine.model.description.name,
        "weights": [m.weights.sha256 if m.weights else "" for m in (engine.model, *engine.members)],
        "precision": engine.execution.precision.value,
        "may_reduce": engine.execution.may_reduce,
        "lattices": [engine.pair.moving_lattice.as_dict(), engine.pair.fixed_lattice.as_dict()],
        "full_covariance": engine.full_covariance,
        "reverse_pass": engine.reverse_pass,
    }
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for tensor in (engine.pair.moving, engine.pair.fixed):
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def save_checkpoint(engine: Engine, path: Path) -> None:
    """Write the engine's state; the file is complete or, if something fails, as it was before.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        about = {
            "state_version": _STATE_VERSION,
            "fingerprint": fingerprint(engine),
            "precision": engine.precision.value,
        }
        write_safetensors(partial, engine.state(), about)
        partial.replace(path)
    except OSError as error:
        raise OutputError(
            f"The checkpoint {path} cannot be written: {error.strerror or error}.",
            "Free some space, or name another file.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def load_checkpoint(engine: Engine, path: Path) -> bool:
    """Take up a saved state.

    Returns
    -------
    bool
        Whether there was a file to take up.

    Raises
    ------
    InputError
        If the file is damaged, of another version of the software, or belongs to a run with other
        images, model or design.
    """
    if not path.exists():
        return False
    try:
        state, metadata = read_safetensors(path)
    except (ValueError, OSError) as error:
        raise InputError(
            f"The checkpoint {path} cannot be read: {error}", "Delete it to begin again."
        ) from error
    if metadata.get("state_version", "1") != _STATE_VERSION:
        raise InputError(
            f"The checkpoint {path} was written by another version of this software, which keeps "
            "other sums.",
            "Go on with that version, or delete the file to begin again.",
        )
    if metadata.get("fingerprint") != fingerprint(engine):
        raise InputError(
            f"The checkpoint {path} belongs to another run (other images, model, design or "
            "precision).",
            "Name another file, or delete it to begin again.",
        )
    engine.restore(state, Precision(metadata["precision"]))
    return True
