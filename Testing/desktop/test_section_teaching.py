"""The section Teaching: registrations played, views left as they were, the cloud at a point."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from support.panel_host import PanelHost

from TTAUncertaintyLib.results import Bundle, MapKind
from TTAUncertaintyLib.review import root_trace

pytest_plugins = ["support.module_desktop"]


@pytest.fixture
def desktop(desktop_with_views):
    return desktop_with_views


@pytest.fixture
def host(logic):
    from TTAUncertaintyPanel.teaching_section import TeachingSection

    made = PanelHost(logic, [TeachingSection])
    made.enter()
    yield made
    made.close()


@pytest.fixture
def taught(host, pair, result_folder):
    """The host with a result that kept its registrations, on the screen and unfolded."""
    from TTAUncertaintyLib.scene.display import default_display
    from TTAUncertaintyLib.scene.presentation import Presentation, present

    result = host.logic.loadResult(result_folder, *pair)
    present(host.stage, result, Presentation(default_display(result, MapKind.TOTAL)))
    host.setResult(result)
    host.ui.teachingSection.collapsed = False
    return host


def layers(host):
    from TTAUncertaintyLib.scene.slices import composites

    return [
        (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID(), node.GetForegroundOpacity())
        for node in composites(host.stage)
    ]


def place(host, ras):
    """Click in a view, as far as a test can: the mode is on, and a point is placed."""
    from TTAUncertaintyLib.controls.spread_controls import POINT

    host.ui.placePointButton.click()
    interaction = host.stage.application.GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    node = host.result.reference(POINT)
    assert host.stage.application.GetSelectionNode().GetActivePlaceNodeID() == node.GetID()
    node.AddControlPointWorld(ras)
    return node


def test_a_result_whose_folder_is_gone_says_so(host, pair, result_folder, tmp_path):
    folder = shutil.copytree(result_folder, tmp_path / "copy")
    result = host.logic.loadResult(folder, *pair)
    shutil.rmtree(folder)
    host.setResult(result)
    assert "not on this computer" in host.ui.teachingLabel.text
    assert not host.ui.playButton.enabled


def test_the_slider_shows_the_registration_that_it_names(desktop, taught):
    import slicer.util

    from TTAUncertaintyLib.scene.teaching import PLAYED

    pictures = []
    for number in (3, 5):
        taught.ui.passSlider.value = number
        desktop.wait_until(lambda: taught.result.reference(PLAYED))
        played = taught.result.reference(PLAYED)
        assert all(background == played.GetID() for background, _, _ in layers(taught))
        assert taught.ui.passLabel.text.startswith(f"perturbation {number + 1}")
        pictures.append(np.array(slicer.util.arrayFromVolume(played)))
    assert (pictures[0] != pictures[1]).any()


def test_playing_goes_on_by_itself_and_leaves_the_views_as_they_were(desktop, taught):
    before = layers(taught)
    taught.ui.playButton.click()
    desktop.wait_until(lambda: taught.ui.passSlider.value == 2, 5)
    taught.ui.playButton.click()
    desktop.process_events(0.7)
    assert taught.ui.passSlider.value == 2
    taught.ui.firstPassButton.click()
    assert taught.ui.passSlider.value == 0
    assert layers(taught) != before
    taught.exit()
    assert layers(taught) == before


def test_folding_the_section_ends_playing(desktop, taught):
    before = layers(taught)
    taught.ui.playButton.click()
    desktop.wait_until(lambda: layers(taught) != before)
    taught.ui.teachingSection.collapsed = True
    assert layers(taught) == before
    assert not taught.ui.playButton.checked


def test_the_cloud_is_that_of_the_point_and_follows_it(taught, result_folder):
    from TTAUncertaintyLib.results.registrations import KeptRegistrations
    from TTAUncertaintyLib.scene.cloud import CLOUD, ELLIPSOID

    node = place(taught, (2.0, 5.0, 3.0))
    assert not taught.ui.placePointButton.checked
    kept = KeptRegistrations.open(Bundle.open(result_folder))

    def spread(ras):
        lps = np.array(ras) * [-1, -1, 1]
        return f"{root_trace(kept.covariances_at(lps).total):.2f} mm"

    assert spread((2.0, 5.0, 3.0)) in taught.ui.pointLabel.text
    assert "8 positions" in taught.ui.pointLabel.text
    assert all(taught.result.reference(r).GetDisplayVisibility() for r in (CLOUD, ELLIPSOID))
    node.SetNthControlPointPositionWorld(0, (-8.0, 10.0, 6.0))
    assert spread((-8.0, 10.0, 6.0)) in taught.ui.pointLabel.text
    taught.ui.ellipsoidCheck.click()
    assert taught.result.reference(CLOUD).GetDisplayVisibility()
    assert not taught.result.reference(ELLIPSOID).GetDisplayVisibility()


def test_a_point_outside_the_image_is_told(taught):
    from TTAUncertaintyLib.scene.cloud import CLOUD

    node = place(taught, (2.0, 5.0, 3.0))
    node.SetNthControlPointPositionWorld(0, (500.0, 0.0, 0.0))
    assert "no estimate" in taught.ui.pointLabel.text
    assert not taught.result.reference(CLOUD).GetDisplayVisibility()
    assert not taught.ui.closeUpButton.enabled


def test_close_up_goes_near_and_back(taught):
    from TTAUncertaintyLib.scene.slices import slice_nodes

    place(taught, (2.0, 5.0, 3.0))
    width = slice_nodes(taught.stage)[0].GetFieldOfView()[0]
    taught.ui.closeUpButton.click()
    assert slice_nodes(taught.stage)[0].GetFieldOfView()[0] < width / 3
    taught.ui.closeUpButton.click()
    assert slice_nodes(taught.stage)[0].GetFieldOfView()[0] > width / 3


def test_the_cloud_goes_with_its_result(taught, pair, result_folder):
    from TTAUncertaintyLib.scene.cloud import CLOUD

    place(taught, (2.0, 5.0, 3.0))
    first = taught.result
    taught.setResult(taught.logic.loadResult(result_folder, *pair))
    assert not first.reference(CLOUD).GetDisplayVisibility()
    taught.setResult(first)
    assert first.reference(CLOUD).GetDisplayVisibility()


def test_point_and_cloud_are_there_again_after_opening_the_scene(desktop, taught, tmp_path):
    place(taught, (2.0, 5.0, 3.0))
    words = taught.ui.pointLabel.text
    desktop.save_scene(tmp_path / "scene.mrb")
    desktop.close_scene()
    desktop.open_scene(tmp_path / "scene.mrb")
    assert taught.ui.pointLabel.text == words
