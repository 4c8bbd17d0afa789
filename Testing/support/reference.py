"""Files of the reference folder: real weights and fields that are not part of this repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def reference_file(name: str) -> Path:
    """Return a file of the reference folder; skip, naming it, where it is not there.

    The publisher's weights are not part of this repository: the folder is named by the
    environment variable TTAUNCERTAINTY_REFERENCE, or lies beside the checkout.
    """
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "reference"
    path = Path(os.environ.get("TTAUNCERTAINTY_REFERENCE", beside)) / name
    if not path.is_file():
        pytest.skip(
            f"NOT TESTED against the publisher: {name} is not here. Set TTAUNCERTAINTY_REFERENCE "
            "to a folder that holds it."
        )
    return path
