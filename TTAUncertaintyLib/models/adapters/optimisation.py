"""What registrations by optimisation share: no weights, the CPU, threads that can be interrupted.

An optimisation is a map-valued function like a network, only slower. Each pass runs on one thread,
so that sums come in one order and the same images give the same map to the bit; the passes of a
batch run side by side where the optimiser can, which is where more cores help (`--batch-size`).
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import ModelError
from ...geometry import Image, Matrix, identity_map
from ...geometry.prealignment import itk_on_one_thread
from ..contract import NO_OPTIONS, ModelDescription, PreparedPair
from .common_lattice import anatomical_lattice, prepare_on_common_lattice
from .usable_images import has_contrast

#: Fewest voxels of field of view along an axis.
_LEAST_VOXELS = 8

#: Seconds between two looks at whether the run was cancelled.
_POLL_SECONDS = 0.1

#: Intensities [D, H, W], axes (k, j, i); displacements [3, D, H, W], components (i, j, k), mm.
Array = NDArray[np.float32]


class Stopped(Exception):  # noqa: N818  (it is not an error of anybody's)
    """A registration ended early because it was asked to."""


class OptimisedRegistration(ABC):
    """Base of the adapters around registration by optimisation.

    Parameters
    ----------
    weights
        None: there are none.
    options
        `spacing`: that of the common lattice, mm.

    Raises
    ------
    ModelError
        If there is no such option or choice.
    """

    description: ModelDescription
    weights: ClassVar[None] = None
    has_dropout: ClassVar[bool] = False

    #: Whether several may run at once in one process without changing each other's results.
    side_by_side: ClassVar[bool] = True

    def __init__(
        self, weights: Path | None = None, options: Mapping[str, str] = NO_OPTIONS
    ) -> None:
        self.options: Mapping[str, str] = self.description.chosen(options)
        self.spacing_mm = float(self.options["spacing"])

    @abstractmethod
    def register(self, moving: Array, fixed: Array, stop: Event) -> Array:
        """Register two images of `spacing_mm` that have contrast.

        Parameters
        ----------
        moving, fixed
            [D, H, W], axes (k, j, i), 0 to 1.
        stop
            Once it is set, this ends within a second or two by raising `Stopped`.

        Returns
        -------
        Array
            [3, D, H, W], components (i, j, k), mm along those axes, fixed to moving.

        Raises
        ------
        Exception
            Whatever the optimiser raises: `predict` says it in plain words.
        """

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Resample both images onto a lattice over the fixed image's field of view."""
        lattice = anatomical_lattice(fixed, self.spacing_mm, 1, minimum=_LEAST_VOXELS)
        return prepare_on_common_lattice(fixed, moving, initial, lattice)

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        """Register a batch on the CPU; see `RegistrationModel.predict`.

        Where an image of a pair has no contrast there is nothing to register by, and the answer
        is the identity, from which every optimisation starts.

        Raises
        ------
        ModelError
            If the optimiser fails, or returns what is no map.
        MemoryError
            If memory runs out.
        """
        pairs = list(zip(_arrays(moving), _arrays(fixed), strict=True))
        at_once = min(len(pairs), os.cpu_count() or 1) if self.side_by_side else 1
        stop = Event()
        with (
            itk_on_one_thread(),
            ThreadPoolExecutor(at_once) as threads,
        ):
            tasks = [threads.submit(self._registered, *pair, stop) for pair in pairs]
            try:
                waiting = set(tasks)
                while waiting:
                    # short waits, and none in C++: a signal is handled in between
                    waiting = wait(waiting, timeout=_POLL_SECONDS).not_done
            finally:
                stop.set()
            displacement = np.stack([task.result() for task in tasks]) / self.spacing_mm
        voxels = torch.from_numpy(displacement.astype(np.float32)).to(fixed.device)
        return voxels + identity_map(fixed.shape[2:]).to(fixed.device)

    def _registered(self, moving: Array, fixed: Array, stop: Event) -> Array:
        if not (_has_contrast(moving) and _has_contrast(fixed)):
            return np.zeros((3, *fixed.shape), np.float32)
        if stop.is_set():
            raise Stopped
        title = self.description.title
        try:
            displacement = self.register(moving, fixed, stop)
        except (RuntimeError, OSError) as error:
            text = str(error)
            if "allocat" in text.lower():
                raise MemoryError(text) from error
            reason = text.strip().splitlines()[-1] if text.strip() else type(error).__name__
            raise ModelError(
                f"{title} failed: {reason}",
                "Check that the images overlap and show the same anatomy, or take another model.",
            ) from error
        if displacement.shape != (3, *fixed.shape) or not np.isfinite(displacement).all():
            raise ModelError(
                f"{title} did not return a displacement for every voxel.", "Take another model."
            )
        return displacement

    def place(self, device: torch.device, channels_last: bool = False) -> None:
        """Do nothing: there are no weights, and it runs on the CPU whatever the device."""
        return

    def set_dropout(self, active: bool) -> None:
        """Do nothing: there is no dropout."""
        return


def _arrays(batch: Tensor) -> list[Array]:
    """Return the images of a batch [B, 1, D, H, W], float32, contiguous, on the CPU."""
    return [np.ascontiguousarray(image) for image in batch[:, 0].float().cpu().numpy()]


def _has_contrast(values: Array) -> bool:
    return has_contrast(torch.from_numpy(values))
