"""What the controls of a map offer, and what choosing does to the views; without Qt and trame."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from TTAUncertaintyLib.controls.option import Option
from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.scene.arrays import lattice_of
from TTAUncertaintyLib.scene.layouts import Layout
from TTAUncertaintyLib.scene.map_in_3d import HIGH
from TTAUncertaintyLib.scene.slices import composites
from TTAUncertaintyLib.scene.stage import nodes_of_class
from TTAUncertaintyLib.scene.structures import Structures


def layers(screen: Any, name: str = "Red") -> tuple[Any, Any]:
    node = composites(screen.stage, (name,))[0]
    scene = screen.stage.scene
    ids = (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID())
    return tuple(scene.GetNodeByID(one or "") for one in ids)


def why_not(options: tuple[Option, ...]) -> dict[str, str]:
    return {option.value: option.why_not for option in options if option.why_not}


def test_the_controls_need_neither_qt_nor_trame_nor_torch() -> None:
    words = (
        "import sys\n"
        "for name in ('qt', 'PySide6', 'trame', 'trame_slicer', 'torch'):\n"
        "    sys.modules[name] = None\n"
        "import TTAUncertaintyLib.controls.map_controls, TTAUncertaintyLib.controls.run_view\n"
        "import TTAUncertaintyLib.controls.review_controls\n"
        "import TTAUncertaintyLib.controls.teaching_controls\n"
        "import TTAUncertaintyLib.controls.spread_controls"
    )
    subprocess.run([sys.executable, "-c", words], check=True)


def test_a_new_result_is_looked_at_once_with_the_map_that_says_where(screen, result) -> None:
    assert layers(screen) == (result.warped, result.maps[MapKind.TOTAL])
    assert screen.view.kind == "total"
    assert screen.view.maps[0] == Option("total", "Total uncertainty (mm)")
    assert screen.looked_at == [result.warped]
    screen.controls.on_result(None)
    screen.controls.on_result(result)
    assert screen.looked_at == [result.warped]


def test_a_map_that_was_asked_for_is_kept_for_the_next_result(empty, result) -> None:
    empty.kept = type(empty.kept)(kind="jacobian")
    empty.controls.on_result(result)
    empty.settle()
    assert empty.view.kind == "jacobian"


def test_every_map_keeps_its_own_look(screen) -> None:
    screen.does(threshold=0.1, window=(0.0, 0.5))
    view = screen.does(kind="jacobian")
    assert (view.threshold, view.unit, view.color) == (0.0, "", "Volume change")
    assert not view.in_3d_possible and "mm only" in view.in_3d_words.said()
    view = screen.does(kind="total")
    assert view.threshold == pytest.approx(0.1) and view.window == pytest.approx((0.0, 0.5))
    assert view.color == "Uncertainty" and view.in_3d_possible


def test_sliders_reach_over_all_values_and_over_what_is_chosen(screen) -> None:
    assert screen.does(threshold=7.0).limits.high >= 7.0
    assert screen.does(threshold=0.0, window=(-3.0, 0.5)).limits.low == -3.0


def test_choices_that_make_no_sense_come_to_the_map_s_own(screen) -> None:
    own = screen.view
    view = screen.does(color="Nothing", window=(1.0, 1.0), layout="x", transform="x", opacity=7.0)
    assert (view.color, view.window, view.transform) == (own.color, own.window, "none")
    assert composites(screen.stage)[0].GetForegroundOpacity() == 1.0


@pytest.mark.parametrize(("image", "role"), [("fixed", "fixed"), ("moving", "moving")])
def test_another_image_goes_under_the_map_and_ends_a_comparison(
    screen, result, image, role
) -> None:
    screen.does(compare="checkerboard")
    assert screen.view.background == ""  # two images are in one
    view = screen.does(background=image)
    assert layers(screen)[0] is getattr(result, role)
    assert (view.background, view.compare) == (image, "none")


def test_two_images_take_turns_and_it_is_said_which(screen, result) -> None:
    screen.does(compare="flicker")
    seen = []
    for _ in range(4):
        seen.append((screen.view.turn, layers(screen)[0]))
        assert screen.view.background == screen.view.turn
        screen.clock.tick()
    warped, fixed = ("warped", result.warped), ("fixed", result.fixed)
    assert seen == [warped, fixed, warped, fixed]
    screen.clock.tick()
    view = screen.does(compare="none")
    assert (view.turn, view.background) == ("", "warped")
    assert layers(screen)[0] is result.warped


def test_side_by_side_only_the_view_of_the_map_flickers(screen, result) -> None:
    screen.does(layout="side-by-side")
    screen.does(compare="flicker")
    screen.clock.tick()
    assert screen.view.turn == "fixed"
    shown = [layers(screen, name)[0] for name in ("TTAFixed", "TTAWarped", "TTAMap")]
    assert shown == [result.fixed, result.warped, result.fixed]


def test_views_hold_still_while_the_person_is_elsewhere(screen, result) -> None:
    screen.does(compare="flicker")
    screen.clock.tick()
    screen.controls.exit()
    assert layers(screen)[0] is result.warped
    assert not any(timer.active for timer in screen.clock.timers)
    screen.controls.enter()
    screen.clock.tick()
    assert layers(screen)[0] is result.fixed


def test_while_something_else_has_the_views_choices_wait(screen, result) -> None:
    screen.controls.suspend()
    screen.does(background="fixed")
    assert layers(screen)[0] is result.warped
    screen.controls.show_again()
    assert layers(screen)[0] is result.fixed


def test_surfaces_in_3d_follow_the_threshold_when_it_rests(screen, result) -> None:
    screen.does(threshold=0.05)
    assert screen.does(in_3d=True).in_3d
    assert screen.looked_at[-1] == "3D"
    first = result.reference(HIGH).GetName()
    assert screen.does(threshold=0.1).in_3d_words.said().startswith("Regions above 0.10 mm")
    assert result.reference(HIGH).GetName() == first
    screen.clock.tick()
    assert result.reference(HIGH).GetName() != first


def test_what_is_not_in_the_scene_cannot_be_chosen_and_says_why(empty, stage, result) -> None:
    for node in (result.fixed, result.moving, result.transform):
        stage.scene.RemoveNode(node)
    empty.controls.on_result(result)
    empty.settle()
    view = empty.view
    assert set(why_not(view.backgrounds)) == {"fixed", "moving"}
    assert set(why_not(view.comparisons)) == {"flicker", "checkerboard", "difference"}
    assert set(why_not(view.transforms)) == {"grid", "glyphs"}
    assert "moving volume" in why_not(view.backgrounds)["moving"]
    before = empty.kept
    for fields in ({"background": "fixed"}, {"compare": "flicker"}, {"transform": "grid"}):
        empty.does(**fields)
    empty.controls.toggle(compare="checkerboard")
    assert empty.kept == before
    empty.kept = type(before)(compare="flicker")  # as a scene that was saved with it
    empty.controls.follow()
    assert empty.view.compare == "none" and layers(empty)[0] is result.warped


def test_maps_that_have_left_the_scene_are_said_to_be_gone(screen, stage, result) -> None:
    for volume in list(result.maps.values()):
        stage.scene.RemoveNode(volume)
    screen.controls.follow()
    assert "not in the scene any more" in screen.view.meaning and screen.view.maps == ()


def test_keys_step_through_the_maps_and_switch_things_on_and_off(screen) -> None:
    kinds = [option.value for option in screen.view.maps]
    seen = []
    for _ in kinds:
        screen.controls.step()
        screen.settle()
        seen.append(screen.view.kind)
    assert seen == [*kinds[1:], kinds[0]]
    for expected in ("grid", "none"):
        screen.controls.toggle(transform="grid")
        screen.settle()
        assert screen.view.transform == expected
    for expected in (Layout.SIDE_BY_SIDE, Layout.FOUR_UP):
        screen.controls.other_layout()
        screen.settle()
        assert screen.view.layout == expected.value
        assert screen.arranged[-1] == (expected, False)


def test_another_result_leaves_nothing_of_the_first_in_the_views(screen, stage, result) -> None:
    screen.does(threshold=0.05)
    screen.does(in_3d=True, transform="grid")
    volume = result.maps[MapKind.TOTAL]
    legend = stage.logic("Colors").GetColorLegendDisplayNode(volume)
    assert legend.GetVisibility()
    screen.controls.on_result(None)
    assert not legend.GetVisibility()
    assert not result.reference(HIGH).GetDisplayVisibility()
    assert not result.transform.GetDisplayNode().GetVisibility()


def outlined(screen: Any) -> dict[str, list[str]]:
    """Return the segmentations that are drawn, with the names of their segments."""
    nodes = nodes_of_class(screen.stage.scene, "vtkMRMLSegmentationNode")
    return {
        node.GetName().partition(" - ")[0]: [
            node.GetSegmentation().GetNthSegment(n).GetName()
            for n in range(node.GetSegmentation().GetNumberOfSegments())
        ]
        for node in nodes
        if node.GetDisplayVisibility()
    }


def test_outlines_are_of_one_thing_at_a_time_and_go_with_the_result(
    screen: Any, result: Any
) -> None:
    halves = {"Labels": ["Left half", "Right half"]}
    assert outlined(screen) == {}
    screen.does(outlines="labels")
    assert outlined(screen) == halves
    screen.does(outlines="edges")
    assert outlined(screen) == {"Outlines": ["Edge 1", "Edge 2"]}
    screen.does(outlines="structures")  # there are none: it cannot be chosen
    assert screen.kept.outlines == "edges"
    lattice = lattice_of(result.warped)
    drawn = np.zeros(lattice.array_shape, np.uint8)
    drawn[5:15, 5:15, 5:15] = 3
    screen.labels = Structures(drawn, lattice, {3: "Cube"}, {3: (1, 2, 3)})
    screen.controls.follow()
    screen.does(outlines="structures")
    assert outlined(screen) == {"Outlines": ["Cube"]}
    screen.does(outlines="labels")
    assert outlined(screen) == halves
    screen.controls.on_result(None)
    assert outlined(screen) == {}
    screen.controls.on_result(result)
    screen.settle()
    assert outlined(screen) == halves  # as it was shown last


def test_what_cannot_be_outlined_says_why(screen: Any, result: Any) -> None:
    assert {one.value: bool(one.why_not) for one in screen.view.outlines} == {
        "none": False,
        "labels": False,
        "bands": True,
        "structures": True,
        "edges": False,
    }
    screen.stage.scene.RemoveNode(result.labels)
    screen.stage.scene.RemoveNode(result.fixed)
    screen.controls.follow()
    assert [one.value for one in screen.view.outlines if not one.why_not] == ["none"]
