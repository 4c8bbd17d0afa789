"""What the documents say of the code is so: commands, paths, names, examples, counts, the site."""

from __future__ import annotations

import argparse
import ast
import importlib.util
import inspect
import json
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import TTAUncertaintyLib as tta
from TTAUncertaintyLib.cli.command_line import make_parser

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "TTAUncertaintyLib"
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "Resources").glob("*/*.md")),
]
#: Where a path that a document mentions may begin.
BEGINNINGS = (
    ROOT,
    LIBRARY,
    ROOT / "TTAUncertainty",
    ROOT / "TTAUncertainty" / "TTAUncertaintyPanel",
    LIBRARY / "models",
    LIBRARY / "models" / "adapters",
    LIBRARY / "viewer",
    ROOT / "docs",
)
#: Words in capitals and such stand for what a reader puts there.
_STANDS_FOR = re.compile(r"\b[A-Z]{2,}\b|\.\.\.|[<*{]")

by_name = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def blocks(language: str, document: Path) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(document), re.DOTALL | re.MULTILINE)


def inline(document: Path) -> list[str]:
    prose = re.sub(r"^```.*?^```", "", text_of(document), flags=re.DOTALL | re.MULTILINE)
    return [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", prose)]


def commands(document: Path) -> list[list[str]]:
    """Return every whole command line of ours that a document shows, without the program."""
    lines = [
        line
        for block in [*blocks("sh", document), *blocks("bash", document)]
        for line in block.replace("\\\n", " ").splitlines()
    ]
    lines += inline(document)
    found = []
    for line in lines:
        words = shlex.split(line, comments=True) if "ttauncertainty" in line else []
        begins = [n for n, word in enumerate(words) if word.rpartition("/")[2] == "ttauncertainty"]
        if begins and len(words) > begins[0] + 1:
            found.append(words[begins[0] + 1 :])
    return found


def parse(command: list[str]) -> argparse.Namespace:
    """Parse a command; files need not be there, and --help is one that exits well."""
    try:
        return make_parser().parse_args(command)
    except SystemExit as end:
        if end.code:
            raise AssertionError(f"not taken: ttauncertainty {shlex.join(command)}") from None
        return argparse.Namespace()


def required(command: list[str]) -> list[str]:
    """Return a command with what prose leaves out: `ttauncertainty run --paper` names an option."""
    needed = {
        "run": {"--fixed": "f", "--moving": "m", "-o": "o"},
        "evaluate": {"-o": "o"},
        "calibrate": {"-o": "o"},
    }.get(command[0], {})
    given = {"-o" if word == "--output" else word for word in command}
    more = [
        word for option, value in needed.items() if option not in given for word in (option, value)
    ]
    return [*command[:1], *more, *command[1:]]


@by_name
def test_the_command_line_takes_every_command(document: Path) -> None:
    for command in commands(document):
        # a command alone is its name: `ttauncertainty models`
        if len(command) == 1 and command[0] != "demo":
            parse([command[0], "--help"])
        elif not _is_pattern(command):
            parse(required(command))


def _is_pattern(command: list[str]) -> bool:
    return any(word in ("|", "...", "…") for word in command)


def test_the_readme_shows_commands() -> None:
    assert len(commands(ROOT / "README.md")) >= 8


@pytest.mark.parametrize("wrong", ["run --preset quik -o r", "models instal lapirn", "runn"])
def test_a_command_that_is_not_one_is_noticed(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(f"```sh\n.venv/bin/ttauncertainty {wrong}\n```\n")
    (command,) = commands(tmp_path / "page.md")
    with pytest.raises(AssertionError, match="not taken"):
        parse(required(command))


@by_name
def test_every_target_of_make_is_there(document: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    lines = [line for block in blocks("sh", document) for line in block.splitlines()]
    for line in [*lines, *inline(document)]:
        found = re.match(r"make ([a-z]\w*)", line)
        if found is not None:
            assert found[1] in targets, line


@by_name
def test_every_path_that_is_mentioned_is_there(document: Path) -> None:
    for words in inline(document):
        for word in words.split():
            path = word.strip(",;:()").partition("#")[0].partition("::")[0]
            ours = re.match(r"(Testing|TTAUncertainty|TTAUncertaintyLib|docs|Resources)/\w", path)
            if _STANDS_FOR.search(path) and not path.endswith(".md"):
                continue
            if ours or re.fullmatch(r"[\w/]+\.(py|cmake|ui|ctbl)", path):
                places = [*BEGINNINGS, document.parent]
                assert any((place / path).exists() for place in places), f"{path} in {words!r}"


@by_name
def test_python_examples_name_what_there_is(document: Path) -> None:
    """They are valid, what they import from us is there, and so are keywords of the front door."""
    for block in blocks("python", document):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "TTAUncertaintyLib"
            ):
                if importlib.util.find_spec(str(node.module)) is None:
                    raise AssertionError(node.module)
                if ".scene" in str(node.module) or ".viewer" in str(node.module):
                    continue
                module = import_module(str(node.module))
                for alias in node.names:
                    assert hasattr(module, alias.name), alias.name
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("tta."):
                function = getattr(tta.api, ast.unparse(node.func).removeprefix("tta."))
                known = set(inspect.signature(function).parameters)
                if "choices" in known:
                    known |= set(inspect.signature(tta.register).parameters)
                assert {str(each.arg) for each in node.keywords} <= known


@by_name
def test_json_examples_are_json(document: Path) -> None:
    for block in blocks("json", document):
        json.loads(block)


def test_the_picture_of_the_rooms_shows_every_room_and_no_other() -> None:
    picture = text_of(ROOT / "docs" / "ARCHITECTURE.md").partition("```\n")[2].partition("```")[0]
    shown = set(re.findall(r"^    (\w+)/ ", picture, re.MULTILINE)) - {"TTAUncertaintyPanel"}
    rooms = {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
    assert shown == rooms


def test_counts_of_lines_are_right() -> None:
    """A number of lines that a document states of a file, to within a tenth."""
    pages = " ".join(" ".join(text_of(document).split()) for document in DOCUMENTS)
    said = re.findall(r"`([\w/]+\.py)`\s?\((\d+) lines\)", pages)
    assert said
    for name, count in said:
        lines = len((LIBRARY / name).read_text("utf-8").splitlines())
        assert abs(lines - int(count)) <= 0.1 * lines, f"{name} has {lines} lines, not {count}"


def test_numbers_of_the_readme_are_those_of_the_presets_and_the_sample_data() -> None:
    from TTAUncertaintyLib.geometry import Lattice
    from TTAUncertaintyLib.perturbations import Preset, preset_design
    from TTAUncertaintyLib.sample_data import sample_pair

    readme = text_of(ROOT / "README.md")
    lattice = Lattice.from_geometry((80, 96, 80), (2, 2, 2), (0, 0, 0))
    for preset in Preset:
        (passes,) = re.findall(rf"^\| `{preset.value}`.*?\| (\d+) \|", readme, re.MULTILINE)
        # the plain registration, and the one the other way round
        assert int(passes) == preset_design(preset, lattice).passes + 2
    points = json.loads(sample_pair().fixed_landmarks.path.read_text("utf-8"))["markups"]
    (count,) = re.findall(r"here (\d+) anatomical points", readme)
    assert int(count) == len(points[0]["controlPoints"])


def test_the_readme_lists_the_models_that_there_are() -> None:
    readme = text_of(ROOT / "README.md")
    table = readme.partition("| name | what it is | weights |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([\w-]+)`", table))
    from TTAUncertaintyLib.models import MODELS

    assert named == set(MODELS)


def test_every_page_has_its_place_on_the_site_and_every_link_leads_somewhere(
    tmp_path: Path,
) -> None:
    site = _site()
    site.lay_out(tmp_path / "pages")
    placed = {name for names in site.SECTIONS.values() for name in names} | {"index"}
    laid = {
        path.relative_to(tmp_path / "pages").with_suffix("").as_posix()
        for path in (tmp_path / "pages").rglob("*")
        if path.suffix in (".md", ".rst")
    }
    assert laid == placed


def test_a_link_that_leads_nowhere_ends_the_build() -> None:
    site = _site()
    text = "[a](docs/MODELS.md#x) [b](LICENSE) [c](docs) [d](https://e.f) `[g](h)` [i](#j)"
    turned = site.with_links(text, "README.md", "index.md")
    assert turned.startswith("[a](MODELS.md#x) [b](https://github.com/")
    assert "/blob/main/LICENSE)" in turned and "/tree/main/docs)" in turned
    assert turned.endswith("[d](https://e.f) `[g](h)` [i](#j)")
    with pytest.raises(site.BrokenLink, match="NOTHING"):
        site.with_links("[a](NOTHING.md)", "README.md", "index.md")
    with pytest.raises(site.BrokenLink, match="leads nowhere"):
        site.with_links("[a](../../secret.md)", "docs/MODELS.md", "MODELS.md")


@pytest.mark.slow
def test_the_site_is_built_without_a_warning() -> None:
    for package in ("sphinx", "myst_parser", "furo"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"NOT TESTED: the site was not built without {package}: make setup")
    command = [sys.executable, str(ROOT / "docs" / "site" / "build.py")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    index = (ROOT / "build" / "site" / "index.html").read_text("utf-8")
    assert "reference/api.html" in index and "tutorials/first_map.html" in index
    loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]+)"', index)
    assert loaded == []  # nothing is fetched to read it


def _site():
    path = ROOT / "docs" / "site" / "build.py"
    spec = importlib.util.spec_from_file_location("site_build", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
