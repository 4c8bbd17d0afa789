"""What the extension installs: every file of the library, at the place where it is looked for.

Slicer's own build is stood in for by ``slicer_stand_in``: this tests our CMake files, not Slicer.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]


def _load_lists_script():
    spec = importlib.util.spec_from_file_location("lists", HERE / "update_cmake_lists.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


lists = _load_lists_script()


def test_every_file_of_the_library_and_of_the_module_is_listed():
    found = lists.complaints()
    assert not found, "\n".join([*found, "Run: python Testing/packaging/update_cmake_lists.py"])


def test_a_new_file_and_a_removed_file_are_both_reported(tmp_path):
    library = tmp_path / "TTAUncertaintyLib"
    (library / "engine").mkdir(parents=True)
    (tmp_path / "Resources" / "Models").mkdir(parents=True)
    for name in ("__init__.py", "engine/__init__.py", "py.typed"):
        (library / name).touch()
    (tmp_path / "Resources" / "Models" / "weights.bin").touch()
    (library / "files.cmake").write_text(lists.list_file_text(lists.expected_lists(tmp_path)))
    assert lists.complaints(tmp_path) == []

    (library / "engine" / "loop.py").touch()
    (tmp_path / "Resources" / "Models" / "weights.bin").unlink()
    (tmp_path / "TTAUncertainty" / "Resources" / "UI").mkdir(parents=True)
    for name in ("panel.py", "Resources/UI/panel.ui", "CMakeLists.txt", "files.cmake"):
        (tmp_path / "TTAUncertainty" / name).touch()
    assert lists.complaints(tmp_path) == [
        "TTAUncertaintyLib_SCRIPTS lacks engine/loop.py",
        "TTAUncertaintyLib_RESOURCES has Resources/Models/weights.bin, which is gone",
        "TTAUncertainty_SCRIPTS lacks panel.py",
        "TTAUncertainty_RESOURCES lacks Resources/UI/panel.ui",
    ]


def test_the_index_finds_the_metadata_it_needs():
    text = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    metadata = dict(re.findall(r'^set\(EXTENSION_(\w+) "(.*)"\)$', text, flags=re.MULTILINE))
    for key in ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "DEPENDS"):
        assert metadata.get(key), f"EXTENSION_{key} is missing"
    # The index reads the lines as text: a variable in them would stay as it is.
    assert not any("${" in value for value in metadata.values())
    assert metadata["ICONURL"].endswith("/TTAUncertainty.png")
    assert (REPOSITORY / "TTAUncertainty.png").is_file()
    assert (REPOSITORY / "LICENSE").is_file()


def _run(*command: str) -> str:
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, f"{' '.join(command)}\n{answer.stdout}\n{answer.stderr}"
    return answer.stdout


def test_library_lies_beside_the_module_with_its_sub_packages_and_data(installed):
    _, modules = installed
    assert (modules / "TTAUncertainty.py").is_file()
    assert (modules / "Resources" / "Icons" / "TTAUncertainty.png").is_file()
    listed = lists.written_lists((REPOSITORY / lists.LIST_FILE).read_text(encoding="utf-8"))
    library = modules / "TTAUncertaintyLib"
    names = [name for values in listed.values() for name in values]
    assert len(names) > 10
    assert [name for name in names if not (library / name).is_file()] == []
    assert not (library / "CMakeLists.txt").exists()


def test_the_module_is_installed_with_the_package_that_it_is_made_of(installed):
    _, modules = installed
    text = (REPOSITORY / lists.MODULE_LIST_FILE).read_text(encoding="utf-8")
    names = [name for values in lists.written_lists(text).values() for name in values]
    assert {"TTAUncertainty.py", "TTAUncertaintyPanel/logic.py"} < set(names)
    assert [name for name in names if not (modules / name).is_file()] == []


def test_installed_library_finds_its_sample_images(installed):
    _, modules = installed
    program = (
        f"import sys; sys.path.insert(0, {str(modules)!r})\n"
        "from TTAUncertaintyLib import resources, sample_data\n"
        "assert all(image.is_intact() for image in sample_data.sample_images().values())\n"
        "print(resources.resources_folder())"
    )
    folder = _run(sys.executable, "-I", "-c", program).strip()
    # Not the folder beside the library, which belongs to the modules of Slicer.
    assert Path(folder) == (modules / "TTAUncertaintyLib" / "Resources").resolve()


def test_self_test_of_the_module_is_registered(installed):
    build, _ = installed
    assert (build / "registered_tests.txt").read_text().split() == ["TTAUncertainty.py"]
