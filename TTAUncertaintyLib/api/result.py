"""A result in Python: the same bundle as everywhere, with its images and transforms at hand."""

from __future__ import annotations

import copy
import shutil
import weakref
from collections.abc import Iterator, Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ..errors import InputError
from ..geometry import Lattice, carried, marked, read_stored
from ..results import Bundle, MapKind, new_folder, read_transform
from ..results.files import NOT_COPIED
from ..results.summary import summary_lines
from ..review import HotSpot
from .notebook import result_card
from .wording import said_in_python


class Maps(Mapping[str, sitk.Image]):
    """The maps of a result by name; each is read when it is first asked for.

    Names are those of `MapKind`: "total", "intrinsic", "jitter", "expected_error", "error_bound",
    "inverse_consistency", "jacobian", as far as the result has them.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._files = {kind.value: path for kind, path in bundle.map_files.items()}
        self._lattice = bundle.fixed_lattice
        self._read: dict[str, sitk.Image] = {}

    def __getitem__(self, name: str) -> sitk.Image:
        if name not in self._files:
            known = {kind.value for kind in MapKind}
            why = "This result has no map" if name in known else "There is no map"
            raise KeyError(f"{why} '{name}'. It has: {', '.join(self._files)}.")
        if name not in self._read:
            self._read[name] = _image(self._files[name], self._lattice)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        described = (f"{name} ({MapKind(name).facts.unit or 'no unit'})" for name in self._files)
        return f"Maps: {', '.join(described)}"


class Result:
    """A registration with its uncertainty, from `register` or `load`.

    In a notebook it shows itself: the pictures, the numbers, the worst places.

    Parameters
    ----------
    temporary
        A folder that goes when this object does; None for none.
    """

    def __init__(self, bundle: Bundle, temporary: Path | None = None) -> None:
        self._bundle = bundle
        self._temporary = temporary
        if temporary is not None:
            weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """Where it lies, absolute."""
        return self._bundle.folder.absolute()

    @property
    def record(self) -> dict[str, Any]:
        """What ``result.json`` says: inputs, model, design, machine, versions (a copy)."""
        return copy.deepcopy(self._bundle.record)

    @property
    def summary(self) -> dict[str, Any]:
        """The numbers, over the region (a copy).

        ``summary["maps"]["total"]`` has the mean, median, 95th percentile, ... of a map, mm.
        """
        return dict(self.record["summary"])

    @property
    def calibrated(self) -> bool:
        """Whether there is an expected error; without one, nothing here is about error."""
        return bool(self._bundle.record["calibrated"])

    @property
    def complete(self) -> bool:
        """Whether every pass was made, or as many as the tolerance took."""
        return bool(self._bundle.record["complete"])

    @cached_property
    def maps(self) -> Maps:
        """Maps by name, on the fixed image's grid, in mm (the Jacobian has no unit).

        A compact result keeps them on the network's, and they are interpolated here.

        NaN where there is no estimate.
        """
        return Maps(self._bundle)

    @cached_property
    def warped(self) -> sitk.Image:
        """The moving image on the fixed image's grid."""
        return _image(self._bundle.warped)

    @cached_property
    def transform(self) -> sitk.Transform:
        """The answer: from fixed points to moving points, world LPS mm.

        ``SimpleITK.Resample(moving, fixed, result.transform)`` gives `warped`.
        """
        return read_transform(self._bundle)

    @cached_property
    def outside_calibration(self) -> sitk.Image | None:
        """1 where the calibration has seen nothing like it, else 0; None without a calibration."""
        path = self._bundle.outside_calibration
        return None if path is None else _image(path, self._bundle.fixed_lattice, marks=True)

    @cached_property
    def labels(self) -> sitk.Image | None:
        """The moving image's labels on the fixed image's grid; None where none were given."""
        name = self._bundle.record["files"].get("labels")
        return None if name is None else _image(self._bundle.folder / name)

    @property
    def structures(self) -> list[dict[str, Any]]:
        """What is said of each structure of the labels: see `carried.findings.CarriedStructure`."""
        labels = self.record.get("labels")
        return [] if labels is None else list(labels["structures"])

    @property
    def report(self) -> Path:
        """The report, one HTML file that opens offline."""
        return self._bundle.report.absolute()

    def hot_spots(self) -> list[HotSpot]:
        """Return the worst places, highest peak first.

        Of the expected error where there is one, else of the total uncertainty:
        ``summary["hot_spots_map"]`` says which.
        """
        return [HotSpot.from_dict(each) for each in self._bundle.record["summary"]["hot_spots"]]

    def save(self, folder: str | PathLike[str], overwrite: bool = False) -> Path:
        """Copy the result to a folder, where Slicer, the page and `load` find all of it.

        From then on this object is the copy.

        Parameters
        ----------
        folder
            To be made.
        overwrite
            Replace an older result there. Nothing but a result is ever replaced.

        Returns
        -------
        Path
            The folder, absolute.

        Raises
        ------
        OutputError
            If the folder is taken or cannot be written; it is complete or absent.
        """
        target = Path(folder).expanduser().absolute()
        if target.is_dir() and target.samefile(self.folder):
            return target
        with said_in_python(), new_folder(target, overwrite) as partial:
            shutil.copytree(self.folder, partial, ignore=NOT_COPIED, dirs_exist_ok=True)
        self._bundle = Bundle.open(target)
        self.__dict__.pop("maps", None)
        return target

    def __repr__(self) -> str:
        return "\n".join(["Registration with its uncertainty", *self._lines()])

    def _repr_html_(self) -> str:
        return result_card(self._bundle, self._where())

    def _lines(self) -> list[str]:
        return [*summary_lines(self._bundle), "", self._where()]

    def _where(self) -> str:
        if self._temporary is not None and self.folder.is_relative_to(self._temporary):
            return 'Not saved yet: .save("folder") keeps it.'
        return f"In {self.folder}"


def load(folder: str | PathLike[str]) -> Result:
    """Open a result folder, whoever wrote it: `register`, the command line, Slicer or the page.

    Raises
    ------
    InputError
        If it is none, is not complete, or was written by a newer version.
    """
    return Result(Bundle.open(Path(folder).expanduser()))


def _image(path: Path, lattice: Lattice | None = None, marks: bool = False) -> sitk.Image:
    """Read an image, on another lattice than its own where one is given."""
    try:
        stored = read_stored(path)
    except InputError as error:
        raise _unreadable(path) from error
    if lattice is None:
        return stored.to_itk()
    values, own = stored.values, stored.lattice
    values = marked(values, own, lattice) if marks else carried(values, own, lattice)
    return lattice.stamp(sitk.GetImageFromArray(values))


def _unreadable(path: Path) -> InputError:
    return InputError(
        f"{path} cannot be read.", "The result folder is damaged or gone: load or make it again."
    )
