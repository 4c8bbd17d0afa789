"""However many CPU threads are asked for, the process lives, and the person knows how many."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from TTAUncertaintyLib.engine import use_threads


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("asked", [100_000, 2**31, 0, -3])
def test_a_number_that_cannot_be_is_bounded_and_told(asked: int) -> None:
    (note,) = use_threads(asked)
    assert str(asked) in note
    assert 1 <= torch.get_num_threads() <= (os.cpu_count() or 1)
    assert torch.rand(64, 64, 64).exp().sum() > 0


def test_a_number_that_can_be_is_used() -> None:
    assert use_threads(1) == [] and torch.get_num_threads() == 1
    assert use_threads(None) == [] and torch.get_num_threads() == 1
