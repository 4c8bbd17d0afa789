"""Does a second opinion find where a registration that was made elsewhere is wrong?

Known maps: people's brains, deformed by a known map and changed in appearance, are registered by
B-splines, demons and greedy, the latter two on a coarse grid too, and deliberately spoilt: a start
20 mm off, a local shift of 6 mm, a mirrored moving image. The error of each is known at every
voxel, and held against the disagreement with the network, the local correlation and the Jacobian.
A calibration is fitted from it, and checked with every subject left out in turn.

People: the same programs between two people with manual labels. There the truth is how far the
drawn structures' surfaces lie from the carried ones. Registrations and measurements are kept, so
that it goes on where it was ended.

    python Testing/benchmarks/audit_study.py measure --people FOLDER --cache CACHE
    python Testing/benchmarks/audit_study.py people --people FOLDER --cache CACHE
    python Testing/benchmarks/audit_study.py report --cache CACHE --calibration OUT.json

FOLDER holds images N_SS.nii.gz and labels N_glm.nii.gz (OASIS, labels provided by
Neuromorphometrics, Inc. under academic subscription, CC BY-NC 3.0).
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from scipy.ndimage import binary_erosion, distance_transform_edt
from scipy.stats import rankdata, spearmanr

from TTAUncertaintyLib.auditing import SecondOpinion
from TTAUncertaintyLib.auditing.calibrated import find_audit_calibration
from TTAUncertaintyLib.calibration import CalibratedMaps, apply
from TTAUncertaintyLib.calibration.calibration import write_calibration
from TTAUncertaintyLib.calibration.fitting import fit, left_out
from TTAUncertaintyLib.calibration.head import shipped_head
from TTAUncertaintyLib.cues import Cue, anatomy
from TTAUncertaintyLib.cues.features import compute_features
from TTAUncertaintyLib.engine import Engine, Execution, Outcome, place, prepare
from TTAUncertaintyLib.evaluation.cases import manufacture
from TTAUncertaintyLib.evaluation.kinds import Deformation
from TTAUncertaintyLib.evaluation.measuring import Measurement
from TTAUncertaintyLib.geometry import (
    DeformableTransform,
    Image,
    Lattice,
    Prealignment,
    image_sha256,
    points_on,
    read_image,
    read_stored_labels,
    resample_array,
)
from TTAUncertaintyLib.geometry.given_transform import GivenTransform
from TTAUncertaintyLib.geometry.stored import StoredImage
from TTAUncertaintyLib.models import PreparedPair, RegistrationModel, load_model
from TTAUncertaintyLib.models.contract import describe
from TTAUncertaintyLib.perturbations import Design, DesignRequest, Preset

#: Known cases are of these, people's pairs of these: nobody is in both.
KNOWN = tuple(str(n) for n in range(1000, 1006))
PAIRS = (("1008", "1009"), ("1010", "1011"), ("1012", "1013"))

#: (name, model, grid in mm).
PROGRAMS = (
    ("bspline", "sitk-bspline", "3"),
    ("demons", "sitk-demons", "3"),
    ("demons coarse", "sitk-demons", "4"),
    ("greedy", "greedy", "3"),
    ("greedy coarse", "greedy", "4"),
)

#: An error above this is a wrong place, mm.
WRONG_MM = 3.0
_SHIFT_MM, _SHIFT_WIDTH_MM, _START_MM = 6.0, 12.0, 20.0


def small(image: Image, spacing: float = 1.5) -> Image:
    from TTAUncertaintyLib.geometry.resample import shrink_image

    return shrink_image(image, spacing)


def registered(
    program: tuple[str, str, str], fixed: Image, moving: Image, start: np.ndarray, pre: Prealignment
) -> DeformableTransform:
    """Register with one of the programs."""
    model = load_model(program[1], None, {"spacing": program[2]})
    placement = place(fixed, moving, model, start, pre, use_frame=False)
    pair = prepare(fixed, moving, model, placement)
    answer = model.predict(pair.moving, pair.fixed)[0]
    from TTAUncertaintyLib.engine.outcome import transform_of

    return transform_of(answer, pair.moving_lattice, pair.fixed_lattice)


def shift_mm(lattice: Lattice, at: np.ndarray) -> np.ndarray:
    """Return a smooth local shift of 6 mm about a world point, at a lattice's voxels."""
    k, j, i = np.indices(lattice.array_shape)
    away = lattice.to_world(np.stack((i, j, k), -1)) - at
    return np.asarray(_SHIFT_MM * np.exp(-(away**2).sum(-1) / (2 * _SHIFT_WIDTH_MM**2)))


