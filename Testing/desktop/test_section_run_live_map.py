"""The provisional map in the views while a run goes on, and what becomes of them afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from support import fake_python

pytest_plugins = ["support.module_desktop", "support.panel_desktop"]


def provisional():
    """Add a warped image and a map as the provisional ones are: with display nodes."""
    from support.module_desktop import FIXED, add_volume

    nodes = add_volume("warped", FIXED), add_volume("total", FIXED)
    for node in nodes:
        node.CreateDefaultDisplayNodes()
    return nodes


def shown(stage):
    """What each slice view shows: background, foreground, opacity."""
    from TTAUncertaintyLib.scene.slices import composites

    return [
        (n.GetBackgroundVolumeID(), n.GetForegroundVolumeID(), round(n.GetForegroundOpacity(), 2))
        for n in composites(stage)
    ]


@pytest.fixture
def viewed(desktop_with_views):
    """The panel in a desktop with views, a pair chosen and the fixed volume shown."""
    from support.module_desktop import FIXED, MODULE, MOVING, add_volume

    from TTAUncertaintyLib.scene.slices import Layers, set_layers

    desktop_with_views.load_module(MODULE)
    panel = desktop_with_views.open("TTAUncertainty")
    panel.logic.machine.threads = 1
    fixed, _moving = add_volume("fixed", FIXED), add_volume("moving", MOVING, (3, -2, 2))
    desktop_with_views.process_events(0.05)
    set_layers(panel.stage, Layers(fixed))
    return panel


def test_the_live_map_is_given_its_look_once_and_then_only_voxels_change(viewed):
    from TTAUncertaintyLib.scene.live_map import LiveMap
    from TTAUncertaintyLib.scene.preview import PreviewNodes

    warped, total = provisional()
    live = LiveMap(viewed.stage, 0.6)
    live.show(PreviewNodes(None, None))
    assert not live.shown
    live.show(PreviewNodes(warped, None))
    assert set(shown(viewed.stage)) == {(warped.GetID(), None, 0.6)}
    live.show(PreviewNodes(warped, total))
    assert set(shown(viewed.stage)) == {(warped.GetID(), total.GetID(), 0.6)}
    display = total.GetDisplayNode()
    assert display.GetColorNode().GetName() == "Uncertainty"
    assert display.GetWindowLevelMin() == 0 and not display.GetAutoWindowLevel()
    display.SetWindowLevelMinMax(0, 123)  # the person may change it meanwhile
    live.show(PreviewNodes(warped, total))
    assert display.GetWindowLevelMax() == 123


def test_a_run_that_comes_to_nothing_gives_the_views_back(viewed):
    from TTAUncertaintyLib.scene.live_map import LiveMap
    from TTAUncertaintyLib.scene.preview import PreviewNodes

    before = shown(viewed.stage)
    live = LiveMap(viewed.stage, 0.6)
    live.show(PreviewNodes(*provisional()))
    assert shown(viewed.stage) != before
    live.restore()
    assert shown(viewed.stage) == before


def test_cancel_gives_the_views_back(desktop_with_views, viewed, result_folder, tmp_path):
    from TTAUncertaintyPanel.run_section import RunSection

    from TTAUncertaintyLib.scene.preview import PreviewNodes

    section = next(s for s in viewed._sections if isinstance(s, RunSection))
    before = shown(viewed.stage)
    viewed.logic.machine.python = fake_python.waiting(tmp_path, result_folder)
    viewed.ui.runButton.click()
    run = viewed.logic.run
    desktop_with_views.wait_until(lambda: run.state.done > 0)
    section._onPreview(PreviewNodes(*provisional()))
    assert shown(viewed.stage) != before
    viewed.ui.runButton.click()
    desktop_with_views.wait_until(lambda: run.ended, 6)
    assert shown(viewed.stage) == before


@pytest.mark.slow
def test_a_real_run_shows_a_provisional_map_that_becomes_the_result(desktop_with_views, viewed):
    desktop, stage = desktop_with_views, viewed.stage
    viewed.ui.presetCombo.setCurrentIndex(0)
    seen = []
    viewed.ui.runButton.click()
    run = viewed.logic.run

    def look():
        foregrounds = {over for _under, over, _opacity in shown(stage)}
        seen.extend(foregrounds - {None})
        return run.ended

    desktop.wait_until(look, 120)
    assert run.state.phase.value == "finished", run.state.problem
    result = viewed.result
    assert result == run.result
    final = result.maps[next(iter(result.maps))].GetID()
    provisional = [identity for identity in seen if identity != final]
    assert provisional, "no provisional map was in the views"
    assert {over for _under, over, _opacity in shown(stage)} == {final}
    assert stage.scene.GetNodeByID(provisional[0]) is None
    red = desktop.picture("Red").astype(int)
    assert (np.ptp(red, axis=2) > 40).mean() > 0.01  # the map's colours over a grey image


def test_another_module_keeps_its_views_while_a_run_goes_on(desktop_with_views, viewed):
    from TTAUncertaintyPanel.run_section import RunSection

    from TTAUncertaintyLib.scene.live_map import LiveMap
    from TTAUncertaintyLib.scene.preview import PreviewNodes

    section = next(s for s in viewed._sections if isinstance(s, RunSection))
    nodes = PreviewNodes(*provisional())

    section._live = LiveMap(viewed.stage, 0.6)
    before = shown(viewed.stage)
    desktop_with_views.leave()
    section._onPreview(nodes)
    assert shown(viewed.stage) == before
    desktop_with_views.open("TTAUncertainty")
    section._onPreview(nodes)
    assert shown(viewed.stage) != before
