"""What the conformance suite has to be told about a model.

A case states what the *publisher* says of the network, not what the adapter does: the suite holds
the adapter against it. The heart of it is `Published`: where in the adapter the published network
sits, and in which convention it answers. The suite puts a stand-in in that place, which answers a
known field in that convention, or finds landmarks in the very arrays that the network is given.
So the adapter's geometry is tested end to end, in mm of the world, whatever the weights are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from TTAUncertaintyLib.models.contract import RegistrationModel

Array = NDArray[np.float64]


def _as_it_is(answer: Tensor) -> Any:
    return answer


@dataclass(frozen=True)
class Published:
    """How a published network is called and what it answers, in its publisher's terms.

    Parameters
    ----------
    at
        Attributes that lead from the adapter to the published network, such as
        "network.network"; a stand-in is put there. It has to be a `torch.nn.Module`.
    quantity
        Whether it answers displacements or the map itself.
    unit
        "voxel"; "grid_sample" ([-1, 1] over the lattice); "unit" ([0, 1] over the lattice).
    align_corners
        For the last two: whether the ends are the outermost voxel centres (lengths N - 1) or
        the outer faces of the outermost voxels (lengths N). For voxels, False is a network whose
        own warp divides them by N - 1 and samples with `align_corners=False`.
    components
        Whether component 0 runs along the first axis of the network's arrays [B, C, 0, 1, 2]
        or along the last one (as `grid_sample` has it).
    directions
        To which direction the axes 0, 1, 2 of its arrays have to run, such as "RAS" (right,
        anterior, superior); None where it takes images as they are stored.
    only_shape
        Whether the adapter refuses any other shape of tensors than that of its own lattice.
    receive
        Turns the arguments of the published network into (moving, fixed), each [B, 1, ...]. The
        default is for a network called as `network(moving, fixed)`.
    respond
        Turns the field [B, 3, ...] into what the published network returns, such as a tuple.
    """

    at: str
    quantity: Literal["displacement", "map"]
    unit: Literal["voxel", "grid_sample", "unit"]
    components: Literal["first axis first", "last axis first"]
    align_corners: bool = True
    directions: str | None = None
    only_shape: bool = False
    receive: Callable[..., tuple[Tensor, Tensor]] = lambda moving, fixed: (moving, fixed)
    respond: Callable[[Tensor], Any] = _as_it_is


def channels(first: Literal["moving", "fixed"] = "moving") -> Callable[..., tuple[Tensor, Tensor]]:
    """Return a `receive` for a network called with both images as channels of one tensor."""

    def receive(both: Tensor) -> tuple[Tensor, Tensor]:
        one, other = both[:, :1], both[:, 1:2]
        return (one, other) if first == "moving" else (other, one)

    return receive


def fixed_first(fixed: Tensor, moving: Tensor) -> tuple[Tensor, Tensor]:
    """Be the `receive` of a network called as `network(fixed, moving)`."""
    return moving, fixed


@dataclass(frozen=True)
class Recovery:
    """A model that truly registers is shown images that were truly moved.

    Parameters
    ----------
    bound_mm
        Largest mean distance, over the fixed image's foreground, between where it sends points
        and where they are.
    make
        Returns the model, with real weights if it has weights; may skip, with the reason.
    image
        "head": a smooth phantom of 60 mm, seconds on any lattice. "brain": the MNI152 brain.
    shift_mm, turn_deg
        Size of the two motions.
    slow
        Whether it takes more than a few seconds.
    """

    bound_mm: float
    make: Callable[[], RegistrationModel]
    image: Literal["head", "brain"] = "head"
    shift_mm: float = 4.0
    turn_deg: float = 5.0
    slow: bool = False


@dataclass(frozen=True)
class Case:
    """A model for the conformance suite.

    Parameters
    ----------
    name
        Of the case, and of the model in the registry or the kind of manifest that it stands for.
    make
        Called as `make(folder, options)`; returns the adapter on a *small* lattice, with seeded
        random weights written to the folder, real ones where they are small and at hand. It is
        called once and the model shared by all tests. The suite's images span about 90 mm of
        which the network has to see the middle 76 mm; a pass should take well below a second.
        An adapter with a fixed lattice gets a smaller one here (a subclass is fine).
    published
        See there; None for a model without a network of its own convention, such as an
        optimisation: then `recovery` is a must.
    half_precision_mm
        The largest distance, over all voxels, by which bf16 autocast may move the map of `make`'s
        model; 0 where it has nothing to reduce.
    restored_mm
        The largest distance by which the map may move when the same voxels are stored in another
        order of the axes, some of them backwards; None for a network that takes images as they
        are stored (there the suite checks the geometry alone).
    respaced_mm
        The same for images sampled anew at another spacing, on average over the middle; None
        likewise.
    recovery
        For real weights and for optimisations; None otherwise.
    covers
        Other names of the registry, or kinds of manifest, that this case stands for too.
    as_published
        For the benchmark of models: called with a folder, returns the adapter as its users have
        it, lattice and all, with seeded random weights. Not needed where the weights file of
        `make`'s model can be loaded from the registry under `name`.
    unavailable
        Returns why the model cannot be had here (an optional package), or None. Then its tests
        are skipped with that reason.
    """

    name: str
    make: Callable[[Path, Mapping[str, str]], RegistrationModel]
    published: Published | None
    half_precision_mm: float
    restored_mm: float | None
    respaced_mm: float | None
    recovery: Recovery | None = None
    covers: tuple[str, ...] = ()
    as_published: Callable[[Path], RegistrationModel] | None = None
    unavailable: Callable[[], str | None] = lambda: None
