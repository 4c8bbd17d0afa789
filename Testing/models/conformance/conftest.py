"""One model at a time, made once, and shown to all tests of the suite."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from support.conformance.scenes import MOTIONS, balls_pair
from support.zoo import CASES
from support.zoo.case import Case, Published
from torch import Tensor

from TTAUncertaintyLib.models.contract import PreparedPair, RegistrationModel


@pytest.fixture(scope="session", params=CASES.values(), ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    if reason := found.unavailable():
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def model(case: Case, tmp_path_factory: pytest.TempPathFactory) -> RegistrationModel:
    return case.make(tmp_path_factory.mktemp("model"), {})


@pytest.fixture(scope="session")
def published(case: Case) -> Published:
    if case.published is None:
        pytest.skip(f"{case.name} is no network: it is tested by what it recovers")
    return case.published


@pytest.fixture(scope="session")
def pair(model: RegistrationModel) -> PreparedPair:
    """The landmarks, as the model prepares them."""
    fixed, moving = balls_pair("oblique to left-handed", MOTIONS["turn and shift"])
    return model.prepare(fixed, moving, np.eye(4))


@pytest.fixture(scope="session")
def on_cpu(model: RegistrationModel, pair: PreparedPair) -> Tensor:
    """The model's own map of that pair, float32, on the CPU: passes are dear, and this is one."""
    with torch.inference_mode():
        return model.predict(pair.moving.clone(), pair.fixed.clone())


@pytest.fixture
def placed(model: RegistrationModel, device: str) -> Iterator[RegistrationModel]:
    """The model on the device under test."""
    model.place(torch.device(device), channels_last=False)
    yield model
    model.place(torch.device("cpu"), channels_last=False)
