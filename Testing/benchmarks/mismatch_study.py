"""Networks on images they are not for: does anything tell the person?

A stable error leaves no variance. Every case has a smooth deformation of known size; what changes
is how far the images are from what the network was trained on. The head that comes with the
software was made on other images: does it stay right, and if not, does it say so?

    python Testing/benchmarks/mismatch_study.py --option contrast=one \\
        --picture docs/pictures/mismatch.png
    python Testing/benchmarks/mismatch_study.py --model lapirn --weights LapIRN_disp_fea7.pth
    python Testing/benchmarks/mismatch_study.py --contrasts 3 --pair FOLDER [--option contrast=one]

Images: the bundled Colin 27, and what Testing/oracles/get_evaluation_images.py fetches; with
--pair, subject-4-T1.nii.gz and subject-4-T2.nii.gz of MultiPropReg's repository (MIT), one person
in two contrasts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sheet_of_maps import Panel, box_around, paint_sheet

from TTAUncertaintyLib.cues import Cue
from TTAUncertaintyLib.engine import place, prepare
from TTAUncertaintyLib.evaluation.cases import KnownCase, manufacture
from TTAUncertaintyLib.evaluation.kinds import Deformation
from TTAUncertaintyLib.evaluation.measuring import Measurement, measure
from TTAUncertaintyLib.evaluation.metrics import coverage, pearson
from TTAUncertaintyLib.geometry import Image, Prealignment, read_image, resample_array
from TTAUncertaintyLib.models import RegistrationModel, load_model
from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.sample_data import sample_images

IMAGES = Path(__file__).resolve().parents[2] / ".oracles" / "images"
SEED = 300

#: How many cases are painted, and where their scales end: the same for all.
_PAINTED = 2
_UPPER_MM = {"Error": 8.0, "Total uncertainty": 3.0, "Expected error": 8.0}


def colin() -> Image:
    return read_image(sample_images()["colin27"].path)[0]


def inverted(case: KnownCase) -> KnownCase:
    """Turn bright into dark in the fixed image's anatomy: a contrast the moving image has not."""
    values, mask = case.fixed.intensities, torch.from_numpy(case.mask)
    high = float(torch.quantile(values[mask][::50], 0.995))
    turned = torch.where(mask, (1.1 * high - values).clamp(min=0), values)
    return replace(case, name="inverted contrast", fixed=replace(case.fixed, intensities=turned))


def cases() -> list[KnownCase]:
    """Return the cases that can be made here, the nearest to the training first."""
    brain = colin()
    found = [replace(manufacture(brain, Deformation.SMOOTH, SEED), name="a brain (Colin 27)")]
    found.append(inverted(found[0]))
    for name, file in (("a macaque", "macaque.nii.gz"), ("a chest CT", "chest1.nii.gz")):
        if not (IMAGES / file).is_file():
            print(f"not here: {file} (Testing/oracles/get_evaluation_images.py)")
            continue
        image, _ = read_image(IMAGES / file)
        found.append(replace(manufacture(image, Deformation.SMOOTH, SEED), name=name))
    return found


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


def contrasts(count: int, folder: Path | None) -> Iterator[KnownCase]:
    """Yield known deformations whose fixed image has the same and other contrasts."""
    brain = colin()
    for seed in range(count):
        case = manufacture(brain, Deformation.SMOOTH, seed)
        yield replace(case, name="one contrast")
        yield inverted(case)
        yield scrambled(case, seed)
    if folder is None:
        return
    t1, t2 = (read_image(folder / f"subject-4-{kind}.nii.gz")[0] for kind in ("T1", "T2"))
    for seed in range(0, 2 * count, 2):  # even ones deform the fixed image
        for name, fixed, moving in (
            ("T1 on T1", t1, t1),
            ("T1 on T2", t2, t1),
            ("T2 on T1", t1, t2),
        ):
            case = manufacture(fixed, Deformation.SMOOTH, seed)
            yield replace(case, name=name, moving=moving)


def row(measurement: Measurement) -> str:
    cues, error = measurement.cues, measurement.error
    means = [float(cues[c].mean()) for c in (Cue.TOTAL, Cue.INVERSE_CONSISTENCY, Cue.NCC_GAP)]
    correlations = [
        pearson(cues[c], error) for c in (Cue.TOTAL, Cue.INVERSE_CONSISTENCY, Cue.NCC_GAP)
    ]
    said = ["", "", ""]
    maps = measurement.expected
    if maps is not None:
        said = [
            f"{float(maps.expected_error.mean()):.2f} ({pearson(maps.expected_error, error):.2f})",
            f"{coverage(maps.error_bound, error):.2f}",
            f"{100 * float(maps.outside.double().mean()):.1f} %",
        ]
    cells = [
        measurement.name,
        f"{measurement.displacement_mm:.1f}",
        f"{float(error.mean()):.2f}",
        *(f"{mean:.2f} ({r:.2f})" for mean, r in zip(means, correlations, strict=True)),
        *said,
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="pyramid-flow")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--contrasts", type=int, help="so many deformations in other contrasts")
    parser.add_argument("--pair", type=Path, help="folder of a person's T1 and T2, for --contrasts")
    parser.add_argument("--picture", type=Path, help="paint a slice of the first two cases here")
    options = parser.parse_args()
    chosen = dict(text.split("=", 1) for text in options.option)
    model = load_model(options.model, options.weights, chosen)
    print(
        "| images | to find, mm rms | error, mm | total, mm (Pearson) | gap, mm (Pearson) | "
        "1 - correlation (Pearson) | expected, mm (Pearson) | bound holds | outside |"
    )
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    shown = []
    made = cases() if options.contrasts is None else contrasts(options.contrasts, options.pair)
    for number, case in enumerate(made):
        found = measure(case, model, DesignRequest(Preset.QUICK))
        print(row(found), flush=True)
        if options.picture is not None and number < _PAINTED:
            shown.append(panels(case, found, model))
    if options.picture is not None:
        paint_sheet(shown, options.picture)


def panels(case: KnownCase, found: Measurement, model: RegistrationModel) -> list[Panel]:
    """Return a slice of a case: the image, its error, and what predicts it."""
    placement = place(case.fixed, case.moving, model, prealignment=Prealignment.NONE)
    pair = prepare(case.fixed, case.moving, model, placement)
    mask = torch.from_numpy(case.mask).float()[None]
    onto = resample_array(mask, case.fixed.lattice, pair.fixed_lattice, outside=0.0)
    region = onto[0].numpy() > 0.5
    level = region.shape[0] // 2
    cut = box_around(region[level])
    grey = pair.fixed[0, 0].numpy()
    grey = grey[level][cut] / np.quantile(grey[region], 0.995)

    def slice_of(values: torch.Tensor) -> np.ndarray:
        whole = np.zeros(region.shape, values.numpy().dtype)
        whole[region] = values.numpy()
        return whole[level][cut]

    title = case.name[0].upper() + case.name[1:]
    made = [Panel(title, "fixed image", grey)]
    inside = region[level][cut]
    shown = [("Error", "true", found.error), ("Total uncertainty", "Quick", found.cues[Cue.TOTAL])]
    for name, subtitle, values in shown:
        made.append(Panel(name, subtitle, grey, slice_of(values), inside, _UPPER_MM[name]))
    maps = found.expected
    if maps is not None:
        outside = slice_of(maps.outside.to(torch.uint8)) > 0
        name, subtitle = "Expected error", "outlined: outside the calibration"
        values = slice_of(maps.expected_error)
        made.append(Panel(name, subtitle, grey, values, inside, _UPPER_MM[name], outside))
    return made


if __name__ == "__main__":
    main()
