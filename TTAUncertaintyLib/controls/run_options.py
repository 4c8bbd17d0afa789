"""What can be chosen about a run, and what each choice does."""

from __future__ import annotations

from collections.abc import Sequence

from ..perturbations import Preset
from .option import Option

#: Presets, each with one line about it.
PRESETS = (
    Option(
        Preset.QUICK.value,
        "Quick",
        "8 small shifts and turns. Total uncertainty only.",
    ),
    Option(
        Preset.STANDARD.value,
        "Standard",
        "8 small shifts and turns, each twice. Tells intrinsic spread and bias jitter apart.",
    ),
    Option(
        Preset.THOROUGH.value,
        "Thorough",
        "16 small affine perturbations, each twice. Tells intrinsic spread and bias jitter apart.",
    ),
    Option(
        Preset.PAPER.value,
        "Paper",
        "50 random perturbations of one family, as published. Total uncertainty only.",
    ),
)

#: Families of perturbations.
FAMILIES = (
    Option("translation", "Shift", "Shifts along the three axes, mm."),
    Option("rotation", "Turn", "Turns about the three axes, degrees."),
    Option("rigid", "Shift and turn", "Shifts and turns together."),
    Option("scale", "Scale", "Larger or smaller as a whole, per cent."),
    Option("anisotropic-scale", "Scale by axis", "Larger or smaller along each axis."),
    Option("shear", "Shear", "Sheared along the axes."),
    Option("affine", "Affine", "Shifted, turned, scaled and sheared together."),
    Option("elastic", "Elastic", "Bent by a smooth random deformation, mm."),
)

#: Ways of placing the perturbations.
SAMPLINGS = (
    Option(
        "hadamard",
        "Two levels, balanced",
        "Every parameter is plus or minus its amplitude, in balanced combinations.",
    ),
    Option("sobol", "Evenly spread (Sobol)", "Spread evenly between minus and plus."),
    Option("random", "Random", "Uniform and independent between minus and plus."),
)

#: Sources of the noise between repeats.
NOISES = (
    Option(
        "discretisation",
        "Sampling of the image",
        "The image is shifted by less than a voxel: another sampling, the same anatomy.",
    ),
    Option("dropout", "Dropout of the network", "The network's own dropout is switched on."),
)

#: Where a registration begins.
STARTS = (
    Option("header", "As the images lie", "The same position is taken as the same place."),
    Option("center", "Centres of the images", "One field of view is put onto the other."),
    Option("mass", "Centres of mass", "One centre of mass is put onto the other."),
)

#: Arithmetic of the network.
PRECISIONS = (
    Option("f32", "Full", "32 bits: exact. 16 bits where memory runs out."),
    Option("bf16", "bfloat16", "16 bits: faster on newer graphics cards."),
    Option("f16", "float16", "16 bits: faster on graphics cards."),
)

_DEVICES = {
    "auto": "Automatic",
    "cpu": "Processor",
    "cuda": "Graphics card",
    "mps": "Apple graphics",
}


def device_options(devices: Sequence[str], chosen: str) -> tuple[Option, ...]:
    """Return automatic, the devices that were found, and the chosen one even if it was not.

    Parameters
    ----------
    devices
        Names as in PyTorch, "cpu" first.
    chosen
        What the settings say.
    """
    names = dict.fromkeys(["auto", *devices, chosen])
    return tuple(Option(name, device_title(name)) for name in names)


def device_title(name: str) -> str:
    """Say a device in words: "cuda:1" is "Graphics card 1"."""
    kind, _colon, number = name.partition(":")
    return f"{_DEVICES.get(kind, kind)} {number}".strip() if kind else ""
