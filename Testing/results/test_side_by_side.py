"""Files of a result are written side by side, and none of them suffers from another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from support.lattices import OBLIQUE

from TTAUncertaintyLib.geometry import DeformableTransform
from TTAUncertaintyLib.results.writing import _write_transform, write_image


def test_transforms_are_written_while_images_are_written_and_read_back(tmp_path: Path) -> None:
    lattice = OBLIQUE
    image = np.random.default_rng(0).normal(size=lattice.array_shape).astype(np.float32)
    transform = DeformableTransform(torch.zeros(3, *lattice.array_shape), lattice, np.eye(4))
    with ThreadPoolExecutor(4) as writers:
        images = [
            writers.submit(write_image, tmp_path / f"{n}.nrrd", image, lattice, {})
            for n in range(400)
        ]
        for n in range(100):
            _write_transform(tmp_path / f"{n}.h5", transform)
        for each in images:
            each.result()
