"""What a worker's process is started with: its environment, and its place among processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

#: Variables that would change what the worker's Python does, and that somebody may well have set
#: for their own. Kept are those that Python is found by: PYTHONHOME, PYTHONPATH and the library
#: paths are how Slicer's own Python works.
DROPPED_VARIABLES = (
    "PYTHONSTARTUP",  # runs a file first
    "PYTHONINSPECT",  # waits for a person after the end
    "PYTHONBREAKPOINT",
    "PYTHONDEBUG",
    "PYTHONVERBOSE",
    "PYTHONPROFILEIMPORTTIME",
    "PYTHONDUMPREFS",
    "PYTHONDEVMODE",
    "PYTHONWARNINGS",  # may turn a warning of torch's into an exception
    "PYTHONOPTIMIZE",
    "PYTHONMALLOC",
    "PYTHONMALLOCSTATS",
    "PYTHONTRACEMALLOC",
    "PYTHONASYNCIODEBUG",
    "PYTHONSAFEPATH",  # leaves out the folder that the worker is started by
    "PYTHONEXECUTABLE",
    "PYTHONPLATLIBDIR",
    "MALLOC_TRIM_THRESHOLD_",  # Dask's for its workers: passes take half as long again with it
)


def clean_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without what would change the worker.

    Parameters
    ----------
    base
        Where to begin; this process's environment if None. Slicer starts other Pythons than its
        own with `slicer.util.startupEnvironment()`.
    """
    environment = dict(os.environ if base is None else base)
    for name in DROPPED_VARIABLES:
        environment.pop(name, None)
    return environment


def own_group() -> dict[str, Any]:
    """Return the options of `Popen` that give the worker a process group, and no window."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}  # Ctrl-C in a terminal is the client's to handle
