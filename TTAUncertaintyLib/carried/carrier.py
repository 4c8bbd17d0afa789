"""Labels of the moving image on the fixed one, and how often each perturbed pass agrees.

The plain answer says which structure each fixed voxel belongs to. A perturbed pass is compared
with it voxel by voxel, and only where it disagrees is anything kept: which other structure, and
how often. Memory therefore grows neither with the passes nor with the number of structures.

The plain answer is interpolated exactly as the transform is. The offset of a pass, small and
smooth, is taken from the nearest voxel of the network's lattice: within half a voxel it changes
by less than the label map's own voxels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..geometry import DeformableTransform, Lattice, affine_map, points_on, sample
from ..geometry.resample import slabs
from ..geometry.windows import grown
from .label_map import LabelMap

#: Passes move a point by less than this, mm: farther inside a structure nothing is looked at.
REACH_MM = 8.0

#: The depth of what lies farther inside.
_BEYOND = 255

#: Other structures that are counted at a voxel.
ALTERNATIVES = 3


@dataclass(frozen=True, eq=False)
class CarriedLabels:
    """Labels on the fixed image's lattice, and the passes' disagreement with them."""

    #: int16, axes (k, j, i): number of the structure, from 1, in the order of the label map's
    #: structures; 0 for none.
    labels: NDArray[np.int16]
    #: Of the fixed image.
    lattice: Lattice
    #: Perturbed passes that were compared, n.
    passes: int
    #: int64, int16, int16 [m]: at the flat index of a voxel, `count` of the n passes have the
    #: structure `other` (0 for none) in place of the plain answer's.
    voxel: NDArray[np.int64]
    other: NDArray[np.int16]
    count: NDArray[np.int16]
    #: Disagreements that found no room: a voxel's fourth and further structures.
    uncounted: int
    #: float64, shape (structures + 1,): mean of the passes' volumes minus the plain answer's, and
    #: their standard deviation, in voxels.
    volume_shift: NDArray[np.float64]
    volume_spread: NDArray[np.float64]
    #: float64, same shape: mean Dice coefficient of the passes with the plain answer.
    overlap: NDArray[np.float64]

    def probability(self, structure: int) -> NDArray[np.float32]:
        """Return the share of the passes that have a structure at each voxel, axes (k, j, i).

        It is the passes' agreement, and no calibrated probability of the truth.
        """
        found = (self.labels == structure).astype(np.float32).ravel()
        if self.passes:
            own = self.labels.ravel()[self.voxel] == structure
            np.subtract.at(found, self.voxel[own], self.count[own] / np.float32(self.passes))
            others = self.other == structure
            found[self.voxel[others]] += self.count[others] / np.float32(self.passes)
        return found.reshape(self.labels.shape)


class LabelCarrier:
    """Takes the passes of a run as they are made.

    Parameters
    ----------
    labels
        Of the moving image.
    target
        The fixed image's lattice.
    """

    def __init__(self, labels: LabelMap, target: Lattice) -> None:
        self._source, self._target = labels.lattice, target
        self._structures = len(labels.structures)
        self._values = torch.from_numpy(np.pad(labels.numbers, 1))
        self._depth = _depth(labels.numbers, int(np.ceil(REACH_MM / labels.lattice.spacing.min())))
        self._state: _State | None = None

    def begin(self, transform: DeformableTransform, network: Lattice) -> None:
        """Carry the labels by the plain answer, and forget all passes.

        Parameters
        ----------
        transform
            The answer.
        network
            The network's fixed lattice, on which the passes' offsets will lie.
        """
        source, target = self._source, self._target
        # what happens to the network's voxels tells which of the image's are worth looking at
        there = _in_voxels(points_on(transform, network), source)
        near = _padded(self._depth < _BEYOND)
        shown = _padded(self._values[1:-1, 1:-1, 1:-1] > 0)
        worth = (_nearest(near, there.clone()) | _nearest(shown, there)).view(network.array_shape)
        reach = int(np.ceil(network.spacing.max() / network.spacing.min()))
        worth = torch.from_numpy(grown(worth.numpy(), (reach, reach, reach)))
        index, cell = _voxels_at(worth, network, target)
        at = _in_voxels(_points_at(index, transform, target), source)
        here = _nearest(self._values, at.clone())
        plain = torch.zeros(target.array_shape, dtype=torch.int16)
        plain.view(-1)[index] = here
        depth = _nearest(_padded(self._depth, _BEYOND), at.clone())
        order = torch.argsort(depth, stable=True)[: int((depth < _BEYOND).sum())]
        room = depth[order].float() * float(source.spacing.min())
        self._state = _State(
            plain, index[order], at[order], here[order], cell[order], room, self._structures + 1
        )

    def add(self, offset: Tensor) -> None:
        """Take a pass.

        Parameters
        ----------
        offset
            float32 [3, D, H, W] on the network's fixed lattice: compensated minus plain
            prediction, mm in the moving world, LPS.
        """
        state = self._begun().on(offset.device)
        linear = torch.from_numpy(self._source.inverse[:3, :3].T).to(offset)
        offset = offset.flatten(1).T
        steps = offset @ linear
        values = self._values.to(offset.device)
        close = state.close  # the neighbours of another structure, which are always looked at
        moved = steps.index_select(0, state.cell[:close]).add_(state.start[:close])
        state.count(None, _nearest(values, moved))
        # of the others, what moves by less than its distance to another structure stays
        lengths = offset.square().sum(1).sqrt_()
        moves = lengths.index_select(0, state.cell[close:]) > state.room[close:]
        far = torch.nonzero(moves)[:, 0] + close
        moved = steps.index_select(0, state.cell[far]).add_(state.start.index_select(0, far))
        state.count(far, _nearest(values, moved))
        state.finish_pass()

    def result(self) -> CarriedLabels:
        """Return what has been found so far."""
        return self._begun().on(torch.device("cpu")).result(self._target)

    def _begun(self) -> _State:
        if self._state is None:
            raise ValueError("There is no plain answer yet.")
        return self._state


class _State:
    """The plain answer, the voxels that are looked at, and what the passes say of them.

    Parameters
    ----------
    plain
        int16, axes (k, j, i).
    index, start, here, cell, room
        [N], [N, 3]: flat index of a voxel; where the plain answer sends it, voxels of the label
        map; its structure; the network's voxel nearest to it; and how far it may move before it
        meets another structure, mm, rising.
    structures
        How many, with none.
    """

    def __init__(
        self,
        plain: Tensor,
        index: Tensor,
        start: Tensor,
        here: Tensor,
        cell: Tensor,
        room: Tensor,
        structures: int,
    ) -> None:
        self.close = int((room == 0).sum())
        self.passes = self.uncounted = 0
        volume = torch.bincount(plain.flatten().long(), minlength=structures).double()
        zeros = torch.zeros_like(volume)
        counts = torch.zeros(ALTERNATIVES, len(index), dtype=torch.int16)
        self._on: dict[str, Tensor] = {
            "plain": plain,
            "index": index,
            "start": start,
            "here": here,
            "cell": cell,
            "room": room,
            "volume": volume,
            "labels": counts,
            "times": counts.clone(),
            "lost": zeros,
            "change": zeros.clone(),
            "shift": zeros.clone(),
            "square": zeros.clone(),
            "overlap": zeros.clone(),
        }

    def __getattr__(self, name: str) -> Tensor:
        try:
            return self.__dict__["_on"][name]
        except KeyError:
            raise AttributeError(name) from None

    def on(self, device: torch.device) -> _State:
        """Return this state, moved to a device where it is on another one."""
        if self.start.device != device:
            self._on = {name: value.to(device) for name, value in self._on.items()}
        return self

    def count(self, at: Tensor | None, labels: Tensor) -> None:
        """Count where a pass's labels are others than the plain answer's.

        Parameters
        ----------
        at
            Places among the voxels that are looked at, [n]; None for the first ones.
        labels
            int16 [n].
        """
        here = self.here[: len(labels)] if at is None else self.here[at]
        changed = torch.nonzero(labels != here)[:, 0]
        new, old = labels[changed], here[changed]
        at = changed if at is None else at[changed]
        size = len(self.volume)
        lost = torch.bincount(old.int(), minlength=size)
        self.lost.add_(lost)
        self.change.add_(torch.bincount(new.int(), minlength=size) - lost)
        for slot in range(ALTERNATIVES):
            label, times = self.labels[slot], self.times[slot]
            so_far = times[at]
            fits = (so_far == 0) | (label[at] == new)
            took = at[fits]
            label[took] = new[fits]
            times[took] = so_far[fits] + 1
            at, new = at[~fits], new[~fits]
        self.uncounted += len(at)

    def finish_pass(self) -> None:
        """Add a pass's volumes to the sums."""
        self.passes += 1
        self.shift.add_(self.change)
        self.square.add_(self.change.square())
        both = (2 * self.volume + self.change).clamp(min=1)
        self.overlap.add_(2 * (self.volume - self.lost) / both)
        self.change.zero_()
        self.lost.zero_()

    def result(self, lattice: Lattice) -> CarriedLabels:
        """Return copies of what was found."""
        slot, place = torch.nonzero(self.times, as_tuple=True)
        n = max(self.passes, 1)
        mean = self.shift / n
        variance = (self.square - n * mean.square()).clamp(min=0) / max(n - 1, 1)
        overlap = self.overlap / n if self.passes else torch.full_like(mean, float("nan"))
        return CarriedLabels(
            self.plain.numpy().copy(),
            lattice,
            self.passes,
            self.index[place].numpy(),
            self.labels[slot, place].numpy(),
            self.times[slot, place].numpy(),
            self.uncounted,
            mean.numpy(),
            variance.sqrt().numpy(),
            overlap.numpy(),
        )


