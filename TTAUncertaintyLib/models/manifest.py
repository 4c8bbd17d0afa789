"""The manifest: a JSON file beside a network that says all that its file does not.

What is checked here is the manifest. The file that it names is checked, and read, by the adapter
of its kind. Every key is a field of one of the dataclasses below; `docs/MODEL_MANIFEST.md` explains
them, and its tables are made from these fields.
"""

# ruff: noqa: RUF009  (`key` makes a dataclass field; nothing is shared)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from ..errors import ModelError
from ..strict_json import Between, NotAllowed, OneOf, Unreadable, key, read_as, read_json
from .contract import ModelDescription
from .manifest_rules import ClassName, File, Name, Orientation, Sha256, Text

SCHEMA = "ttauncertainty-model/1"

#: No manifest of a person is longer; what is was not written as one.
_MOST_BYTES = 1_000_000

_Size = Annotated[int, Between(1, 2048)]
_ORDERS = ("moving", "fixed"), ("fixed", "moving")
#: From the voxels of the fixed image into the moving one.
FORWARD = "fixed_to_moving"
_WHY_ONE_DIRECTION = (
    "A field that warps the moving image holds, at each voxel of the fixed one, a place in "
    "the moving one. A network that answers for the voxels of the moving image would have "
    "to be inverted first, and the inversion's errors would be taken for the network's. "
    "Often it answers in the right direction when the two images are exchanged: then say "
    "so in input.images."
)


class Kind(Enum):
    """What the file beside the manifest is."""

    VOXELMORPH = "voxelmorph"
    TRANSMORPH = "transmorph"
    KERAS = "keras"
    TORCHSCRIPT = "torchscript"
    TORCH_EXPORT = "torch-export"
    PYTHON = "python"

    @property
    def is_architecture(self) -> bool:
        """Whether the file holds tensors only, and the library knows the network."""
        return self in (Kind.VOXELMORPH, Kind.TRANSMORPH, Kind.KERAS)

    @property
    def is_program(self) -> bool:
        """Whether the file cannot be used without running it: never, before somebody agreed."""
        return self in (Kind.TORCHSCRIPT, Kind.PYTHON)


class LatticeKind(Enum):
    """Where the voxels lie that the network sees."""

    COMMON = "common"
    OWN = "own"


class Center(Enum):
    """What the middle of the lattice lies on."""

    IMAGE = "image"
    FOREGROUND = "foreground"


class AxisOrder(Enum):
    """An order of three axes or of three components, the first one first."""

    KJI = "kji"
    IJK = "ijk"


class NormalisationKind(Enum):
    """How intensities become what the network was trained on."""

    NONE = "none"
    MIN_MAX = "min-max"
    PERCENTILE = "percentile"
    WINDOW = "window"
    Z_SCORE = "z-score"


class PassedAs(Enum):
    """How the network takes two images."""

    ARGUMENTS = "arguments"
    CHANNELS = "channels"


class Quantity(Enum):
    """What the network answers at each voxel of the fixed image."""

    DISPLACEMENT = "displacement"
    MAP = "map"


class Unit(Enum):
    """What the network's answer is counted in."""

    VOXEL = "voxel"
    GRID_SAMPLE = "grid_sample"
    UNIT = "unit"
    MM = "mm"


