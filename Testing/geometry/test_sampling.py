"""Sharing a volume's points out among threads changes no value."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F

from TTAUncertaintyLib.geometry import sample_grid


@pytest.fixture(params=[2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """Several threads, for the length of a test; the suite runs on one."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("padding", ["border", "zeros"])
@pytest.mark.parametrize("planar", [True, False])
def test_shares_of_the_points_give_the_values_of_the_whole(
    threads: int, mode: str, padding: str, planar: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.rand((1, 2, 9, 8, 7), generator=generator)
    # 23 x 29 x 31 points: a remainder whatever the number of threads
    grid = 2.4 * torch.rand((1, 23, 29, 31, 3), generator=generator) - 1.2
    if planar:
        grid = grid.movedim(-1, 1).contiguous().movedim(1, -1)
    whole = F.grid_sample(values, grid, mode=mode, padding_mode=padding, align_corners=True)
    assert torch.equal(sample_grid(values, grid, mode, padding), whole)


def test_a_batch_is_left_to_torch(threads: int) -> None:
    values, grid = torch.rand((3, 1, 4, 5, 6)), torch.rand((3, 20, 30, 40, 3))
    whole = F.grid_sample(values, grid, padding_mode="border", align_corners=True)
    assert torch.equal(sample_grid(values, grid), whole)