def shifted(transform: DeformableTransform, at: np.ndarray) -> DeformableTransform:
    """Add the local shift along y."""
    added = torch.zeros_like(transform.displacement)
    added[1] = torch.from_numpy(shift_mm(transform.lattice, at)).float()
    return replace(transform, displacement=transform.displacement + added)


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """Return what a file keeps; make it, and the file, where there is none."""
    if not path.exists():
        beside = path.with_suffix(".part")
        torch.save(make(), beside)
        beside.replace(path)
    return torch.load(path, weights_only=False)


def transforms(
    fixed: Image,
    moving: Image,
    region: np.ndarray,
    pre: Prealignment,
    keep: Callable[[str, Callable[[], Any]], Any] = lambda name, make: make(),
) -> Iterator[tuple[str, DeformableTransform, np.ndarray | None]]:
    """Yield the registrations of a pair, good, coarse and spoilt; and where the shift was.

    `keep` is handed a name and what makes the registration, and may know it already.
    """
    eye = np.eye(4)
    made = {}
    for program in PROGRAMS:
        made[program[0]] = keep(
            program[0], lambda program=program: registered(program, fixed, moving, eye, pre)
        )
        yield program[0], made[program[0]], None
    where = np.argwhere(region)
    k, j, i = where[len(where) // 3]
    at = fixed.lattice.to_world([i, j, k])
    for name in ("bspline", "demons", "greedy"):
        yield f"{name} shifted", shifted(made[name], at), at
    off = eye.copy()
    off[:3, 3] = (0, _START_MM, 0)
    flipped = replace(moving, intensities=moving.intensities.flip(2))
    demons, name = PROGRAMS[1], "demons wrong start"
    yield (
        name,
        keep(name, lambda: registered(demons, fixed, moving, off, Prealignment.NONE)),
        None,
    )
    name = "demons mirrored"
    yield name, keep(name, lambda: registered(demons, fixed, flipped, eye, pre)), None


def opinion(
    model: RegistrationModel, fixed: Image, moving: Image, pre: Prealignment | None
) -> tuple[Outcome, PreparedPair, Design]:
    """Register with the network, with its perturbed passes."""
    placement = place(fixed, moving, model, prealignment=pre)
    pair = prepare(fixed, moving, model, placement)
    design = DesignRequest(preset=Preset.QUICK).resolve(pair.moving_lattice)
    return Engine(model, pair, design, Execution("cpu")).run(), pair, design


def expected_of(outcome: Outcome, pair: PreparedPair) -> CalibratedMaps:
    """Return what the network expects of its own error."""
    return shipped_head().maps(compute_features(outcome, pair), "pyramid-flow", 2.0)


def given(transform: DeformableTransform) -> GivenTransform:
    return GivenTransform(transform.to_itk(), Path("elsewhere.h5"), "", "displacement field")


def measure(people: Path, cache: Path) -> None:
    model = load_model("pyramid-flow")
    for number, subject in enumerate(KNOWN):
        out = cache / f"known-{subject}.pt"
        if out.exists():
            continue
        began = time.time()
        image = small(read_image(people / f"{subject}_SS.nii.gz")[0])
        kind = (Deformation.SMOOTH, Deformation.FINE)[number % 2]
        case = manufacture(image, kind, 700 + number)
        outcome, pair, design = opinion(model, case.fixed, case.moving, Prealignment.NONE)
        own = expected_of(outcome, pair)
        lattice = outcome.fixed_lattice
        truth = points_on(case.truth, lattice)
        mask = torch.from_numpy(case.mask).float()[None]
        region = resample_array(mask, case.fixed.lattice, lattice, outside=0.0)[0] > 0.5
        own_error = (points_on(outcome.transform(), lattice) - truth).square().sum(0).sqrt()
        found = []
        for name, transform, _ in transforms(case.fixed, case.moving, case.mask, Prealignment.NONE):
            second = SecondOpinion(given(transform), outcome, pair, own)
            error = (second.points - truth).square().sum(0).sqrt()
            found.append(
                Measurement(
                    name=f"{subject} {name}",
                    subject=subject,
                    kind=name,
                    cues={cue: values[region] for cue, values in second.cues.items()},
                    error=error[region],
                    displacement_mm=0.0,
                    others={
                        "own_error": own_error[region],
                        "own_bound": own.error_bound[region],
                    },
                    passes={},
                    seconds=0.0,
                    spacing_mm=pair.fixed_lattice.mean_spacing,
                    design=design.as_dict(),
                )
            )
        torch.save([vars(m) for m in found], out)
        print(subject, kind.value, f"{time.time() - began:.0f} s", flush=True)


#: What is to find the places, by the name under which it is kept.
SCORES = {
    "expected": Cue.EXPECTED,
    "disagree": Cue.DISAGREEMENT,
    "ncc": Cue.NCC_GAP,
    "logJ": Cue.LOG_JACOBIAN,
}

#: Of the surfaces' voxels, one in so many is kept; of the anatomy's, too.
_THIN = 8


def measure_people(people: Path, cache: Path) -> None:
    """Measure programs on pairs of people: every registration is a file of its own."""
    model = load_model("pyramid-flow")
    for fixed_name, moving_name in PAIRS:
        name = f"people-{fixed_name}-{moving_name}"
        fixed, moving = (
            small(read_image(people / f"{n}_SS.nii.gz")[0]) for n in (fixed_name, moving_name)
        )
        drawn, labels = (
            read_stored_labels(people / f"{n}_glm.nii.gz") for n in (fixed_name, moving_name)
        )
        outcome, pair, design = kept(
            cache / f"{name}.opinion",
            lambda fixed=fixed, moving=moving: opinion(model, fixed, moving, None),
        )
        own = expected_of(outcome, pair)
        calibration = find_audit_calibration(
            describe(model), design.as_dict(), pair.fixed_lattice.mean_spacing
        )
        assert calibration is not None
        lattice = outcome.fixed_lattice
        region = anatomy(pair)
        inside = np.asarray(resample_array(region.float()[None], lattice, fixed.lattice)[0] > 0.5)

        def keep(which: str, make: Callable[[], Any], name: str = name) -> Any:
            return kept(cache / f"{name}.{which.replace(' ', '-')}", make)

        made = [("second opinion", outcome.transform(), None)]
        for which, transform, at in itertools.chain(
            made, transforms(fixed, moving, inside, Prealignment.AFFINE, keep)
        ):
            out = cache / f"{name}.{which.replace(' ', '-')}.npz"
            if out.exists():
                continue
            began = time.time()
            second = SecondOpinion(given(transform), outcome, pair, own)
            cues = second.cues
            cues[Cue.EXPECTED] = apply(calibration, cues).expected_error
            scores = {key: cues[cue] for key, cue in SCORES.items()}
            found = on_surfaces(transform, drawn, labels, scores, lattice)
            if at is not None:
                found["shift"] = shift_mm(lattice, at)[region][::_THIN]
                found |= {f"shift {key}": v[region][::_THIN] for key, v in scores.items()}
            beside = out.with_name(f"part-{out.name}")
            np.savez_compressed(beside, **found)
            beside.replace(out)
            print(name, which, f"{time.time() - began:.0f} s", flush=True)


def on_surfaces(
    transform: DeformableTransform,
    drawn: StoredImage,
    labels: StoredImage,
    scores: Mapping[str, torch.Tensor],
    lattice: Lattice,
) -> dict[str, Any]:
    """Look at the drawn structures' surfaces: how far the carried ones are, and the scores there.

    Scores lie on `lattice`. Structures that are lost on the way are counted, and left out.
    """
    onto, spacing = drawn.lattice, drawn.lattice.spacing[::-1]
    source = labels.lattice.stamp(sitk.GetImageFromArray(labels.values.astype(np.int32)))
    carried = sitk.GetArrayFromImage(
        sitk.Resample(
            source, onto.blank_itk_image(), transform.to_itk(), sitk.sitkNearestNeighbor, 0
        )
    )
    at = {key: resample_array(v[None], lattice, onto)[0].numpy() for key, v in scores.items()}
    columns: dict[str, list[np.ndarray]] = {key: [] for key in ("label", "distance", *scores)}
    dice, lost = [], 0
    for label in set(np.unique(drawn.values)) & set(np.unique(labels.values)) - {0}:
        first, second = drawn.values == label, carried == label
        dice.append(2 * (first & second).sum() / (first.sum() + second.sum()))
        if not second.any():
            lost += 1
            continue
        box = tuple(
            slice(max(0, int(n.min()) - 1), int(n.max()) + 2) for n in np.nonzero(first | second)
        )
        here, there = (mask[box] & ~binary_erosion(mask[box]) for mask in (first, second))
        distance = distance_transform_edt(~there, sampling=spacing)[here]
        columns["label"].append(np.full(len(distance), label))
        columns["distance"].append(distance)
        for key, values in at.items():
            columns[key].append(values[box][here])
    found = {key: np.concatenate(parts)[::_THIN] for key, parts in columns.items()}
    return found | {"dice": np.array(dice), "lost": lost}


def thinned(values: dict[str, Any], count: int = 20_000) -> dict[str, Any]:
    """Return a measurement of as many voxels drawn at random."""
    size = len(values["error"])
    pick = torch.from_numpy(np.random.default_rng(0).choice(size, min(size, count), replace=False))
    kept = {name: values[name][pick] for name in ("error",)}
    for name in ("cues", "others"):
        kept[name] = {key: value[pick] for key, value in values[name].items()}
    return values | kept


def auroc(score: np.ndarray, wrong: np.ndarray) -> float:
    n, m = int(wrong.sum()), int((~wrong).sum())
    if n < 50 or m < 50:
        return float("nan")
    return float((rankdata(score)[wrong].sum() - n * (n + 1) / 2) / (n * m))


def report(cache: Path, calibration: Path | None, people: Path | None) -> None:
    measurements = [
        Measurement(**each)
        for path in sorted(cache.glob("known-*.pt"))
        for each in map(thinned, torch.load(path, weights_only=False))
    ]
    model = describe(load_model("pyramid-flow"))
    if measurements:
        report_known(measurements, model)
    report_people(cache)
    if calibration is not None:
        images = []
        if people is not None:
            images = [{"name": s, "sha256": image_sha256(people / f"{s}_SS.nii.gz")} for s in KNOWN]
        fitted, checks = fit(measurements, model, images)
        write_calibration(calibration, fitted)
        print(json.dumps(fitted.as_dict()["score"], indent=1))
        print("left out", json.dumps(fitted.provenance["checked_on_left_out"], indent=1))
        print(len(checks), "checks")


def report_known(measurements: list[Measurement], model: Mapping[str, Any]) -> None:
    """Print what finds wrong voxels where the truth is known, a row for each program."""
    predicted = {out.measurement.name: out for out in left_out(measurements, "subject", model)}
    rows: dict[str, list[list[float]]] = {}
    for m in measurements:
        error = m.error.numpy()
        wrong = error > WRONG_MM
        pick = np.random.default_rng(0).choice(len(error), min(len(error), 40_000), replace=False)
        maps = predicted[m.name].maps
        scores = [
            maps.expected_error.numpy(),
            m.cues[Cue.DISAGREEMENT].numpy(),
            m.cues[Cue.NCC_GAP].numpy(),
            m.cues[Cue.LOG_JACOBIAN].numpy(),
        ]
        excess = m.cues[Cue.DISAGREEMENT].numpy() - m.others["own_bound"].numpy()
        flagged = excess > 0
        rows.setdefault(m.kind, []).append(
            [error.mean(), wrong.mean()]
            + [auroc(s[pick], wrong[pick]) for s in scores]
            + [
                float((error <= maps.error_bound.numpy()).mean()),
                float((error >= excess)[flagged].mean()) if flagged.any() else np.nan,
                float(maps.expected_error.mean()),
            ]
        )
    heads = ("error", "wrong", "expected", "disagree", "ncc", "logJ", "covered", "lower", "E[e]")
    print(f"{'known maps':20}" + "".join(f"{h:>9}" for h in heads))
    for name, values in rows.items():
        print(f"{name:20}" + "".join(f"{v:9.3f}" for v in np.nanmean(np.array(values), axis=0)))
    everything = np.array([v for values in rows.values() for v in values])
    print(f"{'all':20}" + "".join(f"{v:9.3f}" for v in np.nanmean(everything, axis=0)))


def report_people(cache: Path) -> None:
    """Print what finds wrong surfaces, and where a registration was shifted; means over pairs."""
    rows: dict[str, list[list[float]]] = {}
    shifts: dict[str, list[list[float]]] = {}
    for path in sorted(cache.glob("people-*.npz")):
        which, found = path.name.split(".")[1], np.load(path)
        wrong = found["distance"] > WRONG_MM
        structures, index = np.unique(found["label"], return_inverse=True)

        def mean(key: str, found: Any = found, index: Any = index) -> np.ndarray:
            return np.bincount(index, found[key]) / np.bincount(index)

        rows.setdefault(which, []).append(
            [found["distance"].mean(), found["dice"].mean(), wrong.mean()]
            + [auroc(found[key], wrong) for key in SCORES]
            + [spearmanr(mean(key), mean("distance")).statistic for key in SCORES]
            + [found["expected"].mean(), len(structures)]
        )
        if "shift" in found:
            moved = found["shift"] > WRONG_MM
            shifts.setdefault(which, []).append(
                [auroc(found[f"shift {key}"], moved) for key in SCORES]
            )
    heads = ("mm", "Dice", "wrong", *SCORES, *(f"r {key}"[:9] for key in SCORES), "E[e]", "n")
    _print_table("people", heads, rows)
    _print_table("where it was shifted", tuple(SCORES), shifts)


def _print_table(title: str, heads: tuple[str, ...], rows: dict[str, list[list[float]]]) -> None:
    print(f"\n{title:20}" + "".join(f"{h:>10}" for h in heads) + f"{'pairs':>8}")
    for name, values in rows.items():
        means = np.mean(np.array(values), axis=0)
        print(f"{name:20}" + "".join(f"{v:10.3f}" for v in means) + f"{len(values):8}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("measure", "people", "report"))
    parser.add_argument("--people", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--calibration", type=Path)
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    if options.what == "measure":
        measure(options.people, options.cache)
    elif options.what == "people":
        measure_people(options.people, options.cache)
    else:
        report(options.cache, options.calibration, options.people)


if __name__ == "__main__":
    main()
