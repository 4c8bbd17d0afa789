"""Where the library TTAUncertaintyLib lies, and how it is imported again after a change.

It lies beside the module in an installed extension, and one level up in a source checkout, which
is then not on Python's path.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

LIBRARY = "TTAUncertaintyLib"
PANEL = "TTAUncertaintyPanel"

#: Folder of the module file.
MODULE_FOLDER = Path(__file__).resolve().parents[1]


def library_parent(module_folder: Path = MODULE_FOLDER) -> Path:
    """Folder that holds the library.

    Raises
    ------
    FileNotFoundError
        If it is neither there nor one level up: the installation is incomplete.
    """
    for folder in (module_folder, module_folder.parent):
        if (folder / LIBRARY / "__init__.py").is_file():
            return folder
    raise FileNotFoundError(
        f"The library {LIBRARY} was not found beside the module in {module_folder}. "
        "The installation is incomplete: install the extension TTAUncertainty again."
    )


def ensure_library() -> Path:
    """Make the library importable and return the folder that holds it.

    It goes to the front of the path: a copy that pip put elsewhere may be of another version than
    this module. A second call changes nothing.
    """
    parent = library_parent()
    if str(parent) not in sys.path:
        sys.path.insert(0, str(parent))
    return parent


def reload_library() -> None:
    """Forget the library and this package, so that their next import reads the files again.

    Slicer's Reload button reads the module file again and nothing that it imports.
    """
    for name in list(sys.modules):
        if name.partition(".")[0] in (LIBRARY, PANEL):
            del sys.modules[name]
    importlib.invalidate_caches()
