"""Do the maps point at a lesion that the fixed image lacks?

Compares a result on the lesion pair with the result on the same pair without the lesion, in the
places of the fixed image that the registration fills from the lesion. Prints a Markdown table.

    make demo && .venv/bin/python Testing/benchmarks/lesion_study.py demo-output
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from TTAUncertaintyLib.geometry import read_image
from TTAUncertaintyLib.results import Bundle, MapKind, read_transform
from TTAUncertaintyLib.review import foreground
from TTAUncertaintyLib.sample_data import sample_pair


def main() -> None:
    """Read both results and print the table."""
    folder = Path(sys.argv[1])
    pair = sample_pair("lesion")
    lesion, healthy = Bundle.open(folder / "lesion"), Bundle.open(folder / "reference")
    mask = sitk.ReadImage(str(pair.moving.path.with_name("colin27_lesion_mask_1mm.nii.gz")))
    warped = sitk.Resample(
        mask,
        sitk.ReadImage(str(pair.fixed.path)),
        read_transform(lesion),
        sitk.sitkNearestNeighbor,
        0,
    )
    labels = sitk.GetArrayFromImage(warped)
    region = foreground(read_image(pair.fixed.path)[0])
    places = {"cavity": labels == 1, "oedema": labels == 2, "elsewhere": labels == 0}
    print(f"{lesion.record['model']['title']}, {lesion.record['design']['name']}\n")
    print("| median of | " + " | ".join(f"{p}, with / without" for p in places) + " |")
    print("|---|" + "---|" * len(places))
    for kind in MapKind:
        if kind not in lesion.map_files:
            continue
        maps = [
            sitk.GetArrayFromImage(sitk.ReadImage(str(bundle.map_files[kind])))
            for bundle in (lesion, healthy)
        ]
        cells = [
            " / ".join(f"{np.nanmedian(values[region & place]):.2f}" for values in maps)
            for place in places.values()
        ]
        title = f"{kind.facts.title}, {kind.facts.unit}".rstrip(", ")
        print(f"| {title} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
