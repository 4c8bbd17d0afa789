"""A calibration as a small file: how the cues of one network turn into millimetres of error.

    score          z = bias + sum over cues of weight * ln max(cue, low, floor)
    expected error piecewise linear in z through the knots; below them constant, above the last
                   one (x, y) it goes on rising: y (1 + z - x)
    error bound    factor * expected error

The first of the cues is what the head says, which is for any network: the calibration adjusts that
to one network, and to images like those that it was made from.
The score is log-linear: few parameters, so that a few subjects are enough to fit it. The bound's
factor is conformal: a quantile of error / expected error on subjects that had no part in the
expected error.
"""

from __future__ import annotations

import itertools
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from ..cues import Cue
from ..errors import InputError, OutputError
from ..strict_json import NotAllowed, OneOf, Unreadable, plain, read_as, read_json
from ..whole_files import written_whole

SCHEMA_VERSION = 1
_SCHEMA = f"ttauncertainty-calibration/{SCHEMA_VERSION}"

#: Files larger than this are no calibration.
_LARGEST_BYTES = 4 << 20


@dataclass(frozen=True)
class CueTerm:
    """What one cue contributes to the score."""

    cue: Cue
    #: Of its logarithm, dimensionless.
    weight: float
    #: That it was seen in, in the cue's unit: beyond it the calibration does not know.
    calibrated_range: tuple[float, float]


@dataclass(frozen=True)
class Score:
    """A sum over cues."""

    bias: float
    terms: tuple[CueTerm, ...]


@dataclass(frozen=True)
class ErrorBound:
    """A multiple (factor) of the expected error that holds for a share (level) of the voxels."""

    level: float
    factor: float


@dataclass(frozen=True)
class Calibration:
    """How one network's cues, under one design, turn into expected error and its bound.

    The fields are the keys of the file.
    """

    #: Which network: its name, the hash of its weights (None where it has none), its options.
    model: str
    weights_sha256: str | None
    options: Mapping[str, str]
    #: As `Design.as_dict`: the calibration holds for this design (any seed).
    design: Mapping[str, Any]
    #: Mean voxel spacing of the network's fixed lattice.
    spacing_mm: float
    score: Score
    #: Knots (score, expected error in mm), rising in both.
    expected_error_mm: tuple[tuple[float, float], ...]
    error_bound: ErrorBound
    #: Images (name, SHA-256), kinds of deformation, number of cases, date, the figures of its own
    #: check on left-out subjects, software version.
    provenance: Mapping[str, Any] = field(default_factory=dict)
    #: Of the head whose expected error is among its cues; None where that is none of them.
    head_sha256: str | None = None

    def __post_init__(self) -> None:
        knots, terms, bound = self.expected_error_mm, self.score.terms, self.error_bound
        scores, errors = zip(*knots, strict=True) if knots else ((), ())
        numbers = [self.spacing_mm, self.score.bias, bound.factor, bound.level, *scores, *errors]
        numbers += [x for term in terms for x in (term.weight, *term.calibrated_range)]
        if not all(isinstance(x, (int, float)) and math.isfinite(x) for x in numbers):
            raise InputError("The calibration holds numbers that are not finite.")
        if not terms or len({term.cue for term in terms}) != len(terms):
            raise InputError("A calibration needs at least one cue, and each only once.")
        if any(not 0 <= low <= high for low, high in (t.calibrated_range for t in terms)):
            raise InputError("A cue's calibrated range is empty or begins below zero.")
        rising = all(a < b for a, b in itertools.pairwise(scores))
        if len(scores) < 2 or not rising or list(errors) != sorted(errors) or errors[0] < 0:
            raise InputError("The calibration's expected error does not rise with its score.")
        if bound.factor <= 0 or not 0 < bound.level < 1 or self.spacing_mm <= 0:
            raise InputError("The calibration's bound or spacing is not a positive number.")

    @property
    def needs_reverse_pass(self) -> bool:
        """Whether it uses the inverse-consistency gap, which the head does, too."""
        return self.uses(Cue.INVERSE_CONSISTENCY) or self.uses(Cue.EXPECTED)

    def uses(self, cue: Cue) -> bool:
        """Tell whether a cue is in the score."""
        return any(term.cue is cue for term in self.score.terms)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description."""
        described: dict[str, Any] = {"schema": _SCHEMA, **plain(self)}
        for term, made in zip(self.score.terms, described["score"]["terms"], strict=True):
            made["unit"] = term.cue.facts.unit
        return described

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """Read what `as_dict` wrote.

        Raises
        ------
        InputError
            If it is another version, or not a valid calibration.
        """
        try:
            read_as(_Besides, values, others=True)
            return read_as(cls, values, others=True)
        except NotAllowed as error:
            raise InputError(f"This is not a calibration that can be read: {error}") from error


@dataclass(frozen=True)
class _Named:
    name: str


@dataclass(frozen=True)
class _Checked:
    coverage: float


@dataclass(frozen=True)
class _Provenance:
    """What is read to a person; the rest is kept as it is."""

    images: tuple[_Named, ...] = ()
    kinds: tuple[str, ...] = ()
    cases: int = 0
    date: str = ""
    checked_on_left_out: Mapping[str, _Checked] = field(default_factory=dict)


@dataclass(frozen=True)
class _Besides:
    """What else a file has to say."""

    schema: Annotated[str, OneOf(_SCHEMA)]
    provenance: _Provenance


def read_calibration(path: Path) -> Calibration:
    """Read a calibration file.

    Raises
    ------
    InputError
        If it is missing, or not a valid calibration.
    """
    try:
        return Calibration.from_dict(read_json(path, _LARGEST_BYTES))
    except Unreadable as error:
        raise InputError(f"The calibration {path} cannot be read: {error}.") from error
    except InputError as error:
        raise InputError(f"{path}: {error.problem}", error.remedy) from error


def check_place(path: Path, overwrite: bool = False) -> None:
    """Make sure, before hours of passes, that a calibration can be written to a file.

    Raises
    ------
    OutputError
        If there is a file already (without `overwrite`, or one that is no calibration), or none
        can be made there.
    """
    folder = path.absolute().parent
    if path.is_dir():
        raise OutputError(f"{path} is a folder.", "Name a file for the calibration.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder} is missing or cannot be written to.", "Name another file.")
    if not path.exists():
        return
    try:
        read_calibration(path)
    except InputError as error:
        raise OutputError(
            f"{path} exists and is no calibration; it was left as it is.", "Name another file."
        ) from error
    if not overwrite:
        raise OutputError(
            f"{path} already holds a calibration.",
            "Name another file, or replace it with --overwrite.",
        )


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write a calibration file, whole or not at all.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    with written_whole(path) as partial:
        partial.write_text(json.dumps(calibration.as_dict(), indent=1) + "\n", encoding="utf-8")
