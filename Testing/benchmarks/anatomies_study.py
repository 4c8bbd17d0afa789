"""What a model does beyond the brains that it was made for: other contrasts, other organs.

    python Testing/benchmarks/anatomies_study.py REFERENCE --cases choosing --model pyramid-flow
    python Testing/benchmarks/anatomies_study.py REFERENCE --cases reported --model pyramid-flow

Settings are chosen on the cases of `choosing`; those of `reported` are looked at when the choice
is made. Of the real pairs, hearts of odd places in the alphabet and one of the two livers are for
choosing; the lung, the tumour, the pair of T1 and T2 and the macaque are there once, and so for
reporting only.

REFERENCE holds pairs that are no part of this software (skipped, by name, where they are absent):
people/ (OASIS, labels by Neuromorphometrics, CC BY-NC 3.0), cardiac/ (ACDC and M&Ms), lung/
(elastix, Apache-2.0), liver/ (4D MR, ETH), tumour/ (BraTS-Reg), contrast/ (MultiPropReg). The
macaque and the chests are fetched by Testing/oracles/get_evaluation_images.py.

A row: what was asked (mean distance at landmarks or of the known map, mm; Dice of labels) after
the alignment that precedes the network, and what the network made of it.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from mismatch_study import IMAGES, inverted
from numpy.typing import NDArray

from TTAUncertaintyLib.engine import Engine, place, prepare
from TTAUncertaintyLib.evaluation.cases import KnownCase, manufacture
from TTAUncertaintyLib.evaluation.kinds import Deformation
from TTAUncertaintyLib.evaluation.known_labels import evaluate_known_labels
from TTAUncertaintyLib.evaluation.known_result import KnownResult
from TTAUncertaintyLib.evaluation.metrics import pearson
from TTAUncertaintyLib.geometry import (
    DeformableTransform,
    Image,
    Lattice,
    Prealignment,
    points_on,
    read_image,
    resample_array,
)
from TTAUncertaintyLib.models import RegistrationModel, load_model
from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.review.landmarks import LandmarkPair, evaluate_landmarks, point_map
from TTAUncertaintyLib.sample_data import sample_images

Points = NDArray[np.float64]

#: Share of the fixed image's range above its darkest value from where on folds count.
_SHOWN = 0.1


@dataclass(frozen=True)
class Judged:
    """How good a transform is: mm or Dice, and the error at each place where it is known."""

    figures: dict[str, float]
    at: Points | None = None
    error: Points | None = None


@dataclass(frozen=True, eq=False)
class Pair:
    """Two images, and how a transform between them is judged."""

    name: str
    fixed: Image
    moving: Image
    judge: Callable[[DeformableTransform], Judged]
    prealignment: Prealignment | None = None


# --- judging -----------------------------------------------------------------------------------


def distance_to_truth(case: KnownCase, transform: DeformableTransform) -> Judged:
    """Judge by the known map, in the anatomy, on the transform's lattice."""
    lattice = transform.lattice
    mask = torch.from_numpy(case.mask).float()[None]
    region = resample_array(mask, case.fixed.lattice, lattice, outside=0.0)[0] > 0.5
    off = points_on(transform, lattice) - points_on(case.truth, lattice)
    error = off.square().sum(0).sqrt()[region].double().numpy()
    voxels = np.argwhere(region.numpy())[:, ::-1]
    return Judged({"mm": float(error.mean())}, lattice.to_world(voxels), error)


def distance_of_landmarks(
    fixed: Points, moving: Points, groups: dict[str, slice], transform: DeformableTransform
) -> Judged:
    """Judge by landmarks, LPS mm."""
    pairs = [
        LandmarkPair(str(n), tuple(a), tuple(b))
        for n, (a, b) in enumerate(zip(fixed.tolist(), moving.tolist(), strict=True))
    ]
    found = evaluate_landmarks(pairs, point_map(transform.to_itk()), ())
    error = np.array([one.after_mm for one in found])
    figures = {name: float(error[part].mean()) for name, part in groups.items()}
    return Judged(figures, fixed, error)


