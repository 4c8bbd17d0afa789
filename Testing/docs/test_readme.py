"""What the documents show, runs; what they point to, is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from TTAUncertaintyLib.cli.main import make_parser
from TTAUncertaintyLib.perturbations import Preset
from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.worker import Job

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


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


def test_every_command_of_the_readme_is_one_that_the_command_line_takes() -> None:
    commands = [
        shlex.split(line, comments=True)[1:]
        for block in blocks("sh")
        for line in block.replace("\\\n", " ").splitlines()
        if "ttauncertainty " in line
    ]
    assert len(commands) >= 3
    for command in commands:
        if "--help" not in command:
            make_parser().parse_args(command)


def test_the_example_job_is_valid() -> None:
    (example,) = blocks("json", (ROOT / "docs" / "WORKER.md").read_text(encoding="utf-8"))
    assert Job.from_json(example).design.preset is Preset.STANDARD


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_project_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


def test_the_readme_names_every_map_and_every_preset() -> None:
    for kind in MapKind:
        assert kind.facts.file in README
    for preset in Preset:
        assert f"`{preset.value}`" in README
