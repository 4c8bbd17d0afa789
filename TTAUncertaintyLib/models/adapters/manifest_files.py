"""The files that a manifest names: there, unchanged, and not run unless somebody agreed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...errors import ConsentNeeded, ModelError
from ...geometry import sha256
from ..contract import WeightsFile
from ..manifest import Manifest


def verified(manifest: Manifest) -> WeightsFile:
    """Return the record of a manifest's file, once all that it names is what it says.

    Raises
    ------
    ModelError
        If a file is missing or is another one.
    """
    for name, wanted in manifest.files.items():
        path = manifest.path.parent / name
        if not path.is_file():
            raise ModelError(
                f"The manifest {manifest.path} names {name}, which is not beside it.",
                "Put it there.",
            )
        found = sha256(path)
        if found != wanted:
            raise ModelError(
                f"{path} is not the file that its manifest describes: its SHA-256 is {found}, and "
                f"the manifest says {wanted}.",
                "Get the file again; if you changed it yourself, write its SHA-256 into the "
                "manifest.",
            )
    return WeightsFile(manifest.network_file, manifest.sha256, None)


def read_program(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest's file, which are what may run.

    It is these whose hash is checked, and not what the file holds by the time that it is run.

    Raises
    ------
    ModelError
        If they are not what the manifest says.
    """
    data = manifest.network_file.read_bytes()
    if hashlib.sha256(data).hexdigest() != manifest.sha256:
        raise ModelError(f"{manifest.network_file} was changed while it was read.", "Try again.")
    return data


def ask_for_consent(manifest: Manifest, what: str, instead: str = "") -> ConsentNeeded:
    """Return the question whether a file may run.

    Parameters
    ----------
    what
        What the file is or does, in a few words that follow its name.
    """
    path: Path = manifest.network_file
    return ConsentNeeded(
        f"{path} (SHA-256 {manifest.sha256}) {what}. It would run with all the rights that you "
        "have on this computer.",
        "If you know where it comes from and trust it, agree with --trust-code "
        f"(load_model(..., trust_code=True)).{' ' * bool(instead)}{instead}",
        path,
        manifest.sha256,
    )
