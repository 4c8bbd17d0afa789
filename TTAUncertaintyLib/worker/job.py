"""The job file: everything a background run needs to know, as JSON. Schema version 1.

```json
{
  "schema_version": 1,
  "fixed": "fixed.nii.gz",  "moving": "moving.nii.gz",
  "fixed_name": null,  "moving_name": null,
  "output": "result-folder", "overwrite": false,
  "model": "pyramid-flow",  "weights": null,  "options": {},  "trust_code": false,
  "design": {"preset": "standard", "seed": 0},
  "start": "header",  "initial_transform": null,  "prealign": null,
  "device": "auto",  "precision": null,  "batch_size": null,  "channels_last": true,
  "previews": null,  "keep": "compact",  "keep_registrations": false,
  "calibration": null,  "use_calibration": true,
  "transform": [],  "inverse_transform": [],  "transform_name": null,
  "mask": null,  "fixed_mask": null,  "moving_mask": null,  "leave_out": null,
  "moving_labels": null,  "label_names": null,  "label_tolerance_mm": null,
  "tolerance_mm": null,
  "scheduler": null,  "tls_ca": null,  "tls_cert": null,  "tls_key": null
}
```

Only `fixed`, `moving` and `output` have to be there. Unknown keys are refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..engine import Execution, Precision
from ..errors import InputError
from ..geometry import Prealignment, Start
from ..models import DEFAULT_MODEL
from ..perturbations import DesignRequest
from ..results.keep import Keep
from ..strict_json import NotAllowed, Unreadable, parse_json, plain, read_as, take_version

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Job:
    """One run, from image files to a result folder.

    Raises
    ------
    InputError
        If the tolerance is not a number above 0.
    """

    #: Image files or DICOM folders.
    fixed: Path
    moving: Path
    #: Folder of the result bundle.
    output: Path
    #: Replace an older result there.
    overwrite: bool = False
    #: Name in the registry, and a local weights file where none is bundled.
    model: str = DEFAULT_MODEL
    weights: Path | None = None
    #: What was chosen of the model's options, by name; defaults otherwise.
    options: Mapping[str, str] = field(default_factory=dict)
    #: The preset and the changes to it.
    design: DesignRequest = field(default_factory=DesignRequest)
    #: Where to begin; a transform file (linear, ITK) goes before the start.
    start: Start = Start.HEADER
    initial_transform: Path | None = None
    #: Linear pre-alignment; None does what the model expects.
    prealign: Prealignment | None = None
    #: Turn the fixed image into the network's frame first, where the network expects that.
    use_frame: bool = True
    #: As in `Execution`.
    device: str = "auto"
    #: Of the network's layers. None takes float32, and reduced precision where memory runs out
    #: for a single pass, before the CPU; a precision that is named is kept to.
    precision: Precision | None = None
    #: As in `Execution`.
    batch_size: int | None = None
    channels_last: bool = True
    #: CPU threads for torch; None leaves torch's choice.
    threads: int | None = None
    #: As in `Engine`.
    reverse_pass: bool = True
    full_covariance: bool = False
    #: Label file on the fixed image's lattice: where statistics are taken.
    mask: Path | None = None
    #: Label files on the voxels of either image: what is outside is background to the network and
    #: to the alignment.
    fixed_mask: Path | None = None
    moving_mask: Path | None = None
    #: Label file on the fixed image: left in it, and left out of every statistic and hot spot.
    leave_out: Path | None = None
    #: DICOM series UIDs, where a folder holds several.
    fixed_series: str | None = None
    moving_series: str | None = None
    #: Replace NaN and infinite voxels instead of refusing them.
    replace_nonfinite: bool = False
    #: More weights files of the same network, for ensemble noise.
    ensemble: tuple[Path, ...] = ()
    #: File that keeps the state after every pass and from which a later run goes on.
    checkpoint: Path | None = None
    #: Stop after this many seconds in the loop and keep what there is.
    time_limit_s: float | None = None
    #: Folder for provisional results while the run goes on; None writes none.
    previews: Path | None = None
    #: How much of the result is kept: see `results.Keep`.
    keep: Keep = Keep.COMPACT
    #: Keep every perturbed registration in the result, in a folder `registrations`.
    keep_registrations: bool = False
    #: Whether the person agreed to run a model of their own whose file is a program.
    trust_code: bool = False
    #: Calibration file; None takes the one that comes with the software for this model and
    #: design, where there is one.
    calibration: Path | None = None
    #: Whether to turn cues into an expected error where there is a calibration.
    use_calibration: bool = True
    #: A registration that was made elsewhere, to be audited: files of transforms, fixed to moving,
    #: in the order in which they are applied to points (as antsApplyTransforms has them), and
    #: those of its inverse. Empty: the network's own registration is the result.
    transform: tuple[Path, ...] = ()
    inverse_transform: tuple[Path, ...] = ()
    #: Label map of the moving image, to be carried onto the fixed one; a table of its names.
    moving_labels: Path | None = None
    label_names: Path | None = None
    #: Expected error above which a structure's surface is not good enough for the person.
    label_tolerance_mm: float | None = None
    #: Stop after the perturbation, the fourth or a later one, from which on the standard error
    #: of the map is below this; None makes all passes. See `engine.Convergence`.
    tolerance_mm: float | None = None
    #: What the images are called where the person works; None for the names of their files.
    fixed_name: str | None = None
    moving_name: str | None = None
    #: What it is called where the person works; None for the names of its files.
    transform_name: str | None = None
    #: Address of a scheduler of Dask: one of its workers does the job, and nothing stays there.
    scheduler: str | None = None
    #: Certificate of the authority, own certificate, and its key, for that scheduler; None takes
    #: those of Dask's configuration.
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what no run could be."""
        without = {"tolerance": "make all passes", "label tolerance": "judge no structure"}
        given = (self.tolerance_mm, self.label_tolerance_mm)
        for (name, reason), tolerance in zip(without.items(), given, strict=True):
            number = isinstance(tolerance, (int, float)) and not isinstance(tolerance, bool)
            if tolerance is not None and not (number and 0 < tolerance < math.inf):
                raise InputError(
                    f"The {name} is {tolerance!r}, and not a number of millimetres above 0.",
                    f"Give one, for example 0.05, or none to {reason}.",
                )

    @property
    def execution(self) -> Execution:
        """How to run the network."""
        return Execution(
            self.device,
            self.precision or Precision.F32,
            self.channels_last,
            self.batch_size,
            may_reduce=self.precision is None,
        )

    def to_json(self, indent: int | None = 2) -> str:
        """Return the job file's text (ASCII), in one line if the indent is None."""
        values = {"schema_version": SCHEMA_VERSION, **plain(self), "design": self.design.as_dict()}
        return json.dumps(values, indent=indent)

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Read a job file's text.

        Raises
        ------
        InputError
            If it is not JSON, a key is unknown or missing, or a value is not of its type.
        """
        try:
            return read_as(cls, take_version(parse_json(text), SCHEMA_VERSION))
        except (Unreadable, NotAllowed) as error:
            raise InputError(f"The job is not valid: {error}".rstrip(".") + ".") from error
