"""Keeping every perturbed registration of a run, as it goes: straight to disk, pass by pass."""

from __future__ import annotations

import json
import shutil
import struct
from io import BufferedWriter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..errors import OutputError
from ..geometry import DeformableTransform, Image, ImageFile
from ..geometry.nrrd_writer import write_nrrd
from ..perturbations import pass_label
from .files import OFFSETS_FILE, REGISTRATIONS_FILE, REGISTRATIONS_VERSION
from .writing import SPARE_BYTES, as_stored

if TYPE_CHECKING:
    from ..engine import Engine


class Recorder:
    """Writes each pass when it is made; its memory does not grow with their number.

    Parameters
    ----------
    folder
        To be made, inside the temporary folder of a bundle.
    engine
        Whose passes are kept; `add` is its observer.
    moving, file
        The moving image at full resolution, and where it comes from.

    Raises
    ------
    OutputError
        If the disk has no room for all passes of the design.
    """

    def __init__(self, folder: Path, engine: Engine, moving: Image, file: ImageFile) -> None:
        self._folder = folder
        self._engine = engine
        self._moving = moving
        self._pixel_type = file.pixel_type
        self._lattice = engine.pair.fixed_lattice
        self._passes: list[dict[str, Any]] = []
        self._plain: DeformableTransform | None = None
        self._check_space()
        folder.mkdir()
        self._offsets: BufferedWriter = (folder / OFFSETS_FILE).open("wb")
        self._offsets.write(self._header())

    def add(self, n: int, offset: Tensor) -> None:
        """Keep pass n, counted from 0.

        Parameters
        ----------
        offset
            [3, D, H, W]: g - phi_0, mm in the moving world, components (x, y, z).
        """
        if n == 0:
            self._begin_again()
        offset = offset.detach().float().cpu()
        self._offsets.write(np.ascontiguousarray(offset.numpy().astype("<f2")).tobytes())
        if self._plain is None:
            self._plain = self._engine.transform()
        warped = self._plain.with_offset(offset).warp(self._moving, self._lattice)
        name = f"warped_{n:03d}.nrrd"
        label = pass_label(self._engine.draws, n)
        header = {"title": label, "unit": "as the moving image"}
        values = as_stored(warped.intensities.numpy(), self._pixel_type)
        write_nrrd(self._folder / name, (values,), self._lattice, header, compress=False)
        k, r = divmod(n, self._engine.design.replicates)
        self._passes.append({"perturbation": k, "repeat": r, "label": label, "warped": name})

    def _begin_again(self) -> None:
        """Forget the passes so far: the engine makes them anew, in another precision."""
        self._passes = []
        self._plain = None
        self._offsets.seek(0)
        self._offsets.truncate()
        self._offsets.write(self._header())

    def finish(self) -> bool:
        """Complete the files.

        Returns
        -------
        bool
            Whether there is anything to keep; without a single pass the folder is removed.
        """
        if not self._passes:
            self.close()
            shutil.rmtree(self._folder)
            return False
        self._offsets.seek(0)
        self._offsets.write(self._header())
        self.close()
        description = {
            "schema_version": REGISTRATIONS_VERSION,
            "count": len(self._passes),
            "replicates_R": self._engine.design.replicates,
            "offsets": OFFSETS_FILE,
            "offsets_are": "compensated prediction minus plain prediction, fixed to moving",
            "unit": "mm",
            "frame": "moving world, LPS; components x, y, z; array axes pass, component, k, j, i",
            "lattice": self._lattice.as_dict(),
            "passes": self._passes,
        }
        text = json.dumps(description, indent=2)
        (self._folder / Path(REGISTRATIONS_FILE).name).write_text(text + "\n", encoding="utf-8")
        return True

    def close(self) -> None:
        """Close the file of offsets; Windows removes no folder with an open file in it."""
        self._offsets.close()

    def _header(self) -> bytes:
        return npy_header("<f2", (len(self._passes), 3, *self._lattice.array_shape))

    @property
    def needed_bytes(self) -> int:
        """What all passes of the design take on disk."""
        a_voxel = 3 * 2 + as_stored(np.zeros(1, np.float32), self._pixel_type).itemsize
        return self._engine.design.passes * int(np.prod(self._lattice.size)) * a_voxel

    def _check_space(self) -> None:
        needed = self.needed_bytes
        free = shutil.disk_usage(self._folder.parent).free
        if free < needed + SPARE_BYTES:
            raise OutputError(
                f"The disk is too full to keep {self._engine.design.passes} registrations: they "
                f"need {needed / 1e6:.0f} MB, {free / 1e6:.0f} MB are free at "
                f"{self._folder.parent.parent}.",
                "Free some space, choose another place, or do not keep the registrations.",
            )


#: Bytes of the whole header, whatever the shape, so that an array can be written while nobody knows
#: how long it will be; the format wants a multiple of 64.
_LENGTH = 192


def npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """Return the header (format version 1.0) of an array in C order.

    Parameters
    ----------
    dtype
        As numpy writes it, for example "<f2".
    """
    text = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode("latin1")
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", _LENGTH - 10)
    return start + text.ljust(_LENGTH - 11) + b"\n"
