"""Five folds of a published network of the heart as an ensemble: what its intrinsic spread is.

    python Testing/benchmarks/heart_folds.py CLONE --cache CACHE [--picture OUT.png]

CLONE is a clone of github.com/ecemkaraoglu/cardiac_deformable_registration, which states no licence
and of which nothing is here. The network is that of docs/HEART_NETWORK.md, written as that page
says. Five hearts (ACDC, the first of its sample), each answered by the fold that was not trained on
it; with the other four as members of the ensemble, and once with the sampling phase as the noise.
What was measured stays in CACHE.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from organs_study import Pair, at_boundaries, sampled
from sheet_of_maps import Panel, paint_sheet

import TTAUncertaintyLib as tta
from TTAUncertaintyLib.evaluation.known_result import KnownResult
from TTAUncertaintyLib.geometry import identity_map, read_image, read_labels, resample_image
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.results import Bundle, MapKind

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "HEART_NETWORK.md"
_PATIENTS = [f"patient00{n}" for n in range(1, 6)]
_LEFT_VENTRICLE, _MUSCLE = 3, 2
_NOISES = ("ensemble", "discretisation")
_SHOWN = (MapKind.TOTAL, MapKind.INTRINSIC, MapKind.JITTER)


def as_the_page_says(clone: Path, folder: Path) -> None:
    """Lay the network out in a folder: a copy of the publisher's code, and the page's files."""
    for name in ("Code", "Models_cv_full"):
        shutil.copytree(clone / name, folder / name, dirs_exist_ok=True)
    code, manifests = re.findall(r"```python\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
    (folder / "heart.py").write_text(code, encoding="utf-8")
    here = Path.cwd()
    os.chdir(folder)
    try:
        exec(compile(manifests, str(_PAGE), "exec"), {})
    finally:
        os.chdir(here)


def centred(image: sitk.Image, labels: sitk.Image) -> sitk.Image:
    """Add background until the left ventricle, as people labelled it, is the image's middle."""
    places = np.argwhere(sitk.GetArrayViewFromImage(labels) == _LEFT_VENTRICLE)
    beyond = 2 * places.mean(0)[::-1] - np.array(image.GetSize()) + 1
    below, above = (np.maximum(side, 0).round().astype(int).tolist() for side in (-beyond, beyond))
    return sitk.ConstantPad(image, below, above, 0.0)


def files_of(clone: Path, patient: str) -> list[Path]:
    """Return the fixed image, its labels, the moving image, its labels."""
    return sorted((clone / "Data" / "sample_data" / "acdc" / patient).glob("*_frame*.nii.gz"))


def fold_of(folder: Path, patient: str) -> int:
    """Return the fold that was not trained on a heart, as the publisher's code has it."""
    if str(folder / "Code") not in sys.path:
        sys.path.insert(0, str(folder / "Code"))
    from acdc_results import patient_index_from_name, patient_to_fold

    return int(patient_to_fold(patient_index_from_name(patient)))


