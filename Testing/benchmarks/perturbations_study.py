r"""Which perturbation is worth its passes, on real people and on known deformations?

    python Testing/benchmarks/perturbations_study.py measure \
        --people PEOPLE --lapirn WEIGHTS --cache CACHE
    python Testing/benchmarks/perturbations_study.py table --cache CACHE

The bundled network registers people of the fit and of the report (truth at their labels'
boundaries), and deformations that demons found (fit) and B-splines found (report). Beside Quick
and its first passes, other perturbations are tried: elastic ones of the scale of the errors, large
affine ones, another contrast, another resolution, and the opinion of a second network. For each of
them: how well it orders the error alone; and what trees on everything that the images and the
answer say, fitted to ten people, gain by it on five others; beside it, what they gain by being
told where in the brain a place is.

What was measured stays in CACHE, a file a case; several processes may work on it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from head_study import figures
from numpy.typing import NDArray
from torch import Tensor

from TTAUncertaintyLib.cues.features import FEATURES, Gaussian, compute_features
from TTAUncertaintyLib.cues.reasons import Reason
from TTAUncertaintyLib.engine import Engine, Outcome, place, prepare
from TTAUncertaintyLib.geometry.given_transform import displacement_of
from TTAUncertaintyLib.models import PreparedPair, RegistrationModel, load_model
from TTAUncertaintyLib.perturbations import Amplitudes, Design, DesignRequest, Family, Preset
from TTAUncertaintyLib.perturbations.designs import Sampling
from TTAUncertaintyLib.training import head_cases
from TTAUncertaintyLib.training.head_cases import (
    People,
    Spec,
    around,
    at_boundaries,
    claimed,
    everywhere,
    made_of,
)
from TTAUncertaintyLib.training.head_fit import booster

LEFT_OUT = 5
_KEPT = 8_000

#: Passes after which Quick's features are kept; the reverse pass comes after the second.
STAGES = (2, 4, 8)
OF_PASSES = [
    n
    for n, reason in enumerate(FEATURES.values())
    if reason in (Reason.CONTRADICTION, Reason.NO_RETURN)
]

Rows = NDArray[np.float32]


def _random(family: Family, amplitudes: Amplitudes) -> Design:
    return Design(family, amplitudes, Sampling.RANDOM, outer=8, seed=1)


#: Perturbations of the moving image that are mapped back.
DESIGNS = {
    "elastic, 3 mm every 20": _random(
        Family.ELASTIC, Amplitudes(elastic_mm=3.0, elastic_spacing_mm=20.0)
    ),
    "elastic, 6 mm every 40": _random(
        Family.ELASTIC, Amplitudes(elastic_mm=6.0, elastic_spacing_mm=40.0)
    ),
    "rigid, 4 mm and 4 degrees": _random(
        Family.RIGID, Amplitudes(translation_mm=4.0, rotation_deg=4.0)
    ),
    "scale and shear, 5 %": _random(
        Family.AFFINE, Amplitudes(translation_mm=1.0, rotation_deg=1.0, scale=0.05, shear=0.05)
    ),
}
#: Passes of what is no such perturbation.
OTHERS = {"contrast": 4, "resolution": 2, "a second network": 1}
WHERE = "where in the brain"
EXTRAS = dict.fromkeys(DESIGNS, 8) | OTHERS


def answer(model: RegistrationModel, pair: PreparedPair) -> Outcome:
    """Return the plain answer alone."""
    engine = Engine(model, pair, DesignRequest(Preset.QUICK).resolve(pair.moving_lattice))
    next(iter(engine))
    return engine.outcome()


def scatter(answers: list[Tensor], plain: Tensor) -> Tensor:
    """Return the root mean square distance of answers [3, D, H, W] from the plain one, mm."""
    return torch.stack([(a - plain).square().sum(0) for a in answers]).mean(0).sqrt()


def other_contrasts(pair: PreparedPair) -> Iterator[PreparedPair]:
    for gamma in (0.7, 1.4):
        yield replace(pair, moving=pair.moving.clamp(min=0) ** gamma)
        yield replace(pair, fixed=pair.fixed.clamp(min=0) ** gamma)


def other_resolutions(pair: PreparedPair) -> Iterator[PreparedPair]:
    smooth = Gaussian(pair.fixed_lattice.spacing)
    for width in (1.5, 3.0):
        yield replace(
            pair,
            moving=smooth(pair.moving[0], width)[None],
            fixed=smooth(pair.fixed[0], width)[None],
        )


def measure(
    spec: Spec, people: People, model: RegistrationModel, second: RegistrationModel
) -> dict[str, Rows]:
    """Return the features at each stage, the other perturbations' maps, and the error."""
    images, known, alignment = made_of(spec, people)

    def prepared(of: RegistrationModel) -> PreparedPair:
        return prepare(*images, of, place(*images, of, prealignment=alignment))

    pair = prepared(model)
    engine = Engine(model, pair, DesignRequest(Preset.QUICK).resolve(pair.moving_lattice))
    stages: dict[str, Rows] = {}
    for _ in engine:
        outcome = engine.outcome()
        if engine.perturbed in STAGES and outcome.inverse_consistency is not None:
            features = compute_features(outcome, pair)
            stages[f"stage{engine.perturbed}"] = features.values.numpy()
    there = features.region
    rows = stages | {
        "extras": np.stack(
            [m[there].numpy() for m in extras(outcome, pair, prepared(second), model, second)], -1
        )
    }
    world = outcome.fixed_lattice.to_world(there.nonzero().numpy()[:, ::-1].astype(float))
    rows["where"] = ((world - world.mean(0)) / world.std(0)).astype(np.float32)
    generator = np.random.default_rng(0)
    if known is None:
        at, error = at_boundaries(spec, outcome, features, people)
        corners, shares = around(features, at)
        picked = generator.choice(len(at), min(_KEPT, len(at)), replace=False)
        corners, shares = corners[picked], shares[picked]
        rows = {n: np.einsum("nc,ncf->nf", shares, each[corners]) for n, each in rows.items()}
    else:
        which, error = everywhere(known, outcome, features)
        picked = generator.choice(len(error), min(_KEPT, len(error)), replace=False)
        rows = {n: each[which][picked] for n, each in rows.items()}
    return {n: each.astype(np.float32) for n, each in rows.items()} | {"e": error[picked]}


