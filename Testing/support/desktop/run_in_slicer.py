"""Runs pytest in a Slicer, which `test_slicer` starts with this file; ends it with pytest's status.

It runs in the main thread, as everything of Qt has to, when Slicer has started.
"""

import json
import os
import sys
import traceback

import slicer.util

given = json.loads(os.environ["TTAUNCERTAINTY_TESTS_IN_SLICER"])
sys.path[:0] = given["path"]
for name in ("stdout", "stderr"):  # Slicer's own go to its console
    descriptor = os.dup({"stdout": 1, "stderr": 2}[name])
    setattr(sys, name, os.fdopen(descriptor, "w", buffering=1, encoding="utf-8"))

status = 3  # pytest's number for an error of its own
try:
    import pytest

    status = int(pytest.main(given["arguments"]))
except BaseException:
    traceback.print_exc()
sys.stdout.flush()
slicer.util.exit(status)
