"""Carried labels in a bundle: a segmentation, its names, a table, and the passes' agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..carried.findings import CarriedStructure
from ..carried.structures import one_line
from ..review.table import Cell, Column, Table, csv_text, percent_or_none
from ..review.why import why_words
from ..strict_json import read_as

if TYPE_CHECKING:
    from ..carried import CarriedLabels

SEGMENTATION_FILE = "labels.seg.nrrd"
NAMES_FILE = "labels.tsv"
COLORS_FILE = "labels.ctbl"
TABLE_FILE = "structures.csv"
AGREEMENT_FILE = "label_agreement.npz"

FILES = {
    "labels": SEGMENTATION_FILE,
    "label_names": NAMES_FILE,
    "label_colors": COLORS_FILE,
    "structures": TABLE_FILE,
    "label_agreement": AGREEMENT_FILE,
}


@dataclass(frozen=True)
class IntervalsFrom:
    """The calibration that intervals come from: see `StructureCalibration`."""

    level: float
    provenance: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class LabelFindings:
    """Labels of the moving image on the fixed one."""

    #: By the plain answer, and how far the passes agree.
    carried: CarriedLabels
    path: str
    sha256: str
    structures: Sequence[CarriedStructure]
    #: Where their intervals come from; None without.
    calibration: IntervalsFrom | None
    #: The person's own; None without.
    tolerance_mm: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready record."""
        return {
            "path": self.path,
            "sha256": self.sha256,
            "passes": self.carried.passes,
            "uncounted": self.carried.uncounted,
            "tolerance_mm": self.tolerance_mm,
            "calibration": None if self.calibration is None else asdict(self.calibration),
            "structures": [each.as_dict() for each in self.structures],
        }

    def values(self) -> NDArray[np.integer]:
        """Return the labels as in the moving image's file, axes (k, j, i); 0 for none."""
        numbers = np.array([0, *(each.label for each in self.structures)])
        kind = next(k for k in (np.uint8, np.uint16, np.uint32) if numbers.max() <= np.iinfo(k).max)
        return numbers.astype(kind)[self.carried.labels]


@dataclass(frozen=True)
class RecordedLabels:
    """What a record says of labels; see `LabelFindings`."""

    path: str = ""
    sha256: str = ""
    passes: int = 0
    uncounted: int = 0
    structures: tuple[CarriedStructure, ...] = ()
    calibration: IntervalsFrom | None = None
    tolerance_mm: float | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> RecordedLabels:
        """Return what a checked record says; no structures where no labels were carried."""
        said = record.get("labels")
        return cls() if said is None else read_as(cls, said, others=True)


def write_tables(folder: Path, labels: LabelFindings) -> None:
    """Write all of the labels' files but the segmentation."""
    names = ["index\tname\tcolor"]
    colors = ["# Names and colours of the structures: label name red green blue alpha"]
    colors.append("0 background 0 0 0 0")
    for each in labels.structures:
        name, (red, green, blue) = one_line(each.name), each.color
        names.append(f"{each.label}\t{name}\t#{red:02x}{green:02x}{blue:02x}")
        colors.append(f"{each.label} {name.replace(' ', '_')} {red} {green} {blue} 255")
    (folder / NAMES_FILE).write_text("\n".join(names) + "\n", encoding="utf-8")
    (folder / COLORS_FILE).write_text("\n".join(colors) + "\n", encoding="utf-8")
    table = structure_table(labels.structures, labels.tolerance_mm)
    (folder / TABLE_FILE).write_text(csv_text(table), encoding="utf-8", newline="")
    carried = labels.carried
    np.savez_compressed(
        folder / AGREEMENT_FILE,
        voxel=carried.voxel,
        label=np.array([0, *(each.label for each in labels.structures)])[carried.other],
        passes=carried.count,
        of=np.int64(carried.passes),
    )


def structure_table(structures: Sequence[CarriedStructure], tolerance_mm: float | None) -> Table:
    """Return carried structures as a table.

    Parameters
    ----------
    structures
        Of a run.
    """
    above = "Surface above tolerance" if tolerance_mm is None else f"Above {tolerance_mm:g} mm"
    columns = (
        Column("Structure"),
        Column("Label"),
        Column("Volume", "cm3"),
        Column("From", "cm3"),
        Column("To", "cm3"),
        Column("In the moving image", "cm3"),
        Column("Expected Dice"),
        Column("Expected surface distance", "mm"),
        Column("Expected error on the surface", "mm"),
        Column(above, "%", 0),
        Column("Agreement of passes", "Dice"),
        Column("Spread of volume", "cm3", 3),
        Column("Left to right", "%", 1),
        Column("Why"),
        Column("Remark"),
    )
    rows = []
    for each in structures:
        cells: tuple[Cell, ...] = (
            each.name,
            each.label,
            each.volume_cm3,
            each.volume_low_cm3,
            each.volume_high_cm3,
            each.moving_volume_cm3,
            each.expected_dice,
            each.expected_surface_mm,
            each.surface_error_mm,
            percent_or_none(each.surface_above),
            each.overlap_of_passes,
            each.volume_spread_cm3,
            percent_or_none(each.asymmetry),
            why_words(each.why),
            each.remark,
        )
        rows.append(cells)
    return Table("structures", "Structures of the moving image", columns, tuple(rows))
