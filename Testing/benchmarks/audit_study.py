"""Does a second opinion find where a registration that was made elsewhere is wrong?

Known maps: people's brains, deformed by a known map and changed in appearance, are registered by
B-splines, demons and greedy, the latter two on a coarse grid too, and deliberately spoilt: a start
20 mm off, a local shift of 6 mm, a mirrored moving image. The error of each is known at every
voxel, and held against the disagreement with the network, the local correlation and the Jacobian.
A calibration is fitted from it, and checked with every subject left out in turn.

People: the same programs between two people with manual labels. There the truth is how far the
carried structures' surfaces lie from the drawn ones.

    python Testing/benchmarks/audit_study.py measure --people FOLDER --cache CACHE
    python Testing/benchmarks/audit_study.py people --people FOLDER --cache CACHE
    python Testing/benchmarks/audit_study.py report --cache CACHE --calibration OUT.json

FOLDER holds images N_SS.nii.gz and labels N_glm.nii.gz (OASIS, labels provided by
Neuromorphometrics, Inc. under academic subscription, CC BY-NC 3.0).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from scipy.stats import rankdata, spearmanr

from TTAUncertaintyLib.auditing import SecondOpinion
from TTAUncertaintyLib.calibration.calibration import write_calibration
from TTAUncertaintyLib.calibration.fitting import fit, left_out
from TTAUncertaintyLib.calibration.head import shipped_head
from TTAUncertaintyLib.cues import Cue, anatomy
from TTAUncertaintyLib.cues.features import compute_features
from TTAUncertaintyLib.engine import Engine, Execution, Outcome, place, prepare
from TTAUncertaintyLib.evaluation.cases import manufacture
from TTAUncertaintyLib.evaluation.kinds import Deformation
from TTAUncertaintyLib.evaluation.known_labels import agreement
from TTAUncertaintyLib.evaluation.measuring import Measurement
from TTAUncertaintyLib.geometry import (
    DeformableTransform,
    Image,
    Prealignment,
    image_sha256,
    points_on,
    read_image,
    read_stored_labels,
    resample_array,
)
from TTAUncertaintyLib.geometry.given_transform import GivenTransform
from TTAUncertaintyLib.models import PreparedPair, RegistrationModel, load_model
from TTAUncertaintyLib.models.contract import describe
from TTAUncertaintyLib.perturbations import DesignRequest, Preset

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


def shifted(transform: DeformableTransform, at: np.ndarray) -> DeformableTransform:
    """Add a smooth local shift of 6 mm about a world point."""
    lattice = transform.lattice
    k, j, i = np.indices(lattice.array_shape)
    away = lattice.to_world(np.stack((i, j, k), -1)) - at
    bump = _SHIFT_MM * np.exp(-(away**2).sum(-1) / (2 * _SHIFT_WIDTH_MM**2))
    added = torch.zeros_like(transform.displacement)
    added[1] = torch.from_numpy(bump).float()
    return replace(transform, displacement=transform.displacement + added)


def transforms(
    fixed: Image, moving: Image, region: np.ndarray, pre: Prealignment
) -> Iterator[tuple[str, DeformableTransform, np.ndarray | None]]:
    """Yield the registrations of a pair, good, coarse and spoilt; and where the shift was."""
    eye = np.eye(4)
    made = {}
    for program in PROGRAMS:
        made[program[0]] = registered(program, fixed, moving, eye, pre)
        yield program[0], made[program[0]], None
    where = np.argwhere(region)
    k, j, i = where[len(where) // 3]
    at = fixed.lattice.to_world([i, j, k])
    for name in ("bspline", "demons", "greedy"):
        yield f"{name} shifted", shifted(made[name], at), at
    off = eye.copy()
    off[:3, 3] = (0, _START_MM, 0)
    yield "demons wrong start", registered(PROGRAMS[1], fixed, moving, off, Prealignment.NONE), None
    flipped = replace(moving, intensities=moving.intensities.flip(2))
    yield "demons mirrored", registered(PROGRAMS[1], fixed, flipped, eye, pre), None


def opinion(
    model: RegistrationModel, fixed: Image, moving: Image, pre: Prealignment | None
) -> tuple[Outcome, PreparedPair, object]:
    placement = place(fixed, moving, model, prealignment=pre)
    pair = prepare(fixed, moving, model, placement)
    design = DesignRequest(preset=Preset.QUICK).resolve(pair.moving_lattice)
    outcome = Engine(model, pair, design, Execution("cpu")).run()
    spacing = float(pair.fixed_lattice.spacing.mean())
    own = shipped_head().maps(compute_features(outcome, pair))
    return outcome, pair, (own, design, spacing)


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
        outcome, pair, (own, design, spacing) = opinion(
            model, case.fixed, case.moving, Prealignment.NONE
        )
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
                    spacing_mm=spacing,
                    design=design.as_dict(),
                )
            )
        torch.save([vars(m) for m in found], out)
        print(subject, kind.value, f"{time.time() - began:.0f} s", flush=True)


def measure_people(people: Path, cache: Path) -> None:
    """Measure programs on pairs of people: cues over structures' surfaces against distances."""
    from TTAUncertaintyLib.carried.surfaces import surfaces

    model = load_model("pyramid-flow")
    for fixed_name, moving_name in PAIRS:
        out = cache / f"people-{fixed_name}-{moving_name}.npz"
        if out.exists():
            continue
        began = time.time()
        fixed, moving = (
            small(read_image(people / f"{n}_SS.nii.gz")[0]) for n in (fixed_name, moving_name)
        )
        drawn = read_stored_labels(people / f"{fixed_name}_glm.nii.gz")
        labels = read_stored_labels(people / f"{moving_name}_glm.nii.gz")
        source = labels.lattice.stamp(sitk.GetImageFromArray(labels.values.astype(np.int32)))
        outcome, pair, (own, _, _) = opinion(model, fixed, moving, None)
        region = anatomy(pair)
        inside = np.asarray(
            resample_array(region.float()[None], outcome.fixed_lattice, fixed.lattice)[0] > 0.5
        )
        rows, names, hits = [], [], []
        own_transform = outcome.transform()
        all_transforms = [("second opinion", own_transform, None)]
        all_transforms += list(transforms(fixed, moving, inside, Prealignment.AFFINE))
        for name, transform, at in all_transforms:
            second = SecondOpinion(given(transform), outcome, pair, own)
            onto = drawn.lattice
            cues = {
                cue: resample_array(second.cues[cue][None], outcome.fixed_lattice, onto)[0].numpy()
                for cue in (Cue.DISAGREEMENT, Cue.OPINION, Cue.NCC_GAP, Cue.LOG_JACOBIAN)
            }
            warped = sitk.GetArrayFromImage(
                sitk.Resample(
                    source, onto.blank_itk_image(), transform.to_itk(), sitk.sitkNearestNeighbor, 0
                )
            )
            known, flat = np.unique(drawn.values, return_inverse=True)
            numbers = flat.reshape(drawn.values.shape)
            on_surface = {
                cue: surfaces(numbers, onto, len(known) - 1, values).mean
                for cue, values in cues.items()
            }
            for n, label in enumerate(known):
                if label == 0 or not (warped == label).any():
                    continue
                gap = agreement(numbers == n, warped == label, onto.spacing)
                rows.append(
                    [len(names), label, gap.dice, gap.surface.mean_mm, gap.surface.p95_mm]
                    + [on_surface[cue][n] for cue in cues]
                )
            if at is not None:
                apart = second.disagreement.clone()
                apart[~region] = 0
                k, j, i = np.unravel_index(int(apart.argmax()), apart.shape)
                worst = outcome.fixed_lattice.to_world([i, j, k])
                hits.append((name, float(np.linalg.norm(worst - at)), float(apart.max())))
            names.append(name)
        np.savez(out, rows=np.array(rows), names=np.array(names), hits=np.array(hits, dtype=str))
        print(fixed_name, moving_name, f"{time.time() - began:.0f} s", flush=True)


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
    found = [np.load(path) for path in sorted(cache.glob("people-*.npz"))]
    if found:
        print(f"\n{'people':20}" + "".join(f"{h:>9}" for h in ("mm", "disagree", "ncc", "logJ")))
        table: dict[str, list[list[float]]] = {}
        hits: list[list[str]] = []
        for each in found:
            hits += each["hits"].tolist()
            for n, name in enumerate(each["names"]):
                part = each["rows"][each["rows"][:, 0] == n]
                table.setdefault(str(name), []).append(
                    [part[:, 3].mean()]
                    + [spearmanr(part[:, c], part[:, 3]).statistic for c in (5, 7, 8)]
                )
        for name, values in table.items():
            print(f"{name:20}" + "".join(f"{v:9.3f}" for v in np.nanmean(np.array(values), 0)))
        for name, away, peak in hits:
            print(f"{name}: highest disagreement {float(peak):.1f} mm, {float(away):.1f} mm away")
    if calibration is not None:
        images = []
        if people is not None:
            images = [{"name": s, "sha256": image_sha256(people / f"{s}_SS.nii.gz")} for s in KNOWN]
        fitted, checks = fit(measurements, model, images)
        write_calibration(calibration, fitted)
        print(json.dumps(fitted.as_dict()["score"], indent=1))
        print("left out", json.dumps(fitted.provenance["checked_on_left_out"], indent=1))
        print(len(checks), "checks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("measure", "people", "report"))
    parser.add_argument("--people", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--calibration", type=Path)
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    if options.what == "measure":
        measure(options.people, options.cache)
    elif options.what == "people":
        measure_people(options.people, options.cache)
    else:
        report(options.cache, options.calibration, options.people)


if __name__ == "__main__":
    main()
