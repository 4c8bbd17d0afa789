"""HDF5, in which ITK keeps transforms, bears no second thread: no image may ask ITK's formats."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import TTAUncertaintyLib

_PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from TTAUncertaintyLib.geometry import Lattice, read_stored
from TTAUncertaintyLib.geometry.nrrd_writer import write_nrrd

folder = Path(sys.argv[1])
lattice = Lattice.of(sitk.Image(20, 20, 20, sitk.sitkFloat32))
values = np.random.default_rng(0).random((20, 20, 20), np.float32)
field = sitk.DisplacementFieldTransform(sitk.Image([20, 20, 20], sitk.sitkVectorFloat64, 3))

def image(number):
    path = folder / f"{number}.nrrd"
    write_nrrd(path, (values,), lattice, {})
    assert np.array_equal(read_stored(path).values, values)

with ThreadPoolExecutor(2) as threads:
    for _ in range(20):
        images = [threads.submit(image, number) for number in range(12)]
        for _ in range(3):
            sitk.WriteTransform(field, str(folder / "transform.h5"))
            sitk.ReadTransform(str(folder / "transform.h5"))
        for done in images:
            done.result()
"""


def test_images_are_written_and_read_while_transforms_are(tmp_path: Path) -> None:
    root = Path(TTAUncertaintyLib.__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
