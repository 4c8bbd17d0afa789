"""The installed extension works by itself: with no checkout on the path, and every file in place.

CMake installs it against stand-ins for Slicer's macros; the harness of the desktop's tests, copied
away from the checkout, loads it in a Python that knows this project from nowhere else.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

_PROGRAM = """
import json, sys
from pathlib import Path

modules, support = sys.argv[1:]
sys.path.insert(0, support)
from support.desktop import Desktop

with Desktop(views=False) as desktop:
    import slicer

    module = desktop.load_module(Path(modules) / "TTAUncertainty.py")
    desktop.start_up()
    early = "torch" in sys.modules or "TTAUncertaintyLib.engine.engine" in sys.modules
    panel = desktop.open("TTAUncertainty")
    slicer.selfTests["TTAUncertainty"]()
    torch = "torch" in sys.modules
    ours = ("TTAUncertainty", "TTAUncertaintyLib", "TTAUncertaintyPanel")
    files = {
        name: loaded.__file__
        for name, loaded in sys.modules.items()
        if name.partition(".")[0] in ours and getattr(loaded, "__file__", None)
    }
    from TTAUncertaintyLib.worker.client import WORKER_FILE
print(json.dumps({"files": files, "path": sys.path, "torch": early or torch,
                  "worker": str(WORKER_FILE), "panel": type(panel).__name__}))
"""


def python_that_does_not_know_us(folder: Path) -> tuple[str, dict[str, str]]:
    """Return an interpreter and its environment: our packages, but no installation of this project.

    The interpreter below the virtual environment reads none of its .pth files, by which an editable
    installation is found.
    """
    packages = [path for path in sys.path if path.endswith("site-packages")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment |= {"PYTHONPATH": os.pathsep.join(packages), "HOME": str(folder)}
    environment |= {"OMP_NUM_THREADS": "1", "XDG_CONFIG_HOME": str(folder / "config")}
    return sys._base_executable, environment


def ended(command: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_interpreter_of_these_tests_knows_no_checkout(tmp_path: Path) -> None:
    python, environment = python_that_does_not_know_us(tmp_path)
    ask = (
        "import importlib.util as u; print(u.find_spec('TTAUncertaintyLib'), u.find_spec('torch'))"
    )
    said = ended([python, "-c", ask], environment, tmp_path)
    assert said.startswith("None ModuleSpec(")


@pytest.mark.slow
def test_the_installed_module_opens_and_registers_by_itself(
    installed: tuple[Path, Path], tmp_path: Path
) -> None:
    for package in ("slicer", "PySide6"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"NOT TESTED: the installed extension was not loaded without {package}.")
    modules = tmp_path / "extension"
    shutil.copytree(installed[1], modules)
    shutil.copytree(
        REPOSITORY / "Testing" / "support",
        tmp_path / "harness" / "support",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    python, environment = python_that_does_not_know_us(tmp_path)
    command = [python, "-c", _PROGRAM, str(modules), str(tmp_path / "harness")]
    found = json.loads(ended(command, environment, tmp_path).splitlines()[-1])
    assert {Path(file).is_relative_to(modules) for file in found["files"].values()} == {True}
    assert {"TTAUncertaintyLib.results.bundle", "TTAUncertaintyPanel.logic"} < set(found["files"])
    ours = [path for path in found["path"] if Path(path).is_relative_to(REPOSITORY)]
    assert [path for path in ours if not path.endswith("site-packages")] == []
    assert Path(found["worker"]).is_relative_to(modules)
    assert found["panel"] == "TTAUncertaintyWidget"
    assert not found["torch"]  # the background process alone loads it


def test_the_front_door_of_the_installed_library_opens(
    installed: tuple[Path, Path], tmp_path: Path
) -> None:
    python, environment = python_that_does_not_know_us(tmp_path)
    program = (
        f"import sys; sys.path.insert(0, {str(installed[1])!r})\n"
        "import TTAUncertaintyLib as tta\n"
        "print(tta.__file__, tta.models()['pyramid-flow'].has_weights, len(tta.models()))"
    )
    file, here, _ = ended([python, "-c", program], environment, tmp_path).split()
    assert Path(file).is_relative_to(installed[1]) and here == "True"