def extras(
    outcome: Outcome,
    pair: PreparedPair,
    pair_of_second: PreparedPair,
    model: RegistrationModel,
    second: RegistrationModel,
) -> Iterator[Tensor]:
    """Yield the map of each of `EXTRAS`, and the same smoothed, [D, H, W], mm."""
    smooth = Gaussian(outcome.fixed_lattice.spacing)
    plain = outcome.transform().displacement
    for name in EXTRAS:
        if name in DESIGNS:
            found = Engine(model, pair, DESIGNS[name], reverse_pass=False).run().variance
            assert found is not None
            spread = found.traces().total.clamp(min=0).sqrt()
        elif name == "a second network":
            both = [
                displacement_of(each.transform().to_itk(), outcome.fixed_lattice)
                for each in (answer(second, pair_of_second), outcome)
            ]
            spread = torch.from_numpy(both[0] - both[1]).square().sum(0).sqrt()
        else:
            others = {"contrast": other_contrasts, "resolution": other_resolutions}[name](pair)
            spread = scatter(
                [answer(model, each).transform().displacement for each in others], plain
            )
        yield spread.float()
        yield smooth(spread.float()[None], 4.0)[0]


def cases(names: list[str]) -> Iterator[Spec]:
    """Yield the cases: of people, and of deformations that were found."""
    seen: dict[tuple[str, str], int] = {}
    for spec in head_cases.specs(names, LEFT_OUT):
        what = spec.name.partition("-")[0]
        most = 10 if what == "fit" else 5
        if spec.kind == "people" or spec.kind.startswith("found"):
            seen[what, spec.kind] = seen.get((what, spec.kind), 0) + 1
            if seen[what, spec.kind] <= most:
                yield spec