def _padded(values: Tensor, margin: int = 0) -> Tensor:
    return F.pad(values, (1,) * 6, value=margin)


def _nearest(values: Tensor, at: Tensor) -> Tensor:
    """Return the nearest values of an array with a margin of one voxel, whose values lie beyond.

    Parameters
    ----------
    values
        [D + 2, H + 2, W + 2].
    at
        [N, 3], components (i, j, k), voxels without the margin; it is overwritten.

    Notes
    -----
    This is most of what a pass costs: `index_select` takes indices of 32 bits as they are, which
    brackets turn into ones of 64 first.
    """
    last = torch.tensor([float(n - 1) for n in reversed(values.shape)], device=at.device)
    step = [1, values.shape[2], values.shape[1] * values.shape[2]]
    voxel = torch.minimum(at.add_(1.5).clamp_(min=0), last, out=at).to(torch.int32)
    index = voxel[:, 2] * step[2]
    index.add_(voxel[:, 1], alpha=step[1]).add_(voxel[:, 0])
    return values.view(-1).index_select(0, index)


def _in_voxels(points: Tensor, lattice: Lattice) -> Tensor:
    """Return world points [3, ...] as voxels of a lattice, [N, 3]."""
    inverse = torch.from_numpy(lattice.inverse)
    return affine_map(inverse, points.reshape(3, -1, 1, 1)).flatten(1).T.contiguous()


