"""Bring together the images that docs/EVALUATION.md is measured on, in .oracles/images.

Beside the two bundled brains: the two atlases of the PyPI package MultiPropReg (MIT), the macaque
atlas INIA19 of the Debian package mricron-data, and the two chest CTs of the source distribution
of pyradiomics (BSD-3-Clause; data of The Cancer Imaging Archive), the middle of each on 2 mm voxels
with air at zero. Nothing of it is committed.

    python Testing/oracles/get_multipropreg.py
    python Testing/oracles/get_evaluation_images.py
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import SimpleITK as sitk

ORACLES = Path(__file__).resolve().parents[2] / ".oracles"
TARGET = ORACLES / "images"
ATLASES = ORACLES / "multipropreg" / "MultiPropReg" / "data"
MACAQUE = Path("/usr/share/mricron/templates/inia19-t1-brain.nii.gz")

#: The adult atlas's header says nothing of its axes: they run to left, inferior, anterior (LPS).
_LIA = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, -1.0, 0.0)


def main() -> int:
    """Write what can be had; say what cannot."""
    TARGET.mkdir(parents=True, exist_ok=True)
    _atlases()
    if MACAQUE.is_file():
        sitk.WriteImage(sitk.ReadImage(str(MACAQUE)), str(TARGET / "macaque.nii.gz"))
    else:
        print("no macaque: install the Debian package mricron-data")
    _chests()
    for number in (1, 2):
        if (TARGET / f"lung{number}_image.nrrd").is_file():
            _middle_of_chest(number)
    print("\n".join(sorted(str(path) for path in TARGET.iterdir())))
    return 0


def _atlases() -> None:
    if not ATLASES.is_dir():
        print("no atlases: run Testing/oracles/get_multipropreg.py first")
        return
    adult = sitk.ReadImage(str(ATLASES / "atlas_vol.nii"), sitk.sitkFloat32)
    adult.SetDirection(_LIA)
    middle = adult.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in adult.GetSize()])
    adult.SetOrigin([o - m for o, m in zip(adult.GetOrigin(), middle, strict=True)])
    sitk.WriteImage(adult * 1000.0, str(TARGET / "adult_atlas.nii.gz"))
    infant = sitk.ReadImage(str(ATLASES / "1yr_t1_atlas.nii"), sitk.sitkFloat32)
    sitk.WriteImage(infant, str(TARGET / "infant_atlas.nii.gz"))


def _chests() -> None:
    names = ("lung1_image.nrrd", "lung2_image.nrrd")
    if all((TARGET / name).is_file() for name in names):
        return
    with tempfile.TemporaryDirectory() as folder:
        # the archive is kept even where its build would fail
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"]
        command += ["--no-build-isolation", "--dest", folder, "pyradiomics==3.0.1"]
        subprocess.run(command, check=False, capture_output=True)
        archives = list(Path(folder).glob("pyradiomics-*.tar.gz"))
        if not archives:
            print("no chests: pyradiomics could not be downloaded")
            return
        with tarfile.open(archives[0]) as archive:
            for member in archive.getmembers():
                name = Path(member.name).name
                content = archive.extractfile(member) if name in names else None
                if content is not None:
                    (TARGET / name).write_bytes(content.read())


def _middle_of_chest(number: int) -> None:
    image = sitk.ReadImage(str(TARGET / f"lung{number}_image.nrrd"), sitk.sitkFloat32)
    air = sitk.Clamp(image, lowerBound=-1000, upperBound=1000) + 1000
    extent = [(n - 1) * s for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    size = [min(int(e / 2) + 1, most) for e, most in zip(extent, (140, 120, 110), strict=True)]
    middle = image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()])
    onto = sitk.Image(size, sitk.sitkFloat32)
    onto.SetSpacing((2.0, 2.0, 2.0))
    onto.SetDirection(image.GetDirection())
    start = onto.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in size])
    onto.SetOrigin([m - s for m, s in zip(middle, start, strict=True)])
    sitk.WriteImage(sitk.Resample(air, onto), str(TARGET / f"chest{number}.nii.gz"), True)


if __name__ == "__main__":
    sys.exit(main())
