"""Somebody's own Python: it runs only if they agree, and its errors name file and line."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import torch
from support.images import waves
from support.lattices import OBLIQUE
from support.manifests import write_manifest

from TTAUncertaintyLib.cli.command_line import make_parser
from TTAUncertaintyLib.engine import Engine, Execution
from TTAUncertaintyLib.errors import ConsentNeeded, InputError, ModelError
from TTAUncertaintyLib.geometry import identity_map, sha256
from TTAUncertaintyLib.models import load_member, load_model
from TTAUncertaintyLib.models.contract import describe
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family
from TTAUncertaintyLib.worker import Job

NETWORK = """
    from pathlib import Path
    import torch

    (Path(__file__).parent / "ran").write_text("yes")

    class Net(torch.nn.Module):
        def __init__(self, manifest):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.tensor(0.5))
            self.dropout = torch.nn.Dropout3d(0.5)

        def forward(self, moving, fixed):
            return torch.cat((moving, fixed, moving - fixed), 1) * self.scale
"""

MODEL = """
    import torch
    from TTAUncertaintyLib.models.adapters.common_lattice import prepare_on_common_lattice

    class Net:
        def __init__(self, manifest):
            self.name = manifest.name

        def prepare(self, fixed, moving, initial):
            return prepare_on_common_lattice(fixed, moving, initial, fixed.lattice)

        def predict(self, moving, fixed):
            axes = [torch.arange(n, dtype=torch.float32) for n in fixed.shape[2:]]
            k, j, i = torch.meshgrid(*axes, indexing="ij")
            place = torch.stack((i, j, k))[None]
            return place + (moving - fixed).mean((1, 2, 3, 4), keepdim=True)
