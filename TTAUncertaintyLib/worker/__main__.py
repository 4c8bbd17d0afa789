"""Start of the worker, by module name or by the path of this file."""

import os
import sys
from pathlib import Path

if not __package__:
    # Started by path: the first entry is this folder, whose names are nobody else's business;
    # the folder that holds the library takes its place.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

# Threads that wait for their turn by spinning take it from each other as soon as anything else runs
# (Slicer does): several times slower. Has to be said before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from TTAUncertaintyLib.worker.main import main

if __name__ == "__main__":
    sys.exit(main())