def labels_at(file: Path, world: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the label of the nearest voxel at places [k, j, i, 3] of the world; 0 beyond."""
    labels = read_labels(file)[0]
    at = labels.lattice.to_voxel(world).round().astype(int)
    inside = np.all((at >= 0) & (at < np.array(labels.lattice.size)), axis=-1)
    i, j, k = np.where(inside[..., None], at, 0).transpose(3, 0, 1, 2)
    return np.where(inside, labels.intensities.numpy()[k, j, i], 0)


def overlaps(clone: Path, folder: Path, patient: str) -> str:
    """Return Dice of one pass, counted as the publisher does: on the network's own voxels."""
    fixed, fixed_labels, moving, moving_labels = files_of(clone, patient)
    own = fold_of(folder, patient)
    model = load_model(str(folder / f"fold{own}.json"), trust_code=True)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "centred.nii.gz"
        seen = centred(*(sitk.ReadImage(str(file)) for file in (fixed, fixed_labels)))
        sitk.WriteImage(seen, str(path), imageIO="NiftiImageIO")
        pair = model.prepare(read_image(path)[0], read_image(moving)[0], np.eye(4))
    with torch.inference_mode():
        phi = model.predict(pair.moving, pair.fixed)[0].movedim(0, -1).numpy()
    here = identity_map(pair.fixed.shape[2:]).movedim(0, -1).numpy()
    one = labels_at(fixed_labels, pair.fixed_lattice.to_world(here))
    other = labels_at(moving_labels, pair.moving_lattice.to_world(phi))
    dice = []
    for label in (_LEFT_VENTRICLE, _MUSCLE):
        both, sizes = (
            (one == label) & (other == label),
            (one == label).sum() + (other == label).sum(),
        )
        dice.append(f"{2 * both.sum() / sizes:.3f}")
    return f"| {patient} | {own} | {' | '.join(dice)} |"


def measure(clone: Path, folder: Path, patient: str, noise: str, cache: Path) -> None:
    """Register one heart, and keep what was found; its result stays beside it."""
    out = cache / f"{patient}-{noise}.json"
    if out.exists():
        return
    own = fold_of(folder, patient)
    fixed, fixed_labels, moving, moving_labels = files_of(clone, patient)
    others = [folder / f"fold{n}.json" for n in range(5) if n != own]
    result = tta.register(
        centred(sitk.ReadImage(str(fixed)), sitk.ReadImage(str(fixed_labels))),
        moving,
        model=str(folder / f"fold{own}.json"),
        ensemble=others if noise == "ensemble" else [],
        trust_code=True,
        preset="quick",
        noise=noise,
        replicates=3,
        output=cache / f"{patient}-{noise}",
        overwrite=True,
        threads=1,
        quiet=True,
    )
    known = KnownResult.of(Bundle.open(result.folder))
    pair = Pair("heart", patient, "", "", (str(fixed_labels), str(moving_labels)), ())
    found: dict[str, Any] = at_boundaries(pair, Path(), known)
    labels = read_labels(fixed_labels)[0]
    inside = np.argwhere(labels.intensities.numpy() > 0)[:, ::-1].astype(float)
    for volume in known.maps:
        values = torch.from_numpy(np.asarray(volume.values))
        values = sampled(values, volume.lattice, labels.lattice.to_world(inside))
        found.setdefault(volume.key, {})["rms"] = float(values.square().nanmean().sqrt())
    out.write_text(json.dumps({"fold": own, **found}), encoding="utf-8")
    print(f"{patient} {noise}: {found['before_mm']:.2f} to {found['error_mm']:.2f} mm", flush=True)


def table(cache: Path) -> str:
    """Return the means of what was measured with both noises, as a Markdown table."""
    rows = {
        noise: [json.loads(p.read_text("utf-8")) for p in sorted(cache.glob(f"*-{noise}.json"))]
        for noise in _NOISES
    }
    lines = [
        "| noise | hearts | intrinsic, rms mm | jitter, rms mm | intrinsic's share | intrinsic | "
        "jitter | total | gap |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for noise, found in rows.items():
        if not found:
            continue
        size = {k: np.mean([row[k]["rms"] ** 2 for row in found]) for k in ("intrinsic", "jitter")}
        kinds = (MapKind.INTRINSIC, MapKind.JITTER, MapKind.TOTAL, MapKind.INVERSE_CONSISTENCY)
        cells = [
            " / ".join(
                f"{np.mean([row[kind.value][which] for row in found]):.2f}"
                for which in ("pearson", "spearman")
            )
            for kind in kinds
        ]
        share = size["intrinsic"] / sum(size.values())
        sizes = " | ".join(f"{value**0.5:.2f}" for value in size.values())
        lines.append(f"| {noise} | {len(found)} | {sizes} | {share:.0%} | {' | '.join(cells)} |")
    return "\n".join(lines)


def picture(clone: Path, cache: Path, path: Path) -> None:
    """Draw the first heart's maps with either noise, on the slice with most of its labels."""
    files = files_of(clone, _PATIENTS[0])
    rows = []
    for noise in _NOISES:
        known = KnownResult.of(Bundle.open(cache / f"{_PATIENTS[0]}-{noise}"))
        maps = {volume.key: volume for volume in known.maps}
        lattice = maps[MapKind.TOTAL.value].lattice
        here = identity_map(lattice.array_shape).movedim(0, -1).numpy()
        labels = labels_at(files[1], lattice.to_world(here)) > 0
        level = int(labels.sum((1, 2)).argmax())
        grey = resample_image(read_image(files[0])[0], lattice).intensities.numpy()
        grey = grey / np.quantile(grey, 0.995)
        everywhere = np.ones_like(labels[level])
        row = [Panel("End of diastole", f"noise: {noise}", grey[level])]
        for kind in _SHOWN:
            values = np.asarray(maps[kind.value].values)[level]
            title = {"total": "Total uncertainty", "intrinsic": "Intrinsic spread"}
            name = title.get(kind.value, "Bias jitter")
            row.append(
                Panel(name, "outlined: heart", grey[level], values, everywhere, 5.0, labels[level])
            )
        # rows of an array run from anterior to posterior here, and the sheet paints the last first
        rows.append([flipped(panel) for panel in row])
    paint_sheet(rows, path)


def flipped(panel: Panel) -> Panel:
    """Turn a panel's rows around."""
    arrays = (panel.grey, panel.values, panel.inside, panel.marked)
    grey, values, inside, marked = (None if a is None else a[::-1] for a in arrays)
    return Panel(panel.title, panel.subtitle, grey, values, inside, panel.upper, marked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clone", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument(
        "--hearts", type=int, default=len(_PATIENTS), help="of the noises: so many, the first"
    )
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    clone, cache = options.clone.absolute(), options.cache.absolute()
    torch.set_num_threads(1)
    network = cache / "network"
    as_the_page_says(clone, network)
    print("| heart | fold | left ventricle | muscle |", "|---|---|---|---|", sep="\n")
    for patient in _PATIENTS:
        print(overlaps(clone, network, patient), flush=True)
    for noise in _NOISES:
        for patient in _PATIENTS[: options.hearts]:
            measure(clone, network, patient, noise, cache)
    print(table(cache))
    if options.picture is not None:
        picture(clone, cache, options.picture)


if __name__ == "__main__":
    main()
