"""The examples of docs/WORKER.md run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.phantom import write_pair

from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.worker import Job, Phase

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "WORKER.md").read_text(encoding="utf-8")
CLIENT, KEPT = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_client_s_example_runs_and_what_it_kept_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fixed, moving = write_pair(tmp_path / "images")
    quick = DesignRequest(Preset.STANDARD)
    job = Job(fixed, moving, Path("result"), design=quick, threads=1, keep_registrations=True)
    shown: list[tuple[object, ...]] = []
    names = {"job": job, "show": lambda *what: shown.append(what)}
    exec(compile(CLIENT, "WORKER.md", "exec"), names)
    assert names["state"].phase is Phase.FINISHED  # type: ignore[attr-defined]
    assert shown
    names["point_lps"] = (0.0, 0.0, 0.0)  # type: ignore[assignment]
    exec(compile(KEPT, "WORKER.md", "exec"), names)
    assert names["kept"].labels[3].startswith("perturbation 2, repeat 2: shift")  # type: ignore[attr-defined]
