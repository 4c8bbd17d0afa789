"""Keeping a run's state in a file, so that a later session can go on."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from ..errors import InputError, OutputError
from ..models.weights.safetensors_io import read_metadata, read_safetensors, write_safetensors
from ..whole_files import written_whole
from .engine import Engine
from .execution import Precision

#: Of what a checkpoint holds; 2: the sums behind the standard error too; 3: the spare contrast;
#: 4: passes of the network for any anatomy that demons refined, not to be mixed with earlier ones.
_STATE_VERSION = "4"


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
    try:
        about = {
            "state_version": _STATE_VERSION,
            "fingerprint": fingerprint(engine),
            "precision": engine.precision.value,
        }
        with written_whole(path) as partial:
            write_safetensors(partial, engine.state(), about)
    except OSError as error:
        raise OutputError(
            f"The checkpoint {path} cannot be written: {error.strerror or error}.",
            "Free some space, or name another file.",
        ) from error


def check_checkpoint(path: Path) -> bool:
    """Make sure, before a run, that a file can be its checkpoint.

    Returns
    -------
    bool
        Whether there is one already.

    Raises
    ------
    InputError
        If there is a file that is no checkpoint.
    OutputError
        If none can be written there.
    """
    try:
        if path.is_dir():
            raise OutputError(f"The checkpoint {path} is a folder.", "Name a file.")
        if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
            raise OutputError(
                f"The checkpoint {path} cannot be written: its folder is missing or read-only.",
                "Name a file in another folder.",
            )
        if not path.exists():
            return False
        ours = "fingerprint" in read_metadata(path)
    except ValueError:
        ours = False
    except OSError as error:
        raise InputError(
            f"The checkpoint {path} cannot be read: {error.strerror or error}.",
            "Name another file.",
        ) from error
    if not ours:
        raise InputError(
            f"{path} is no checkpoint of a run; it was left as it is.",
            "Name another file for the checkpoint.",
        )
    return True


def load_checkpoint(engine: Engine, path: Path) -> bool:
    """Take up a saved state.

    Returns
    -------
    bool
        Whether there was a file to take up.

    Raises
    ------
    InputError
        If the file is no checkpoint, damaged, of another version of the software, or belongs to a
        run with other images, model or design. It is left as it is.
    """
    if not check_checkpoint(path):
        return False
    try:
        state, metadata = read_safetensors(path)
    except (ValueError, OSError) as error:
        raise InputError(
            f"The checkpoint {path} is damaged: {error}",
            "Delete it to begin again, or name another file.",
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
