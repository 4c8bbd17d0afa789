"""A brain small enough for tests of a second."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor


@pytest.fixture(scope="session")
def tissues() -> Tensor:
    """Return tissue probabilities [4, 32, 48, 32]: a ball of white matter in shells of the rest."""
    shape = (32, 48, 32)
    axes = [torch.linspace(-1.2, 1.2, n) for n in shape]
    radius = torch.stack(torch.meshgrid(*axes, indexing="ij")).square().sum(0).sqrt()
    distance = torch.stack([(radius - shell).abs() for shell in (1.6, 0.95, 0.75, 0.2)])
    return torch.softmax(-8.0 * distance, dim=0)
