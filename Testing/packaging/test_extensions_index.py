"""What the Extensions Index is told is true, and told in one place: the top CMakeLists.txt.

Its own checks cannot run here, since they ask the public repository; these are their rules.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
ENTRY = REPOSITORY / "docs" / "extensions_index" / "TTAUncertainty.json"
CMAKE = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
#: Of the index: the checked-out repository with its history.
MOST_BYTES = 100 << 20


def said(name: str) -> str:
    (value,) = re.findall(rf'set\(EXTENSION_{name} "([^"]+)"\)', CMAKE)
    return str(value)


HOME = said("HOMEPAGE")


def test_the_repository_s_name_begins_with_slicer_and_the_extension_s_does_not() -> None:
    (project,) = re.findall(r"project\((\w+)\)", CMAKE)
    assert HOME.rsplit("/", 1)[1] == f"Slicer{project}"
    assert ENTRY.stem == project and not project.lower().startswith("slicer")


def test_the_entry_says_what_cmake_says() -> None:
    content = ENTRY.read_bytes()
    assert b"\r" not in content
    entry = json.loads(content)
    assert entry["scm_url"] == HOME
    assert entry["category"] == said("CATEGORY")
    assert entry["build_dependencies"] == said("DEPENDS").split()
    # of the schema, version 1.0.1
    assert {"$schema", "category", "scm_url"} <= set(entry)
    known = {"$schema", "build_dependencies", "build_subdirectory", "category"}
    assert set(entry) <= known | {"scm_revision", "scm_url", "scm_type", "enabled", "tier"}
    assert entry["tier"] in (1, 3, 5)
    page = (REPOSITORY / "docs" / "EXTENSIONS_INDEX.md").read_text(encoding="utf-8")
    assert f"| tier | {entry['tier']}," in page


def test_every_address_of_a_picture_would_be_true() -> None:
    raw = HOME.replace("github.com", "raw.githubusercontent.com") + "/main/"
    urls = [said("ICONURL"), *said("SCREENSHOTURLS").split()]
    assert len(urls) > 1
    for url in urls:
        assert url.startswith(raw)
        assert (REPOSITORY / url.removeprefix(raw)).read_bytes().startswith(b"\x89PNG")


def test_no_other_place_names_another_repository() -> None:
    """CITATION, README, pages, issue forms: whoever names ours has to name this one."""
    listed = [
        "git",
        "ls-files",
        "-z",
        "*.md",
        "*.cff",
        "*.yml",
        "*.toml",
        "*.json",
        "*.txt",
        "*.py",
    ]
    done = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("NOT TESTED: without git the files of the project are not known.")
    owner = HOME.rsplit("/", 1)[0].rsplit("/", 1)[1]
    named = re.compile(rf"github(?:usercontent)?\.com/{owner}/([\w.-]+)")
    for name in done.stdout.split("\0"):
        path = REPOSITORY / name
        if name and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            for repository in named.findall(text):
                assert repository.rstrip(".") == HOME.rsplit("/", 1)[1], name


def test_the_citation_names_this_software_and_both_versions_of_the_paper() -> None:
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    version = (REPOSITORY / "TTAUncertaintyLib" / "version.py").read_text(encoding="utf-8")
    assert cited["cff-version"] == "1.2.0" and cited["message"] and cited["authors"]
    assert f'"{cited["version"]}"' in version
    assert cited["repository-code"] == HOME and cited["license"] == "Apache-2.0"
    readme = " ".join((REPOSITORY / "README.md").read_text(encoding="utf-8").split())
    assert [each["url"].rsplit("/", 1)[1] for each in cited["references"]] == [
        "2509.23355v2",
        "2509.23355v1",
    ]
    for each in cited["references"]:
        assert each["title"] in readme
        assert [author["family-names"] for author in each["authors"]] == ["Tian", "Hu", "Iglesias"]


def test_nothing_is_executed_at_file_scope_but_what_the_reviewers_are_told() -> None:
    """Programs (`__main__` and the like) and the rooms that the module never loads are left out."""
    found = {}
    for root in ("TTAUncertainty", "TTAUncertaintyLib"):
        for path in sorted((REPOSITORY / root).rglob("*.py")):
            name = path.relative_to(REPOSITORY).as_posix()
            if path.name != "__main__.py" and "/viewer/" not in name and "/training/" not in name:
                statements = [ast.unparse(node) for node in executed(path)]
                found |= {name: statements} if statements else {}
    assert found == {
        "TTAUncertainty/TTAUncertaintyPanel/__init__.py": ["ensure_library()"],
        "TTAUncertaintyLib/cohort/__init__.py": ["callable_as(__name__, 'cohort')"],
        "TTAUncertaintyLib/geometry/stored.py": ["sitk.ProcessObject.GlobalWarningDisplayOff()"],
        "TTAUncertaintyLib/models/__init__.py": ["callable_as(__name__, 'models')"],
    }


def executed(path: Path) -> list[ast.stmt]:
    """Return what a file does at its top besides importing, defining and naming constants."""
    plain = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.AnnAssign)

    def is_plain(node: ast.stmt) -> bool:
        if isinstance(node, ast.Assign):
            return all(isinstance(each, (ast.Name, ast.Tuple)) for each in node.targets)
        if isinstance(node, ast.Expr):
            return isinstance(node.value, ast.Constant)
        if isinstance(node, ast.If):
            return "TYPE_CHECKING" in ast.unparse(node.test) or "__main__" in ast.unparse(node.test)
        if isinstance(node, ast.Try):
            return all(is_plain(each) for each in node.body)
        return isinstance(node, plain)

    return [node for node in ast.parse(path.read_text("utf-8")).body if not is_plain(node)]


def test_issue_forms_are_forms() -> None:
    forms = sorted((REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert len(forms) > 2
    for path in forms:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.name == "config.yml":
            assert set(form) == {"blank_issues_enabled", "contact_links"}
            continue
        assert form["name"] and form["description"]
        ids = [field["id"] for field in form["body"] if field["type"] != "markdown"]
        assert ids and len(set(ids)) == len(ids)
        for field in form["body"]:
            assert field["type"] in ("markdown", "input", "textarea", "dropdown", "checkboxes")
            assert field["attributes"].get("label") or field["type"] == "markdown"


def test_the_repository_with_its_history_is_small_enough(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    command = ["git", "clone", "--quiet", "--no-hardlinks", f"file://{REPOSITORY}", str(clone)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("NOT TESTED: this is no git repository.")
    size = sum(path.stat().st_size for path in clone.rglob("*") if path.is_file())
    assert size < MOST_BYTES
    page = (REPOSITORY / "docs" / "EXTENSIONS_INDEX.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"less than (\d+) MB", page)
    assert size < int(told) << 20