def overlap_of_labels(fixed: Path, moving: Path, transform: DeformableTransform) -> Judged:
    """Judge by drawn structures: the Dice of each of a few, the mean of many."""
    lattices = [read_image(path)[0].lattice for path in (fixed, moving)]
    found = evaluate_known_labels(KnownResult(transform.to_itk(), *lattices), fixed, moving)
    dice = {one.name: one.after.dice for one in found if one.after is not None}
    if len(dice) > 5:
        return Judged({"Dice": float(np.mean(list(dice.values())))})
    return Judged({name: float(value) for name, value in dice.items()})


# --- pairs -------------------------------------------------------------------------------------


def known(case: KnownCase, name: str) -> Pair:
    """Return a pair whose map is known; the deformation is what is to be found."""
    judge = partial(distance_to_truth, case)
    return Pair(name, case.fixed, case.moving, judge, Prealignment.NONE)


def scrambled(case: KnownCase, seed: int) -> KnownCase:
    """Give the fixed image's anatomy intensities by a random broken line: dark may be bright."""
    values, mask = case.fixed.intensities, torch.from_numpy(case.mask)
    low, high = case.fixed.background, float(torch.quantile(values[mask][::50], 0.995))
    corners = torch.rand(6, generator=torch.Generator().manual_seed(seed))
    at = ((values - low) / (high - low)).clamp(0, 1) * (len(corners) - 1)
    below = at.floor().long().clamp(max=len(corners) - 2)
    line = torch.lerp(corners[below], corners[below + 1], at - below)
    turned = torch.where(mask, low + (0.1 + line) * (high - low), values)
    return replace(case, name="scrambled contrast", fixed=replace(case.fixed, intensities=turned))


def known_brains(image: Image, seeds: range) -> Iterator[Pair]:
    """Yield known deformations of a brain: same, inverted and scrambled contrast."""
    for seed in seeds:
        case = manufacture(image, Deformation.SMOOTH, seed)
        yield known(case, f"{image.name} {seed}")
        yield known(inverted(case), f"{image.name} {seed}, inverted")
        yield known(scrambled(case, seed), f"{image.name} {seed}, scrambled")


def two_contrasts(folder: Path, seeds: range) -> Iterator[Pair]:
    """Yield known deformations of a person's T2 with the T1 to be brought there, and so turned."""
    t1, t2 = (read_image(folder / f"subject-4-{kind}.nii.gz")[0] for kind in ("T1", "T2"))
    for seed in seeds:  # of even ones: they deform the fixed image
        for name, fixed, moving in (("T1 on T2", t2, t1), ("T2 on T1", t1, t2)):
            case = replace(manufacture(fixed, Deformation.SMOOTH, 2 * seed), moving=moving)
            yield known(case, f"{name} {2 * seed}")


def people(folder: Path, numbers: range) -> Iterator[Pair]:
    """Yield pairs of people with some 140 structures, each with the next."""
    for one, other in pairwise(numbers):
        images = [read_image(folder / f"{n}_SS.nii.gz")[0] for n in (one, other)]
        labels = [folder / f"{n}_glm.nii.gz" for n in (one, other)]
        yield Pair(f"people {other} on {one}", *images, partial(overlap_of_labels, *labels))


def hearts(folder: Path, places: slice) -> Iterator[Pair]:
    """Yield systole on diastole; end-diastole comes first by name in both collections."""
    for collection in ("acdc", "mms"):
        for heart in sorted((folder / collection).iterdir())[places]:
            labels = sorted(heart.glob("*_gt.nii.gz"))
            files = [path.with_name(path.name.replace("_gt", "")) for path in labels]
            images = [read_image(path)[0] for path in files]
            yield Pair(f"heart {heart.name}", *images, partial(overlap_of_labels, *labels))


