"""Build the site: `make docs`. Open build/site/index.html.

Pages of the docs folder and others of the repository (README, change log, ...) are laid out in
build/site-pages, and Sphinx makes the site of them:

- Notebooks become pages; their code is shown, and the tests run it.
- The reference is written from the names that each room of the library hands out.
- A link to a file that is no page leads to the repository. A link that leads nowhere, a page
  without a place in `SECTIONS`, and whatever else Sphinx warns of end the build.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import sys
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "TTAUncertaintyLib"
PAGES, SITE = ROOT / "build" / "site-pages", ROOT / "build" / "site"
LOGO = "TTAUncertainty.png"

#: Pages of the site that lie elsewhere than in the docs folder.
ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CODE_OF_CONDUCT.md": "CODE_OF_CONDUCT.md",
    "Resources/Calibrations/README.md": "CALIBRATIONS_SHIPPED.md",
    "Resources/Models/MODEL_CARD.md": "MODEL_CARD.md",
    "Resources/SampleData/NOTICE.md": "SAMPLE_DATA_NOTICE.md",
}

#: Rooms of the reference and their titles; `api` is the front door, `errors` a single file.
ROOMS = {
    "api": "The front door",
    "geometry": "Geometry",
    "perturbations": "Perturbations",
    "models": "Models",
    "variance": "Variance",
    "engine": "Engine",
    "results": "Results",
    "review": "Review",
    "calibration": "Calibration",
    "worker": "Worker",
    "errors": "Errors",
}

#: Where every page has its place.
SECTIONS = {
    "Tutorials": ("tutorials/first_map", "tutorials/lung"),
    "How to": (
        "MODELS",
        "IMAGES",
        "LABELS_AND_AUDITS",
        "WEIGHTS",
        "ADD_A_NETWORK",
        "HEART_NETWORK",
        "TRANSMORPH",
        "SLICER_MODULE",
        "VIEWER",
        "COHORTS",
        "CONTRIBUTING",
    ),
    "Explanation": (
        "ARCHITECTURE",
        "EVALUATION",
        "CALIBRATION",
        "INTRINSIC_SPREAD",
        "SAMPLE_IMAGES",
        "BENCHMARKS",
        "SECURITY",
        "EXTENSIONS_INDEX",
    ),
    "Reference": (
        *(f"reference/{room}" for room in ROOMS),
        "MODEL_MANIFEST",
        "WORKER",
        "MODEL_CARD",
        "CALIBRATIONS_SHIPPED",
        "SAMPLE_DATA_NOTICE",
        "CHANGELOG",
        "CODE_OF_CONDUCT",
    ),
}

_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_SOURCE = re.compile(r'(<img[^>]* src=")([^"]+)(")')
_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)


class BrokenLink(Exception):  # noqa: N818  (it says what it is)
    """A link of a page leads to nothing."""


def main() -> int:
    """Lay out the pages and build the site; returns Sphinx's status."""
    from sphinx.cmd.build import build_main

    lay_out(PAGES)
    shutil.rmtree(SITE, ignore_errors=True)
    return build_main(["-q", "-W", "--keep-going", "-E", str(PAGES), str(SITE)])


