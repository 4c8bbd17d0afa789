"""What of a `result.json` is relied upon: checked once, when a result folder is opened.

Whoever reads a record afterwards finds these keys, and values of these types. What else a record
says is kept and not looked at, so that older and richer ones are read too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any

import numpy as np

from ..cues.reasons import Reason
from ..geometry.lattice import Lattice
from ..strict_json import Matching, Mended, NotAllowed, OrNan, read_as, take_version
from .files import SCHEMA_VERSION
from .keep import Keep
from .labels import RecordedLabels
from .maps import MapKind

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def _is_inside(name: str) -> bool:
    """Tell whether a file lies in the folder of its result, on any system."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    outside = posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts
    return bool(posix.name) and not outside and "\0" not in name


#: Files that are written after the folder has taken its place.
LATER = ("report",)

FileName = Annotated[str, Matching("a file in the result's folder", _is_inside)]
#: What is shown to a person: nothing in it commands a terminal.
Text = Annotated[
    str,
    Mended(),
    Matching("text without control characters", lambda text: not _CONTROLS.search(text)),
]
Number = Annotated[float, OrNan(null=False)]
Triple = tuple[float, float, float]
Row = tuple[float, float, float, float]


@dataclass(frozen=True)
class RecordedLattice:
    """A lattice, as `Lattice.as_dict` describes it."""

    size_ijk: tuple[int, int, int]
    voxel_to_world_lps: tuple[Row, Row, Row, Row]

    def __post_init__(self) -> None:
        try:
            _ = self.lattice
        except (ValueError, OverflowError) as error:
            raise NotAllowed(f"is none: {error}") from error

    @property
    def lattice(self) -> Lattice:
        """The lattice itself."""
        return Lattice(self.size_ijk, np.array(self.voxel_to_world_lps))


@dataclass(frozen=True)
class _Input:
    path: Text
    lattice: RecordedLattice
    sha256: str | None = None


@dataclass(frozen=True)
class _Inputs:
    fixed: _Input
    moving: _Input


@dataclass(frozen=True)
class _Model:
    title: Text
    weights: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class _Design:
    name: Text
    outer_K: int  # noqa: N815  (the key)
    replicates_R: int  # noqa: N815
    family: Text
    sampling: Text


@dataclass(frozen=True)
class _Passes:
    asked: int
    done: int


@dataclass(frozen=True)
class _Convergence:
    standard_error_mm: Number
    standard_error_fraction: Number
    tolerance_mm: float | None
    stopped_by_itself: bool


@dataclass(frozen=True)
class _MapSummary:
    median: Number
    p95: Number
    maximum: Number


@dataclass(frozen=True)
class _Why:
    reason: Reason
    share: float


@dataclass(frozen=True)
class _HotSpot:
    position_ras_mm: Triple
    peak_mm: Number
    why: tuple[_Why, ...] = ()


@dataclass(frozen=True)
class _Summary:
    region_covered_fraction: Number
    folded_fraction: Number
    maps: Mapping[str, _MapSummary]
    root_mean_variance_mm: Mapping[str, Number]
    hot_spots: tuple[_HotSpot, ...]
    hot_spots_map: MapKind = MapKind.TOTAL


@dataclass(frozen=True)
class _Versions:
    ttauncertainty: Text


@dataclass(frozen=True)
class _Files:
    report: FileName


@dataclass(frozen=True)
class _FilesWithVolumes(_Files):
    warped: FileName
    transform: FileName


@dataclass(frozen=True)
class _Transform:
    beyond_lattice_fixed_to_moving_lps: tuple[Row, Row, Row, Row]


@dataclass(frozen=True)
class _Provenance:
    cases: int = 0
    date: Text = ""
    images: tuple[Any, ...] = ()


@dataclass(frozen=True)
class _Calibration:
    model: Text
    region_outside_fraction: Number
    provenance: _Provenance


@dataclass(frozen=True)
class _Audit:
    name: Text
    kind: Text
    suspicions: tuple[Text, ...]


@dataclass(frozen=True)
class _Placement:
    initial_fixed_to_moving_lps: tuple[Row, Row, Row, Row]


@dataclass(frozen=True)
class _Record:
    created: Text
    complete: bool
    passes: _Passes
    inputs: _Inputs
    model: _Model
    design: _Design
    placement: _Placement
    notes: tuple[Text, ...]
    summary: _Summary
    versions: _Versions
    calibrated: bool = False
    keep: Keep = Keep.ALL
    transform: _Transform | None = None
    convergence: _Convergence | None = None
    labels: RecordedLabels | None = None
    audit: _Audit | None = None


def check_record(value: object) -> tuple[str, ...]:
    """Make sure that a record is one.

    Returns
    -------
    tuple of str
        The files that it names and that have to be there, all in the result's folder. The report
        may come later, or be missing.

    Raises
    ------
    NotAllowed
        If it is none, or was written by a newer version; names the key.
    """
    record = take_version(value, SCHEMA_VERSION)
    keep = read_as(_Record, record, others=True).keep
    if record.get("calibrated"):
        _under("calibration", _Calibration, record)
    _under("files", _Files if keep is Keep.SUMMARY else _FilesWithVolumes, record)
    files: Mapping[str, str] = _under("files", Mapping[str, FileName], record)
    return tuple(name for what, name in files.items() if what not in LATER)


def _under(key: str, kind: Any, record: Mapping[str, Any]) -> Any:
    try:
        return read_as(kind, record.get(key), others=True)
    except NotAllowed as error:
        raise error.below(key) from None
