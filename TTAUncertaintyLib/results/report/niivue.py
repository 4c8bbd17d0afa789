"""NiiVue (BSD-2-Clause), which draws volumes in a browser, from a package that carries it.

The package ``ipyniivue`` is for notebooks; of it nothing is run or imported here. What is taken is
the library that it keeps as one text, for pages that are to hold everything they need.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

#: Where the library lies in the package: encoded as in a URL, in a string of its own.
_FILE = Path("static", "widget.js")
_LIBRARY = re.compile(r'"([\w\-.!~*\'()%]{100000,})"')
#: What makes it usable: a module that hands these out.
_NAMES = ("Niivue", "NVImage")

#: How to get it, as HTML of our own.
HOW_TO_GET = (
    "To scroll through the volumes on this page, install NiiVue before the next run: "
    "<code>python -m pip install --no-deps ipyniivue</code>, in Slicer's Python console "
    '<code>slicer.util.pip_install("--no-deps ipyniivue")</code>.'
)


@dataclass(frozen=True)
class NiiVue:
    """The library, ready to be put into a page."""

    #: Its JavaScript module, compressed with gzip.
    module: bytes
    #: The text that has to go with it.
    licence: str

    @classmethod
    def installed(cls) -> NiiVue | None:
        """Return the library that is installed here; None if there is none, or not as expected."""
        found = importlib.util.find_spec("ipyniivue")
        if found is None or not found.submodule_search_locations:
            return None
        folder = Path(found.submodule_search_locations[0])
        try:
            module = _module_in(folder / _FILE, (folder / _FILE).stat().st_mtime_ns)
            licences = sorted(folder.parent.glob("ipyniivue-*.dist-info/licenses/LICENSE"))
            licence = licences[-1].read_text(encoding="utf-8")
        except (OSError, IndexError, UnicodeDecodeError):
            return None
        return None if module is None else cls(module, licence)


@functools.lru_cache(maxsize=1)  # for a process that stays
def _module_in(widget: Path, _changed_ns: int) -> bytes | None:
    """Return the library's module, compressed; None if it is not as expected."""
    module = unquote(max(_LIBRARY.findall(widget.read_text("utf-8")), key=len, default=""))
    handed_out = module[module.rfind("export{") :]
    if not all(re.search(rf"\b{name}\b", handed_out) for name in _NAMES):
        return None
    return gzip.compress(module.encode(), 9, mtime=0)
