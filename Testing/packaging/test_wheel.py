"""The wheel carries every package and every resource that the checkout has."""

from __future__ import annotations

from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib", reason="tomllib came with Python 3.11")

ROOT = Path(__file__).resolve().parents[2]


def test_every_package_of_the_library_is_in_the_wheel() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    library = ROOT / "TTAUncertaintyLib"
    found = {".".join(file.parent.relative_to(ROOT).parts) for file in library.rglob("__init__.py")}
    assert set(setuptools["packages"]) == found | {"TTAUncertaintyLib.Resources"}


def test_every_kind_of_resource_that_the_library_reads_is_in_the_wheel() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = setuptools["package-data"]["TTAUncertaintyLib.Resources"]
    for folder in ("SampleData", "Models", "ColorTables", "Calibrations"):
        files = [path for path in (ROOT / "Resources" / folder).rglob("*") if path.is_file()]
        kept = {path for pattern in patterns for path in (ROOT / "Resources").glob(pattern)}
        assert files
        assert set(files) <= kept | {path for path in files if "__pycache__" in path.parts}


def test_every_style_sheet_and_template_is_in_the_wheel() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {file.parent for file in (ROOT / "TTAUncertaintyLib").rglob("assets/*")}
    assert len(folders) >= 3
    for folder in folders:
        package = ".".join(folder.parent.relative_to(ROOT).parts)
        assert setuptools["package-data"][package] == ["assets/*"]
