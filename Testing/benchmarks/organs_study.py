"""What networks and optimisers do to organs where the truth is known, and what the maps say.

    python Testing/benchmarks/organs_study.py measure --reference FOLDER --cache CACHE
    python Testing/benchmarks/organs_study.py table --cache CACHE --json docs/evaluation/organs.json

One run (Quick, as installed) for each pair and each model that is for it. Landmarks of people for a
lung, a liver and a tumour; for hearts and brains the labels that people drew: their overlap, and at
their boundaries the distance from where they belong. FOLDER is laid out as
`Testing/support/reference.py` says; what was measured stays in CACHE, so that it can go on later.

With --adjusted (and a cache of its own) a model is calibrated on the pair itself first, by one
smooth and one affine known deformation of either image.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

import TTAUncertaintyLib as tta
from TTAUncertaintyLib.evaluation.known_labels import evaluate_known_labels
from TTAUncertaintyLib.evaluation.known_landmarks import evaluate_known_landmarks
from TTAUncertaintyLib.evaluation.known_result import KnownResult
from TTAUncertaintyLib.evaluation.metrics import coverage, pearson, spearman
from TTAUncertaintyLib.geometry import Lattice, read_labels, sample_grid
from TTAUncertaintyLib.models.registry import MODELS
from TTAUncertaintyLib.results import Bundle, MapKind
from TTAUncertaintyLib.training.head_cases import distance_to_edge, label_edges

MAPS = (
    MapKind.EXPECTED_ERROR,
    MapKind.TOTAL,
    MapKind.INVERSE_CONSISTENCY,
    MapKind.ERROR_BOUND,
)
_DRAWN = 20_000

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two images of one organ below the reference folder, and what is known of them."""

    organ: str
    name: str
    fixed: str
    moving: str
    truth: tuple[str, str]
    models: tuple[str, ...]
    #: of a header that is wrong, along k, mm
    spacing_k: float | None = None


_FINER = "pyramid-flow-any, 1.5 mm"
_OURS = ("pyramid-flow", "pyramid-flow-any", _FINER)
_ANY = (*_OURS, "sitk-demons")
_HEART = (*_OURS[:2], "sitk-demons")  # slices 5 to 10 mm thick
_T1 = (*_OURS, "lapirn", "clapirn-lite", "symnet", "sitk-demons")
_TUMOUR = (*_OURS, "lapirn", "dirac", "sitk-demons")

#: Where the weights are, below the reference folder.
_WEIGHTS = {
    "lapirn": ".",
    "clapirn-lite": "brain-networks",
    "symnet": "brain-networks",
    "dirac": "tumour",
}
#: On this lattice an optimiser, or a network that was trained at 1 mm, takes an eighth of the time.
_OPTIONS = {
    _FINER: {"spacing": "1.5"},
    "clapirn-lite": {"spacing": "2"},
    "symnet": {"spacing": "2"},
    "sitk-demons": {"spacing": "3"},
}


def pairs() -> Iterator[Pair]:
    """Return all pairs, organ by organ, the fixed image first."""
    yield Pair(
        "lung",
        "CT, two times",
        "lung/3DCT_lung_baseline.mha",
        "lung/3DCT_lung_followup.mha",
        (
            "lung/CT_3D_lung_fixed_point_set_corrected.txt",
            "lung/CT_3D_lung_moving_point_set_corrected.txt",
        ),
        _ANY,
    )
    tumour = "tumour/BraTSReg_002_0{}"
    later, before = tumour.format("1_0262"), tumour.format("0_0000")
    yield Pair(
        "tumour",
        "after on before treatment",
        f"{later}_t1ce.nii.gz",
        f"{before}_t1ce.nii.gz",
        (f"{later}_landmarks.csv", f"{before}_landmarks.csv"),
        _TUMOUR,
    )
    for person, cycle, spacing in (
        ("dataset18", "cyc_3_10", None),
        ("dataset23", "cyc_1_4", None),
        ("dataset18", "cyc_1_10", 4.0),  # its header says 5 mm, those of its siblings 4
        ("dataset23", "cyc_5_4", None),
    ):
        folder = f"liver/{person}"
        yield Pair(
            "liver",
            f"{person} {cycle}",
            f"{folder}/exhMaster_unmasked.force_direction.mha",
            f"{folder}/{cycle}.force_direction.mha",
            (f"{folder}/exhMasterLMliver.vtk", f"{folder}/{cycle}LMliver.vtk"),
            _ANY,
            spacing,
        )
    for patient, frame in ((1, 12), (2, 12), (3, 15), (4, 15), (5, 13)):
        stem = f"cardiac/acdc/patient00{patient}/patient00{patient}_frame"
        yield Pair(
            "heart",
            f"ACDC {patient}",
            f"{stem}01.nii.gz",
            f"{stem}{frame}.nii.gz",
            (f"{stem}01_gt.nii.gz", f"{stem}{frame}_gt.nii.gz"),
            _HEART,
        )
    for subject in ("A0S9V9", "A1D0Q7", "A1D9Z7", "A1E9Q1", "A1O8Z3"):
        stem = f"cardiac/mms/{subject}/{subject}_E"
        yield Pair(
            "heart",
            f"M&Ms {subject}",
            f"{stem}D.nii.gz",
            f"{stem}S.nii.gz",
            (f"{stem}D_gt.nii.gz", f"{stem}S_gt.nii.gz"),
            _HEART,
        )
    for one, other in ((1001, 1004), (1002, 1005), (1006, 1009)):
        yield Pair(
            "brain",
            f"{other} on {one}",
            f"people/{one}_SS.nii.gz",
            f"people/{other}_SS.nii.gz",
            (f"people/{one}_glm.nii.gz", f"people/{other}_glm.nii.gz"),
            _T1,
        )


