"""The arguments that make one `VxmPairwise` of VoxelMorph's torch package, read from a manifest.

Names and defaults are those of the package (0.3.4) and of its U-Net (neurite 0.3.4), so that the
arguments with which a network was trained, written as JSON, are a valid "architecture". Classes and
modules are given by name: `nn.LeakyReLU(0.2)` is "leaky_relu" with a "negative_slope" of 0.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from ...strict_json import Between, Matching, NotAllowed, OneOf

_MOST_LEVELS = 8
_LONGEST_ORDER = 12

_T = TypeVar("_T")
_Features = tuple[Annotated[int, Between(0, 2048)], ...]
_Activation = Annotated[str, OneOf("relu", "leaky_relu", "elu", "gelu", "silu", "tanh")]
_Normalization = Annotated[str, OneOf("batch", "instance")]
_Order = Annotated[
    str,
    Matching(
        f"up to {_LONGEST_ORDER} of the letters c, n and a, with at least one c",
        lambda word: set(word) <= set("cna") and "c" in word and len(word) <= _LONGEST_ORDER,
    ),
]
_One = Annotated[int, OneOf(1)]


@dataclass(frozen=True)
class UNetArguments:
    """Those of the U-Net.

    `order` says in which order convolutions (c), normalisations (n) and activations (a) follow each
    other at each level. Of normalisations there is one for all levels, or one for each.
    """

    padding_mode: Annotated[str, OneOf("zeros", "replicate", "reflect")] = "zeros"
    upsample_mode: Annotated[str, OneOf("linear", "nearest", "transposed")] = "linear"
    normalizations: _Normalization | tuple[_Normalization | None, ...] | None = None
    order: _Order = "ca"
    skip_connections: bool = True


@dataclass(frozen=True)
class VxmPairwiseArchitecture:
    """One `VxmPairwise`.

    Raises
    ------
    NotAllowed
        If there is no such network.
    """

    #: Features of the levels, the finest first, or of the levels downwards, the finest first, and
    #: of the steps upwards, the coarsest first. 0 is a level that only pools, or only upsamples.
    nb_features: _Features | tuple[_Features, _Features] = (16, 16, 16, 16, 16)
    #: One for all levels, or one for each, the finest first.
    activations: _Activation | tuple[_Activation | None, ...] | None = "relu"
    #: Of the U-Net's answer.
    final_activation: _Activation | None = None
    #: Of leaky_relu. The package has 0.01 for the name, and for the class without arguments.
    negative_slope: Annotated[float, Between(0, 1)] = 0.01
    #: Squarings; 0 takes the velocity for the displacement.
    integration_steps: Annotated[int, Between(0, 16)] = 5
    #: What else the U-Net has.
    unet_kwargs: UNetArguments | None = None
    ndim: Annotated[int, OneOf(3)] = 3
    source_channels: _One = 1
    target_channels: _One = 1
    # these leave the answer of a trained network alone
    flow_initializer: Any = field(default=None, compare=False)
    device: Any = field(default=None, compare=False)
    resize_integrated_fields: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        levels = len(self.down)
        if levels != len(self.up) or not 1 <= levels <= _MOST_LEVELS:
            raise NotAllowed(
                f"has {levels} levels downwards and {len(self.up)} upwards.",
                f"Allowed: 1 to {_MOST_LEVELS}, and as many.",
                "nb_features",
            )
        per_level = (
            ("activations", self.activations),
            ("unet_kwargs.normalizations", self.unet.normalizations),
        )
        for name, value in per_level:
            if isinstance(value, tuple) and len(value) != levels:
                raise NotAllowed(f"has {len(value)} entries for {levels} levels.", key=name)

    @property
    def down(self) -> tuple[int, ...]:
        """Features of the levels, the finest first."""
        return self._both_ways[0]

    @property
    def up(self) -> tuple[int, ...]:
        """Features of the steps upwards, the coarsest first."""
        return self._both_ways[1]

    @property
    def _both_ways(self) -> tuple[Any, Any]:
        first = next(iter(self.nb_features), None)
        if isinstance(first, tuple):
            return first, self.nb_features[1]
        return self.nb_features, self.nb_features[::-1]

    @property
    def unet(self) -> UNetArguments:
        """The U-Net's arguments."""
        return self.unet_kwargs or UNetArguments()

    def activation(self, level: int) -> str | None:
        """Return the activation of a level, the finest first, or counted from the coarsest."""
        return _at(self.activations, level)

    def normalization(self, level: int) -> str | None:
        """Return the normalisation of a level, as `activation`."""
        return _at(self.unet.normalizations, level)

    @property
    def shape_multiple(self) -> int:
        """Every axis of the input must be a multiple of this number of voxels."""
        return 1 << len(self.down)


def _at(value: _T | tuple[_T, ...], level: int) -> _T:
    return value[level] if isinstance(value, tuple) else value
