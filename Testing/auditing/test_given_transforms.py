"""Transforms of other programs are read as those programs mean them: ITK is the oracle."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.lattices import FLIPPED, OBLIQUE, affine, rotation, voxel_points

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import itk_transform
from TTAUncertaintyLib.geometry.given_transform import read_given_transform
from TTAUncertaintyLib.results.audited import joined

LINEAR = itk_transform(affine(rotation((1, -1, 2), 17.0) * 1.1, (6.0, -3.0, 2.0)))


def spline() -> sitk.Transform:
    domain = FLIPPED.centered((20, 20, 20), 4.0, OBLIQUE.center).blank_itk_image()
    made = sitk.BSplineTransformInitializer(domain, [4, 4, 4])
    generator = np.random.default_rng(1)
    made.SetParameters(generator.normal(size=len(made.GetParameters())).tolist())
    return made


def field_image() -> sitk.Image:
    """Displacements on an oblique, flipped, anisotropic grid that covers the points."""
    lattice = FLIPPED.centered((30, 34, 28), (3.0, 2.5, 3.5), OBLIQUE.center)
    generator = np.random.default_rng(2)
    coarse = sitk.GetImageFromArray(generator.normal(size=(4, 4, 4, 3)) * 3, isVector=True)
    coarse.SetSpacing([30.0] * 3)
    coarse.SetOrigin((OBLIQUE.center - 45).tolist())
    return sitk.Resample(coarse, lattice.blank_itk_image(), sitk.Transform(), sitk.sitkLinear)


def points() -> np.ndarray:
    return OBLIQUE.to_world(voxel_points(OBLIQUE, 40, seed=5))


def sent(transform: sitk.Transform) -> np.ndarray:
    return np.array([transform.TransformPoint(p) for p in points().tolist()])


@pytest.mark.parametrize("suffix", [".h5", ".tfm", ".txt", ".mat"])
@pytest.mark.parametrize("kind", ["linear", "spline", "composite"])
def test_transform_files_of_itk(tmp_path: Path, suffix: str, kind: str) -> None:
    made = {
        "linear": LINEAR,
        "spline": spline(),
        "composite": sitk.CompositeTransform([LINEAR, spline()]),
    }[kind]
    if suffix == ".mat" and kind != "linear":
        pytest.skip("MATLAB files hold linear transforms")
    path = tmp_path / f"given{suffix}"
    sitk.WriteTransform(made, str(path))
    read = read_given_transform(path)
    np.testing.assert_allclose(sent(read.itk), sent(made), atol=1e-4)
    assert ("B-spline" in read.kind) == (kind != "linear")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"])
def test_displacement_fields_as_ants_and_elastix_write_them(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"warp{suffix}"
    sitk.WriteImage(sitk.Cast(field_image(), sitk.sitkVectorFloat32), str(path))
    read = read_given_transform(path)
    expected = sent(sitk.DisplacementFieldTransform(field_image()))
    assert np.abs(expected - points()).max() > 1
    np.testing.assert_allclose(sent(read.itk), expected, atol=2e-3)


def test_nifti_displacement_vectors_are_ras_as_the_standard_says(tmp_path: Path) -> None:
    path = tmp_path / "warp.nii"
    sitk.WriteImage(sitk.Cast(field_image(), sitk.sitkVectorFloat32), str(path))
    content = bytearray(path.read_bytes())
    assert struct.unpack("<h", content[68:70]) == (1007,)
    content[68:70] = struct.pack("<h", 1006)
    path.write_bytes(content)
    moved = sent(read_given_transform(path).itk) - points()
    as_lps = sent(sitk.DisplacementFieldTransform(field_image())) - points()
    np.testing.assert_allclose(moved, as_lps * [-1, -1, 1], atol=2e-3)


def test_displacements_at_voxels_are_those_of_points(tmp_path: Path) -> None:
    path = tmp_path / "given.h5"
    sitk.WriteTransform(sitk.CompositeTransform([LINEAR, spline()]), str(path))
    given = read_given_transform(path)
    field = given.displacement(OBLIQUE)
    for i, j, k in [(0, 0, 0), (3, 7, 5), (14, 15, 12)]:
        here = OBLIQUE.to_world([i, j, k])
        expected = np.array(given.itk.TransformPoint(here.tolist())) - here
        np.testing.assert_allclose(field[:, k, j, i], expected, atol=1e-4)


def test_several_are_applied_in_the_order_of_ants(tmp_path: Path) -> None:
    """A warp on the fixed image's grid first, then the affine to the moving image's world."""
    sitk.WriteTransform(LINEAR, str(tmp_path / "0GenericAffine.mat"))
    sitk.WriteImage(
        sitk.Cast(field_image(), sitk.sitkVectorFloat32), str(tmp_path / "1Warp.nii.gz")
    )
    parts = [read_given_transform(tmp_path / n) for n in ("1Warp.nii.gz", "0GenericAffine.mat")]
    warp = sitk.DisplacementFieldTransform(field_image())
    expected = [LINEAR.TransformPoint(warp.TransformPoint(p)) for p in points().tolist()]
    whole = joined(parts)
    np.testing.assert_allclose(sent(whole.itk), expected, atol=2e-3)
    assert whole.kind == "displacement field, then linear"


def test_what_is_none_is_refused_with_a_word(tmp_path: Path) -> None:
    scalar = tmp_path / "image.nii.gz"
    sitk.WriteImage(OBLIQUE.blank_itk_image(), str(scalar))
    with pytest.raises(InputError, match="no displacement field"):
        read_given_transform(scalar)
    elastix = tmp_path / "TransformParameters.0.txt"
    elastix.write_text('(Transform "BSplineTransform")\n(NumberOfParameters 3)\n')
    with pytest.raises(InputError, match="parameter file of elastix") as told:
        read_given_transform(elastix)
    assert "transformix -def all" in told.value.remedy
    broken = field_image()
    broken[3, 3, 3] = (float("nan"), 0.0, 0.0)
    sitk.WriteImage(broken, str(tmp_path / "broken.nrrd"))
    with pytest.raises(InputError, match="no numbers"):
        read_given_transform(tmp_path / "broken.nrrd")
    with pytest.raises(InputError, match="does not exist"):
        read_given_transform(tmp_path / "nothing.h5")
    flat = tmp_path / "flat.tfm"
    sitk.WriteTransform(sitk.AffineTransform(2), str(flat))
    with pytest.raises(InputError, match="2D"):
        read_given_transform(flat)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_field_that_was_cut_short_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"field{suffix}"
    sitk.WriteImage(field_image(), str(path))
    whole = path.read_bytes()
    read_given_transform(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError):
        read_given_transform(path)
