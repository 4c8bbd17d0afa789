"""What a new result's folder is called."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path


def new_result_folder(parent: Path, moving: str, fixed: str) -> Path:
    """Return a folder that does not exist yet, named after the images and the time.

    Letters outside ASCII are left out of the name: some tools that a result may be opened with
    later cannot deal with them.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{moving} on {fixed}").strip("-.")[:80] or "result"
    stem = f"{plain}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"
    folder, number = parent / stem, 1
    while folder.exists():
        number += 1
        folder = parent / f"{stem}-{number}"
    return folder
