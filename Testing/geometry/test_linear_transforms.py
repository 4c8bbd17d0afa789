"""Linear transforms: every kind that ITK has, files of them, and the simple starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from support.images import analytic_image
from support.lattices import FLIPPED, OBLIQUE, PLAIN, affine, rotation

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import (
    Image,
    Lattice,
    Matrix,
    Start,
    itk_transform,
    matrix_of,
    read_linear_transform,
    start_transform,
)

CENTER = (10.0, -20.0, 30.0)
MATRIX = affine(rotation((1, 2, 3), 40.0) @ np.diag([1.1, 0.9, 1.2]), (5.0, -6.0, 7.0))


def _versor(kind: Callable[[], sitk.Transform]) -> sitk.Transform:
    transform = kind()
    transform.SetCenter(CENTER)
    transform.SetRotation((0.0, 0.6, 0.8), 0.4)
    return transform


def _with_translation(transform: sitk.Transform) -> sitk.Transform:
    transform.SetTranslation((1.0, 2.0, -3.0))
    return transform


def _scale() -> sitk.Transform:
    transform = sitk.ScaleTransform(3, (1.1, 0.8, 1.3))
    transform.SetCenter(CENTER)
    return transform


def _similarity() -> sitk.Transform:
    transform = _with_translation(_versor(sitk.Similarity3DTransform))
    transform.SetScale(1.2)
    return transform


def _scale_versor() -> sitk.Transform:
    transform = _with_translation(_versor(sitk.ScaleVersor3DTransform))
    transform.SetScale((1.2, 0.9, 1.1))
    return transform


def _skewed(kind: Callable[[], sitk.Transform]) -> sitk.Transform:
    transform = _with_translation(_versor(kind))
    transform.SetScale((1.2, 0.9, 1.1))
    count = len(transform.GetSkew())
    transform.SetSkew(np.linspace(0.01, 0.05, count).tolist())
    return transform


def _euler() -> sitk.Transform:
    transform = sitk.Euler3DTransform(CENTER, 0.1, -0.2, 0.3, (4.0, 5.0, 6.0))
    transform.SetComputeZYX(True)
    return transform


def _affine() -> sitk.Transform:
    transform = sitk.AffineTransform(3)
    transform.SetCenter(CENTER)
    transform.SetMatrix(MATRIX[:3, :3].ravel().tolist())
    return _with_translation(transform)


def _composite() -> sitk.Transform:
    return sitk.CompositeTransform([_affine(), _euler(), _scale()])


KINDS: dict[str, Callable[[], sitk.Transform]] = {
    "identity": lambda: sitk.Transform(3, sitk.sitkIdentity),
    "translation": lambda: sitk.TranslationTransform(3, (1.0, -2.0, 3.0)),
    "scale": _scale,
    "scale logarithmic": lambda: sitk.Transform(3, sitk.sitkScaleLogarithmic),
    "versor": lambda: _versor(sitk.VersorTransform),
    "versor rigid": lambda: _with_translation(_versor(sitk.VersorRigid3DTransform)),
    "euler": _euler,
    "similarity": _similarity,
    "scale versor": _scale_versor,
    "scale skew versor": lambda: _skewed(sitk.ScaleSkewVersor3DTransform),
    "compose scale skew versor": lambda: _skewed(sitk.ComposeScaleSkewVersor3DTransform),
    "affine": _affine,
    "composite": _composite,
    "composite of composites": lambda: sitk.CompositeTransform([_composite(), _similarity()]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_matrix_of_a_transform_sends_points_where_itk_sends_them(kind: str) -> None:
    transform = KINDS[kind]()
    matrix = matrix_of(transform)
    for point in np.random.default_rng(0).uniform(-300, 300, (5, 3)):
        expected = transform.TransformPoint(point.tolist())
        assert np.allclose(matrix[:3, :3] @ point + matrix[:3, 3], expected, atol=1e-9)


def test_a_matrix_and_its_itk_transform_are_the_same_map() -> None:
    assert np.allclose(matrix_of(itk_transform(MATRIX)), MATRIX, atol=1e-12)


@pytest.mark.parametrize("ending", ["tfm", "txt", "h5", "mat", "xfm"])
@pytest.mark.parametrize("kind", ["euler", "similarity", "affine"])
def test_a_linear_transform_is_read_from_every_format(
    kind: str, ending: str, tmp_path: Path
) -> None:
    transform = KINDS[kind]()
    path = tmp_path / f"start.{ending}"
    sitk.WriteTransform(transform, str(path))
    # .xfm (MINC) keeps about twelve digits
    assert np.allclose(read_linear_transform(path), matrix_of(transform), atol=1e-6)


def test_a_composite_of_linear_transforms_is_read_as_one(tmp_path: Path) -> None:
    path = tmp_path / "start.tfm"
    sitk.WriteTransform(_composite(), str(path))
    assert np.allclose(read_linear_transform(path), matrix_of(_composite()), atol=1e-9)


def _write_text(path: Path) -> None:
    path.write_text("not a transform")


def _write_2d(path: Path) -> None:
    sitk.WriteTransform(sitk.AffineTransform(2), str(path))


def _write_deformable(path: Path) -> None:
    field = sitk.Image([3, 3, 3], sitk.sitkVectorFloat64)
    sitk.WriteTransform(sitk.DisplacementFieldTransform(field), str(path))


def _write_singular(path: Path) -> None:
    sitk.WriteTransform(itk_transform(MATRIX), str(path))
    lines = path.read_text().splitlines()
    number = next(n for n, line in enumerate(lines) if line.startswith("Parameters"))
    lines[number] = "Parameters: 1 0 0 0 1 0 0 0 0 5 6 7"
    path.write_text("\n".join(lines) + "\n")


def _write_nothing(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "write", [_write_text, _write_2d, _write_deformable, _write_singular, _write_nothing]
)
def test_a_transform_that_cannot_start_a_registration_is_refused(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "start.tfm"
    write(path)
    with pytest.raises(InputError, match=r"start\.tfm"):
        read_linear_transform(path)


def test_a_missing_transform_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_linear_transform(tmp_path / "nowhere.tfm")


def test_the_header_start_is_the_identity() -> None:
    fixed, moving = (analytic_image(lambda p: p[..., 0], x) for x in (PLAIN, OBLIQUE))
    assert np.array_equal(start_transform(fixed, moving, Start.HEADER), np.eye(4))


def test_the_centre_start_puts_middle_on_middle() -> None:
    fixed, moving = (analytic_image(lambda p: p[..., 0], x) for x in (PLAIN, OBLIQUE))
    matrix = start_transform(fixed, moving, Start.CENTER)
    assert np.allclose(PLAIN.center + matrix[:3, 3], OBLIQUE.center)
    assert np.array_equal(matrix[:3, :3], np.eye(3))


def test_the_mass_start_puts_blob_on_blob_whatever_the_background() -> None:
    def blob(middle: Matrix, background: float) -> Callable[[Matrix], Matrix]:
        def value(p: Matrix) -> Matrix:
            squared = ((p - middle) ** 2).sum(-1) / 100
            return np.asarray(np.clip(1 - squared, 0, None) * 50 + background)

        return value

    here = PLAIN.center + np.array([2.0, -3.0, 1.0])
    there = FLIPPED.center + np.array([-3.0, 1.0, 2.0])
    fixed = analytic_image(blob(here, -1000.0), PLAIN)
    moving = analytic_image(blob(there, 70.0), FLIPPED)
    matrix = start_transform(fixed, moving, Start.MASS)
    # the sampled blobs' centres of mass, 10 mm wide on voxels of 2 to 3 mm
    assert np.allclose(here + matrix[:3, 3], there, atol=0.05)


def test_the_mass_start_does_not_depend_on_the_order_of_the_voxels() -> None:
    image = analytic_image(
        lambda p: np.exp(-((p - OBLIQUE.center - 4.0) ** 2).sum(-1) / 60), OBLIQUE
    )
    last = OBLIQUE.to_world([OBLIQUE.size[0] - 1, 0, 0])
    mirrored = Lattice(OBLIQUE.size, affine(OBLIQUE.linear * np.array([-1, 1, 1]), last))
    other = Image(torch.flip(image.intensities, (2,)), mirrored)
    assert np.allclose(start_transform(image, other, Start.MASS), np.eye(4), atol=1e-6)
