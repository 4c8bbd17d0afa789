r"""How far are carried structures from those that a person drew? Measured, fitted, left out.

Fifteen people with manual labels, in five groups of three: the six ordered pairs within a group are
registered (Quick), one's labels are carried onto the other and held against the drawn ones. What
is fitted to four groups is checked on the fifth, nobody of whom had a part in it, and the conformal
factor of the volumes' interval comes from a second round of leaving out within the four.

    python Testing/benchmarks/labels_study.py measure --people FOLDER --cache CACHE
    python Testing/benchmarks/labels_study.py fit --cache CACHE --calibration OUT.json

Whether what was fitted to Quick holds for Standard, of people left out:

    python Testing/benchmarks/labels_study.py measure \
        --people FOLDER --cache SECOND --preset standard
    python Testing/benchmarks/labels_study.py fit --cache CACHE --tested SECOND

FOLDER holds images N_SS.nii.gz and labels N_glm.nii.gz, N from 1000 to 1014 (OASIS, labels provided
by Neuromorphometrics, Inc. under academic subscription, CC BY-NC 3.0).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

import TTAUncertaintyLib as tta
from TTAUncertaintyLib.carried import LabelCarrier, read_label_map
from TTAUncertaintyLib.carried.calibrated import (
    Feature,
    LogLinear,
    StructureCalibration,
    Term,
    written,
)
from TTAUncertaintyLib.carried.findings import features_of
from TTAUncertaintyLib.carried.surfaces import surfaces
from TTAUncertaintyLib.evaluation.known_labels import agreement
from TTAUncertaintyLib.geometry import (
    DeformableTransform,
    Lattice,
    matrix_of,
    read_stored,
    read_stored_labels,
)
from TTAUncertaintyLib.geometry.stored import sha256
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.contract import describe
from TTAUncertaintyLib.resources import resources_folder
from TTAUncertaintyLib.results import Bundle, KeptRegistrations, MapKind

PEOPLE = tuple(str(n) for n in range(1000, 1015))
GROUPS = tuple(PEOPLE[n::5] for n in range(5))
LEVEL = 0.9
#: Whose expected error the structures' surfaces have; ten of the fifteen people took part in it.
HEAD = resources_folder() / "Calibrations" / "head.npz"
CREDIT = (
    "OASIS; labels provided by Neuromorphometrics, Inc. under academic subscription, CC BY-NC 3.0. "
    "Numbers only."
)

#: What each quantity is made of; chosen on the first seven pairs, before the others were measured.
VOLUME = (Feature.VOLUME, Feature.RELATIVE_ERROR, Feature.SPREAD, Feature.DISAGREEMENT)
DICE = (Feature.RELATIVE_ERROR, Feature.VOLUME, Feature.DISAGREEMENT)
#: A volume's logarithm is off by less than this only by luck.
_FLOOR = 0.005
_TAIL = 0.005

Array = NDArray[np.float64]


def pairs() -> list[tuple[str, str]]:
    return [(g[i], g[(i + turn) % 3]) for turn in (1, 2) for g in GROUPS for i in range(3)]


def answer_of(bundle: Bundle) -> DeformableTransform:
    whole = sitk.CompositeTransform(sitk.ReadTransform(str(bundle.transform)))
    field = sitk.DisplacementFieldTransform(whole.GetNthTransform(1)).GetDisplacementField()
    values = torch.from_numpy(sitk.GetArrayFromImage(field)).float().movedim(-1, 0).contiguous()
    return DeformableTransform(values, Lattice.of(field), matrix_of(whole.GetNthTransform(0)))


def measured(bundle: Bundle, drawn: Path, moving: Path) -> Array:
    """Return a row for each structure that both people have."""
    labels = read_label_map(moving)
    kept = KeptRegistrations.open(bundle)
    truth = read_stored_labels(drawn)
    carrier = LabelCarrier(labels, truth.lattice)
    carrier.begin(answer_of(bundle), kept.lattice)
    for n in range(kept.count):
        carrier.add(torch.from_numpy(kept.offsets_of(slice(n, n + 1))[0]))
    carried = carrier.result()
    maps = {
        kind: read_stored(bundle.map_files[kind]).values
        for kind in (MapKind.EXPECTED_ERROR, MapKind.TOTAL)
    }
    count = len(labels.structures)
    on = {kind: surfaces(carried.labels, truth.lattice, count, v) for kind, v in maps.items()}
    voxel = truth.lattice.voxel_volume
    rows = []
    for n, structure in enumerate(labels.structures, 1):
        own, other = carried.labels == n, truth.values == structure.label
        if not (own.any() and other.any()):
            continue
        found = agreement(other, own, truth.lattice.spacing)
        rows.append(
            (
                structure.label,
                own.sum() * voxel,
                (labels.numbers == n).sum() * labels.lattice.voxel_volume,
                other.sum() * voxel,
                on[MapKind.EXPECTED_ERROR].area_mm2[n],
                on[MapKind.EXPECTED_ERROR].mean[n],
                on[MapKind.TOTAL].mean[n],
                carried.volume_spread[n] * voxel,
                carried.volume_shift[n] * voxel,
                carried.overlap[n],
                found.dice,
                found.surface.mean_mm,
                found.surface.p95_mm,
            )
        )
    return np.array(rows)


def measure(people: Path, cache: Path, preset: str) -> None:
    for fixed, moving in pairs():
        out = cache / f"{fixed}-{moving}.npz"
        if out.exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            images = [people / f"{n}_SS.nii.gz" for n in (fixed, moving)]
            result = tta.register(
                *images,
                preset=preset,
                keep="all",
                keep_registrations=True,
                output=Path(folder) / "result",
                threads=1,
                quiet=True,
            )
            labels = [people / f"{n}_glm.nii.gz" for n in (fixed, moving)]
            run = {key: result.record[key] for key in ("design", "network_lattices")}
            rows = measured(Bundle.open(result.folder), *labels)
            np.savez(out, rows=rows, run=json.dumps(run))
        print(fixed, moving, flush=True)


class Rows:
    """All structures of all pairs, and the group of each."""

    def __init__(self, cache: Path) -> None:
        files = sorted(cache.glob("1*-1*.npz"))
        rows = [np.load(path)["rows"] for path in files]
        self.files = [path.stem for path in files]
        self.run = json.loads(str(np.load(files[0])["run"]))  # all are of one design
        groups = [(int(name.split("-")[0]) - 1000) % 5 for name in self.files]
        self.group = np.repeat(groups, [len(r) for r in rows])
        self.pair = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
        every = np.concatenate(rows).T
        self.label, self.volume, _, self.truth, area, error, _, spread, _, overlap = every[:10]
        self.dice, self.surface = every[10], every[11]
        one_voxel = 1.0
        features = [
            features_of(v / one_voxel, v, a, e, s / one_voxel, o)
            for v, a, e, s, o in zip(self.volume, area, error, spread, overlap, strict=True)
        ]
        self.features = {f: np.array([each[f] for each in features]) for f in Feature}
        self.off = np.abs(np.log(self.truth / self.volume))


def fitted(rows: Rows, chosen: Array, names: tuple[Feature, ...], target: Array) -> LogLinear:
    """Fit a log-linear form by least squares on the chosen rows."""
    terms, columns = [], []
    for name in names:
        values = rows.features[name][chosen]
        low, high = np.quantile(values, [_TAIL, 1 - _TAIL])
        low = max(float(low), 1e-4)
        columns.append(np.log(np.clip(values, low, high)))
        terms.append((name, low, float(max(high, low))))
    table = np.column_stack([np.ones(len(columns[0])), *columns])
    weights = np.linalg.lstsq(table, np.log(target[chosen]), rcond=None)[0]
    return LogLinear(
        float(weights[0]),
        tuple(Term(n, float(w), lo, hi) for (n, lo, hi), w in zip(terms, weights[1:], strict=True)),
    )


def valued(form: LogLinear, rows: Rows, chosen: Array) -> Array:
    at = np.flatnonzero(chosen)
    return np.array([form.value({f: v[n] for f, v in rows.features.items()}) for n in at])


def factor(rows: Rows, chosen: Array, names: tuple[Feature, ...]) -> float:
    """Return the conformal factor: every group of the chosen rows left out in turn."""
    ratios = []
    for group in np.unique(rows.group[chosen]):
        rest, out = chosen & (rows.group != group), chosen & (rows.group == group)
        form = fitted(rows, rest, names, np.maximum(rows.off, _FLOOR))
        ratios.append(rows.off[out] / valued(form, rows, out))
    return float(np.quantile(np.concatenate(ratios), LEVEL))


def check(learnt: Rows, rows: Rows) -> dict[str, float]:
    """Fit to all groups but one and hold it against that one; print and return what came of it."""
    odds = (1 - learnt.dice).clip(0.01, 1) / learnt.dice.clip(0.01, 1)
    dice, surface = np.zeros(len(rows.label)), np.zeros(len(rows.label))
    width = {name: np.zeros(len(rows.label)) for name in ("ours", "volume alone")}
    for group in np.unique(rows.group):
        rest, out = learnt.group != group, rows.group == group
        dice[out] = 1 / (1 + valued(fitted(learnt, rest, DICE, odds), rows, out))
        surface[out] = valued(fitted(learnt, rest, DICE, learnt.surface), rows, out)
        for name, features in (("ours", VOLUME), ("volume alone", (Feature.VOLUME,))):
            form = fitted(learnt, rest, features, np.maximum(learnt.off, _FLOOR))
            width[name][out] = factor(learnt, rest, features) * valued(form, rows, out)
    held = rows.off <= width["ours"]
    by_pair = [float(held[rows.pair == n].mean()) for n in np.unique(rows.pair)]
    names = np.unique(rows.label)
    found = {
        "pairs": len(rows.files),
        "structures": len(rows.label),
        "volume_interval_held": float(held.mean()),
        "volume_interval_held_least_pair": min(by_pair),
        "volume_interval_held_most_pair": max(by_pair),
        "half_width_ln_median": float(np.median(width["ours"])),
        "half_width_ln_mean": float(width["ours"].mean()),
        "half_width_ln_median_by_volume_alone": float(np.median(width["volume alone"])),
        "half_width_ln_mean_by_volume_alone": float(width["volume alone"].mean()),
        "volume_alone_held": float((rows.off <= width["volume alone"]).mean()),
        "dice_correlation": float(np.corrcoef(dice, rows.dice)[0, 1]),
        "dice_correlation_of_structures_means": float(
            np.corrcoef(
                [dice[rows.label == n].mean() for n in names],
                [rows.dice[rows.label == n].mean() for n in names],
            )[0, 1]
        ),
        "dice_mean_absolute_error": float(np.abs(dice - rows.dice).mean()),
        "surface_correlation": float(np.corrcoef(surface, rows.surface)[0, 1]),
        "surface_mean_absolute_error_mm": float(np.abs(surface - rows.surface).mean()),
        "mean_dice": float(rows.dice.mean()),
    }
    for name, value in found.items():
        print(f"{name:42}{value:8.3f}")
    by_label = sorted((float(held[rows.label == n].mean()), int(n)) for n in names)
    print("held least for labels", [(n, round(share, 2)) for share, n in by_label[:8]])
    for low, high in ((0, 1), (1, 3), (3, 10), (10, 1000)):
        part = (rows.volume > 1000 * low) & (rows.volume <= 1000 * high)
        if part.any():
            print(
                f"{low:4} to {high:4} cm3: {part.sum():5} structures, interval held "
                f"{held[part].mean():.3f}, Dice {rows.dice[part].mean():.2f}, "
                f"expected {dice[part].mean():.2f}"
            )
    return found


def fit(cache: Path, out: Path | None, tested: Path | None) -> None:
    rows = Rows(cache)
    found = check(rows, rows if tested is None else Rows(tested))
    if out is None:
        return
    whole = np.ones(len(rows.label), bool)
    odds = (1 - rows.dice).clip(0.01, 1) / rows.dice.clip(0.01, 1)
    known, run = describe(load_model("pyramid-flow")), rows.run
    made = StructureCalibration(
        schema="ttauncertainty-structures/1",
        model=known["name"],
        weights_sha256=known["weights"]["sha256"],
        options=known["options"],
        design=run["design"],
        spacing_mm=Lattice.from_dict(run["network_lattices"]["fixed"]).mean_spacing,
        level=LEVEL,
        volume=fitted(rows, whole, VOLUME, np.maximum(rows.off, _FLOOR)),
        volume_factor=factor(rows, whole, VOLUME),
        dice=fitted(rows, whole, DICE, odds),
        surface=fitted(rows, whole, DICE, rows.surface),
        provenance={
            "date": date.today().isoformat(),
            "credit": CREDIT,
            "pairs": rows.files,
            "expected_error": {"head_sha256": sha256(HEAD)},
            "checked_on_groups_left_out": {k: round(v, 4) for k, v in found.items()},
        },
    )
    out.write_text(written(made), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("measure", "fit"))
    parser.add_argument("--people", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--preset", default="quick")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--calibration", type=Path)
    either.add_argument("--tested", type=Path, help="another cache, of the same people")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    if options.what == "measure":
        measure(options.people, options.cache, options.preset)
    else:
        fit(options.cache, options.calibration, options.tested)


if __name__ == "__main__":
    main()
