"""Registrations whose truth is known, for the head: people with labels, and manufactured.

People are registered with each other, and with a mean of several, as with an atlas.

One file a case, so that an interrupted run goes on; several processes may work on one folder.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..calibration.head import network_at
from ..cues.features import Features, compute_features
from ..engine import Engine, Outcome, place, prepare
from ..errors import InputError
from ..evaluation.cases import KnownCase, manufacture, reapplied
from ..evaluation.kinds import Deformation
from ..evaluation.measuring import error_of
from ..evaluation.study import brought_upon, registered
from ..geometry import Image, Lattice, Prealignment, read_image, read_labels, resample_array
from ..models import RegistrationModel, load_model
from ..perturbations import DesignRequest, Preset
from .mean_person import mean_person

#: Voxels kept of a case where the truth is known, and all over the anatomy; boundary voxels drawn.
_KEPT, _ANYWHERE, _DRAWN = 20_000, 4_000, 60_000

#: Of the mean of people, which stands for atlases of any origin.
_LARGEST_LOG_GAMMA = 0.8

#: Kinds whose truth is that of labels that people drew.
REAL_KINDS = ("people", "atlas")

#: Cases of the fit are manufactured of these, in turn; those of the report of these, each.
_FITTED_KINDS = ("smooth", "found-demons", "affine", "fine")
_REPORTED_KINDS = ("smooth", "found-bspline", "affine")

#: What finds a deformation between two people, which is then applied again; its spacing, mm.
_FINDERS = {"found-demons": ("sitk-demons", "2"), "found-bspline": ("sitk-bspline", "4")}


@dataclass(frozen=True)
class Spec:
    """What a case is."""

    #: Begins with "fit" or "test": the people of the latter have no part in the fit.
    name: str
    #: "people", "atlas", a `Deformation`'s name, or one of those that are found between two people.
    kind: str
    #: Names of two people, one of them a mean one's if the kind is "atlas"; for a manufactured
    #: case, of the one that it is made of and of the other one where the deformation is found.
    fixed: str
    moving: str
    #: Of everything random.
    seed: int

    @property
    def is_real(self) -> bool:
        """Whether the truth is that of labels."""
        return self.kind in REAL_KINDS


def specs(people: Sequence[str], left_out: int) -> list[Spec]:
    """Return all cases, those of the fit and of the report in turn."""
    fitted, reported = people[: len(people) - left_out], people[len(people) - left_out :]
    found: list[list[Spec]] = []
    for what, names, steps in (("fit", fitted, (1, 3)), ("test", reported, (1, 2))):
        pairs = [
            (name, names[(n + step) % len(names)]) for step in steps for n, name in enumerate(names)
        ]
        base = 0 if what == "fit" else 100
        found.append(
            [
                Spec(f"{what}-people-{a}-{b}", "people", a, b, base + n)
                for n, (a, b) in enumerate(pairs)
            ]
        )
    for place_, names in enumerate((fitted, reported)):
        what = ("fit", "test")[place_]
        for n, name in enumerate(names):
            pair = (mean_name(what), name)
            fixed, moving = pair if n % 2 else pair[::-1]
            found[place_].append(
                Spec(f"{what}-atlas-{name}", "atlas", fixed, moving, 700 + 20 * place_ + n)
            )
    for turn in range(len(_FITTED_KINDS)):
        for n, name in enumerate(fitted):
            kind = _FITTED_KINDS[(n + turn) % len(_FITTED_KINDS)]
            other = fitted[(n + 2) % len(fitted)]
            found[0].append(Spec(f"fit-{kind}-{name}", kind, name, other, 300 + n + turn))
    for kind in _REPORTED_KINDS:
        for n, name in enumerate(reported):
            other = reported[(n + 2) % len(reported)]
            found[1].append(Spec(f"test-{kind}-{name}", kind, name, other, 500 + n + len(kind)))
    return found[0] + found[1]


def mean_name(what: str) -> str:
    """Return what the mean of the people of the fit, or of the report, is called."""
    return f"mean-{what}"


def is_mean(name: str) -> bool:
    """Tell whether a name is that of a mean of people, and of nobody."""
    return name.startswith("mean-")


@dataclass(frozen=True)
class People:
    """Images and labels of people, and of means of them, which lie in another folder."""

    folder: Path
    means: Path

    def image(self, name: str) -> Image:
        """Return the brain of a person, or of a mean of them."""
        image, _ = read_image(self._path(name, "SS"))
        return Image(image.intensities, image.lattice, name)

    def labels(self, name: str) -> tuple[NDArray[np.int32], Lattice]:
        """Return its labels, and where they lie."""
        labels, _ = read_labels(self._path(name, "glm"))
        return labels.intensities.numpy().astype(np.int32), labels.lattice

    def _path(self, name: str, what: str) -> Path:
        return (self.means if is_mean(name) else self.folder) / f"{name}_{what}.nii.gz"


def make_cases(
    folder: Path,
    people: Path,
    models: Mapping[str, RegistrationModel],
    left_out: int,
) -> Iterator[Path]:
    """Make every case that is not there yet, with every network.

    Parameters
    ----------
    folder
        Where they are kept, a file each.
    people
        Folder of brains, N_SS.nii.gz, with labels on their voxels, N_glm.nii.gz.
    models
        By the names that the files get.
    left_out
        How many people, the last ones, are kept for the report.

    Raises
    ------
    InputError
        If there are too few people.
    """
    names = sorted(path.name.removesuffix("_SS.nii.gz") for path in people.glob("*_SS.nii.gz"))
    if left_out < 3 or len(names) - left_out < 5:
        raise InputError(f"{people} holds {len(names)} people: too few for a fit and a report.")
    folder.mkdir(parents=True, exist_ok=True)
    border = len(names) - left_out
    for what, of in (("fit", names[:border]), ("test", names[border:])):
        mean_person(people, of, folder, mean_name(what))
    read = People(people, folder)
    for spec in specs(names, left_out):
        for network, model in models.items():
            path = folder / f"{spec.name}--{network}.npz"
            with claimed(path) as free:
                if free:
                    _keep(path, spec, model, read)
            if free:
                yield path


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Tell whether a file is this process's to make: it is not there, and nobody is at it."""
    claim = path.with_suffix(".claimed")
    try:
        os.close(os.open(claim, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        yield False
        return
    try:
        yield True
    except BaseException:
        claim.unlink(missing_ok=True)
        raise


def _keep(path: Path, spec: Spec, model: RegistrationModel, people: People) -> None:
    (fixed, moving), known, alignment = made_of(spec, people)
    pair = prepare(fixed, moving, model, place(fixed, moving, model, prealignment=alignment))
    outcome = Engine(model, pair, DesignRequest(Preset.QUICK).resolve(pair.moving_lattice)).run()
    features = compute_features(outcome, pair)
    rows = features.values.numpy()
    if known is None:
        at, error = at_boundaries(spec, outcome, features, people)
        corners, shares = around(features, at)
        there = np.einsum("nc,ncf->nf", shares, rows[corners])
    else:
        which, error = everywhere(known, outcome, features)
        there = rows[which]
    network = network_at(model.description.name, outcome.fixed_lattice.mean_spacing)
    generator = np.random.default_rng(0)
    picked = generator.choice(len(there), min(_KEPT, len(there)), replace=False)
    anywhere = generator.choice(len(rows), min(_ANYWHERE, len(rows)), replace=False)
    partial = path.with_name(f".{path.name}")
    arrays: dict[str, Any] = {
        "X": there[picked],
        "e": error[picked].astype(np.float32),
        "R": rows[anywhere],
        "median": np.median(rows, axis=0),
        "anatomy_cm3": features.anatomy_cm3,
    }
    if known is None and spec.name.startswith("test"):
        # a person reads the map between voxels, so what is reported is interpolated from them
        used, corner = np.unique(corners[picked], return_inverse=True)
        arrays |= {"V": rows[used], "corner": corner.reshape(-1, 8), "share": shares[picked]}
    np.savez(partial, spec=json.dumps(asdict(spec) | {"network": network}), **arrays)
    partial.replace(path)


def made_of(
    spec: Spec, people: People
) -> tuple[tuple[Image, Image], KnownCase | None, Prealignment]:
    """Return the two images of a case, its truth if that is known everywhere, and its alignment."""
    if spec.is_real:
        return _pair(spec, people), None, Prealignment.AFFINE
    known = _manufactured(spec, people)
    return (known.fixed, known.moving), known, Prealignment.NONE


def _pair(spec: Spec, people: People) -> tuple[Image, Image]:
    fixed, moving = (
        _brightened(image, spec.seed) if is_mean(image.name) else image
        for image in (people.image(spec.fixed), people.image(spec.moving))
    )
    return fixed, moving


def _brightened(image: Image, seed: int) -> Image:
    """Change an image's gamma: atlases are made of other people's scans, by other scanners."""
    exponent = float(np.exp(np.random.default_rng(seed).uniform(-1, 1) * _LARGEST_LOG_GAMMA))
    intensities = image.intensities.clamp(min=0)
    top = intensities.max()
    return Image((intensities / top) ** exponent * top, image.lattice, image.name)


def _manufactured(spec: Spec, people: People) -> KnownCase:
    image, other = _pair(spec, people)
    if spec.kind not in _FINDERS:
        try:
            return manufacture(image, Deformation(spec.kind), spec.seed)
        except InputError:  # drawn so that it has no inverse; the next one needs none
            return manufacture(image, Deformation(spec.kind), spec.seed + 1)
    name, spacing = _FINDERS[spec.kind]
    finder = load_model(name, None, {"spacing": spacing})
    target = brought_upon(other, image, finder)
    return reapplied(image, registered(target, image, finder), target, spec.seed)


def everywhere(
    known: KnownCase, outcome: Outcome, features: Features
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return which rows of the features are of the case's anatomy, and the errors there, mm."""
    mask = torch.from_numpy(known.mask).float()[None]
    region = resample_array(mask, known.fixed.lattice, outcome.fixed_lattice, outside=0.0)[0] > 0.5
    both = region & features.region
    return both[features.region].numpy(), error_of(outcome, known)[both].numpy()


def at_boundaries(
    spec: Spec, outcome: Outcome, features: Features, people: People
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return boundary voxels of the fixed labels, and how far each is carried off.

    To the nearest boundary voxel of the same label of the moving image, in its world, mm.

    Returns
    -------
    tuple
        [n, 3], where they lie, in voxels (i, j, k) of the network's fixed lattice, those with
        features all around; [n], mm. At the nearest of the network's voxels the error of a thin
        boundary would be another one.
    """
    (fixed, lattice), (moving, onto) = map(people.labels, (spec.fixed, spec.moving))
    edges = label_edges(fixed) & np.isin(fixed, np.unique(moving))
    places = np.stack(np.nonzero(edges), -1)
    drawn = np.random.default_rng(spec.seed).permutation(len(places))[:_DRAWN]
    places = places[np.sort(drawn)]
    world = lattice.to_world(places[:, ::-1].astype(float))
    carried = outcome.transform().to_itk()
    voxels = onto.to_voxel([carried.TransformPoint(point) for point in world.tolist()])[:, ::-1]
    of = fixed[tuple(places.T)]
    error = np.empty(len(of), np.float32)
    targets = label_edges(moving)
    for label in np.unique(of):
        error[of == label] = distance_to_edge(
            targets & (moving == label), onto, voxels[of == label]
        )
    at = outcome.fixed_lattice.to_voxel(world)
    region = np.pad(features.region.numpy(), 1)
    first = np.clip(np.floor(at[:, ::-1]).astype(int) + 1, 0, np.array(region.shape) - 2)
    known = np.ones(len(at), np.bool_)
    for corner in itertools.product((0, 1), repeat=3):
        known &= region[tuple((first + corner).T)]
    return at[known], error[known]


def around(
    features: Features, at: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return which rows of the features lie around places, and the share of each, both [n, 8]."""
    number = np.full(features.region.shape, -1)
    number[features.region.numpy()] = np.arange(len(features.values))
    first = np.floor(at[:, ::-1]).astype(int)
    over = at[:, ::-1] - first
    corners, shares = [], []
    for corner in itertools.product((0, 1), repeat=3):
        corners.append(number[tuple((first + corner).T)])
        shares.append(np.where(corner, over, 1 - over).prod(axis=1))
    return np.stack(corners, -1), np.stack(shares, -1).astype(np.float32)


def label_edges(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return the labelled voxels one of whose six neighbours has another label."""
    found = np.zeros(labels.shape, np.bool_)
    for axis in range(3):
        here, there = np.moveaxis(labels, axis, 0), np.moveaxis(found, axis, 0)
        differ = here[1:] != here[:-1]
        there[1:] |= differ
        there[:-1] |= differ
    return found & (labels > 0)


def distance_to_edge(
    edge: NDArray[np.bool_], lattice: Lattice, voxels: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the distance of places (k, j, i) from the nearest voxel of an edge, mm."""
    from scipy.spatial import cKDTree

    spacing = lattice.spacing[::-1]
    tree = cKDTree(np.stack(np.nonzero(edge), -1) * spacing)
    return np.asarray(tree.query(voxels * spacing)[0], np.float32)
