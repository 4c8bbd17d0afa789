"""The checks of the module's self-test: a real quick run on a small phantom, with known numbers.

The phantom is a head-like image made here; the moving one is the same, shifted. What the answer
has to be is therefore known, and nothing has to be downloaded.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk

from TTAUncertaintyLib.results.maps import MapKind
from TTAUncertaintyLib.worker.run import Phase

from .logic import TTAUncertaintyLogic

#: Voxels along i, j, k, and their spacing in mm; anisotropic on purpose.
SIZE = (56, 64, 40)
SPACING_MM = (2.5, 2.5, 3.5)

#: How much further right, anterior and superior the moving head lies, RAS mm.
SHIFT_MM = (6.0, -4.0, 5.0)


def make_phantom(name: str, shift: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Any:
    """Add a volume with a head-like image to the scene.

    Parameters
    ----------
    name
        Of the node.
    shift
        Where its centre lies, RAS mm.

    Returns
    -------
    vtkMRMLScalarVolumeNode
        Slightly oblique, one axis flipped, float32.
    """
    ijk_to_ras = _ijk_to_ras()
    k, j, i = np.meshgrid(*[np.arange(n) for n in SIZE[::-1]], indexing="ij")
    points = np.stack((i, j, k), -1) @ ijk_to_ras[:3, :3].T + ijk_to_ras[:3, 3]
    x, y, z = np.moveaxis(points - np.asarray(shift), -1, 0)
    head = 1 / (1 + np.exp((x**2 / 52**2 + y**2 / 60**2 + z**2 / 50**2 - 1) * 10))
    folds = 0.3 * np.sin(x / 9) * np.cos(y / 10) * np.sin(z / 8 + 1) + 0.7
    hollow = 0.5 / (1 + np.exp((x**2 / 12**2 + y**2 / 22**2 + z**2 / 14**2 - 1) * 4))
    array = (1000 * head * (folds - hollow)).astype(np.float32)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(ijk_to_ras.ravel().tolist())
    node.SetIJKToRASMatrix(matrix)
    slicer.util.updateVolumeFromArray(node, array)
    return node


def _ijk_to_ras() -> np.ndarray:
    angle = np.radians(7)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag([-1, 1, 1]) @ np.diag(SPACING_MM)
    matrix[:3, 3] = -matrix[:3, :3] @ ((np.array(SIZE) - 1) / 2)
    return matrix


def check_quick_run(test: Any) -> None:
    """Register a phantom with itself, shifted, and check the numbers.

    Parameters
    ----------
    test
        A `unittest.TestCase`.
    """
    folder = Path(tempfile.mkdtemp(prefix="ttauncertainty-self-test-"))
    try:
        fixed = make_phantom("phantom")
        moving = make_phantom("shifted phantom", SHIFT_MM)
        before = [node.GetImageData().GetMTime() for node in (fixed, moving)]
        logic = TTAUncertaintyLogic()
        controller = logic.startRun(
            fixedVolume=fixed,
            movingVolume=moving,
            preset="quick",
            waitForCompletion=True,
            output=folder / "result",
        )
        test.assertIs(controller.state.phase, Phase.FINISHED)
        test.assertTrue(controller.state.complete)
        result = controller.result
        _check_uncertainty(test, result, fixed)
        _check_shift(test, result)
        _check_transform(test, result, fixed, moving)
        after = [node.GetImageData().GetMTime() for node in (fixed, moving)]
        test.assertEqual(before, after, "the inputs were modified")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_uncertainty(test: Any, result: Any, fixed: Any) -> None:
    """The map is in mm, there and plausible inside the head; the warped image on the fixed grid."""
    total = result.maps[MapKind.TOTAL]
    test.assertEqual(result.warped.GetImageData().GetDimensions(), SIZE)
    test.assertEqual(total.GetVoxelValueUnits().GetCodeValue(), "mm")
    spread = np.array([_value_at(total, point) for point in _points_inside(fixed)])
    there = np.isfinite(spread)  # at the rim a neighbour outside the head has no value
    test.assertGreater(there.mean(), 0.8)
    spread = spread[there]
    test.assertGreater(np.median(spread), 0.001)
    test.assertLess(np.median(spread), 5.0)


def _check_shift(test: Any, result: Any) -> None:
    """The transform takes the centre of the fixed head to that of the moving one."""
    to_moving = vtk.vtkGeneralTransform()
    result.transform.GetTransformFromWorld(to_moving)
    point = np.array(to_moving.TransformPoint(0.0, 0.0, 0.0))
    error = float(np.linalg.norm(point - SHIFT_MM))
    test.assertLess(error, 1.0, f"the shift was missed by {error:.2f} mm")


def _check_transform(test: Any, result: Any, fixed: Any, moving: Any) -> None:
    """The moving volume, taken through the transform, is the warped volume."""
    to_moving = vtk.vtkGeneralTransform()
    result.transform.GetTransformFromWorld(to_moving)
    differences = [
        _value_at(moving, to_moving.TransformPoint(point)) - _value_at(result.warped, point)
        for point in _points_inside(fixed)
    ]
    # Slicer interpolates the displacements cubically, the library linearly
    test.assertLess(float(np.percentile(np.abs(differences), 95)), 10.0)


def _points_inside(fixed: Any) -> np.ndarray:
    """Return voxel centres inside the fixed head, shape (300, 3), RAS mm."""
    inside = np.argwhere(slicer.util.arrayFromVolume(fixed) > 200)[:, ::-1]
    inner = ((inside > 6) & (inside < np.array(SIZE) - 7)).all(axis=1)
    chosen = np.random.default_rng(0).choice(inside[inner], 300)
    return np.asarray(chosen @ _ijk_to_ras()[:3, :3].T + _ijk_to_ras()[:3, 3])


def _value_at(node: Any, point: Any) -> float:
    """Interpolate a volume linearly at a point (RAS mm); NaN outside of it."""
    to_ijk = vtk.vtkMatrix4x4()
    node.GetRASToIJKMatrix(to_ijk)  # of this node: a file may come back with its axes flipped
    voxel = np.array(to_ijk.MultiplyPoint([*point, 1.0])[:3])
    array = slicer.util.arrayFromVolume(node)
    # a voxel's centre may come out a rounding error beside itself
    base = np.clip(np.floor(voxel + 1e-6), 0, np.array(array.shape[::-1]) - 2).astype(int)
    part = voxel - base
    if (part < -1e-3).any() or (part > 1 + 1e-3).any():
        return float("nan")
    value = 0.0
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, part, 1 - part))
        value += float(weight * array[tuple((base + corner)[::-1])])
    return value


#: Each takes the running `unittest.TestCase`.
CHECKS = (check_quick_run,)
