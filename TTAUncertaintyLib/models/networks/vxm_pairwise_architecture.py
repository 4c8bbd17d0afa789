"""The arguments that make one `VxmPairwise` of VoxelMorph's torch package, read from a manifest.

Names and defaults are those of the package (0.3.4) and of its U-Net (neurite 0.3.4), so that the
arguments with which a network was trained, written as JSON, are a valid "architecture".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

ACTIVATIONS = ("relu", "leaky_relu", "elu", "gelu", "silu", "tanh")
NORMALIZATIONS = ("batch", "instance")
PADDING_MODES = ("zeros", "replicate", "reflect")
UPSAMPLE_MODES = ("linear", "nearest", "transposed")

#: What leaves the answer of a trained network alone. The package keeps `resize_integrated_fields`
#: and does nothing with it.
_WITHOUT_EFFECT = ("flow_initializer", "device", "resize_integrated_fields")

#: What this program leaves no choice about.
_ONLY = {"ndim": 3, "source_channels": 1, "target_channels": 1}

_DEFAULT_FEATURES = (16, 16, 16, 16, 16)
_MOST_LEVELS = 8
_MOST_FEATURES = 2048
_MOST_STEPS = 16
_LONGEST_ORDER = 12


@dataclass(frozen=True)
class VxmPairwiseArchitecture:
    """One `VxmPairwise`.

    Parameters
    ----------
    down, up
        Features of the levels, the finest first; of the steps upwards, the coarsest first. 0 is a
        level that only pools, or only upsamples.
    activations, normalizations
        One for each level, the finest first.
    final_activation
        Of the U-Net's answer.
    negative_slope
        Of leaky_relu. The package has 0.01 for the name, and for the class without arguments.
    integration_steps
        Squarings; 0 takes the velocity for the displacement.
    padding_mode, upsample_mode, order, skip_connections
        As the U-Net has them. `order` says in which order convolutions (c), normalisations (n) and
        activations (a) follow each other at each level.
    """

    down: tuple[int, ...] = _DEFAULT_FEATURES
    up: tuple[int, ...] = _DEFAULT_FEATURES
    activations: tuple[str | None, ...] = ("relu",) * len(_DEFAULT_FEATURES)
    normalizations: tuple[str | None, ...] = (None,) * len(_DEFAULT_FEATURES)
    final_activation: str | None = None
    negative_slope: float = 0.01
    integration_steps: int = 5
    padding_mode: str = "zeros"
    upsample_mode: str = "linear"
    order: str = "ca"
    skip_connections: bool = True

    @property
    def shape_multiple(self) -> int:
        """Every axis of the input must be a multiple of this number of voxels."""
        return 1 << len(self.down)

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> VxmPairwiseArchitecture:
        """Read the arguments of `VxmPairwise`, those of its U-Net within "unet_kwargs".

        Parameters
        ----------
        arguments
            By name; what is missing has the package's default. Classes and modules are given by
            name: `nn.LeakyReLU(0.2)` is "leaky_relu" with a "negative_slope" of 0.2.

        Raises
        ------
        ValueError
            If the network could not be built, or is one that this program does not compute; the
            message names the argument and says what is allowed.
        """
        own = dict(arguments)
        within = own.pop("unet_kwargs", None) or {}
        if not isinstance(within, Mapping):
            raise ValueError("'unet_kwargs' has to be an object with the arguments of the U-Net.")
        _refuse_unknown(own, _OUTER, "")
        _refuse_unknown(within, _INNER, "unet_kwargs.")
        for name, only in _ONLY.items():
            if own.get(name, only) != only or isinstance(own.get(name), bool):
                raise ValueError(f"'{name}' is {own[name]!r}; this program takes {only} alone.")
        down, up = _features(own.get("nb_features", _DEFAULT_FEATURES))
        values = {name: own[name] for name in _OUTER & set(_FIELDS) & set(own)}
        values |= {name: within[name] for name in _INNER & set(_FIELDS) & set(within)}
        for name, value in values.items():
            if name in ("activations", "normalizations"):
                values[name] = _for_each_level(name, value, len(down))
            else:
                _check(name, value)
        values.setdefault("activations", ("relu",) * len(down))
        values.setdefault("normalizations", (None,) * len(down))
        return cls(down=down, up=up, **values)


_FIELDS = tuple(field.name for field in fields(VxmPairwiseArchitecture))
_OUTER = {
    *_ONLY,
    *_WITHOUT_EFFECT,
    "nb_features",
    "activations",
    "final_activation",
    "negative_slope",
    "integration_steps",
}
_INNER = {"padding_mode", "upsample_mode", "normalizations", "order", "skip_connections"}

_NAMES: dict[str, tuple[str, ...]] = {
    "activations": ACTIVATIONS,
    "normalizations": NORMALIZATIONS,
    "final_activation": ACTIVATIONS,
    "padding_mode": PADDING_MODES,
    "upsample_mode": UPSAMPLE_MODES,
}


def _refuse_unknown(found: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in found:
        if name not in known:
            raise ValueError(
                f"There is no '{where}{name}'. Allowed: {', '.join(sorted(known))}"
                f"{'' if where else ', unet_kwargs'}."
            )


def _features(value: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the features downwards and upwards."""
    described = (
        f"'nb_features' has to be a list of 1 to {_MOST_LEVELS} whole numbers from 0 to "
        f"{_MOST_FEATURES}, or two such lists of the same length, downwards and upwards."
    )
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(described)
    pair = value if isinstance(value[0], list | tuple) else (value, value[::-1])
    if len(pair) != 2 or not all(isinstance(side, list | tuple) for side in pair):
        raise ValueError(described)
    down, up = (tuple(side) for side in pair)
    numbers = (*down, *up)
    whole = all(type(n) is int and 0 <= n <= _MOST_FEATURES for n in numbers)
    if not whole or len(down) != len(up) or not 1 <= len(down) <= _MOST_LEVELS:
        raise ValueError(described)
    return down, up


def _for_each_level(name: str, value: Any, levels: int) -> tuple[str | None, ...]:
    """Return one name for each level, of one for all or of a list."""
    listed = tuple(value) if isinstance(value, list | tuple) else (value,) * levels
    if len(listed) != levels:
        raise ValueError(f"'{name}' has {len(listed)} entries for {levels} levels.")
    for entry in listed:
        _check_name(name, entry, nullable=True)
    return listed


def _check(name: str, value: Any) -> None:
    """Refuse a value that the network cannot have."""
    if name in _NAMES:
        _check_name(name, value, nullable=name == "final_activation")
    elif name == "integration_steps":
        if type(value) is not int or not 0 <= value <= _MOST_STEPS:
            raise ValueError(f"'{name}' has to be a whole number from 0 to {_MOST_STEPS}.")
    elif name == "negative_slope":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ValueError(f"'{name}' has to be a number from 0 to 1.")
    elif name == "skip_connections":
        if not isinstance(value, bool):
            raise ValueError(f"'{name}' has to be true or false.")
    elif not (
        isinstance(value, str)
        and set(value) <= set("cna")
        and "c" in value
        and len(value) <= _LONGEST_ORDER
    ):
        raise ValueError(
            f"'{name}' has to be a word of the letters c, n and a with at least one c."
        )


def _check_name(name: str, value: Any, nullable: bool) -> None:
    if value is None and nullable:
        return
    if not isinstance(value, str) or value not in _NAMES[name]:
        allowed = ", ".join(_NAMES[name]) + (" or null" if nullable else "")
        raise ValueError(f"'{name}' is {value!r}. Allowed: {allowed}.")
