"""The GPU script measures every figure that it names, or says why it did not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from support.predictors import pair_on

from TTAUncertaintyLib.engine import Engine, Execution
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.perturbations import Preset, preset_design

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "bench_gpu.py"


def figures(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the script on small images; return its figures by what they say, and its table."""
    path = folder / "figures.json"
    command = [sys.executable, str(SCRIPT), "--small", "--rounds", "1", "--json", str(path)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    made = json.loads(path.read_text())["figures"]
    found = {each["what"].split(": ", 1)[1]: each for each in made}
    assert all(f": {what} |" in done.stdout for what in found)
    assert all((each["value"] is None) == bool(each["missing"]) for each in found.values())
    return found


@pytest.mark.slow
def test_a_rehearsal_measures_all_that_needs_no_card_and_names_the_rest(tmp_path: Path) -> None:
    found = figures(tmp_path, "--device", "cpu", "--models", "unigradicon", "--seconds", "600")
    missing = {what for what, each in found.items() if each["value"] is None}
    assert missing == {
        "memory of one pass, GiB",
        "CUDA graph, answers differ, mm",
        "CUDA graph / plain, time",
    }
    assert all("no CUDA device" in found[what]["missing"] for what in missing)
    assert found["compiled, answers differ, mm"]["value"] == 0
    assert 0 < found["bf16, answers differ, mm"]["value"] < 1
    assert 0.1 < found["Quick / 10 bare passes"]["value"] < 10


def test_when_the_time_is_over_every_figure_says_so(tmp_path: Path) -> None:
    found = figures(tmp_path, "--device", "cpu", "--models", "unigradicon", "--seconds", "0")
    assert {each["missing"] for each in found.values()} == {"the time was over"}
    assert len(found) == 17


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="NOT TESTED: no CUDA device here")
def test_the_card_gives_the_processors_map(batch: int) -> None:
    lattice = Lattice.from_geometry((48, 32, 48), (2.0, 2.5, 2.0), (5.0, -8.0, 3.0))
    pair = pair_on(lattice, lattice)
    maps = []
    for execution in (Execution("cpu"), Execution("cuda", batch_size=batch)):
        model = load_model("pyramid-flow", None)
        design = preset_design(Preset.QUICK, lattice)
        variance = Engine(model, pair, design, execution).run().variance
        assert variance is not None
        maps.append(variance.total.sqrt())
    assert float((maps[0] - maps[1]).abs().max()) < 0.02
