"""A study: images, kinds of deformation and designs, through one network, case by case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine import Engine, Execution, place, prepare
from ..errors import InputError
from ..geometry import (
    DeformableTransform,
    Image,
    Lattice,
    Prealignment,
    Start,
    image_sha256,
    read_image,
    read_labels,
)
from ..models import RegistrationModel, load_model
from ..models.contract import describe
from ..perturbations import DesignRequest, Preset
from .cases import KnownCase, manufacture, reapplied
from .kinds import REAPPLIED, Deformation, kind_names
from .measurement_cache import MeasurementCache
from .measuring import Measurement, measure

#: What finds it: optimisation, so that no network is asked for a map that it gave itself.
_REGISTERED_BY = "sitk-demons"


@dataclass(frozen=True)
class Subject:
    """An image to make cases of."""

    name: str
    image: Path
    #: Label file on its lattice: the anatomy; None takes the foreground.
    mask: Path | None = None
    #: Label file on its lattice: structures to tell apart; None for none.
    labels: Path | None = None


@dataclass(frozen=True)
class Study:
    """What is to be measured."""

    subjects: tuple[Subject, ...]
    #: Names of `Deformation`s, or "reapplied".
    kinds: tuple[str, ...] = (Deformation.SMOOTH.value, Deformation.AFFINE.value)
    #: One case of every kind and subject for each.
    seeds: tuple[int, ...] = (0, 1)
    #: The design whose cues are wanted.
    request: DesignRequest = field(default_factory=lambda: DesignRequest(Preset.QUICK))
    #: Further designs, by name, for their total uncertainty alone.
    others: Mapping[str, DesignRequest] = field(default_factory=dict)
    #: As in `measure`.
    prealignment: Prealignment | None = Prealignment.NONE

    def __post_init__(self) -> None:
        names = [subject.name for subject in self.subjects]
        if not names or len(set(names)) != len(names):
            raise InputError("A study needs at least one image, and each once.")
        for kind in self.kinds:
            if kind not in kind_names():
                raise InputError(
                    f"There is no deformation '{kind}'.", f"Choose among {', '.join(kind_names())}."
                )
        if REAPPLIED in self.kinds and len(names) < 2:
            raise InputError("Reapplied deformations need at least two images.")

    @property
    def count(self) -> int:
        """How many cases there are."""
        return len(self.subjects) * len(self.kinds) * len(self.seeds)


@dataclass(frozen=True)
class Step:
    """A case that has been measured: which of how many, and what it gave."""

    number: int
    of: int
    measurement: Measurement
    was_kept: bool


def measure_study(
    study: Study,
    model: RegistrationModel,
    execution: Execution | None = None,
    kept: MeasurementCache | None = None,
) -> Iterator[Step]:
    """Measure every case of a study, one after another.

    Raises
    ------
    TTAUncertaintyError
        If an image cannot be read or used.
    """
    kept = kept or MeasurementCache(None)
    hashes = {
        s.name: [image_sha256(p) for p in (s.image, s.mask, s.labels) if p] for s in study.subjects
    }
    images = _Images(study.subjects)
    number = 0
    for kind in study.kinds:
        for seed in study.seeds:
            for place_, subject in enumerate(study.subjects):
                number += 1
                other = study.subjects[(place_ + 1 + seed) % len(study.subjects)]
                if other is subject:
                    other = study.subjects[(place_ + 1) % len(study.subjects)]
                question = {
                    "subject": [subject.name, hashes[subject.name]],
                    "other": [other.name, hashes[other.name]] if kind == REAPPLIED else None,
                    "kind": kind,
                    "seed": seed,
                    "model": describe(model),
                    "design": study.request.as_dict(),
                    "others": {name: d.as_dict() for name, d in study.others.items()},
                    "prealignment": getattr(study.prealignment, "value", None),
                }
                found = kept.load(question)
                was_kept = found is not None
                if found is None:
                    case = _case(images, subject, other, kind, seed)
                    found = measure(
                        case, model, study.request, study.others, execution, study.prealignment
                    )
                    kept.save(question, found)
                yield Step(number, study.count, found, was_kept)


@dataclass(frozen=True, eq=False)
class _Read:
    image: Image
    mask: NDArray[np.bool_] | None
    labels: NDArray[np.int32] | None


class _Images:
    """The subjects' images, read when they are first needed."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self._subjects = {subject.name: subject for subject in subjects}
        self._read: dict[str, _Read] = {}

    def __getitem__(self, name: str) -> _Read:
        if name not in self._read:
            subject = self._subjects[name]
            image, _ = read_image(subject.image)
            mask, labels = (_on(path, image) for path in (subject.mask, subject.labels))
            self._read[name] = _Read(
                Image(image.intensities, image.lattice, name),
                None if mask is None else mask > 0,
                labels,
            )
        return self._read[name]


def _on(path: Path | None, image: Image) -> NDArray[np.int32] | None:
    """Return a label file's labels, which have to lie on an image's voxels."""
    if path is None:
        return None
    labels, _ = read_labels(path)
    if not labels.lattice.is_close(image.lattice):
        raise InputError(
            f"{path} does not lie on the voxels of its image.",
            "Resample it onto the image (nearest neighbour) first.",
        )
    return labels.intensities.numpy().astype(np.int32)


def _case(
    images: _Images,
    subject: Subject,
    other: Subject,
    kind: str,
    seed: int,
) -> KnownCase:
    read = images[subject.name]
    if kind != REAPPLIED:
        return manufacture(read.image, Deformation(kind), seed, read.mask, read.labels)
    model = load_model(_REGISTERED_BY)
    target = brought_upon(images[other.name].image, read.image, model)
    return reapplied(read.image, registered(target, read.image, model), target, seed)


def brought_upon(image: Image, other: Image, model: RegistrationModel) -> Image:
    """Return an image moved as a whole so that its centre of mass lies on another one's.

    Where two scanners had their origins is no deformation, and none that a network is asked for.
    """
    onto = place(image, other, model, Start.MASS, Prealignment.NONE).initial
    return replace(image, lattice=Lattice(image.lattice.size, onto @ image.lattice.matrix))


def registered(
    fixed: Image,
    moving: Image,
    model: RegistrationModel,
    prealignment: Prealignment = Prealignment.NONE,
) -> DeformableTransform:
    """Return the map that a model finds between two images, as they lie or aligned first."""
    placement = place(fixed, moving, model, Start.HEADER, prealignment)
    pair = prepare(fixed, moving, model, placement)
    design = DesignRequest(Preset.QUICK).resolve(pair.moving_lattice)
    engine = Engine(model, pair, design, reverse_pass=False)
    next(iter(engine))
    return engine.transform()


def as_json(study: Study) -> dict[str, Any]:
    """Return a JSON-ready description of a study's images and cases."""
    return {
        "subjects": [
            {"name": s.name, "sha256": image_sha256(s.image), "mask": s.mask is not None}
            for s in study.subjects
        ],
        "kinds": list(study.kinds),
        "seeds": list(study.seeds),
        "cases": study.count,
    }
