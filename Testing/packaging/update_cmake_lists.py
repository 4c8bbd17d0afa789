"""Write, or check, the lists of files that the extension installs.

    python Testing/packaging/update_cmake_lists.py            write the files.cmake of both folders
    python Testing/packaging/update_cmake_lists.py --check    say what is wrong with them, exit 1

Slicer's build installs what is listed and nothing else, so a new file has to be in the list. Files
that git tracks count, and new ones that git does not ignore, so that the check speaks up before
the commit. Only the standard library is needed.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LIST_FILE = Path("TTAUncertaintyLib") / "files.cmake"
MODULE_LIST_FILE = Path("TTAUncertainty") / "files.cmake"
INSTALLED_RESOURCES = ("SampleData", "Models", "ColorTables", "Calibrations")
BUILD_FILES = {"CMakeLists.txt"}

HEADER = """\
# Files that the extension installs. Written by Testing/packaging/update_cmake_lists.py.
# Paths in the first two lists are relative to this folder, in the others to the top folder.
"""
MODULE_HEADER = """\
# Files of the module that the extension installs, relative to this folder. Written by
# Testing/packaging/update_cmake_lists.py.
"""


def files_in_tree(repository: Path = REPOSITORY) -> list[str]:
    """Files of the repository, tracked or new, as sorted POSIX paths relative to it.

    Without git (an unpacked source archive) the folders are walked instead.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    folders = ["TTAUncertainty", "TTAUncertaintyLib", "Resources"]
    try:
        answer = subprocess.run(
            [*command, "--", *folders], cwd=repository, check=True, capture_output=True
        )
        names = {name for name in answer.stdout.decode("utf-8").split("\0") if name}
    except (OSError, subprocess.CalledProcessError):
        names = {
            path.relative_to(repository).as_posix()
            for folder in folders
            for path in (repository / folder).rglob("*")
            if "__pycache__" not in path.parts
        }
    return sorted(name for name in names if (repository / name).is_file())


def expected_module_lists(repository: Path = REPOSITORY) -> dict[str, list[str]]:
    """What the CMake lists of the module's folder have to hold, by the name of the variable."""
    lists: dict[str, list[str]] = {"TTAUncertainty_SCRIPTS": [], "TTAUncertainty_RESOURCES": []}
    for path in map(Path, files_in_tree(repository)):
        if path.parts[0] != "TTAUncertainty" or _is_for_the_build(path):
            continue
        key = "TTAUncertainty_SCRIPTS" if path.suffix == ".py" else "TTAUncertainty_RESOURCES"
        lists[key].append(path.relative_to("TTAUncertainty").as_posix())
    return lists


def _is_for_the_build(path: Path) -> bool:
    return path.name in BUILD_FILES or path.suffix == ".cmake"


def expected_lists(repository: Path = REPOSITORY) -> dict[str, list[str]]:
    """What each CMake list of the library's folder has to hold, by the name of its variable."""
    lists: dict[str, list[str]] = {
        "TTAUncertaintyLib_SCRIPTS": [],
        "TTAUncertaintyLib_DATA": [],
        "TTAUncertaintyLib_RESOURCE_SCRIPTS": [],
        "TTAUncertaintyLib_RESOURCES": [],
    }
    for name in files_in_tree(repository):
        path = Path(name)
        is_script = path.suffix == ".py"
        if path.parts[0] == "TTAUncertaintyLib":
            if _is_for_the_build(path):
                continue
            key = "TTAUncertaintyLib_SCRIPTS" if is_script else "TTAUncertaintyLib_DATA"
            lists[key].append(path.relative_to("TTAUncertaintyLib").as_posix())
        elif path.parts[0] == "Resources" and path.parts[1] in INSTALLED_RESOURCES:
            key = (
                "TTAUncertaintyLib_RESOURCE_SCRIPTS" if is_script else "TTAUncertaintyLib_RESOURCES"
            )
            lists[key].append(name)
    return lists


def written_lists(text: str) -> dict[str, list[str]]:
    """The lists in the text of a list file, by the name of the variable."""
    return {
        match[1]: re.findall(r'"([^"]*)"', match[2])
        for match in re.finditer(r"set\((\w+)\n(.*?)\n?\)", text, flags=re.DOTALL)
    }


def list_file_text(lists: dict[str, list[str]], header: str = HEADER) -> str:
    """The text of a list file."""
    blocks = [header]
    for variable, names in lists.items():
        body = "".join(f'  "{name}"\n' for name in names)
        blocks.append(f"\nset({variable}\n{body})\n")
    return "".join(blocks)


def complaints(repository: Path = REPOSITORY) -> list[str]:
    """One sentence for each file that is missing from the lists, or listed and not there."""
    found = []
    for file, expected in (
        (LIST_FILE, expected_lists(repository)),
        (MODULE_LIST_FILE, expected_module_lists(repository)),
    ):
        path = repository / file
        written = written_lists(path.read_text(encoding="utf-8")) if path.is_file() else {}
        for variable, names in expected.items():
            listed = written.get(variable, [])
            found += [f"{variable} lacks {name}" for name in names if name not in listed]
            found += [
                f"{variable} has {name}, which is gone" for name in listed if name not in names
            ]
    return found


def main() -> int:
    """Read the command line; the exit code is 0 if the lists are right at the end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    arguments = parser.parse_args()
    if arguments.check:
        found = complaints()
        for sentence in found:
            print(sentence)
        if found:
            print("Run: python Testing/packaging/update_cmake_lists.py")
        return 1 if found else 0
    for file, text in (
        (LIST_FILE, list_file_text(expected_lists())),
        (MODULE_LIST_FILE, list_file_text(expected_module_lists(), MODULE_HEADER)),
    ):
        (REPOSITORY / file).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
