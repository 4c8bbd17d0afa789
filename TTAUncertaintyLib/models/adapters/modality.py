"""CT or MRI: how intensities are normalised, and what they say about where they come from."""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor

from ...errors import InputError
from ...geometry import Image

#: Hounsfield units that uniGradICON's publisher maps onto [0, 1].
CT_WINDOW = (-1000.0, 1000.0)
#: Of an MRI, the darkest value and this quantile are mapped onto [0, 1].
MRI_QUANTILE = 0.99

# What intensities have to be like to be taken for the one or the other; see `recognise`.
_NARROWEST_HU = 20.0
_BRIGHTER_THAN_TISSUE_HU = 600.0
_AIR_HU = (-1100.0, -850.0)
_LEAST_AIR = 0.005
_MOST_BELOW_AIR = 0.01


class Modality(Enum):
    """Where an image comes from, as far as its intensities are concerned."""

    MRI = "mri"
    CT = "ct"


def normalised(image: Image, modality: Modality) -> Image:
    """Map intensities onto [0, 1] as uniGradICON's publisher does.

    CT: [-1000, 1000] Hounsfield units. MRI: from the darkest value to the 99th percentile, which
    is the voxel of rank floor(0.99 n). What lies beyond is clamped.

    Raises
    ------
    InputError
        If nothing of the image is left that way.
    """
    values = image.intensities
    low, high = CT_WINDOW if modality is Modality.CT else _mri_range(values)
    if high > low:
        mapped = values.clamp(low, high).sub_(low).div_(high - low)
        if float(mapped.max()) > float(mapped.min()):
            return Image(mapped, image.lattice, image.name)
    if modality is Modality.CT:
        raise InputError(
            f"{image.name} has no contrast between {low:.0f} and {high:.0f} Hounsfield units.",
            "It may be no CT, or not be stored in Hounsfield units.",
        )
    raise InputError(
        f"99 % of the voxels of {image.name} have the same, darkest intensity.",
        "Crop the image to what is to be registered.",
    )


def _mri_range(values: Tensor) -> tuple[float, float]:
    flat = values.flatten()
    rank = max(1, int(MRI_QUANTILE * len(flat)))
    return float(flat.min()), float(flat.kthvalue(rank).values)


def recognise(image: Image) -> Modality | None:
    """Tell from its intensities whether an image is a CT in Hounsfield units or an MRI.

    It is an MRI where no CT could be like it: all intensities lie within 20, which the noise of
    a CT alone exceeds, or more than half of the voxels are brighter than 600, which only compact
    bone and metal are (voxels with the darkest intensity, often a masked background, do not
    count). It is a CT where at least 0.5 % of the voxels are air, between -1100 and -850, and
    hardly any lie below but for one value that fills what was not scanned.

    Anything else could be either: a CT that shows no air, such as the inside of a head or a
    masked organ, has the intensities of many an MRI. A wrong guess would change what the network
    sees without a word, so there is none.

    Returns
    -------
    Modality or None
        None where the intensities do not tell.
    """
    values = image.intensities
    low, high = float(values.min()), float(values.max())
    if high - low < _NARROWEST_HU:
        return Modality.MRI
    above = values > low
    if int((values > _BRIGHTER_THAN_TISSUE_HU).sum()) > int(above.sum()) / 2:
        return Modality.MRI
    air = (values >= _AIR_HU[0]) & (values <= _AIR_HU[1])
    below = above & (values < _AIR_HU[0])
    if _share(air) >= _LEAST_AIR and _share(below) <= _MOST_BELOW_AIR:
        return Modality.CT
    return None


def _share(mask: Tensor) -> float:
    return float(torch.count_nonzero(mask)) / mask.numel()