def _depth(numbers: NDArray[np.int16], voxels: int) -> Tensor:
    """Return how many voxels, along axes and diagonals, may be gone without leaving a structure.

    Returns
    -------
    Tensor
        uint8, the shape of `numbers`: 0 at a neighbour of another structure, `_BEYOND` where it is
        more than `voxels`. Beyond the edge of the labels there is no structure.
    """
    numbers = np.pad(numbers, 1)
    low, high = numbers.copy(), numbers.copy()
    for combine, extreme in ((np.minimum, low), (np.maximum, high)):
        for axis in range(3):
            along = np.moveaxis(extreme, axis, 0)
            own = along.copy()
            combine(along[1:], own[:-1], out=along[1:])
            combine(along[:-1], own[1:], out=along[:-1])
    near = low != high
    depth = np.full(numbers.shape, _BEYOND, np.uint8)
    for n in range(min(voxels, _BEYOND - 1), -1, -1):
        depth[grown(near, (n, n, n))] = n
    return torch.from_numpy(np.ascontiguousarray(depth[1:-1, 1:-1, 1:-1]))


def _voxels_at(worth: Tensor, network: Lattice, target: Lattice) -> tuple[Tensor, Tensor]:
    """Return flat indices of a lattice's voxels, and those of the network's next to them.

    Only those whose nearest voxel of the network's lattice is marked, or that lie outside it:
    there the offsets of its border count.
    """
    ni, nj, nk = network.size
    cells = torch.arange(nk * nj * ni, dtype=torch.int32).view(nk, nj, ni)
    for axis in range(3):
        ends = cells.narrow(axis, 0, 1), cells, cells.narrow(axis, cells.shape[axis] - 1, 1)
        cells = torch.cat(ends, axis)
    cells[1:-1, 1:-1, 1:-1][~worth] = -1
    columns, rows, _ = target.size
    matrix = torch.from_numpy(network.inverse @ target.matrix)
    indices, nearest = [], []
    for first, depth in slabs(target.array_shape):
        k, j, i = (torch.arange(n, dtype=torch.float64)[:, None] for n in (depth, rows, columns))
        slices = (k + first) * matrix[:3, 2] + matrix[:3, 3]
        plane = (j * matrix[:3, 1])[:, None] + i * matrix[:3, 0]
        at = slices[:, None].float() + plane.reshape(1, -1, 3).float()
        cell = _nearest(cells, at.view(-1, 3))
        found = torch.nonzero(cell >= 0)[:, 0]
        indices.append(found + first * rows * columns)
        nearest.append(cell[found])
    return torch.cat(indices), torch.cat(nearest)


def _points_at(index: Tensor, transform: DeformableTransform, target: Lattice) -> Tensor:
    """Return where a transform sends voxels of flat indices, [3, N, 1, 1], world LPS mm."""
    ni, nj, _ = target.size
    flat = index.int()
    voxels = torch.stack((flat % ni, flat // ni % nj, flat // (ni * nj))).float()[..., None, None]
    at = affine_map(torch.from_numpy(transform.lattice.inverse @ target.matrix), voxels)
    moved = sample(transform.displacement[None], at[None], padding="zeros")[0]
    moved += affine_map(torch.tensor(target.matrix), voxels)
    return affine_map(torch.from_numpy(transform.initial), moved)
