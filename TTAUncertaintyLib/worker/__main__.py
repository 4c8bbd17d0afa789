"""Start of the worker, by module name or by the path of this file."""

import os
import sys
from pathlib import Path

if not __package__:
    # Started by path: the first entry is this folder, whose names are nobody else's business;
    # the folder that holds the library takes its place.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

# Threads that wait by spinning for long take the processor from each other as soon as anything else
# runs (Slicer does). A short spin costs little when alone. To be said before torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")

from TTAUncertaintyLib.worker.main import main

if __name__ == "__main__":
    sys.exit(main())
