"""What the documents show, runs; what they point to, is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from TTAUncertaintyLib.perturbations import Preset
from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.worker import Job

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_python_example_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    assert "Total uncertainty, mm" in capsys.readouterr().out
    assert (tmp_path / "result" / "report.html").is_file()


def test_the_example_job_is_valid() -> None:
    (example,) = blocks("json", (ROOT / "docs" / "WORKER.md").read_text(encoding="utf-8"))
    assert Job.from_json(example).design.preset is Preset.STANDARD


def test_the_readme_names_every_map_and_every_preset() -> None:
    for kind in MapKind:
        assert kind.facts.file in README
    for preset in Preset:
        assert f"`{preset.value}`" in README