def livers(folder: Path) -> Iterator[Pair]:
    """Yield breathing states on the master state, with landmarks of liver and surroundings."""
    still = next(folder.glob("exhMaster*.mha"))
    kinds = ("liver", "outside")
    on_fixed = [_vtk_points(folder / f"exhMasterLM{kind}.vtk") for kind in kinds]
    groups = {"liver": slice(len(on_fixed[0])), "outside": slice(len(on_fixed[0]), None)}
    for path in sorted(folder.glob("cyc_*.mha")):
        stem = path.name.partition(".")[0]
        on_moving = [_vtk_points(folder / f"{stem}LM{kind}.vtk") for kind in kinds]
        fixed, moving = read_image(still)[0], read_image(path)[0]
        # a header that says 5 mm where its siblings and its landmarks say 4
        moving = moving.on(Lattice(moving.lattice.size, fixed.lattice.matrix))
        both = np.concatenate(on_fixed), np.concatenate(on_moving)
        judge = partial(distance_of_landmarks, *both, groups)
        yield Pair(f"liver {folder.name} {stem}", fixed, moving, judge)


def lung(folder: Path) -> Iterator[Pair]:
    """Yield the lung at two times, with 51 landmarks."""
    images = [read_image(folder / f"3DCT_lung_{time}.mha")[0] for time in ("baseline", "followup")]
    points = [
        np.loadtxt(folder / f"CT_3D_lung_{which}_point_set_corrected.txt", skiprows=2)
        for which in ("fixed", "moving")
    ]
    judge = partial(distance_of_landmarks, *points, {"mm": slice(None)})
    yield Pair("lung", *images, judge)


def tumour(folder: Path) -> Iterator[Pair]:
    """Yield a brain with a tumour before surgery, brought to what it was later."""
    stems = ("BraTSReg_002_01_0262", "BraTSReg_002_00_0000")
    images = [read_image(folder / f"{stem}_t1ce.nii.gz")[0] for stem in stems]
    points = [
        np.loadtxt(folder / f"{stem}_landmarks.csv", delimiter=",", skiprows=1)[:, 1:]
        for stem in stems
    ]
    judge = partial(distance_of_landmarks, *points, {"mm": slice(None)})
    yield Pair("tumour", *images, judge)


def _vtk_points(path: Path) -> Points:
    """Return the points of a legacy VTK file in ASCII, shape (n, 3)."""
    words = path.read_text(encoding="ascii").split()
    at = words.index("POINTS")
    count = int(words[at + 1])
    return np.array(words[at + 3 : at + 3 + 3 * count], float).reshape(-1, 3)


def choosing(reference: Path) -> Iterator[Callable[[], Iterator[Pair]]]:
    """Return the cases that settings are chosen on."""
    mni, _ = read_image(sample_images()["mni152"].path)
    yield lambda: known_brains(mni, range(100, 103))
    yield lambda: people(reference / "people", range(1000, 1003))
    yield lambda: hearts(reference / "cardiac", slice(0, None, 2))
    yield lambda: livers(reference / "liver" / "dataset18")
    yield lambda: _known_other("chest1.nii.gz", range(100, 102))


def reported(reference: Path) -> Iterator[Callable[[], Iterator[Pair]]]:
    """Return the cases that are reported."""
    colin, _ = read_image(sample_images()["colin27"].path)
    yield lambda: known_brains(colin, range(3))
    yield lambda: two_contrasts(reference / "contrast", range(3))
    yield lambda: people(reference / "people", range(1010, 1014))
    yield lambda: lung(reference / "lung")
    yield lambda: livers(reference / "liver" / "dataset23")
    yield lambda: hearts(reference / "cardiac", slice(1, None, 2))
    yield lambda: tumour(reference / "tumour")
    yield lambda: _known_other("macaque.nii.gz", range(3))
    yield lambda: _known_other("chest2.nii.gz", range(2))


def _known_other(file: str, seeds: range) -> Iterator[Pair]:
    image, _ = read_image(IMAGES / file)
    name = file.partition(".")[0]
    for seed in seeds:
        yield known(manufacture(image, Deformation.SMOOTH, seed), f"{name} {seed}")


# --- measuring ---------------------------------------------------------------------------------


