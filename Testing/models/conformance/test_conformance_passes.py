"""Batches, repetition, precision, dropout: what the engine relies on in every pass."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from support.conformance.scenes import balls_pair
from support.zoo.case import Case
from torch import Tensor, nn

from TTAUncertaintyLib.engine import Precision
from TTAUncertaintyLib.engine.execution import numerics
from TTAUncertaintyLib.engine.fields import in_mm
from TTAUncertaintyLib.errors import ModelError
from TTAUncertaintyLib.models.contract import PreparedPair, RegistrationModel, describe

#: Voxels: float32 convolutions in another order, through the depth of a network.
ROUNDING_VOXELS = 2e-3


@pytest.fixture
def inputs(pair: PreparedPair, device: str) -> tuple[Tensor, Tensor]:
    """Copies, so that a predict that changes them is seen to."""
    return pair.moving.to(device, copy=True), pair.fixed.to(device, copy=True)


@pytest.fixture
def plain(
    placed: RegistrationModel, inputs: tuple[Tensor, Tensor], on_cpu: Tensor, device: str
) -> Tensor:
    """One pass on the device under test."""
    return on_cpu if device == "cpu" else predict(placed, inputs)


def predict(
    model: RegistrationModel,
    inputs: tuple[Tensor, Tensor],
    precision: Precision = Precision.F32,
) -> Tensor:
    """Make a pass as the engine does."""
    with numerics(inputs[1].device, precision), torch.inference_mode():
        return model.predict(*inputs)


def test_prepared_tensors_are_float32_on_the_cpu(pair: PreparedPair) -> None:
    for tensor in (pair.moving, pair.fixed):
        assert tensor.dtype == torch.float32 and tensor.device.type == "cpu"
        assert tensor.is_contiguous() and bool(torch.isfinite(tensor).all())
        assert float(tensor.std()) > 0.01  # there is something to see


def test_preparing_leaves_the_images_alone(model: RegistrationModel) -> None:
    images = balls_pair("left-handed oblique to oblique", np.eye(4))
    before = [image.intensities.clone() for image in images]
    model.prepare(*images, np.eye(4))
    for image, copy in zip(images, before, strict=True):
        assert torch.equal(image.intensities, copy)


def test_maps_are_float32_finite_of_the_fixed_lattice_and_the_same_every_time(
    placed: RegistrationModel,
    pair: PreparedPair,
    inputs: tuple[Tensor, Tensor],
    plain: Tensor,
    device: str,
) -> None:
    before = [tensor.clone() for tensor in inputs]
    phi = predict(placed, inputs)
    assert phi.dtype == torch.float32
    assert phi.device.type == torch.device(device).type
    assert tuple(phi.shape) == (1, 3, *pair.fixed_lattice.array_shape)
    assert bool(torch.isfinite(phi).all())
    assert torch.equal(phi, plain), "the same pass twice differs"
    for tensor, copy in zip(inputs, before, strict=True):
        assert torch.equal(tensor, copy), "predict changed its input"


def test_a_batch_of_four_equals_four_single_passes(
    placed: RegistrationModel, inputs: tuple[Tensor, Tensor], plain: Tensor
) -> None:
    """As the engine makes it: four moving images, one fixed one that is only expanded."""
    moving, fixed = inputs
    dims = (-1, -2, -3, -1)
    different = torch.cat([(1 - n / 8) * moving.roll(n, dims[n]) for n in range(4)])
    together = predict(placed, (different, fixed.expand(4, -1, -1, -1, -1)))
    singles = [plain, *(predict(placed, (one[None], fixed)) for one in different[1:])]
    assert float((together - torch.cat(singles)).abs().max()) < ROUNDING_VOXELS
    assert float((together[0] - together[3]).abs().max()) > 10 * ROUNDING_VOXELS


def test_channels_last_gives_the_same_map(
    placed: RegistrationModel, inputs: tuple[Tensor, Tensor], plain: Tensor, device: str
) -> None:
    placed.place(torch.device(device), channels_last=True)
    assert float((predict(placed, inputs) - plain).abs().max()) < ROUNDING_VOXELS


def test_half_precision_stays_within_its_bound(
    placed: RegistrationModel,
    inputs: tuple[Tensor, Tensor],
    plain: Tensor,
    pair: PreparedPair,
    case: Case,
) -> None:
    half = predict(placed, inputs, Precision.BF16)
    assert half.dtype == torch.float32
    gap = in_mm((half - plain)[0], pair.moving_lattice).norm(dim=0)
    assert float(gap.max()) <= case.half_precision_mm


def test_the_dropout_switch_moves_dropout_layers_and_nothing_else(
    model: RegistrationModel, pair: PreparedPair, on_cpu: Tensor
) -> None:
    network = getattr(model, "network", None)
    modules = list(network.modules()) if isinstance(network, nn.Module) else []
    model.set_dropout(True)
    try:
        active = [type(module).__name__ for module in modules if module.training]
        assert all("drop" in name.lower() for name in active), active
        torch.manual_seed(0)
        dropped = predict(model, (pair.moving, pair.fixed))
    finally:
        model.set_dropout(False)
    assert model.has_dropout is not torch.equal(dropped, on_cpu)
    assert not any(module.training for module in modules)
    if model.has_dropout:
        assert torch.equal(predict(model, (pair.moving, pair.fixed)), on_cpu)


def test_its_record_is_json(model: RegistrationModel) -> None:
    record = json.loads(json.dumps(describe(model)))
    assert record["name"] == model.description.name
    assert set(record["options"]) == {option.name for option in model.description.options}
    if model.description.needs_weights:
        assert len(record["weights"]["sha256"]) == 64
    else:
        assert record["weights"] is None


def test_options_that_do_not_exist_are_refused(
    case: Case, model: RegistrationModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wrong = [{"no such option": "1"}]
    wrong += [{option.name: "no such choice"} for option in model.description.options]
    for options in wrong:
        with pytest.raises(ModelError, match=r"has no option|cannot be"):
            case.make(tmp_path_factory.mktemp("refused"), options)