def measure_all(people: Path, lapirn: Path, cache: Path) -> None:
    """Measure what has not been measured."""
    cache.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name.removesuffix("_SS.nii.gz") for path in people.glob("*_SS.nii.gz"))
    model, second = load_model("pyramid-flow"), load_model("lapirn", lapirn)
    for spec in cases(names):
        path = cache / f"{spec.name}.npz"
        with claimed(path) as free:
            if not free:
                continue
            found = measure(spec, People(people, cache), model, second)
            np.savez(path.with_name(f".{path.name}"), **found)
            path.with_name(f".{path.name}").replace(path)
            print(spec.name, flush=True)


def columns(case: dict[str, Rows], stage: int | None, more: tuple[str, ...]) -> Rows:
    """Return what the trees are given of a case."""
    found = case[f"stage{stage or STAGES[-1]}"].copy()
    if stage is None:
        found[:, OF_PASSES] = 0
    kept = [2 * n + k for n, name in enumerate(EXTRAS) if name in more for k in (0, 1)]
    place_ = [case["where"]] if WHERE in more else []
    return np.concatenate([found, case["extras"][:, kept], *place_], axis=1)


def words(found: list[list[float]]) -> str:
    means = np.mean(found, axis=0)
    return " / ".join(f"{value:.2f}".replace("0.", ".", 1) for value in means)


def table(cache: Path) -> None:
    """Print both tables."""
    read: dict[str, dict[str, dict[str, Rows]]] = {}
    for path in sorted(cache.glob("*.npz")):
        what, kind = path.stem.split("-")[:2]
        with np.load(path) as file:
            read.setdefault(f"{what} {kind}", {})[path.stem] = dict(file)
    for kind in ("people", "found"):
        fitted, reported = (
            list(read.get(f"{what} {kind}", {}).values()) for what in ("fit", "test")
        )
        print(f"\n{kind}: {len(fitted)} cases of the fit, {len(reported)} of the report\n")
        print("| passes of | passes | alone | trees with it |\n|---|---|---|---|")
        names = tuple(FEATURES)
        for label, passes, stage, more, alone in rows_of_the_table(names):
            error = np.concatenate([case["e"] for case in fitted])
            x = np.concatenate([columns(case, stage, more) for case in fitted])
            model = booster(
                loss="poisson", max_iter=120, learning_rate=0.08, min_samples_leaf=500
            ).fit(x, error)
            said = [
                figures(model.predict(columns(case, stage, more)), case["e"]) for case in reported
            ]
            by_itself = "–"
            if alone is not None:
                of, column = alone
                by_itself = words([figures(case[of][:, column], case["e"]) for case in reported])
            print(f"| {label} | {passes} | {by_itself} | {words(said)} |", flush=True)


def rows_of_the_table(
    names: tuple[str, ...],
) -> Iterator[tuple[str, int, int | None, tuple[str, ...], tuple[str, int] | None]]:
    """Yield label, passes, stage of Quick, other perturbations, and the map that stands alone."""
    yield "none (the images and the answer)", 1, None, (), ("stage8", names.index("correlation_4"))
    for stage in STAGES:
        yield (
            f"Quick, {stage} and the reverse",
            stage + 2,
            stage,
            (),
            (f"stage{stage}", names.index("total_4")),
        )
    quick = STAGES[-1] + 2
    for number, (name, passes) in enumerate(EXTRAS.items()):
        yield (
            f"Quick, and {name}",
            quick + passes,
            STAGES[-1],
            (name,),
            ("extras", 2 * number + 1),
        )
    yield "a second network alone", 2, None, ("a second network",), None
    yield f"Quick, and {WHERE}", quick, STAGES[-1], (WHERE,), None
    yield "all of them", quick + sum(EXTRAS.values()), STAGES[-1], tuple(EXTRAS), None


def main() -> None:
    """Measure, or print what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("measure", "table"))
    parser.add_argument("--people", type=Path)
    parser.add_argument("--lapirn", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "measure":
        measure_all(options.people, options.lapirn, options.cache)
    else:
        table(options.cache)


if __name__ == "__main__":
    main()