def lay_out(folder: Path) -> None:
    """Write every page and picture of the site into a folder, which is made anew.

    Raises
    ------
    BrokenLink
        If a link leads nowhere.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "_static").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("site.css"), folder / "_static")
    shutil.copy(Path(__file__).with_name("conf.py"), folder)
    shutil.copy(ROOT / LOGO, folder)
    for source, page in pages().items():
        text = (ROOT / source).read_text(encoding="utf-8")
        text = notebook_as_page(text) if source.endswith(".ipynb") else text
        for picture in pictures(text, source):
            place = folder / picture.removeprefix("docs/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / picture, place)
        text = with_links(text, source, page)
        _write(folder / page, text + contents() if page == "index.md" else text)
    for room, title in ROOMS.items():
        _write(folder / "reference" / f"{room}.rst", reference(room, title))


def pages() -> dict[str, str]:
    """Return the pages of the site by their files in the repository."""
    docs = ROOT / "docs"
    own = [path.relative_to(docs).as_posix() for path in docs.rglob("*.*")]
    kept = sorted(name for name in own if name.endswith((".md", ".ipynb")) and "." not in name[:1])
    found = {f"docs/{name}": re.sub(r"\.ipynb$", ".md", name) for name in kept}
    return {name: page for name, page in found.items() if "checkpoint" not in name} | ELSEWHERE


def repository() -> str:
    """Return the repository's address, which the extension's CMake file says."""
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    found = re.search(r'set\(EXTENSION_HOMEPAGE "(.*)"\)', text)
    if found is None:
        raise ValueError("CMakeLists.txt has no EXTENSION_HOMEPAGE.")
    return found[1]


def with_links(text: str, source: str, page: str) -> str:
    """Return Markdown whose links lead to pages of the site, or to the repository.

    Parameters
    ----------
    text
        Of a file of the repository.
    source
        Its path there; what its links are relative to.
    page
        Its path in the site.

    Raises
    ------
    BrokenLink
        If a link leads to nothing.
    """
    known = pages()

    def turned(found: re.Match[str]) -> str:
        target, hash_, anchor = found[2].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return found[0]
        path = _resolved(source, target)
        name = path.relative_to(ROOT).as_posix()
        if name in known or path.suffix == ".png":
            place = known.get(name, name.removeprefix("docs/"))
            leads = os.path.relpath(place, PurePosixPath(page).parent)
        else:
            leads = f"{repository()}/{'tree' if path.is_dir() else 'blob'}/main/{name}"
        return f"{found[1]}{leads}{hash_}{anchor}{found[3]}"

    parts = _CODE.split(text)
    parts = [part if _CODE.fullmatch(part) else _SOURCE.sub(turned, part) for part in parts]
    # a link's words may be code, so that its two brackets lie in two parts
    return "".join(part if _CODE.fullmatch(part) else _LINK.sub(turned, part) for part in parts)


def pictures(text: str, source: str) -> set[str]:
    """Return the pictures that a page shows, by their paths in the repository."""
    targets = [found[1] for found in [*_LINK.findall(text), *_SOURCE.findall(text)]]
    local = [name for name in targets if name.endswith(".png") and "://" not in name]
    return {_resolved(source, name).relative_to(ROOT).as_posix() for name in local}


def notebook_as_page(content: str) -> str:
    """Return a notebook's cells as Markdown, without outputs."""
    parts = []
    for cell in json.loads(content)["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    return "\n\n".join(parts) + "\n"


def contents() -> str:
    """Return the contents of the site, for the side bar."""
    blocks = [
        f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n" + "\n".join(names) + "\n```\n"
        for title, names in SECTIONS.items()
    ]
    return "\n" + "\n".join(blocks)


def reference(room: str, title: str) -> str:
    """Return the reference of a room: what it is, and every name that it hands out."""
    file = LIBRARY / f"{room}.py"
    if file.is_file():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = [(room, each) for each in tree.body if isinstance(each, ast.ClassDef)]
    else:
        tree = ast.parse((LIBRARY / room / "__init__.py").read_text(encoding="utf-8"))
        names = handed_out(room, tree)
    lines = [title, "=" * len(title), "", ast.get_docstring(tree) or "", ""]
    for module, node in names:
        kind = "class" if isinstance(node, ast.ClassDef) else "function"
        lines += [f".. auto{kind}:: TTAUncertaintyLib.{module}.{node.name}"]
        lines += ["   :members:", "   :undoc-members:", ""] if kind == "class" else [""]
    return "\n".join(lines)


def handed_out(room: str, tree: ast.Module) -> list[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    """Return the functions and classes that a room's package imports from its own modules."""
    found = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.ImportFrom) and node.level == 1 and node.module):
            continue
        module = LIBRARY / room / f"{node.module}.py"
        body = ast.parse(module.read_text(encoding="utf-8")).body if module.is_file() else []
        wanted = {alias.name for alias in node.names}
        for each in body:
            if isinstance(each, (ast.ClassDef, ast.FunctionDef)) and each.name in wanted:
                found[each.name] = (f"{room}.{node.module}", each)
    return list(found.values())


def _resolved(source: str, target: str) -> Path:
    path = Path(os.path.normpath((ROOT / source).parent / target))
    if not path.exists() or not path.is_relative_to(ROOT):
        raise BrokenLink(f"{source}: the link to {target} leads nowhere.")
    return path


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
