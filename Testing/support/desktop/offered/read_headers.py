"""Reads the publishers' headers for what Python is offered of each class, into names.json.

Through PythonQt a class offers its properties, signals, slots and invokables, which are what Qt's
own ``moc`` finds in its header, and what decorators add: the slots of PythonQt's generated wrapper
of a Qt class, and slots of the decorator classes of PythonQt, CTK and Slicer whose first argument
is such an object. ``moc`` reads all of them, so nothing is parsed here. Only names are kept.

Run it with a checkout of each, Qt's headers and Qt 5's ``moc`` (Debian: qtbase5-dev); classes that
are in names.json already are read again, those that are named are added, and their bases too::

    python Testing/support/desktop/offered/read_headers.py --qt /usr/include/x86_64-linux-gnu/qt5 \
        --pythonqt PythonQt --ctk CTK --slicer Slicer --version "Slicer=5.13, 1234567" QSlider
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOC = "/usr/lib/qt5/bin/moc"
NAMES = Path(__file__).with_name("names.json")
_PUBLIC = "public"
_WRAPPER = "PythonQtWrapper_"
_KINDS = ("properties", "constants", "methods", "signals", "enums", "values")


class Headers:
    """Four folders of headers, and where in them a class is declared."""

    def __init__(self, qt: Path, pythonqt: Path, ctk: Path, slicer: Path, moc: str) -> None:
        self._moc = moc
        self._qt = qt
        self._include = [f"-I{qt}", *(f"-I{folder}" for folder in qt.glob("Qt*"))]
        self._read: dict[Path, list[dict[str, Any]]] = {}
        self._own: dict[str, Path] = {}
        for folder in (ctk, slicer):
            self._own |= {path.stem: path for path in folder.rglob("*.h")}
        self._wrappers: dict[str, Path] = {}
        self._bases: dict[str, list[str]] = {}
        generated = next(pythonqt.glob("generated_cpp_515"))
        for path in [*generated.rglob("*.h"), *(pythonqt / "src").rglob("*.h")]:
            for name in re.findall(rf"class {_WRAPPER}(\w+)", path.read_text()):
                self._wrappers[name] = path
        for path in generated.rglob("*_init.cpp"):
            told = r'(?:registerCPPClass|addParentClass)\("(\w+)", "(\w+)"'
            for name, base in re.findall(told, path.read_text()):
                self._bases.setdefault(name, []).append(base)
        decorators = [pythonqt / "src/PythonQtStdDecorators.h"]
        decorators += [p for name, p in self._own.items() if name.endswith("PythonQtDecorators")]
        self._decorators = [found for path in decorators for found in self._classes(path)]

    def _classes(self, path: Path) -> list[dict[str, Any]]:
        """What moc finds in a header."""
        if path not in self._read:
            with tempfile.TemporaryDirectory() as folder:
                output = Path(folder) / "moc.cpp"
                command = [self._moc, "--output-json", *self._include, "-o", output, path]
                subprocess.run(command, check=True, capture_output=True)
                found = Path(f"{output}.json")
                text = found.read_text() if found.exists() else ""
            self._read[path] = json.loads(text or "{}").get("classes", [])
        return self._read[path]

    def _header(self, name: str) -> Path | None:
        if name in self._own:
            return self._own[name]
        for folder in self._qt.glob("Qt*"):
            if (folder / name).is_file():
                forward = re.search(r'"(.+)"', (folder / name).read_text())
                return folder / forward[1] if forward else None
        return None

    def read(self, name: str) -> dict[str, Any]:
        """Return the names that a class adds to those of its bases."""
        kinds: dict[str, set[str]] = {kind: set() for kind in _KINDS}
        bases = self._bases.get(name, [])
        header = self._header(name)
        for declared in self._classes(header) if header else []:
            if declared["className"] == name:
                _add_own(kinds, declared)
                above = declared.get("superClasses", [])
                public = [base["name"] for base in above if base["access"] == _PUBLIC]
                bases = [_without_template(base) for base in public]
        path = self._wrappers.get(name)
        for declared in self._classes(path) if path else []:
            if declared["className"] == _WRAPPER + name:
                kinds["methods"] |= {n for n, _ in _functions(declared, name) if n is not None}
                _add_enums(kinds, declared)
        for declared in self._decorators:
            for function, first in _functions(declared, name):
                if function is not None and first in (None, name):
                    kinds["methods"].add(function)
        if name == "QTimer":  # PythonQt hides this one, in favour of the function of that name
            kinds["properties"].discard("singleShot")
        found: dict[str, Any] = {"bases": bases}
        found |= {kind: sorted(names) for kind, names in kinds.items() if names}
        return found


def _without_template(name: str) -> str:
    return name.partition("<")[0]


def _add_own(kinds: dict[str, set[str]], declared: dict[str, Any]) -> None:
    """Add what moc found in the class itself."""
    for found in declared.get("properties", []):
        written = "write" in found or "member" in found
        kinds["properties" if written else "constants"].add(found["name"])
    for kind in ("slots", "methods"):
        public = (found for found in declared.get(kind, []) if found["access"] == _PUBLIC)
        kinds["methods"] |= {found["name"] for found in public}
    for found in declared.get("signals", []):
        arguments = [_plain(argument["type"]) for argument in found.get("arguments", [])]
        kinds["signals"].add(f"{found['name']}({','.join(arguments)})")
    _add_enums(kinds, declared)


def _add_enums(kinds: dict[str, set[str]], declared: dict[str, Any]) -> None:
    for found in declared.get("enums", []):
        kinds["enums"].add(found.get("alias") or found["name"])
        kinds["enums"].add(found["name"])
        kinds["values"] |= set(found["values"])


def _plain(type_name: str) -> str:
    """A type as Qt writes it in a normalised signature."""
    return re.sub(r"^const\s+|\s*&$|\s+", "", type_name)


def _functions(declared: dict[str, Any], name: str) -> Iterator[tuple[str | None, str | None]]:
    """Yield the functions of decorators: the name, and the class of the first argument.

    The class is None for a static function of the class of this name; the name is None for a
    function that is nobody's.
    """
    for kind in ("slots", "methods"):
        for found in declared.get(kind, []):
            function = found["name"].removeprefix("py_q_")
            if found["access"] != _PUBLIC or function.startswith(("new_", "delete_", "operator")):
                continue
            if function.startswith("static_"):
                if function.startswith(f"static_{name}_"):
                    yield function.removeprefix(f"static_{name}_"), None
                continue
            arguments = found.get("arguments", [])
            first = re.sub(r"^const|[*&\s]", "", arguments[0]["type"]) if arguments else None
            yield function if arguments else None, first


def main() -> None:
    """Read everything again, and write names.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("qt", "pythonqt", "ctk", "slicer"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--moc", default=MOC)
    parser.add_argument("--version", action="append", default=[], metavar="WHAT=VERSION")
    parser.add_argument("classes", nargs="*", help="classes to add")
    given = parser.parse_args()
    before = json.loads(NAMES.read_text()) if NAMES.exists() else {"read from": {}, "classes": {}}
    headers = Headers(given.qt, given.pythonqt, given.ctk, given.slicer, given.moc)
    classes: dict[str, Any] = {}
    waiting = [*before["classes"], *given.classes]
    while waiting:
        name = waiting.pop()
        if name not in classes:
            classes[name] = headers.read(name)
            waiting += classes[name]["bases"]
    versions = before["read from"] | dict(text.split("=", 1) for text in given.version)
    _write(versions, classes)


def _write(versions: dict[str, str], classes: dict[str, Any]) -> None:
    """Write one line for each kind of names, so that a change can be read."""
    lines = []
    for name in sorted(classes):
        kinds = (f'   "{kind}": {json.dumps(names)}' for kind, names in classes[name].items())
        lines.append(f'  "{name}": {{\n' + ",\n".join(kinds) + "}")
    head = json.dumps(versions, indent=2)
    body = ",\n".join(lines)
    NAMES.write_text(f'{{"read from": {head},\n "classes": {{\n{body}\n}}}}\n')


if __name__ == "__main__":
    main()
