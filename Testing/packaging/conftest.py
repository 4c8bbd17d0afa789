"""The extension as it is installed, by CMake and stand-ins for Slicer's macros."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
MODULES = Path("lib") / "Slicer-stand-in" / "qt-scripted-modules"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Configure and install the extension; give the build's folder and that of the modules."""
    for tool in ("cmake", "cc", "c++", "make"):
        if shutil.which(tool) is None:
            pytest.skip(f"NOT TESTED: the CMake files were not run, since there is no {tool}.")
    build = tmp_path_factory.mktemp("build")
    prefix = tmp_path_factory.mktemp("installed")
    run_tool(
        "cmake",
        *("-S", str(REPOSITORY), "-B", str(build), "-G", "Unix Makefiles"),
        *(f"-DSlicer_DIR={HERE / 'slicer_stand_in'}", "-DBUILD_TESTING=ON"),
        f"-DCMAKE_INSTALL_PREFIX={prefix}",
    )
    run_tool("cmake", "--install", str(build))
    return build, prefix / MODULES


def run_tool(*command: str) -> str:
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, f"{' '.join(command)}\n{answer.stdout}\n{answer.stderr}"
    return answer.stdout
