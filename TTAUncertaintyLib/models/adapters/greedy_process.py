"""One registration by greedy: run as a script with a folder of arrays and their spacing in mm.

Reads `moving.npy` and `fixed.npy`, [D, H, W]; writes `displacement.npy`, [3, D, H, W], components
(i, j, k), mm, fixed to moving.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from picsl_greedy import GreedyFloat3D

#: Local cross-correlation over 5 x 5 x 5 voxels; iterations at a quarter, half and the full
#: resolution; smoothing of the update and of the warp. One thread and a fixed
#: seed of the noise that it adds: the same result every time.
COMMAND = (
    "-d 3 -threads 1 -V 0 -seed 1 -i fixed moving -o warp -m NCC 2x2x2 -n 100x50x10 -s 2vox 1vox"
)


def register(folder: Path, spacing_mm: float) -> None:
    """Register the images of a folder."""
    images = {}
    for name in ("moving", "fixed"):
        images[name] = sitk.GetImageFromArray(np.load(folder / f"{name}.npy"))
        images[name].SetSpacing([spacing_mm] * 3)
    greedy = GreedyFloat3D()
    greedy.execute(COMMAND, warp=None, **images)
    warp = np.moveaxis(sitk.GetArrayFromImage(greedy["warp"]), -1, 0)
    unfinished = folder / "displacement.tmp.npy"
    np.save(unfinished, warp.astype(np.float32))
    unfinished.replace(folder / "displacement.npy")


if __name__ == "__main__":
    register(Path(sys.argv[1]), float(sys.argv[2]))
