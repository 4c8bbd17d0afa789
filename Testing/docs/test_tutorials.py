"""The tutorials run, from the first cell to the last, in a kernel of their own."""

from __future__ import annotations

from pathlib import Path

import nbclient
import nbformat
import pytest

TUTORIALS = sorted((Path(__file__).resolve().parents[2] / "docs" / "tutorials").glob("*.ipynb"))


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.name)
def test_a_tutorial_runs_in_a_new_kernel(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))  # nobody's own settings
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()  # raises what a cell raises
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [o for o in shown if o.output_type == "error" or o.get("name") == "stderr"] == []
    pictures = [o.data["text/html"] for o in shown if "text/html" in o.get("data", {})]
    assert any("In plain words" in html and "&lt;image" in html for html in pictures)
    values = [o.data["text/plain"] for o in shown if o.output_type == "execute_result"]
    assert values[-1] == "True"  # what was loaded is what was saved
    assert len(list(tmp_path.glob("*/result.json"))) == 1


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.name)
def test_a_tutorial_is_kept_without_its_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_there_is_a_tutorial_and_it_needs_nothing_but_the_library() -> None:
    assert TUTORIALS
    allowed = {"TTAUncertaintyLib", "numpy", "SimpleITK"}
    for path in TUTORIALS:
        for cell in nbformat.read(path, as_version=4).cells:
            lines = cell.source.splitlines() if cell.cell_type == "code" else []
            imports = [line.split()[1] for line in lines if line.startswith(("import", "from"))]
            assert {name.partition(".")[0] for name in imports} <= allowed
