"""The perturbed registrations are played, and their spread at a point is drawn where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.lattices import rotation
from support.slicer_application import SlicerApplication
from vtk.util.numpy_support import vtk_to_numpy

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.results import KeptRegistrations, MapKind
from TTAUncertaintyLib.results.registrations import PointCovariances
from TTAUncertaintyLib.review.spread import Contour, principal_axes
from TTAUncertaintyLib.scene.arrays import array_of, lattice_of
from TTAUncertaintyLib.scene.cloud import (
    CLOUD,
    ELLIPSOID,
    PointSpread,
    ellipsoid_surface,
    hide_spread,
    look_closely,
    show_spread,
    spread_at,
)
from TTAUncertaintyLib.scene.result import ResultNodes, results_in
from TTAUncertaintyLib.scene.review_state import map_volume
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.scene.teaching import current_pass, load_registrations, show_pass


@pytest.fixture
def kept(made) -> KeptRegistrations:
    return KeptRegistrations.open(made.bundle)


def point_inside(result: ResultNodes) -> tuple[float, float, float]:
    middle = np.argwhere(array_of(result.region) > 0).mean(axis=0)[::-1]
    x, y, z = (lattice_of(result.warped).to_world(middle) * [-1, -1, 1]).tolist()
    return x, y, z


def test_every_pass_can_be_shown(
    stage: Stage, result: ResultNodes, kept: KeptRegistrations
) -> None:
    played = load_registrations(stage, result, kept)
    assert current_pass(result) == 0
    for number in (0, 3, kept.count - 1, 1):
        show_pass(stage, result, number)
        truth = sitk.GetArrayFromImage(sitk.ReadImage(str(kept.warped_files[number])))
        assert np.array_equal(array_of(played), truth), number
        assert current_pass(result) == number
    assert lattice_of(played).is_close(kept.lattice)


def test_loading_twice_makes_nothing_twice(
    stage: Stage, result: ResultNodes, kept: KeptRegistrations
) -> None:
    first = load_registrations(stage, result, kept)
    before = stage.scene.GetNumberOfNodes()
    assert load_registrations(stage, result, kept) is first
    assert stage.scene.GetNumberOfNodes() == before


def test_the_player_is_saved_with_the_scene(
    application: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    kept: KeptRegistrations,
    tmp_path: Path,
) -> None:
    load_registrations(stage, result, kept)
    show_pass(stage, result, 2)
    assert application.save_scene(tmp_path / "s.mrb")
    application.open_scene(tmp_path / "s.mrb")
    (opened,) = results_in(stage.scene)
    show_pass(stage, opened, 4)
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(kept.warped_files[4])))
    shown = array_of(opened.reference("played"))
    # left-handed voxel axes come back right-handed
    assert np.array_equal(shown, truth) or np.array_equal(shown, truth[::-1])


def test_the_spread_at_a_point_is_that_of_the_map(
    result: ResultNodes, kept: KeptRegistrations
) -> None:
    ras = point_inside(result)
    spread = spread_at(result, kept, ras)
    assert spread.positions.shape == (kept.count, 3)
    lps = np.array(ras) * [-1, -1, 1]
    of_map = map_volume(result, MapKind.TOTAL).at(lps)[0]
    assert spread.total_mm == pytest.approx(of_map, rel=0.1)
    assert f"Spread {spread.total_mm:.2f} mm: intrinsic" in spread.words
    # the lengths of the offsets are those that were measured
    lengths = np.linalg.norm(spread.positions - ras, axis=1)
    assert lengths == pytest.approx(np.linalg.norm(kept.offsets_at(lps), axis=1), rel=1e-6)


def test_a_point_outside_has_no_spread(result: ResultNodes, kept: KeptRegistrations) -> None:
    with pytest.raises(InputError, match="no estimate"):
        spread_at(result, kept, (900.0, 0.0, 0.0))


def test_an_ellipsoid_has_the_size_direction_and_place_of_its_covariance() -> None:
    turned = rotation((1, 2, 3), 40.0)
    sigma = np.array([3.0, 1.0, 0.5])
    covariance = turned @ np.diag(sigma**2) @ turned.T
    center = np.array([10.0, -20.0, 30.0])
    spread = PointSpread(
        (10.0, -20.0, 30.0),
        center + np.array([[1.0, 0, 0], [-1.0, 0, 0]]),
        PointCovariances(covariance, None, None),
        principal_axes(covariance),
    )
    for contour in Contour:
        surface = ellipsoid_surface(spread, contour)
        points = vtk_to_numpy(surface.GetPoints().GetData()).astype(float) - center
        # Mahalanobis' distance of the surface from the middle is the contour's radius
        distance = np.sqrt(np.einsum("na,ab,nb->n", points, np.linalg.inv(covariance), points))
        assert distance == pytest.approx(np.full(len(distance), contour.value), rel=1e-3)


def test_offsets_are_turned_back_from_the_moving_world(
    result: ResultNodes, kept: KeptRegistrations
) -> None:
    """With an initial alignment that turns by 90 degrees, what moves along x moves along y."""
    ras = point_inside(result)
    record = result.record
    matrix = np.eye(4)
    record["placement"]["initial_fixed_to_moving_lps"] = matrix.tolist()
    _set_record(result, record)
    straight = spread_at(result, kept, ras).positions - ras
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # LPS, fixed to moving
    matrix[:3, :3] = 1.2 * turn
    record["placement"]["initial_fixed_to_moving_lps"] = matrix.tolist()
    _set_record(result, record)
    turned = spread_at(result, kept, ras).positions - ras
    # x and y change their signs together between LPS and RAS: the rotation is the same
    assert turned == pytest.approx(straight @ turn, abs=1e-9)


def test_looking_closely_shows_the_whole_spread_across_its_longest_axis(
    application_with_views: SlicerApplication, stage: Stage
) -> None:
    turned = rotation((1, 2, 3), 40.0)
    covariance = turned @ np.diag([9.0, 1.0, 0.25]) @ turned.T
    ras = (10.0, -20.0, 30.0)
    spread = PointSpread(
        ras,
        np.array([ras]),
        PointCovariances(covariance, None, None),
        principal_axes(covariance),
    )
    look_closely(stage, spread)
    for view in application_with_views.slice_views.values():
        node = view.logic.GetSliceNode()
        assert min(node.GetFieldOfView()[:2]) == pytest.approx(27.0)
    camera = stage.scene.GetFirstNodeByClass("vtkMRMLCameraNode")
    assert camera.GetFocalPoint() == pytest.approx(ras)
    along = np.subtract(camera.GetPosition(), ras)
    assert along @ turned[:, 0] == pytest.approx(0, abs=1e-6)
    half = np.linalg.norm(along) * np.tan(np.deg2rad(camera.GetViewAngle()) / 2)
    assert half > 3.0 * Contour.PERCENT_95.value


def _set_record(result: ResultNodes, record: dict) -> None:
    import json

    result.set_text("record", json.dumps(record))


def test_cloud_and_ellipsoid_are_drawn_and_hidden(
    application_with_views: SlicerApplication,
    stage: Stage,
    result: ResultNodes,
    kept: KeptRegistrations,
) -> None:
    spread = spread_at(result, kept, point_inside(result))
    show_spread(stage, result, spread, ellipsoid=False)
    assert result.reference(CLOUD).GetDisplayVisibility()
    assert not result.reference(ELLIPSOID).GetDisplayVisibility()
    bounds = [0.0] * 6
    result.reference(CLOUD).GetRASBounds(bounds)
    for axis in range(3):
        assert bounds[2 * axis] == pytest.approx(spread.positions[:, axis].min(), abs=0.2)
        assert bounds[2 * axis + 1] == pytest.approx(spread.positions[:, axis].max(), abs=0.2)
    look_closely(stage, spread)
    cyan = [np.array([64, 242, 255])]  # of the balls
    for picture in (application_with_views.render_slice("Red"), application_with_views.render_3d()):
        near = np.abs(picture.astype(int) - cyan).max(axis=-1) < 90
        assert near.sum() > 20
    hide_spread(result)
    picture = application_with_views.render_slice("Red")
    assert not (np.abs(picture.astype(int) - cyan).max(axis=-1) < 90).any()
    assert not result.reference(CLOUD).GetDisplayVisibility()
