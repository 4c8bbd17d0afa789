"""Runs pytest in a Slicer, which `start_slicer` starts with this file; ends it with the status.

It runs in the main thread, as everything of Qt has to, when Slicer has started.
"""


def run() -> None:
    """Run the tests and leave Slicer; in a function, since a script's names are Slicer's own."""
    import json
    import os
    import sys
    import traceback

    import slicer.util

    given = json.loads(os.environ["TTAUNCERTAINTY_TESTS_IN_SLICER"])
    sys.path[:0] = given["path"]
    for name, descriptor in (("stdout", 1), ("stderr", 2)):  # Slicer's own go to its console
        file = os.fdopen(os.dup(descriptor), "w", buffering=1, encoding="utf-8")
        setattr(sys, name, file)
    status = 3  # pytest's number for an error of its own
    try:
        import pytest

        status = int(pytest.main(given["arguments"]))
    except BaseException:
        traceback.print_exc()
    slicer.util.exit(status)


run()
