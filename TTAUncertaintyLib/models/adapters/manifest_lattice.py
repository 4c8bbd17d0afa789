"""Two images into what a manifest says that its network wants to see."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ...errors import InputError
from ...geometry import Image, Lattice, Matrix, resample_image
from ..contract import PreparedPair
from ..manifest import AxisOrder, Center, InputSpec, LatticeKind, Normalisation, NormalisationKind
from .common_lattice import foreground_center
from .usable_images import has_contrast, refuse_unusable

#: World directions (LPS) that the letters of an orientation run to.
_DIRECTIONS = {
    "R": (-1.0, 0.0, 0.0),
    "L": (1.0, 0.0, 0.0),
    "A": (0.0, -1.0, 0.0),
    "P": (0.0, 1.0, 0.0),
    "S": (0.0, 0.0, 1.0),
    "I": (0.0, 0.0, -1.0),
}


def prepare_as_specified(
    spec: InputSpec, fixed: Image, moving: Image, initial: Matrix
) -> PreparedPair:
    """Resample and normalise two images as a manifest's input section says.

    Parameters
    ----------
    initial
        Shape (4, 4), affine, fixed world to moving world, LPS mm. A network that sees each image
        on a lattice of its own does not see it: its map does not depend on where it starts.

    Returns
    -------
    PreparedPair
        Arrays with the contract's axes (k, j, i), whatever order the network wants them in.

    Raises
    ------
    InputError
        If an image is no volume, or has no contrast where the network looks.
    """
    refuse_unusable(fixed)
    return prepare_on(spec, lattice_over(spec, fixed), fixed, moving, initial)


def prepare_on(
    spec: InputSpec, lattice: Lattice, fixed: Image, moving: Image, initial: Matrix
) -> PreparedPair:
    """Do the same on a lattice of the fixed world, whatever the section says of that."""
    refuse_unusable(fixed)
    refuse_unusable(moving)
    if spec.lattice is LatticeKind.OWN:
        moving_lattice = lattice_over(spec, moving)
        seen = resample_image(moving, moving_lattice)
    else:
        moving_lattice = lattice.transformed(initial)
        seen = resample_image(moving, lattice, initial)
    return PreparedPair(
        moving=normalised(seen, spec.normalisation),
        fixed=normalised(resample_image(fixed, lattice), spec.normalisation),
        moving_lattice=moving_lattice,
        fixed_lattice=lattice,
    )


def towards(spec: InputSpec) -> Matrix:
    """Return the world directions (LPS) that the axes i, j, k run to, in columns."""
    return np.array([_DIRECTIONS[d] for d in spec.orientation or "LPS"]).T


def lattice_over(spec: InputSpec, image: Image) -> Lattice:
    """Return the lattice that a network wants over an image, in that image's world."""
    lattice = image.lattice
    if spec.orientation is not None:
        lattice = lattice.oriented(towards(spec))
    if spec.shape is None:
        spacing = lattice.spacing if spec.spacing_mm is None else spec.spacing_mm
        return lattice.resampled(spacing, spec.multiple)
    size = spec.shape if spec.array_order is AxisOrder.IJK else spec.shape[::-1]
    if spec.spacing_mm is None:
        return lattice.centered(size, lattice.extent / size, lattice.center)
    around = spec.center is Center.FOREGROUND
    return lattice.centered(
        size, spec.spacing_mm, foreground_center(image) if around else lattice.center
    )


def normalised(image: Image, how: Normalisation) -> Tensor:
    """Return an image's intensities as a network wants them, [1, 1, D, H, W].

    Raises
    ------
    InputError
        If they are all the same, before or after.
    """
    values = image.intensities.double()
    low, high = float(values.min()), float(values.max())
    if how.kind is NormalisationKind.PERCENTILE:
        low, high = (float(v) for v in np.percentile(values.numpy(), how.ends))
    elif how.kind is NormalisationKind.WINDOW:
        low, high = how.ends
    if how.kind is NormalisationKind.Z_SCORE:
        values = (values - values.mean()) / values.std(correction=0)
    elif how.kind is not NormalisationKind.NONE and high > low:
        share = ((values - low) / (high - low)).clamp_(0, 1)
        values = how.to[0] + share * (how.to[1] - how.to[0])
    result = values.float()
    if not (high > low and has_contrast(image.intensities) and has_contrast(result)):
        within = ""
        if how.kind is NormalisationKind.WINDOW:
            within = f" between the intensities {low:g} and {high:g}"
        raise InputError(
            f"{image.name} has no contrast{within} where the network looks.",
            "Check that the images overlap (try --start mass), and that they are of the kind that "
            "the network was trained on.",
        )
    return result[None, None].contiguous()