def points_of(path: Path) -> Points:
    """Read the publishers' files of points, LPS mm."""
    lines = path.read_text(encoding="utf-8").split("\n")
    if path.suffix == ".csv":
        rows = list(csv.reader(line for line in lines if line))[1:]
        return np.array([[float(value) for value in row[1:]] for row in rows])
    if path.suffix == ".vtk":
        begin = next(n for n, line in enumerate(lines) if line.startswith("POINTS"))
        count = int(lines[begin].split()[1])
        values = " ".join(lines[begin + 1 :]).split()[: 3 * count]
        return np.array(values, float).reshape(-1, 3)
    return np.array([line.split() for line in lines[2:] if line.strip()], float)


def as_table(points: Points, path: Path) -> Path:
    """Write points as the product reads them."""
    rows = "".join(f"{n},{x},{y},{z}\n" for n, (x, y, z) in enumerate(points.tolist(), 1))
    path.write_text("label,l,p,s\n" + rows, encoding="utf-8")
    return path


def image_of(pair: Pair, path: Path) -> sitk.Image:
    """Read an image, with a wrong header put right."""
    image = sitk.ReadImage(str(path))
    if pair.spacing_k is not None:
        i, j, _ = image.GetSpacing()
        image.SetSpacing((i, j, pair.spacing_k))
    return image


def at_landmarks(pair: Pair, root: Path, result: KnownResult, folder: Path) -> dict[str, Any]:
    """Measure at the landmarks of people."""
    tables = [
        as_table(points_of(root / name), folder / f"{which}.csv")
        for which, name in zip(("fixed", "moving"), pair.truth, strict=True)
    ]
    known = evaluate_known_landmarks(result, *tables)
    found: dict[str, Any] = {
        "places": len(known.findings),
        "before_mm": float(np.mean([f.before_mm for f in known.findings])),
        "error_mm": float(np.mean([f.after_mm for f in known.findings])),
    }
    for one in known.maps:
        found[one.key] = {"pearson": one.pearson, "spearman": one.spearman}
        if one.coverage is not None:
            found["bound_holds"] = one.coverage
    return found


def at_boundaries(pair: Pair, root: Path, result: KnownResult) -> dict[str, Any]:
    """Measure overlap, and at boundaries of labels the distance from where they belong."""
    files = [root / name for name in pair.truth]
    labels = [read_labels(path)[0] for path in files]
    fixed, moving = (one.intensities.numpy().astype(np.int32) for one in labels)
    kept = [f for f in evaluate_known_labels(result, *files) if f.before and f.after]
    edges = label_edges(fixed) & np.isin(fixed, np.unique(moving))
    places = np.stack(np.nonzero(edges), -1)
    drawn = np.random.default_rng(0).permutation(len(places))[:_DRAWN]
    places = places[np.sort(drawn)]
    world = labels[0].lattice.to_world(places[:, ::-1].astype(float))
    carried = np.array([result.transform.TransformPoint(point) for point in world.tolist()])
    of, targets = fixed[tuple(places.T)], label_edges(moving)
    errors = []
    for points in (world, carried):
        voxels = labels[1].lattice.to_voxel(points)[:, ::-1]
        error = np.empty(len(of), np.float32)
        for label in np.unique(of):
            mine = of == label
            error[mine] = distance_to_edge(
                targets & (moving == label), labels[1].lattice, voxels[mine]
            )
        errors.append(torch.from_numpy(error).double())
    found: dict[str, Any] = {
        "places": len(of),
        "before_mm": float(errors[0].mean()),
        "error_mm": float(errors[1].mean()),
        "dice_before": float(np.mean([f.before.dice for f in kept if f.before])),
        "dice": float(np.mean([f.after.dice for f in kept if f.after])),
        "dice_each": {str(f.label): f.after.dice for f in kept if f.after and len(kept) < 6},
    }
    for volume in result.maps:
        values = sampled(torch.from_numpy(np.asarray(volume.values)), volume.lattice, world)
        there = values.isfinite()
        error = errors[1][there]
        found[volume.key] = {
            "pearson": pearson(values[there], error),
            "spearman": spearman(values[there], error),
        }
        if volume.key == MapKind.ERROR_BOUND.value:
            found["bound_holds"] = coverage(values[there], error)
    return found