@dataclass(frozen=True)
class Normalisation:
    """How intensities become what the network was trained on; see the keys."""

    kind: NormalisationKind = key(
        "`none` leaves intensities alone; `min-max` sends the darkest and the brightest to the "
        "ends of `to`; `percentile` sends the percentiles `low` and `high` there and cuts off what "
        "lies beyond; `window` does the same with the intensities `low` and `high`; `z-score` "
        "subtracts the mean and divides by the standard deviation. Each image on its own, on the "
        "lattice that the network sees.",
    )
    low: float | None = key("Lower end, `percentile` (0 where absent) and `window` only.", None)
    high: float | None = key("Upper end, `percentile` (100 where absent) and `window` only.", None)
    to: tuple[float, float] = key("Range that the intensities end in; not `z-score`.", (0.0, 1.0))

    def __post_init__(self) -> None:
        bounded = self.kind in (NormalisationKind.PERCENTILE, NormalisationKind.WINDOW)
        for name in ("low", "high"):
            value = getattr(self, name)
            if value is not None and not bounded:
                raise NotAllowed(
                    f"is {value:g}, but '{self.kind.value}' has no ends.",
                    "It belongs to 'percentile' and 'window'.",
                    name,
                )
            if value is None and self.kind is NormalisationKind.WINDOW:
                raise NotAllowed("is missing, and 'window' needs it.", "Give a number.", name)
        low, high = self.ends
        if self.kind is NormalisationKind.PERCENTILE and not (low >= 0 and high <= 100):
            raise NotAllowed(
                f"are {low:g} and {high:g}.", "Percentiles lie from 0 to 100.", "low and high"
            )
        if bounded and not low < high:
            raise NotAllowed(f"is {low:g}, and high is {high:g}.", "Give a smaller one.", "low")
        affects = self.kind not in (NormalisationKind.NONE, NormalisationKind.Z_SCORE)
        if not affects and self.to != (0.0, 1.0):
            raise NotAllowed(f"has no meaning for '{self.kind.value}'.", "Leave it out.", "to")
        if not self.to[0] < self.to[1]:
            raise NotAllowed(f"is {list(self.to)}.", "The lower end comes first.", "to")

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of `percentile` and `window`."""
        low = 0.0 if self.low is None else self.low
        high = 100.0 if self.high is None else self.high
        return low, high


@dataclass(frozen=True)
class InputSpec:
    """What the network wants to see; see the keys."""

    lattice: LatticeKind = key(
        "`common`: both images are resampled onto one lattice over the fixed image, so that the "
        "network sees how they lie; `own`: each fills the array with its own field of view, and "
        "how they lay is ignored.",
        LatticeKind.COMMON,
    )
    shape: tuple[_Size, _Size, _Size] | None = key(
        "Voxels along the array's three axes, in the array's own order; null where any size will "
        "do. Needed where `lattice` is `own`.",
        None,
    )
    multiple: Annotated[int, Between(1, 256)] = key(
        "Where `shape` is null: sizes are rounded up to multiples of this.", 1
    )
    spacing_mm: Annotated[float, Between(0.01, 100)] | None = key(
        "Isotropic spacing of the lattice. Null keeps the image's own where `shape` is null, and "
        "otherwise stretches the field of view over `shape`.",
        None,
    )
    center: Center = key(
        "Where `shape` and `spacing_mm` are both given: the middle of the lattice is the middle of "
        "the image, or of what is brighter than its background.",
        Center.IMAGE,
    )
    orientation: Orientation | None = key(
        "The anatomical directions that the axes i, j, k run to: of the image's own axes, the one "
        "that is closest to each. Null leaves the axes as the image has them.",
        None,
    )
    array_order: AxisOrder = key(
        "Order of the array's axes: `kji` is torch's and SimpleITK's, `ijk` is nibabel's.",
        AxisOrder.KJI,
    )
    normalisation: Normalisation = key(
        "How intensities become what the network was trained on; keys below.",
        Normalisation(NormalisationKind.MIN_MAX),
    )
    images: Annotated[tuple[str, str], OneOf(*_ORDERS)] = key(
        "Which image comes first.", ("moving", "fixed")
    )
    passed_as: PassedAs = key(
        "`arguments`: two arrays [1, 1, ...]; `channels`: one array [1, 2, ...].",
        PassedAs.ARGUMENTS,
    )
    affine_alignment: bool = key(
        "Whether the images have to be aligned affinely before the network sees them; it is done "
        "then. Only where `lattice` is `common`.",
        False,
    )

    def __post_init__(self) -> None:
        if self.lattice is LatticeKind.OWN and self.shape is None:
            raise NotAllowed(
                "is null, but images on lattices of their own need one size.",
                "Give the three sizes, or the lattice 'common'.",
                "shape",
            )
        if self.lattice is LatticeKind.OWN and self.affine_alignment:
            raise NotAllowed(
                "is true, but a network that sees each image on a lattice of its own cannot see "
                "how they are aligned.",
                "Give false, or the lattice 'common'.",
                "affine_alignment",
            )
        if self.shape is not None and self.multiple != 1:
            raise NotAllowed(
                f"is {self.multiple}, but the shape is fixed.", "Leave out one.", "multiple"
            )
        if self.center is not Center.IMAGE and (self.shape is None or self.spacing_mm is None):
            raise NotAllowed(
                f"is '{self.center.value}', but the lattice covers the image's field of view.",
                "Give a shape and a spacing_mm as well, or leave it out.",
                "center",
            )


@dataclass(frozen=True)
class OutputSpec:
    """What the network answers: one array [1, 3, ...] of its input's size; see the keys."""

    quantity: Quantity = key(
        "`map`: where in the moving image each voxel of the fixed one goes; `displacement`: the "
        "same minus the voxel's own place.",
    )
    unit: Unit = key(
        "`voxel`; `grid_sample`: -1 to 1 over the array, as torch's `grid_sample`; `unit`: 0 to 1 "
        "over the array; `mm`: along the array's axes, `displacement` only.",
    )
    components: AxisOrder = key(
        "Which axis each of the three components runs along, the first first."
    )
    direction: Annotated[str, OneOf(FORWARD, why=_WHY_ONE_DIRECTION)] = key(
        "The field lies on the fixed image's voxels and points into the moving image.",
    )
    align_corners: bool | None = key(
        "Needed where `unit` is `grid_sample` or `unit`: whether the ends of the range are the "
        "centres (true) or the outer edges (false) of the outermost voxels. With the unit `voxel`, "
        "false is for a network whose own warp divides voxels by N - 1 and samples with "
        "`align_corners=False`, which older code does: it was trained to mean the voxel "
        "v N / (N - 1) - 1/2 when it says v.",
        None,
    )

    def __post_init__(self) -> None:
        ranged = self.unit in (Unit.GRID_SAMPLE, Unit.UNIT)
        if ranged and self.align_corners is None:
            raise NotAllowed(
                f"is missing, and the unit '{self.unit.value}' means nothing without it.",
                "Allowed: true or false.",
                "align_corners",
            )
        if self.unit is Unit.MM and self.align_corners is False:
            raise NotAllowed(
                "is false, but millimetres know no ends of a range.",
                "Leave it out, or give the unit that the network answers in.",
                "align_corners",
            )
        if self.unit is Unit.MM and self.quantity is Quantity.MAP:
            raise NotAllowed(
                "is 'mm', and a map in mm needs an origin that the manifest cannot know.",
                "Give the displacement, or another unit.",
                "unit",
            )


