"""Stand-ins for a published network, which answer in its own convention what is known.

`Answering` sits where the adapter has the network. It is told a map in the contract's terms
(fixed voxels to moving voxels), and says it as the publisher's network would have said it.
`Finding` is told nothing: it finds landmarks in the arrays that it is given, fits an affine map to
them, and answers that. Both write down what they were given.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import torch
from torch import Tensor, nn

from TTAUncertaintyLib.models.contract import RegistrationModel

from ..zoo.case import Published
from .landmarks import landmarks_in

#: Arrays [B, 3, a, b, c] whose component n runs along axis n of the array, in voxels.
RawMap = Tensor


def identity_indices(shape: torch.Size | tuple[int, ...]) -> RawMap:
    """Return every voxel's own index, float64 [3, a, b, c], component n along axis n."""
    axes = [torch.arange(n, dtype=torch.float64) for n in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def in_published_terms(raw: RawMap, moving_shape: torch.Size, published: Published) -> Tensor:
    """Say a map as the published network would.

    Parameters
    ----------
    raw
        [B, 3, a, b, c]: for every voxel of the fixed array, the voxel of the moving array.
    moving_shape
        Of the moving array.
    published
        The network's convention.

    Returns
    -------
    Tensor
        float32 [B, 3, a, b, c].
    """
    raw = raw.double()
    here = identity_indices(raw.shape[2:]).to(raw.device)[None]
    if published.unit != "voxel":
        raw = _normalised(raw, moving_shape, published)
        here = _normalised(here, raw.shape[2:], published)
    elif not published.align_corners:
        # its warp takes its voxel v to 2 v / (N - 1) - 1, which `grid_sample` then takes without
        size = torch.tensor(moving_shape, dtype=torch.float64, device=raw.device)
        raw = (raw + 0.5) * ((size - 1) / size).view(1, 3, 1, 1, 1)
    answer = raw if published.quantity == "map" else raw - here
    if published.components == "last axis first":
        answer = answer.flip(1)
    return answer.float()


def _normalised(voxels: Tensor, shape: torch.Size, published: Published) -> Tensor:
    size = torch.tensor(shape, dtype=torch.float64, device=voxels.device).view(1, 3, 1, 1, 1)
    share = voxels / (size - 1) if published.align_corners else (voxels + 0.5) / size
    return share if published.unit == "unit" else 2 * share - 1


@dataclass(frozen=True)
class AxisOrder:
    """How the network's arrays lie relative to the contract's, [.., D, H, W]."""

    #: For each axis of the network's array the axis (0, 1, 2 of D, H, W) that it is.
    axes: tuple[int, int, int]
    #: Whether it runs the other way.
    backwards: tuple[bool, bool, bool]

    def arranged(self, field: Tensor) -> Tensor:
        """Put the voxels [B, C, D, H, W] into the network's order."""
        moved = field.permute(0, 1, *(2 + axis for axis in self.axes))
        return moved.flip([2 + n for n in range(3) if self.backwards[n]])

    def indices(self, phi: Tensor, shape: torch.Size) -> RawMap:
        """Turn voxel positions [B, 3, ...] in (i, j, k) into indices of the network's array.

        `shape` is that of the array, [.., D, H, W], in which they are positions.
        """
        parts = []
        for axis, backwards in zip(self.axes, self.backwards, strict=True):
            along = phi[:, 2 - axis]
            parts.append(shape[axis] - 1 - along if backwards else along)
        return torch.stack(parts, 1)


class StandInNetwork(nn.Module):
    """Base: takes what the published network takes; writes it down.

    Parameters
    ----------
    published
        The network's convention.
    """

    def __init__(self, published: Published) -> None:
        super().__init__()
        self.published = published
        #: (moving, fixed) of every call, as the network got them, [B, 1, a, b, c].
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, *arguments: Tensor, **named: Tensor) -> object:
        moving, fixed = self.published.receive(*arguments, **named)
        self.seen.append((moving.detach().cpu().float(), fixed.detach().cpu().float()))
        with torch.autocast(fixed.device.type, enabled=False):
            raw = self.raw_map(moving, fixed).to(fixed.device)
            answer = in_published_terms(raw, moving.shape[2:], self.published)
        return self.published.respond(answer)

    def raw_map(self, moving: Tensor, fixed: Tensor) -> RawMap:
        """Return what is to be answered."""
        raise NotImplementedError


class Still(StandInNetwork):
    """Sends every voxel to its own index."""

    def raw_map(self, moving: Tensor, fixed: Tensor) -> RawMap:
        return identity_indices(fixed.shape[2:]).expand(len(fixed), -1, -1, -1, -1)


