"""Start of the worker, by module name or by the path of this file."""

import sys
from pathlib import Path

if not __package__:
    # Started by path: the first entry is this folder, whose names are nobody else's business;
    # the folder that holds the library takes its place.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from TTAUncertaintyLib.worker.main import main

if __name__ == "__main__":
    sys.exit(main())