@dataclass(frozen=True)
class Manifest:
    """A network of one's own, as its manifest describes it; see the keys.

    `path` is where the manifest was read from, and `sha256` is lower-case.
    """

    path: Path
    schema: Annotated[str, OneOf(SCHEMA)] = key("Says what this file is.")
    name: Name = key("Short name, as on the command line.")
    title: Text = key("Name for the screen.")
    purpose: Text = key("What it is for: anatomy, modality, what it expects of the images.")
    licence: Text = key("Of the network and its weights.")
    citation: Text = key("Whom to cite.")
    kind: Kind = key(
        "What `file` is: a state dict of a network that the library knows (`voxelmorph`, "
        "`transmorph`), what VoxelMorph's Keras code saved (`keras`), an exported network "
        "(`torch-export`), or a program, which runs only after somebody agreed (`torchscript`, "
        "`python`).",
    )
    file: File = key("The network's file.")
    sha256: Sha256 = key("Of the file's bytes; another file is refused.")
    class_name: ClassName | None = key(
        "Kind `python` only, and needed there: the class in the file.",
        None,
        name="class",
    )
    more_files: Mapping[File, Sha256] = key(
        "Kind `python` only: files that the code reads, each with its SHA-256.",
        dict,
    )
    architecture: Mapping[str, Any] = key(
        "Kinds `voxelmorph` and `transmorph` only: the network's parameters.", dict
    )
    input: InputSpec | None = key(
        "What the network wants to see; keys below. Kind `python`: absent where the class does "
        "that itself.",
        None,
    )
    output: OutputSpec | None = key(
        "What the network answers; keys below. Kind `python`: absent where the class turns it into "
        "the agreed map itself.",
        None,
    )

    def __post_init__(self) -> None:
        kind = self.kind.value
        python = self.kind is Kind.PYTHON
        if python != (self.class_name is not None):
            what = "is missing, and" if python else f"is '{self.class_name}', but"
            raise NotAllowed(
                f"{what} the kind is '{kind}'.", "The kind 'python' has a class, no other.", "class"
            )
        if self.more_files and not python:
            raise NotAllowed(f"is given, but the kind is '{kind}'.", "Leave it out.", "more_files")
        if self.architecture and not self.kind.is_architecture:
            raise NotAllowed(
                f"is given, but the kind is '{kind}'.",
                "It belongs to 'voxelmorph' and 'transmorph'.",
                "architecture",
            )
        self._check_sections()

    def _check_sections(self) -> None:
        input_, output = self.input, self.output
        if self.kind is Kind.PYTHON:
            if (input_ is None) != (output is None):
                raise NotAllowed(
                    "is missing, and the other of input and output is there.",
                    "Give both (the class is a network) or none (the class meets the contract).",
                    "input" if input_ is None else "output",
                )
        elif input_ is None:
            raise NotAllowed("is missing.", "Say what the network wants to see.", "input")
        elif not self.kind.is_architecture and output is None:
            raise NotAllowed("is missing.", "Say what the network answers.", "output")
        elif self.kind.is_architecture and output is not None:
            raise NotAllowed(
                f"is given, but what a '{self.kind.value}' answers is known.",
                "Leave it out.",
                "output",
            )
        if output is None or input_ is None or output.unit is not Unit.MM:
            return
        if input_.lattice is LatticeKind.OWN or input_.spacing_mm is None:
            raise NotAllowed(
                "is 'mm', which needs one lattice of a known spacing.",
                "Give the lattice 'common' and a spacing_mm, or another unit.",
                "output.unit",
            )

    @property
    def files(self) -> dict[str, str]:
        """The files that it names, below its folder, each with its SHA-256."""
        return {self.file: self.sha256, **self.more_files}

    @property
    def network_file(self) -> Path:
        """Where the network's file lies."""
        return self.path.parent / self.file

    def description(self) -> ModelDescription:
        """Return what the manifest says about the model, as every model says it."""
        spec = self.input
        return ModelDescription(
            name=self.name,
            title=self.title,
            purpose=self.purpose,
            licence=self.licence,
            citation=self.citation,
            spacing_mm=None if spec is None else spec.spacing_mm,
            expects_affine_alignment=spec is not None and spec.affine_alignment,
        )


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; the file that it names is not looked at.

    Raises
    ------
    ModelError
        If it is missing or not JSON, a key is unknown, missing or there twice, or a value is not
        allowed; the message names the key and says what is.
    """
    try:
        return read_as(Manifest, read_json(path, _MOST_BYTES), path=path)
    except Unreadable as error:
        raise ModelError(f"The manifest {path} cannot be read: {error}.", _EXPLAINED) from error
    except NotAllowed as error:
        where = f"'{error.key}'" if error.key else "it"
        raise ModelError(f"The manifest {path}: {where} {error.why}", error.remedy) from error


_EXPLAINED = "docs/MODEL_MANIFEST.md says what a manifest holds."