def measured(pair: Pair, model: RegistrationModel, cache: Path | None, quick: bool) -> str:
    """Register a pair and return its row."""
    placement = place(
        pair.fixed,
        pair.moving,
        model,
        start=_placed(pair, model, cache),
        prealignment=Prealignment.NONE,
    )
    began = time.perf_counter()
    prepared = prepare(pair.fixed, pair.moving, model, placement)
    preparing = time.perf_counter() - began
    request = DesignRequest(Preset.QUICK)
    engine = Engine(model, prepared, request.resolve(prepared.moving_lattice), reverse_pass=False)
    next(iter(engine))
    answer = engine.transform()
    asked = pair.judge(replace(answer, displacement=torch.zeros_like(answer.displacement)))
    found = pair.judge(answer)
    figures = ", ".join(
        f"{name} {asked.figures[name]:.2f} to {value:.2f}" for name, value in found.figures.items()
    )
    cells = [pair.name, figures, f"{_folded(answer, pair.fixed):.3f}", f"{preparing:.1f}"]
    cells.append(_telling(engine, answer, found) if quick else "")
    cells.append(" ".join(engine.notes))
    return f"| {' | '.join(cells)} |"


def _placed(pair: Pair, model: RegistrationModel, cache: Path | None) -> NDArray[np.float64]:
    """Return the alignment that precedes the network, from the cache where it is there."""
    kept = None if cache is None else cache / f"{pair.name.replace(' ', '_')}.json"
    if kept is not None and kept.is_file():
        return np.array(json.loads(kept.read_text()))
    found = place(pair.fixed, pair.moving, model, prealignment=pair.prealignment, use_frame=False)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found.initial.tolist()))
    return found.initial


def _folded(transform: DeformableTransform, fixed: Image) -> float:
    """Return the percentage of shown voxels where the map folds."""
    forward = points_on(transform, transform.lattice)
    by_k, by_j, by_i = torch.gradient(forward, dim=(1, 2, 3))
    determinant = (torch.linalg.cross(by_i, by_j, dim=0) * by_k).sum(0)
    determinant = determinant * math.copysign(1, np.linalg.det(transform.lattice.linear))
    values = fixed.intensities
    low, high = float(values.min()), float(torch.quantile(values.flatten()[::97], 0.99))
    shown = (values > low + _SHOWN * (high - low)).float()[None]
    region = resample_array(shown, fixed.lattice, transform.lattice, outside=0.0)[0] > 0.5
    return 100.0 * float((determinant[region] <= 0).float().mean())


def _telling(engine: Engine, answer: DeformableTransform, found: Judged) -> str:
    """Return the correlation of the total uncertainty with the error, where that is known."""
    if found.at is None or found.error is None:
        return ""
    engine.run()
    total = engine.total_so_far()
    assert total is not None
    spots = Image(total.cpu(), answer.lattice)
    at = answer.lattice.to_voxel(found.at)
    nearest = np.clip(np.rint(at).astype(int), 0, np.array(answer.lattice.size) - 1)
    values = spots.intensities.numpy()[nearest[:, 2], nearest[:, 1], nearest[:, 0]]
    return f"{pearson(torch.from_numpy(values), torch.from_numpy(found.error).float()):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reference", type=Path)
    parser.add_argument("--cases", choices=("choosing", "reported"), default="choosing")
    parser.add_argument("--model", default="pyramid-flow")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--cache", type=Path, help="keep the alignments before the network here")
    parser.add_argument("--quick", action="store_true", help="the uncertainty as well")
    options = parser.parse_args()
    torch.set_num_threads(1)
    chosen = dict(text.split("=", 1) for text in options.option)
    model = load_model(options.model, options.weights, chosen)
    print("| pair | before, after | folds, % | preparing, s | r of total, error | notes |")
    print("|---|---|---|---|---|---|", flush=True)
    groups = choosing if options.cases == "choosing" else reported
    for group in groups(options.reference):
        try:
            for pair in group():
                if options.only in pair.name:
                    print(measured(pair, model, options.cache, options.quick), flush=True)
        except FileNotFoundError as absent:
            print(f"skipped, not here: {absent}", flush=True)


if __name__ == "__main__":
    main()
