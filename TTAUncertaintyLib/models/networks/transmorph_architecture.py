"""The numbers that make one TransMorph of the family, read from a manifest.

The names are those of the publisher's configurations, so that one of them, written as JSON, is a
valid "architecture": what trains a network and leaves its answer alone may stay in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

from ...strict_json import OneOf, read_as

#: The published sizes, as differences from the default.
VARIANTS: dict[str, dict[str, Any]] = {
    "TransMorph": {},
    "TransMorph-Tiny": {"embed_dim": 6, "num_heads": (2, 2, 4, 4)},
    "TransMorph-Small": {"embed_dim": 48, "num_heads": (4, 4, 4, 4)},
    "TransMorph-Large": {
        "embed_dim": 128,
        "depths": (2, 2, 12, 2),
        "num_heads": (4, 4, 8, 16),
    },
}

#: Sizes of images have to be multiples of this: patches of 4 voxels, merged three times.
SHAPE_MULTIPLE = 32

_Triple = tuple[int, int, int]
_OfStages = tuple[int, int, int, int]


@dataclass(frozen=True)
class TransMorphArchitecture:
    """One TransMorph; the defaults are the published network for brain MRI.

    Raises
    ------
    ValueError
        If they contradict each other; the message names which.
    """

    #: Voxels along the three array axes that the network sees.
    img_size: _Triple = (160, 192, 224)
    #: Channels of the finest tokens; they double with every merging.
    embed_dim: int = 96
    #: Transformer blocks, and attention heads, of the four stages.
    depths: _OfStages = (2, 2, 4, 2)
    num_heads: _OfStages = (4, 4, 8, 8)
    #: Tokens along the three array axes within which attention is paid.
    window_size: _Triple = (5, 6, 7)
    #: Hidden channels of a block's perceptron, in its own channels.
    mlp_ratio: float = 4
    #: Whether queries, keys and values have a bias.
    qkv_bias: bool = False
    #: Probability of the dropout that the publisher switches off outside training.
    drop_rate: float = 0.0
    #: That of TransMorph-Bayes, which its publisher leaves on; here it is off unless the run asks
    #: for it. It takes the place of `drop_rate` inside the blocks, and drops channels of the
    #: convolved images.
    MC_drop: float = 0.0
    #: Whether a learned, or a sinusoidal, embedding of the position is added to the tokens.
    ape: bool = False
    spe: bool = False
    #: Whether attention has a bias by relative position.
    rpe: bool = True
    #: Whether the tokens are normalised before the first stage.
    patch_norm: bool = True
    #: Whether the decoder sees the convolved images, and the encoder's stages.
    if_convskip: bool = True
    if_transskip: bool = True
    #: Channels from which the displacement is convolved.
    reg_head_chan: int = 16
    #: Whether it is one of the publisher's networks for OASIS (Learn2Reg 2021), whose code
    #: differs: it decodes at half resolution and interpolates the displacement, and its loss
    #: warps with `align_corners=False` what it normalised for `align_corners=True`.
    oasis: bool = False

    def __post_init__(self) -> None:
        """Refuse what no TransMorph can be."""
        if any(n < SHAPE_MULTIPLE or n % SHAPE_MULTIPLE for n in self.img_size):
            raise ValueError(f"img_size must be three multiples of {SHAPE_MULTIPLE}.")
        if min(self.window_size) < 1 or min(self.depths) < 1 or min(self.num_heads) < 1:
            raise ValueError("window_size, depths and num_heads must be positive.")
        if self.embed_dim < 2 or self.embed_dim % 2 or self.reg_head_chan < 1:
            raise ValueError("embed_dim must be even, and reg_head_chan positive.")
        for channels, heads in zip(self.channels, self.num_heads, strict=True):
            if channels % heads:
                raise ValueError(f"num_heads: {heads} heads cannot share {channels} channels.")
        if not 0 <= self.drop_rate < 1 or not 0 <= self.MC_drop < 1 or self.mlp_ratio <= 0:
            raise ValueError("drop_rate and MC_drop must lie in [0, 1), mlp_ratio above 0.")
        if self.ape and self.spe:
            raise ValueError("ape and spe cannot both be true.")

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the four stages."""
        return tuple(self.embed_dim * 2**stage for stage in range(4))

    @property
    def block_dropout(self) -> float:
        """Probability of the dropout layers inside the transformer's blocks."""
        return self.MC_drop or self.drop_rate

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TransMorphArchitecture:
        """Read a configuration as the publisher writes them.

        Parameters
        ----------
        config
            Fields of this class; `variant`, a key of `VARIANTS`, from which the others differ;
            and what else the publisher's configurations hold.

        Raises
        ------
        ValueError
            If a name or a value is none; the message names it.
        """
        variant, window = config.get("variant"), config.get("window_size")
        values = (VARIANTS.get(variant, {}) if isinstance(variant, str) else {}) | dict(config)
        if isinstance(window, list) and len(window) == 4:
            values["window_size"] = window[:3]  # nothing reads the fourth of published ones
        found = read_as(_Configuration, values)
        return cls(**{each.name: getattr(found, each.name) for each in fields(cls)})


@dataclass(frozen=True)
class _Configuration(TransMorphArchitecture):
    """What the publisher's configurations hold besides: nothing that there is a choice about."""

    variant: Annotated[str, OneOf(*VARIANTS)] = "TransMorph"
    in_chans: Annotated[int, OneOf(2)] = 2
    patch_size: Annotated[int, OneOf(4)] = 4
    pat_merg_rf: Annotated[int, OneOf(4)] = 4
    out_indices: Annotated[_OfStages, OneOf((0, 1, 2, 3))] = (0, 1, 2, 3)
    drop_path_rate: Any = None
    use_checkpoint: Any = None
    pos_embed_method: Any = None