"""


def own(folder: Path, code: str, contract: bool = False, **changes: Any) -> Path:
    """Write a file and its manifest; returns the manifest."""
    path = folder / "own.py"
    path.write_text(dedent(code), encoding="utf-8")
    if contract:
        changes |= {"input": ..., "output": ...}
    return write_manifest(folder, path, kind="python", **{"class": "Net", **changes})


def test_nothing_runs_before_somebody_agrees(tmp_path: Path) -> None:
    manifest = own(tmp_path, NETWORK)
    with pytest.raises(ConsentNeeded) as caught:
        load_model(str(manifest))
    assert not (tmp_path / "ran").exists()
    digest = json.loads(manifest.read_text())["sha256"]
    for part in (str(tmp_path / "own.py"), digest, "Python code", "with all the rights"):
        assert part in caught.value.problem
    assert "--trust-code" in caught.value.remedy and caught.value.exit_code == 3
    load_model(str(manifest), trust_code=True)
    assert (tmp_path / "ran").exists()


def test_a_changed_file_does_not_run_even_if_trusted(tmp_path: Path) -> None:
    manifest = own(tmp_path, NETWORK)
    with (tmp_path / "own.py").open("a") as stream:
        stream.write("# harmless\n")
    with pytest.raises(ModelError, match="is not the file that its manifest describes"):
        load_model(str(manifest), trust_code=True)
    assert not (tmp_path / "ran").exists()


def test_files_that_the_code_reads_are_held_to_their_hashes(tmp_path: Path) -> None:
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"1")
    manifest = own(tmp_path, NETWORK, more_files={"weights.bin": "0" * 64})
    with pytest.raises(ModelError, match=r"weights\.bin is not the file"):
        load_model(str(manifest), trust_code=True)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("contract", [False, True], ids=["network", "contract"])
def test_the_engine_makes_a_map_with_it(contract: bool, tmp_path: Path) -> None:
    manifest = own(tmp_path, MODEL if contract else NETWORK, contract)
    model = load_model(str(manifest), trust_code=True)
    fixed = waves(OBLIQUE, 1)
    pair = model.prepare(fixed, waves(OBLIQUE, 2), np.eye(4))
    design = Design(Family.TRANSLATION, Amplitudes(1.0), outer=4)
    outcome = Engine(model, pair, design, Execution("cpu")).run()
    assert outcome.variance is not None and float(outcome.variance.total.max()) > 0
    record = describe(model)
    assert record["name"] == "my-brains" and record["weights"]["file"] == "own.py"
    assert model.has_dropout is not contract


def test_four_images_are_four_times_one(tmp_path: Path) -> None:
    model = load_model(str(own(tmp_path, NETWORK)), trust_code=True)
    moving, fixed = torch.rand((2, 4, 1, 5, 6, 7))
    with torch.inference_mode():
        found = model.predict(moving, fixed)
    expected = torch.cat((moving, fixed, moving - fixed), 1) * 0.5 + identity_map((5, 6, 7))
    assert torch.allclose(found, expected)


#: What the class is, whether it meets the contract, and what the message says.
BROKEN: list[tuple[str, bool, str]] = [
    ("class Net\n    pass", False, r"own\.py, line 1: "),
    ("import nowhere_to_be_found", False, r"own\.py, line 1, in <module>: ModuleNotFoundError"),
    ("x = 1\nraise SystemExit(3)", False, r"own\.py, line 2, in <module>: SystemExit: 3"),
    ("class Other: pass", False, "has no class 'Net'"),
    ("class Net:\n    def __init__(self, manifest): 1 / 0", False, "line 2, in __init__: Zero"),
    ("class Net:\n    def __init__(self): pass", False, "TypeError"),
    ("class Net:\n    def __init__(self, manifest): pass", False, r"is no torch\.nn\.Module"),
    ("class Net:\n    def __init__(self, manifest): pass", True, "has no method 'prepare'"),
]


@pytest.mark.parametrize(("code", "contract", "says"), BROKEN)
def test_what_is_wrong_with_the_code_is_told_when_it_is_loaded(
    code: str, contract: bool, says: str, tmp_path: Path
) -> None:
    manifest = own(tmp_path, code, contract)
    with pytest.raises(ModelError, match=says):
        load_model(str(manifest), trust_code=True)


#: An expression for what `predict` answers, and what the message says.
ANSWERS = [
    ("moving.nowhere", r"own\.py, line 14, in predict: AttributeError"),
    ("moving[:, :2]", "answers a tensor of 2 x 1 x"),
    ("None", "answers a NoneType"),
    ("moving.expand(-1, 3, -1, -1, -1) / 0 - torch.inf", "NaN or infinite"),
    ("moving.expand(-1, 3, -1, -1, -1).long()", "answers torch.int64"),
]


@pytest.mark.parametrize(("answer", "says"), ANSWERS)
def test_a_wrong_answer_is_told_on_the_first_pass(answer: str, says: str, tmp_path: Path) -> None:
    start = MODEL.index("            axes =")
    code = MODEL[:start] + f"\n            return {answer}\n"
    model = load_model(str(own(tmp_path, code, contract=True)), trust_code=True)
    pair = torch.rand((2, 2, 1, 4, 5, 6))
    with pytest.raises(ModelError, match=says):
        model.predict(*pair)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("None", "prepare answers a NoneType"),
        ("1 / 0", r"own\.py, line 10, in prepare: ZeroDivisionError"),
    ],
)
def test_a_wrong_preparation_is_told(answer: str, says: str, tmp_path: Path) -> None:
    code = MODEL.replace(
        "prepare_on_common_lattice(fixed, moving, initial, fixed.lattice)\n", f"{answer}\n"
    )
    model = load_model(str(own(tmp_path, code, contract=True)), trust_code=True)
    with pytest.raises(ModelError, match=says):
        model.prepare(waves(OBLIQUE, 1), waves(OBLIQUE, 2), np.eye(4))


def test_what_the_library_refuses_within_it_stays_what_it_is(tmp_path: Path) -> None:
    model = load_model(str(own(tmp_path, MODEL, contract=True)), trust_code=True)
    away = OBLIQUE.centered(OBLIQUE.size, OBLIQUE.spacing, OBLIQUE.center + 900.0)
    with pytest.raises(InputError, match="no contrast"):
        model.prepare(waves(OBLIQUE, 1), waves(away, 2), np.eye(4))


def test_memory_that_runs_out_stays_what_it_is(tmp_path: Path) -> None:
    """The engine has an answer to that: smaller batches."""
    code = MODEL.replace("            axes =", "            raise MemoryError\n            axes =")
    model = load_model(str(own(tmp_path, code, contract=True)), trust_code=True)
    with pytest.raises(MemoryError):
        model.predict(*torch.rand((2, 1, 1, 4, 5, 6)))


def test_a_manifest_takes_no_weights(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="names its file already"):
        load_model(str(own(tmp_path, NETWORK)), tmp_path / "weights.pt", trust_code=True)


def test_consent_is_given_on_the_command_line_and_travels_in_the_job() -> None:
    command = ["run", "--fixed", "f", "--moving", "m", "-o", "o", "--model", "own.json"]
    assert not make_parser().parse_args(command).trust_code
    assert make_parser().parse_args([*command, "--trust-code"]).trust_code
    job = Job(Path("f"), Path("m"), Path("o"), model="own.json", trust_code=True)
    assert Job.from_json(job.to_json()).trust_code
    assert not Job.from_json(Job(Path("f"), Path("m"), Path("o")).to_json()).trust_code
    with pytest.raises(InputError):
        Job.from_json(job.to_json().replace('"trust_code": true', '"trust_code": "yes"'))


def test_the_members_of_an_ensemble_are_manifests_of_one_network(tmp_path: Path) -> None:
    """Those of one's own; what is not the same network would see its images as another's."""
    code = NETWORK.replace("torch.tensor(0.5)", "torch.tensor(float(manifest.title))")
    first = own(tmp_path, code, title="1")
    values = json.loads(first.read_text())
    second = tmp_path / "second.json"
    second.write_text(json.dumps({**values, "title": "2"}))
    members = [
        load_model(str(first), trust_code=True),
        load_member(str(first), second, trust_code=True),
    ]
    moving, fixed = torch.rand((2, 1, 1, 5, 6, 7))
    with torch.inference_mode():
        one, two = (member.predict(moving, fixed) - identity_map((5, 6, 7)) for member in members)
    assert float(one.abs().max()) > 0.1 and torch.allclose(two, 2 * one, atol=1e-6)
    with pytest.raises(ConsentNeeded):
        load_member(str(first), second)
    with pytest.raises(ModelError, match="is no manifest"):
        load_member(str(first), tmp_path / "own.py", trust_code=True)
    (tmp_path / "other.py").write_text((tmp_path / "own.py").read_text() + "# another code")
    digest = sha256(tmp_path / "other.py")
    for changed in (
        {"file": "other.py", "sha256": digest},
        {"input": {**values["input"], "spacing_mm": 4}},
    ):
        second.write_text(json.dumps({**values, **changed}))
        with pytest.raises(ModelError, match="describes another network"):
            load_member(str(first), second, trust_code=True)
