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
    """How a published network is called and what it answers, in its publisher's terms."""

    #: Attributes that lead from the adapter to the published network, such as
    #: "network.network"; a stand-in is put there. It has to be a `torch.nn.Module`.
    at: str
    #: Whether it answers displacements or the map itself.
    quantity: Literal["displacement", "map"]
    #: "voxel"; "grid_sample" ([-1, 1] over the lattice); "unit" ([0, 1] over the lattice).
    unit: Literal["voxel", "grid_sample", "unit"]
    #: Whether component 0 runs along the first axis of the network's arrays [B, C, 0, 1, 2]
    #: or along the last one (as `grid_sample` has it).
    components: Literal["first axis first", "last axis first"]
    #: For the last two: whether the ends are the outermost voxel centres (lengths N - 1) or
    #: the outer faces of the outermost voxels (lengths N). For voxels, False is a network whose
    #: own warp divides them by N - 1 and samples with `align_corners=False`.
    align_corners: bool = True
    #: To which direction the axes 0, 1, 2 of its arrays have to run, such as "RAS" (right,
    #: anterior, superior); None where it takes images as they are stored.
    directions: str | None = None
    #: Whether the adapter refuses any other shape of tensors than that of its own lattice.
    only_shape: bool = False
    #: Turns the arguments of the published network into (moving, fixed), each [B, 1, ...]. The
    #: default is for a network called as `network(moving, fixed)`.
    receive: Callable[..., tuple[Tensor, Tensor]] = lambda moving, fixed: (moving, fixed)
    #: Turns the field [B, 3, ...] into what the published network returns, such as a tuple.
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


#: What every network that this software builds for a checkpoint of one's own answers.
OWN_CHECKPOINT = Published(
    at="network.network",
    quantity="displacement",
    unit="voxel",
    components="first axis first",
    directions="RAS",
)


@dataclass(frozen=True)
class Recovery:
    """A model that truly registers is shown images that were truly moved."""

    #: Largest mean distance, over the fixed image's foreground, between where it sends points
    #: and where they are.
    bound_mm: float
    #: Returns the model, with real weights if it has weights; may skip, with the reason.
    make: Callable[[], RegistrationModel]
    #: "head": a smooth phantom of 60 mm, seconds on any lattice. "brain": the MNI152 brain.
    image: Literal["head", "brain"] = "head"
    #: Size of the two motions.
    shift_mm: float = 4.0
    turn_deg: float = 5.0
    #: Whether it takes more than a few seconds.
    slow: bool = False


@dataclass(frozen=True)
class Case:
    """A model for the conformance suite."""

    #: Of the case, and of the model in the registry or the kind of manifest that it stands for.
    name: str
    #: Called as `make(folder, options)`; returns the adapter on a *small* lattice, with seeded
    #: random weights written to the folder, real ones where they are small and at hand. It is
    #: called once and the model shared by all tests. The suite's images span about 90 mm of
    #: which the network has to see the middle 76 mm; a pass should take well below a second.
    #: An adapter with a fixed lattice gets a smaller one here (a subclass is fine).
    make: Callable[[Path, Mapping[str, str]], RegistrationModel]
    #: See there; None for a model without a network of its own convention, such as an
    #: optimisation: then `recovery` is a must.
    published: Published | None
    #: The largest distance, over all voxels, by which bf16 autocast may move the map of `make`'s
    #: model; 0 where it has nothing to reduce.
    half_precision_mm: float
    #: The largest distance by which the map may move when the same voxels are stored in another
    #: order of the axes, some of them backwards; None for a network that takes images as they
    #: are stored (there the suite checks the geometry alone).
    restored_mm: float | None
    #: The same for images sampled anew at another spacing, on average over the middle; None
    #: likewise.
    respaced_mm: float | None
    #: For real weights and for optimisations; None otherwise.
    recovery: Recovery | None = None
    #: Other names of the registry, or kinds of manifest, that this case stands for too.
    covers: tuple[str, ...] = ()
    #: For the benchmark of models: called with a folder, returns the adapter as its users have
    #: it, lattice and all, with seeded random weights. Not needed where the weights file of
    #: `make`'s model can be loaded from the registry under `name`.
    as_published: Callable[[Path], RegistrationModel] | None = None
    #: Returns why the model cannot be had here (an optional package), or None. Then its tests
    #: are skipped with that reason.
    unavailable: Callable[[], str | None] = lambda: None
