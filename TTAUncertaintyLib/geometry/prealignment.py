"""Linear pre-alignment by optimisation, for networks that expect it.

A network trained on affinely aligned images answers badly where they are not. The two steps here
are explicit: each returns a matrix that goes into the result's provenance, and either can be
switched off.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from ..errors import InputError
from .image import Image
from .lattice import Lattice, Matrix
from .linear import Prealignment
from .mutual_information import MutualInformation
from .resample import gaussian_smooth, resample_array, shrink_image

#: The moving image's spacing, and the fixed one's at the last level, mm.
_WORKING_SPACING_MM = 4.0

#: Resolution levels: the fixed image's spacing and the Gaussian that both are smoothed with, mm.
_LEVELS_MM = ((16.0, 8.0), (8.0, 4.0), (4.0, 2.0))

#: What is thinner than this along an axis may be too thin to be aligned, mm.
_THIN_MM = 20.0
#: Of matrices in mm, in the frames of the images: rounding beyond is that of headers.
_DECIMALS = 9

#: A level ends after so many steps, or with one that is shorter than this, mm.
_STEPS, _SHORTEST_MM = 40, 0.01

Vector = NDArray[np.float64]


def prealign(fixed: Image, moving: Image, start: Matrix, kind: Prealignment) -> Matrix:
    """Align linearly by mutual information, from a start.

    Parameters
    ----------
    fixed, moving
        The images, any contrast.
    start
        Shape (4, 4), fixed world to moving world, LPS mm.
    kind
        Rigid or affine; NONE returns the start.

    Returns
    -------
    Matrix
        Shape (4, 4), fixed world to moving world, LPS mm.

    Raises
    ------
    InputError
        If the images do not overlap.

    Notes
    -----
    Coarse to fine, each level by the quasi-Newton steps of Broyden, Fletcher, Goldfarb and Shanno
    on numbers that are millimetres of motion, so that one step fits all of them. On one thread:
    these images are too small to share out, and sums come in the same order on every machine.

    Each image is aligned in a frame of its own, along its voxel axes and about its middle, so that
    where its world has its origin and axes changes nothing: turning a header turns the result.
    """
    if kind is Prealignment.NONE:
        return start
    fixed_frame, moving_frame = _own_frame(fixed.lattice), _own_frame(moving.lattice)
    still = fixed.on(_seen_from(fixed_frame, fixed.lattice))
    floating = moving.on(_seen_from(moving_frame, moving.lattice))
    begin = np.round(np.linalg.inv(moving_frame) @ start @ fixed_frame, _DECIMALS)
    with _torch_on_one_thread():
        found = _aligned(
            shrink_image(still, _WORKING_SPACING_MM),
            shrink_image(floating, _WORKING_SPACING_MM),
            begin,
            kind,
        )
    if found is None:
        raise thin_slab(fixed, moving) or InputError(
            "The linear pre-alignment found no overlap between the images.",
            "Start from the centres of mass (--start mass), give an initial transform, or "
            "switch the step off (--prealign none).",
        )
    return np.asarray(moving_frame @ found @ np.linalg.inv(fixed_frame))


def thin_slab(*images: Image) -> InputError | None:
    """Return why images that do not meet may not: one is a few slices; None if that is not it."""
    thinnest = min(images, key=lambda image: float(image.lattice.extent.min()))
    extent = thinnest.lattice.extent
    if extent.min() >= _THIN_MM:
        return None
    words = " x ".join(f"{edge:.0f}" for edge in extent)
    return InputError(
        f"{thinnest.name} is a slab of {words} mm ({min(thinnest.lattice.size)} slices), too thin "
        "to be aligned in three dimensions.",
        "Use an image with more slices.",
    )


def _own_frame(lattice: Lattice) -> Matrix:
    """Return the frame of a lattice, shape (4, 4): own axes and middle to world, LPS mm."""
    frame = np.eye(4)
    frame[:3, :3] = lattice.axes
    frame[:3, 3] = lattice.center
    return frame


def _seen_from(frame: Matrix, lattice: Lattice) -> Lattice:
    """Return a lattice in a frame; rounded, so that the same lattice elsewhere is the very same."""
    return Lattice(lattice.size, np.round(np.linalg.inv(frame) @ lattice.matrix, _DECIMALS))


def _aligned(still: Image, floating: Image, start: Matrix, kind: Prealignment) -> Matrix | None:
    """Align two images at the working resolution; None where they do not overlap."""
    motion = _Motion(kind, still)
    parameters = np.zeros(motion.count)
    for spacing, sigma in _LEVELS_MM:
        smooth = [
            gaussian_smooth(x.intensities[None], sigma / x.lattice.spacing)
            for x in (still, floating)
        ]
        lattice = still.lattice.resampled(np.maximum(still.lattice.spacing, spacing))
        information = MutualInformation(
            resample_array(smooth[0], still.lattice, lattice)[0],
            smooth[1][0],
            lattice,
            floating.lattice,
        )

        def gain(at: Vector, information: MutualInformation = information) -> tuple[float, Vector]:
            matrix, by_parameter = motion.matrix(at)
            value, by_matrix = information(start @ matrix)
            by_motion = start[:3, :3].T @ by_matrix
            return value, np.einsum("ab,pab->p", by_motion, by_parameter)

        if not np.isfinite(gain(parameters)[0]):
            return None
        parameters = _climb(gain, parameters, spacing / 2)
    return start @ motion.matrix(parameters)[0]


class _Motion:
    """A rigid or affine map of the fixed world, by parameters that are mm of motion.

    Parameters
    ----------
    kind
        Rigid (3 translations and 3 rotations) or affine (3 and 9).
    fixed
        The map turns about its middle; at its root mean square distance from there, a parameter
        of 1 moves points by about 1 mm.
    """

    def __init__(self, kind: Prealignment, fixed: Image) -> None:
        self._center = fixed.lattice.center
        radius = float(np.linalg.norm(fixed.lattice.extent)) / np.sqrt(12)
        if kind is Prealignment.RIGID:
            turns = np.zeros((3, 3, 3))
            for n, (a, b) in enumerate(((2, 1), (0, 2), (1, 0))):
                turns[n, a, b], turns[n, b, a] = 1, -1
            self._linear = turns / radius
        else:
            self._linear = np.eye(9).reshape(9, 3, 3) * (np.sqrt(3) / radius)
        self._rigid = kind is Prealignment.RIGID
        self.count = 3 + len(self._linear)

    def matrix(self, parameters: Vector) -> tuple[Matrix, NDArray[np.float64]]:
        """Return the map, shape (4, 4), and its derivatives, shape (parameters, 3, 4)."""
        linear, by_linear = self._linear_part(parameters[3:])
        result = np.eye(4)
        result[:3, :3] = linear
        result[:3, 3] = self._center - linear @ self._center + parameters[:3]
        derivatives = np.zeros((self.count, 3, 4))
        derivatives[:3, :, 3] = np.eye(3)
        derivatives[3:, :, :3] = by_linear
        derivatives[3:, :, 3] = -by_linear @ self._center
        return result, derivatives

    def _linear_part(self, parameters: Vector) -> tuple[Matrix, NDArray[np.float64]]:
        if not self._rigid:
            return np.eye(3) + np.tensordot(parameters, self._linear, 1), self._linear
        # about k, then j, then i; each factor's derivative is its generator times itself
        turns = [_rotation(g * p) for g, p in zip(self._linear, parameters, strict=True)]
        i, j, k = turns
        gi, gj, gk = self._linear
        derivatives = np.stack((gi @ i @ j @ k, i @ gj @ j @ k, i @ j @ gk @ k))
        return i @ j @ k, derivatives


def _rotation(generator: Matrix) -> Matrix:
    """Return the matrix exponential of a skew matrix (Rodrigues)."""
    angle = float(np.linalg.norm(generator)) / np.sqrt(2)
    first = np.sinc(angle / np.pi)
    second = np.sinc(angle / (2 * np.pi)) ** 2 / 2
    return np.asarray(np.eye(3) + first * generator + second * generator @ generator)


def _climb(gain: Callable[[Vector], tuple[float, Vector]], at: Vector, longest: float) -> Vector:
    """Return where a function is highest, by quasi-Newton steps (BFGS) of limited length.

    Parameters
    ----------
    gain
        Value and gradient; -inf where it does not exist.
    at
        Where to begin.
    """
    value, slope = gain(at)
    inverse: NDArray[np.float64] | None = None
    for _ in range(_STEPS):
        step = slope if inverse is None else inverse @ slope
        if inverse is None or step @ slope <= 0:
            inverse, step = None, slope * (longest / 2 / max(float(np.linalg.norm(slope)), 1e-30))
        step = step * min(1.0, longest / max(float(np.linalg.norm(step)), 1e-30))
        while True:
            length = float(np.linalg.norm(step))
            if length < _SHORTEST_MM:
                return at
            new_value, new_slope = gain(at + step)
            if new_value >= value + 1e-4 * float(step @ slope):
                break
            step = step / 2
        change = slope - new_slope
        at, value, slope = at + step, new_value, new_slope
        curvature = float(step @ change)
        if curvature > 0:
            if inverse is None:
                inverse = np.eye(len(at)) * curvature / float(change @ change)
            left = np.eye(len(at)) - np.outer(step, change) / curvature
            inverse = left @ inverse @ left.T + np.outer(step, step) / curvature
    return at


@contextlib.contextmanager
def _torch_on_one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def itk_on_one_thread() -> Iterator[None]:
    """Let ITK use one thread: some of its metrics ignore the method's own setting."""
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