class Answering(StandInNetwork):
    """Answers a map that it is told in the contract's terms.

    Parameters
    ----------
    published
        The network's convention.
    moving_order, fixed_order
        How its two arrays lie.
    moving_shape
        Of the moving tensor, (D, H, W).
    """

    def __init__(
        self,
        published: Published,
        moving_order: AxisOrder,
        fixed_order: AxisOrder,
        moving_shape: torch.Size,
    ) -> None:
        super().__init__(published)
        self.moving_order, self.fixed_order = moving_order, fixed_order
        self.moving_shape = moving_shape
        #: What to answer: [B or 1, 3, D, H, W], fixed voxels to moving voxels, (i, j, k).
        self.phi = torch.empty(0)

    def raw_map(self, moving: Tensor, fixed: Tensor) -> RawMap:
        arranged = self.fixed_order.arranged(self.phi.double())
        raw = self.moving_order.indices(arranged, self.moving_shape)
        return raw.expand(len(fixed), -1, -1, -1, -1)


class Finding(StandInNetwork):
    """A registration by landmarks: an affine fit to blobs that it finds in its own arrays."""

    def raw_map(self, moving: Tensor, fixed: Tensor) -> RawMap:
        answers = []
        for one, other in zip(moving, fixed, strict=True):
            here, there = landmarks_in(other[0]), landmarks_in(one[0])
            design = np.hstack((here, np.ones((len(here), 1))))
            fit = torch.from_numpy(np.linalg.lstsq(design, there, rcond=None)[0])
            grid = identity_indices(other.shape[1:])
            found = torch.einsum("cabd,cn->nabd", grid, fit[:3]) + fit[3].view(3, 1, 1, 1)
            answers.append(found)
        return torch.stack(answers)


@contextlib.contextmanager
def in_place_of_the_network(
    model: RegistrationModel, stand_in: StandInNetwork
) -> Iterator[StandInNetwork]:
    """Let a stand-in answer where the adapter has the published network; then put that back."""
    *path, last = stand_in.published.at.split(".")
    holder = attrgetter(".".join(path))(model) if path else model
    network = getattr(holder, last)
    assert isinstance(network, nn.Module), f"{stand_in.published.at} is no torch module"
    setattr(holder, last, stand_in)
    try:
        yield stand_in
    finally:
        setattr(holder, last, network)


def orders_of(
    model: RegistrationModel, published: Published, moving: Tensor, fixed: Tensor
) -> tuple[AxisOrder, AxisOrder]:
    """Find out, by ramps along each axis, how the network is given the two arrays.

    Parameters
    ----------
    moving, fixed
        Tensors of the shapes and on the device to ask for.

    Returns
    -------
    tuple
        Of the moving array, of the fixed one.
    """
    ramps: list[list[Tensor]] = []
    with in_place_of_the_network(model, Still(published)) as stand_in, torch.inference_mode():
        for axis in range(3):
            model.predict(_ramp(moving, axis), _ramp(fixed, axis))
            assert len(stand_in.seen) == 1, "one predict is one call of the published network"
            ramps.append(list(stand_in.seen.pop()))
    return _order([r[0] for r in ramps], moving), _order([r[1] for r in ramps], fixed)


def _ramp(like: Tensor, axis: int) -> Tensor:
    shape = [1, 1, 1]
    shape[axis] = like.shape[2 + axis]
    line = torch.linspace(0, 1, like.shape[2 + axis], device=like.device)
    return line.view(1, 1, *shape).expand(1, 1, *like.shape[2:]).contiguous()


def _order(ramps: list[Tensor], given: Tensor) -> AxisOrder:
    """Read an order off what became of the ramps along D, H and W."""
    axes, backwards = [-1, -1, -1], [False, False, False]
    for axis, ramp in enumerate(ramps):
        rises = [float(ramp[0, 0].diff(dim=n).double().mean()) for n in range(3)]
        size = np.abs(rises)
        n = int(np.argmax(size))
        assert size[n] > 1e3 * np.sort(size)[1], f"a ramp along one axis became {rises}"
        assert ramp.shape[2 + n] == given.shape[2 + axis], "the network gets the lattice's voxels"
        axes[n], backwards[n] = axis, rises[n] < 0
    assert sorted(axes) == [0, 1, 2]
    return AxisOrder((axes[0], axes[1], axes[2]), (backwards[0], backwards[1], backwards[2]))
