"""Starts a real Slicer that runs the tests of the desktop; ends with pytest's status.

    python Testing/support/desktop/start_slicer.py /path/to/Slicer [what pytest is given]

pytest comes from a folder beside, build/pytest-for-slicer, so that nothing is installed into
Slicer, and Slicer's settings are not read. The results that tests look at, and the networks, are
run by this Python, which has PyTorch: Slicer's own need not. The report is
build/slicer-tests.xml.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TESTING = ROOT / "Testing"
PYTEST = ROOT / "build" / "pytest-for-slicer"
REPORT = ROOT / "build" / "slicer-tests.xml"


def install_pytest() -> None:
    """Put pytest, which is pure Python, into a folder beside Slicer, once."""
    if (PYTEST / "pytest").is_dir():
        return
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, *constraints, "--target", str(PYTEST), "pytest"], check=True)


def main() -> int:
    """Start Slicer and wait for it."""
    if len(sys.argv) < 2 or not Path(sys.argv[1]).is_file():
        print("Say where Slicer is: make test-slicer SLICER=/path/to/Slicer")
        return 2
    slicer, *arguments = sys.argv[1:]
    install_pytest()
    sys.path.insert(0, str(TESTING))
    from support.small_result import write_result

    REPORT.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="slicer-tests-") as folder:
        options = ["--confcutdir", str(TESTING / "desktop"), "-p", "no:cacheprovider"]
        options += ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")]
        tests = [] if any("desktop" in word for word in arguments) else [str(TESTING / "desktop")]
        given = {
            "path": [str(path) for path in (PYTEST, TESTING, ROOT)],
            "arguments": [*options, "--junitxml", str(REPORT), *arguments, *tests],
        }
        environment = os.environ | {
            "TTAUNCERTAINTY_TESTS_IN_SLICER": json.dumps(given),
            "TTAUNCERTAINTY_TEST_PYTHON": sys.executable,
            "TTAUNCERTAINTY_TEST_RESULT": str(write_result(Path(folder))),
            "TTAUNCERTAINTY_CACHE": str(Path(folder, "cache")),
        }
        script = Path(__file__).with_name("run_in_slicer.py")
        command = [slicer, "--no-splash", "--disable-settings", "--python-script", str(script)]
        status = subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode
    if not REPORT.is_file():
        print(f"Slicer ended with {status} before the tests did: there is no report.")
        return status or 3
    print(f"The report is {REPORT}.")
    return status


if __name__ == "__main__":
    sys.exit(main())