def sampled(values: torch.Tensor, lattice: Lattice, world: Points) -> torch.Tensor:
    """Return a map's values at places of the world."""
    share = 2 * lattice.to_voxel(world) / (np.array(lattice.size) - 1) - 1
    grid = torch.from_numpy(share).float().view(1, 1, 1, -1, 3)
    found = sample_grid(values[None, None].float(), grid)[0, 0, 0, 0].double()
    outside = torch.from_numpy(np.abs(share).max(1) > 1)
    return found.masked_fill(outside, float("nan"))


def adjust(images: list[sitk.Image], folder: Path, chosen: dict[str, Any]) -> Path:
    """Calibrate a model on both images of a pair, by two known deformations of each."""
    files = [folder / "fixed.nrrd", folder / "moving.nrrd"]
    for image, file in zip(images, files, strict=True):
        sitk.WriteImage(image, str(file))
    own, kinds = folder / "pair.json", ("smooth", "affine")
    tta.calibrate(own, images=files, kinds=kinds, cases=1, **chosen)
    return own


def measure(root: Path, cache: Path, only: str, adjusted: bool) -> None:
    """Run what has not run yet."""
    for pair in pairs():
        for model in pair.models:
            name = "-".join(f"{pair.organ} {pair.name} {model}".replace("/", " ").split())
            out = cache / f"{name}.json"
            if out.exists() or only not in name:
                continue
            weights = None
            if model in _WEIGHTS:
                published = MODELS[model].description.published
                weights = root / _WEIGHTS[model] / (published.name if published else "")
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary)
                images = [image_of(pair, root / name) for name in (pair.fixed, pair.moving)]
                chosen: dict[str, Any] = {
                    "model": model.partition(",")[0],
                    "weights": weights,
                    "options": _OPTIONS.get(model, {}),
                    "preset": "quick",
                    "threads": 1,
                    "quiet": True,
                }
                own = adjust(images, folder, chosen) if adjusted else None
                output = folder / "result"
                result = tta.register(*images, **chosen, calibration=own, output=output)
                known = KnownResult.of(Bundle.open(result.folder))
                if pair.truth[0].endswith("nii.gz"):
                    found = at_boundaries(pair, root, known)
                else:
                    found = at_landmarks(pair, root, known, folder)
                calibration = result.record["calibration"]
                found["outside"] = calibration.get("region_outside_fraction")
            row = {"organ": pair.organ, "pair": pair.name, "model": model, **found}
            out.write_text(json.dumps(row), encoding="utf-8")
            print(f"{name}: {row['before_mm']:.2f} to {row['error_mm']:.2f} mm", flush=True)


def table(cache: Path, out: Path | None) -> None:
    """Print what was measured, a row for each organ and model."""
    rows = [json.loads(path.read_text("utf-8")) for path in sorted(cache.glob("*.json"))]
    if out is not None:
        out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for pair in dict.fromkeys((pair.organ, pair.models) for pair in pairs()):
        organ, models = pair
        for model in models:
            mine = [row for row in rows if (row["organ"], row["model"]) == (organ, model)]
            if mine:
                print(line(organ, model, mine))


def line(organ: str, model: str, rows: list[dict[str, Any]]) -> str:
    """Return a row of the table: means over the pairs."""

    def mean(*path: str) -> str:
        values = []
        for row in rows:
            value: Any = row
            for key in path:
                value = (value or {}).get(key)
            if value is not None:
                values.append(value)
        return f"{np.mean(values):.2f}".replace("0.", ".", 1) if values else "–"

    def both(kind: MapKind) -> str:
        return f"{mean(kind.value, 'pearson')} / {mean(kind.value, 'spearman')}"

    dice = f"{mean('dice_before')} → {mean('dice')}" if "dice" in rows[0] else "–"
    error = f"{np.mean([r['before_mm'] for r in rows]):.2f} → "
    error += f"{np.mean([r['error_mm'] for r in rows]):.2f}"
    maps = " | ".join(both(kind) for kind in MAPS[:3])
    return (
        f"| {organ} | {model} | {len(rows)} | {error} | {dice} | {maps} | {mean('bound_holds')} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("measure", "table"))
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--only", default="", metavar="WORD", help="of the runs' names")
    parser.add_argument("--adjusted", action="store_true", help="calibrated on the pair itself")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    if options.what == "measure":
        measure(options.reference, options.cache, options.only, options.adjusted)
    else:
        table(options.cache, options.json)


if __name__ == "__main__":
    main()
