"""What weights of the bundled network do to the cases on which weights for any anatomy were chosen.

    python Testing/benchmarks/anatomies_study.py REFERENCE [--weights FILE]
    python Testing/benchmarks/anatomies_study.py REFERENCE --model pyramid-flow-any \\
        [--option spacing=1.5] [--without coarser] [--without demons]

Known deformations of MNI152 (its contrast, inverted, scrambled) and of a chest, two pairs of
people, six hearts, and a liver at two states of breath. What is reported (organs_study.py,
mismatch_study.py) are other cases, but for those hearts and that liver.

REFERENCE holds pairs that are no part of this software (skipped, by name, where they are absent):
people/ (OASIS, labels by Neuromorphometrics, CC BY-NC 3.0), cardiac/ (ACDC and M&Ms) and liver/
(4D MR, ETH). The chest is fetched by Testing/oracles/get_evaluation_images.py.

A row: what was asked (mean distance at landmarks or of the known map, mm; Dice of labels) after
the alignment that precedes the network, and what the network made of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from mismatch_study import IMAGES, inverted, scrambled
from numpy.typing import NDArray
from organs_study import points_of

from TTAUncertaintyLib.engine import Engine, jacobian_determinant_mm, place, prepare
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
from TTAUncertaintyLib.models.adapters.pyramid_flow import PyramidFlow
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


def known_brains(image: Image, seeds: range) -> Iterator[Pair]:
    """Yield known deformations of a brain: same, inverted and scrambled contrast."""
    for seed in seeds:
        case = manufacture(image, Deformation.SMOOTH, seed)
        yield known(case, f"{image.name} {seed}")
        yield known(inverted(case), f"{image.name} {seed}, inverted")
        yield known(scrambled(case, seed), f"{image.name} {seed}, scrambled")


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
    on_fixed = [points_of(folder / f"exhMasterLM{kind}.vtk") for kind in kinds]
    groups = {"liver": slice(len(on_fixed[0])), "outside": slice(len(on_fixed[0]), None)}
    for path in sorted(folder.glob("cyc_*.mha")):
        stem = path.name.partition(".")[0]
        on_moving = [points_of(folder / f"{stem}LM{kind}.vtk") for kind in kinds]
        fixed, moving = read_image(still)[0], read_image(path)[0]
        # a header that says 5 mm where its siblings and its landmarks say 4
        moving = moving.on(Lattice(moving.lattice.size, fixed.lattice.matrix))
        both = np.concatenate(on_fixed), np.concatenate(on_moving)
        judge = partial(distance_of_landmarks, *both, groups)
        yield Pair(f"liver {folder.name} {stem}", fixed, moving, judge)


def choosing(reference: Path) -> Iterator[Callable[[], Iterator[Pair]]]:
    """Return the cases that settings are chosen on."""
    mni, _ = read_image(sample_images()["mni152"].path)
    yield lambda: known_brains(mni, range(100, 103))
    yield lambda: people(reference / "people", range(1000, 1003))
    yield lambda: hearts(reference / "cardiac", slice(0, None, 2))
    yield lambda: livers(reference / "liver" / "dataset18")
    yield lambda: _known_other("chest1.nii.gz", range(100, 102))


def _known_other(file: str, seeds: range) -> Iterator[Pair]:
    image, _ = read_image(IMAGES / file)
    name = file.partition(".")[0]
    for seed in seeds:
        yield known(manufacture(image, Deformation.SMOOTH, seed), f"{name} {seed}")


# --- measuring ---------------------------------------------------------------------------------


def measured(pair: Pair, model: RegistrationModel, quick: bool) -> str:
    """Register a pair and return its row."""
    around = place(
        pair.fixed, pair.moving, model, prealignment=pair.prealignment, use_frame=False
    ).initial
    placement = place(pair.fixed, pair.moving, model, start=around, prealignment=Prealignment.NONE)
    prepared = prepare(pair.fixed, pair.moving, model, placement)
    request = DesignRequest(Preset.QUICK)
    engine = Engine(model, prepared, request.resolve(prepared.moving_lattice), reverse_pass=False)
    next(iter(engine))
    answer = engine.transform()
    asked = pair.judge(replace(answer, displacement=torch.zeros_like(answer.displacement)))
    found = pair.judge(answer)
    figures = ", ".join(
        f"{name} {asked.figures[name]:.2f} to {value:.2f}" for name, value in found.figures.items()
    )
    cells = [pair.name, figures, f"{_folded(answer, pair.fixed):.3f}"]
    cells.append(_telling(engine, answer, found) if quick else "")
    cells.append(" ".join(engine.notes))
    return f"| {' | '.join(cells)} |"


def _folded(transform: DeformableTransform, fixed: Image) -> float:
    """Return the percentage of shown voxels where the map folds."""
    lattice = transform.lattice
    world = Lattice(lattice.size, np.eye(4))
    determinant = jacobian_determinant_mm(points_on(transform, lattice), world, lattice)
    values = fixed.intensities
    low, high = float(values.min()), float(torch.quantile(values.flatten()[::97], 0.99))
    shown = (values > low + _SHOWN * (high - low)).float()[None]
    region = resample_array(shown, fixed.lattice, lattice, outside=0.0)[0] > 0.5
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
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reference", type=Path)
    parser.add_argument("--model", default="pyramid-flow")
    parser.add_argument("--weights", type=Path, help="default: those of the model")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument(
        "--without", action="append", default=[], choices=("coarser", "demons"), help="its parts"
    )
    parser.add_argument("--quick", action="store_true", help="the uncertainty as well")
    options = parser.parse_args()
    torch.set_num_threads(1)
    chosen = dict(text.split("=", 1) for text in options.option)
    model = load_model(options.model, options.weights, chosen)
    if isinstance(model, PyramidFlow):
        model.network.begins_coarser &= "coarser" not in options.without
        model.network.ends_by_demons &= "demons" not in options.without
    print("| pair | before, after | folds, % | r of total, error | notes |")
    print("|---|---|---|---|---|", flush=True)
    for group in choosing(options.reference):
        try:
            for pair in group():
                print(measured(pair, model, options.quick), flush=True)
        except FileNotFoundError as absent:
            print(f"skipped, not here: {absent}", flush=True)


if __name__ == "__main__":
    main()
