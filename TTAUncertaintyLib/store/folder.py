"""Where weights are kept: the person's own cache folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: Names another folder, for tests and for machines that share one.
VARIABLE = "TTAUNCERTAINTY_CACHE"


def cache_folder() -> Path:
    """Return the folder that everything downloaded is kept in; it may not exist yet.

    `TTAUNCERTAINTY_CACHE` where it is set; otherwise the system's place for caches.
    """
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "TTAUncertainty"
