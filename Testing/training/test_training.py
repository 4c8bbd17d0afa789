"""Training: it learns, resumes as if nothing had happened, and its weights survive the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from TTAUncertaintyLib.errors import ModelError
from TTAUncertaintyLib.models.adapters.pyramid_flow import read_pyramid_flow
from TTAUncertaintyLib.models.networks.pyramid_flow import (
    PyramidFlowArchitecture,
    PyramidFlowNetwork,
)
from TTAUncertaintyLib.models.weights.described import (
    architecture_from_text,
    architecture_to_text,
)
from TTAUncertaintyLib.models.weights.safetensors_io import write_safetensors
from TTAUncertaintyLib.training.__main__ import main
from TTAUncertaintyLib.training.losses import LossWeights, registration_loss, soft_dice
from TTAUncertaintyLib.training.synthesis import SynthesisSettings
from TTAUncertaintyLib.training.train import Trainer, TrainingSettings, run_training
from TTAUncertaintyLib.training.weights_file import export_weights

SMALL = PyramidFlowArchitecture(
    encoder_channels=(8, 8, 8),
    decoder_channels=(8, 8, 8),
    correlation=(False, True, True),
    iterations=(1, 1, 2),
    full_resolution_channels=2,
)
SETTINGS = TrainingSettings(
    seed=3,
    steps=6,
    stages=((0, 2), (2, 1), (4, 0)),
    warm_up=1,
    reduced_precision=False,
    architecture=SMALL,
    synthesis=SynthesisSettings(crop_share=0.0),
)


def test_a_few_steps_on_one_pair_lower_its_loss(tissues: Tensor) -> None:
    trainer = Trainer(SETTINGS, tissues)
    trainer.done = 2  # the stage in which most levels learn together
    pair = trainer.pairs[0]

    def loss() -> float:
        with torch.no_grad():
            flows = trainer.network.flows(pair.moving, pair.fixed, 1)
            return float(registration_loss(flows, pair, SETTINGS.loss).total)

    before = loss()
    for _ in range(12):
        trainer.done = 2
        trainer.step(pair)
    assert loss() < 0.95 * before


def test_the_last_stage_trains_the_last_level_alone(tissues: Tensor) -> None:
    trainer = Trainer(SETTINGS, tissues)
    trainer.done = 4
    before = {name: tensor.clone() for name, tensor in trainer.network.state_dict().items()}
    trainer.step()
    changed = {
        name
        for name, tensor in trainer.network.state_dict().items()
        if not torch.equal(tensor, before[name])
    }
    assert changed
    assert all(name.startswith("full_resolution.") for name in changed)


def test_the_exact_field_has_the_lowest_loss(tissues: Tensor) -> None:
    pair = Trainer(SETTINGS, tissues).pairs[1]
    exact = registration_loss([pair.displacement], pair, LossWeights(overlap=0.0))
    none = registration_loss([torch.zeros_like(pair.displacement)], pair, LossWeights(overlap=0.0))
    assert exact.error_mm == pytest.approx(0.1, abs=1e-3)  # the Charbonnier constant
    assert float(exact.total) < float(none.total)
    assert none.error_mm == pytest.approx(none.initial_mm, rel=0.05)


def test_equal_maps_overlap_by_one() -> None:
    soft = torch.rand(1, 3, 8, 8, 8, generator=torch.Generator().manual_seed(1))
    assert float(soft_dice(soft, soft)) == pytest.approx(1.0)
    assert float(soft_dice(soft, torch.zeros_like(soft))) < 0.1


def test_an_interrupted_run_ends_like_one_that_was_not(tissues: Tensor, tmp_path: Path) -> None:
    whole = Trainer(SETTINGS, tissues)
    run_training(whole, tmp_path / "whole", workers=0)
    first = Trainer(SETTINGS, tissues)
    for _ in range(3):
        first.step()
    (tmp_path / "parts").mkdir()
    torch.save(first.state(), tmp_path / "parts" / "checkpoint.pt")
    second = Trainer(SETTINGS, tissues)
    run_training(second, tmp_path / "parts", workers=0)
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name]), name
    for name, tensor in whole.average.state_dict().items():
        assert torch.equal(tensor, second.average.state_dict()[name]), name


def test_weights_survive_the_file_and_rebuild_the_network(tissues: Tensor, tmp_path: Path) -> None:
    trainer = Trainer(SETTINGS, tissues)
    trainer.step()
    digest = export_weights([trainer.state()], tmp_path / "w.safetensors", {"seed": "3"})
    assert digest == export_weights(
        [trainer.state()], tmp_path / "again.safetensors", {"seed": "3"}
    )
    network = read_pyramid_flow(tmp_path / "w.safetensors")
    assert network.architecture == SMALL
    pair = trainer.pairs[0]
    with torch.inference_mode():
        difference = network(pair.moving, pair.fixed) - trainer.average(pair.moving, pair.fixed)
    assert float(difference.abs().mean()) < 0.005  # half precision, in voxels


def test_of_several_runs_the_mean_is_written(tissues: Tensor, tmp_path: Path) -> None:
    begin = Trainer(SETTINGS, tissues)
    runs = [Trainer(replace(SETTINGS, seed=seed), tissues, begin.network) for seed in (1, 2)]
    for run in runs:
        run.step()
    path = tmp_path / "w.safetensors"
    export_weights([run.state() for run in runs], path, {}, iterations=(3, 1, 1), bits=6)
    network = read_pyramid_flow(path)
    assert network.architecture == replace(SMALL, iterations=(3, 1, 1))
    one, other = (run.average.state_dict() for run in runs)
    for name, found in network.state_dict().items():
        mean = (one[name] + other[name]) / 2
        assert torch.allclose(found, mean, rtol=2**-6, atol=1e-7), name  # half of the last bit
        assert len(torch.unique(torch.frexp(found).mantissa * 2**6 % 1)) == 1, name


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    write_safetensors(path, {"a": torch.zeros(2)})
    with pytest.raises(ModelError, match="does not say what network"):
        read_pyramid_flow(path)
    write_safetensors(path, {"a": torch.zeros(2)}, {"architecture": architecture_to_text(SMALL)})
    with pytest.raises(ModelError, match="does not belong to this model"):
        read_pyramid_flow(path)


def test_an_architecture_that_makes_no_sense_is_refused() -> None:
    assert architecture_from_text(PyramidFlowArchitecture, architecture_to_text(SMALL)) == SMALL
    for text in ("[]", '{"colour": 1}', '{"encoder_channels": [1]}', '{"dropout": 1.0}'):
        with pytest.raises(ValueError, match=r"."):
            architecture_from_text(PyramidFlowArchitecture, text)


@pytest.fixture(scope="module")
def network() -> PyramidFlowNetwork:
    torch.manual_seed(5)
    return PyramidFlowNetwork(SMALL).eval()


def _images(batch: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(6)
    first, second = torch.rand(2, batch, 1, 16, 32, 24, generator=generator)
    return first, second


@torch.inference_mode()
def test_a_batch_equals_single_passes(network: PyramidFlowNetwork) -> None:
    moving, fixed = _images(3)
    together = network(moving, fixed)
    assert together.shape == (3, 3, 16, 32, 24)
    single = torch.cat([network(moving[n : n + 1], fixed[n : n + 1]) for n in range(3)])
    assert torch.allclose(together, single, atol=1e-4)
    assert torch.equal(together, network(moving, fixed))


@torch.inference_mode()
def test_memory_format_and_reduced_precision_change_little(network: PyramidFlowNetwork) -> None:
    moving, fixed = _images(1)
    exact = network(moving, fixed)
    last = torch.channels_last_3d
    rearranged = network(moving.to(memory_format=last), fixed.to(memory_format=last))
    assert torch.allclose(exact, rearranged, atol=1e-3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        reduced = network(moving, fixed)
    assert reduced.dtype == torch.float32
    assert float((reduced - exact).abs().mean()) < 0.05


def test_a_shape_that_does_not_fit_is_refused(network: PyramidFlowNetwork) -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        network(torch.zeros(1, 1, 16, 16, 20), torch.zeros(1, 1, 16, 16, 20))


def test_dropout_makes_the_network_stochastic_only_when_switched_on() -> None:
    network = PyramidFlowNetwork(replace(SMALL, dropout=0.3)).eval()
    moving, fixed = _images(1)
    with torch.no_grad():
        assert torch.equal(network(moving, fixed), network(moving, fixed))
        for module in network.modules():
            if isinstance(module, torch.nn.Dropout3d):
                module.train()
        assert not torch.equal(network(moving, fixed), network(moving, fixed))


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        main(["train", "--help"])
    assert status.value.code == 0
    assert "--tissue-maps" in capsys.readouterr().out
