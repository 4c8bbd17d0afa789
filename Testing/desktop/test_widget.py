"""The panel as a whole: opened, left, filled from a scene, closed, reloaded."""

from __future__ import annotations

import slicer
from support import fake_python

pytest_plugins = ["support.module_desktop", "support.panel_desktop"]


def begin(desktop, panel, python):
    """Press Run and wait until passes arrive."""
    panel.logic.machine.python = python
    panel.ui.runButton.click()
    run = panel.logic.run
    desktop.wait_until(lambda: run.state.done > 0 or run.ended)
    return run


class Listener:
    """A section that writes down what it is told."""

    def __init__(self):
        self.heard = []

    def onResultChanged(self, result):  # noqa: N802
        self.heard.append(result)


def test_opening_the_panel_asks_loads_and_starts_nothing(desktop, panel):
    from TTAUncertaintyPanel.requirements import TorchState

    assert panel.logic.torchCheck.answer.state in (TorchState.UNKNOWN, TorchState.PRESENT)
    assert panel.logic.torchCheck._process is None
    assert panel.logic.run is None
    assert desktop.messages == [] and desktop.warnings == []


def test_the_panel_and_the_scene_say_the_same(desktop, ready, pair):
    ready.parameters.movingVolume = None
    assert ready.ui.movingSelector.currentNode() is None
    ready.ui.movingSelector.setCurrentNode(pair[1])
    assert ready.parameters.movingVolume is pair[1]
    ready.parameters.seed = 41
    assert ready.ui.seed.value == 41
    ready.ui.keepRegistrations.checked = True
    assert ready.parameters.keepRegistrations is True
    ready.ui.presetCombo.setCurrentIndex(ready.ui.presetCombo.findText("Thorough"))
    assert ready.parameters.preset == "thorough"


def test_every_section_is_told_once_which_result_is_shown(ready, pair, result_folder):
    listener = Listener()
    ready._sections.append(listener)
    result = ready.logic.loadResult(result_folder, *pair)
    ready.setResult(result)
    ready.setResult(result)
    ready.parameters.opacity = 0.5  # another change tells nothing of the result
    assert listener.heard == [result] == [ready.result]
    ready.setResult(None)
    assert listener.heard == [result, None] and ready.result is None


def test_a_result_that_is_deleted_is_not_shown_any_more(desktop, ready, pair, result_folder):
    listener = Listener()
    ready._sections.append(listener)
    result = ready.logic.loadResult(result_folder, *pair)
    ready.setResult(result)
    result.remove()
    desktop.process_events(0.05)
    assert listener.heard[-1] is None and ready.result is None


def test_a_closed_scene_empties_the_panel_and_a_new_one_fills_it(desktop, ready):
    from support.module_desktop import FIXED, add_volume

    desktop.close_scene()
    desktop.process_events(0.05)
    assert ready.parameters.fixedVolume is None
    assert ready.ui.fixedSelector.currentNode() is None
    assert ready.ui.emptyLabel.visible
    assert not ready.ui.runButton.enabled
    volume = add_volume("another", FIXED)
    desktop.process_events(0.05)
    assert ready.parameters.fixedVolume is volume
    assert not ready.ui.emptyLabel.visible


def test_a_saved_scene_brings_back_every_choice_and_the_result(
    desktop, ready, pair, result_folder, tmp_path
):
    ready.setResult(ready.logic.loadResult(result_folder, *pair))
    title = ready.result.title
    ready.parameters.preset = "paper"
    ready.parameters.start = "mass"
    ready.ui.swapButton.click()
    desktop.save_scene(tmp_path / "study.mrb")
    desktop.open_scene(tmp_path / "study.mrb")
    desktop.process_events(0.1)
    parameters = ready.parameters
    assert (parameters.preset, parameters.start) == ("paper", "mass")
    assert parameters.fixedVolume.GetName() == pair_names()[1]
    assert parameters.movingVolume.GetName() == pair_names()[0]
    assert ready.ui.fixedSelector.currentNode() is parameters.fixedVolume
    assert ready.ui.presetCombo.currentText == "Paper"
    assert ready.result is not None and ready.result.title == title


def test_nothing_acts_while_a_scene_is_imported_and_all_of_it_is_told_at_the_end(
    desktop, ready, pair, result_folder, tmp_path
):
    ready.setResult(ready.logic.loadResult(result_folder, *pair))
    ready.ui.thresholdSlider.value = 0.4
    ready.ui.reviewSection.collapsed = False
    desktop.process_events(0.5)
    shown = what_is_shown(ready)
    desktop.save_scene(tmp_path / "study.mrb")
    scene, told = slicer.mrmlScene, Listener()
    ready._sections.append(told)
    meanwhile = []

    def handle_events(*_):
        if scene.IsImporting():  # as Slicer's progress window does
            desktop.process_events(0.02)
            meanwhile.append((ready.parameters, tuple(told.heard)))

    tag = scene.AddObserver(scene.NodeAddedEvent, handle_events)
    desktop.open_scene(tmp_path / "study.mrb")
    scene.RemoveObserver(tag)
    desktop.process_events(0.5)
    assert set(meanwhile) == {(None, (None,))}  # told that the scene was closed, and no more
    assert told.heard == [None, ready.result] and ready.result is not None
    assert what_is_shown(ready) == shown


def test_nothing_is_shown_again_in_the_middle_of_being_shown(desktop, ready, pair, result_folder):
    scene, depth, depths = slicer.mrmlScene, [], []

    def handle_events(*_):
        """Do as Slicer's progress window, which is up for a moment after an import has ended."""
        depth.append(None)
        depths.append(len(depth))
        if len(depth) < 10:
            desktop.process_events(0.02)
        depth.pop()

    tag = scene.AddObserver(scene.NodeAddedEvent, handle_events, -1000.0)
    ready.setResult(ready.logic.loadResult(result_folder, *pair))
    scene.RemoveObserver(tag)
    assert max(depths) <= 2  # a node of the result, and in the middle of it one to show it with
    assert ready.result is not None and ready.ui.mapContents.visible


def test_a_scene_that_is_added_to_the_one_that_is_shown_is_told_as_a_whole(
    desktop, ready, pair, result_folder, tmp_path
):
    desktop.save_scene(tmp_path / "other.mrb")
    result = ready.logic.loadResult(result_folder, *pair)
    ready.setResult(result)
    told = Listener()
    ready._sections.append(told)
    slicer.mrmlScene.ReadFromMRB(str(tmp_path / "other.mrb"), False)
    desktop.process_events(0.1)
    # the study's choices came with the other scene, which has no result of its own
    assert ready.parameters is not None and ready.result == result
    assert told.heard[-1] == result and ready.ui.mapContents.visible


def what_is_shown(panel):
    """The words and numbers of the map and of the review."""
    ui = panel.ui
    return (
        [ui.mapCombo.itemText(row) for row in range(ui.mapCombo.count)],
        (ui.mapCombo.currentText, ui.colorCombo.currentText, ui.meaningLabel.text),
        ui.resultCombo.currentText,
        (ui.thresholdSlider.value, ui.windowRange.maximumValue),
        (ui.hotSpotsTable.rowCount, ui.hotSpotsLabel.text, ui.noReviewLabel.isHidden()),
    )


def pair_names():
    return "Köpfchen", "bewegtes Köpfchen"


def test_a_run_goes_on_while_another_module_is_shown(desktop, ready, result_folder, tmp_path):
    run = begin(desktop, ready, fake_python.waiting(tmp_path, result_folder))
    desktop.leave()
    done = run.state.done
    desktop.process_events(0.3)
    assert not run.ended and run.state.done >= done
    run.stopAndKeep()
    desktop.wait_until(lambda: run.ended)
    desktop.open("TTAUncertainty")
    assert ready.result == run.result
    assert ready.ui.runButton.text == "Run"


def test_closing_the_scene_ends_a_run_and_the_panel_can_run_again(
    desktop, ready, result_folder, tmp_path
):
    run = begin(desktop, ready, fake_python.waiting(tmp_path, result_folder))
    desktop.close_scene()
    desktop.wait_until(lambda: run.ended)
    assert run.state.phase.value == "cancelled"
    assert ready.result is None and ready.logic.results() == []
    assert ready.ui.runButton.text == "Run" and not ready.ui.stopButton.visible
    assert not ready.ui.messageFrame.visible


def test_reloading_ends_a_run_and_gives_a_panel_made_of_new_code(
    desktop, ready, result_folder, tmp_path
):
    run = begin(desktop, ready, fake_python.waiting(tmp_path, result_folder))
    before = type(ready)
    fresh = desktop.reload(ready)
    assert run.ended and not ready.logic.running
    assert type(fresh) is not before and type(fresh).__name__ == "TTAUncertaintyWidget"
    desktop.process_events(0.05)
    assert fresh.ui.runButton.enabled
    assert fresh.parameters.fixedVolume is not None
    seed = fresh.parameters.seed
    ready.ui.seed.value = seed + 1  # the old panel's widgets lead nowhere
    assert fresh.parameters.seed == seed


def test_a_panel_made_while_it_is_shown_shows_the_study_at_once(desktop, ready, pair):
    parent = ready.parent
    assert parent.isEntered
    ready.cleanup()  # Slicer's Reload: this, then setup() of a new panel, and no enter()
    fresh = type(ready)(parent)
    fresh.setup()
    try:
        desktop.process_events(0.05)
        assert fresh.entered and fresh.parameters.fixedVolume is pair[0]
        assert fresh.ui.runButton.enabled
    finally:
        fresh.cleanup()


def test_quitting_ends_a_run(desktop, ready, result_folder, tmp_path):
    run = begin(desktop, ready, fake_python.waiting(tmp_path, result_folder))
    desktop.quit()
    assert run.ended


def test_the_panel_is_as_high_as_its_words_at_its_width(desktop, ready, pair, result_folder):
    import qt

    form = ready.ui.inputsSection.parent()
    around = desktop.window.findChild(qt.QWidget, "ModulePanel")
    ready.setResult(ready.logic.loadResult(result_folder, *pair))

    def fits():
        return form.minimumHeight == form.layout().totalHeightForWidth(form.width)

    for width in (520, 450, 600):
        around.setFixedWidth(width)
        desktop.wait_until(lambda width=width: width - 60 < form.width < width and fits(), 5)
        quiet = form.minimumHeight
        ready.showProblem("One line after another. " * 20)
        desktop.wait_until(lambda quiet=quiet: fits() and form.minimumHeight > quiet, 5)
        ready.ui.dismissButton.click()
    around.setMinimumWidth(0)
    around.setMaximumWidth(16777215)


def test_no_line_is_squashed_after_another_module_was_shown(desktop, ready):
    import qt

    ready.showProblem("One line after another. " * 20)
    for _ in range(2):
        desktop.leave()
        desktop.process_events(0.1)
        assert desktop.open("TTAUncertainty") is ready
        desktop.process_events(0.1)
        labels = [found for found in ready.parent.findChildren(qt.QLabel) if found.visible]
        wrapped = [found for found in labels if found.wordWrap]
        assert ready.ui.messageLabel in wrapped
        for label in wrapped:
            assert label.height >= label.heightForWidth(label.width), label.text


def test_the_panels_width_is_the_same_whatever_it_says(desktop, ready, pair, result_folder):
    from TTAUncertaintyPanel.progress import ProgressDisplay

    from TTAUncertaintyLib.worker import Phase, RunState, StandardError

    def narrowest():
        desktop.process_events(0.05)
        return form.minimumWidth

    form = ready.ui.inputsSection.parent()
    widths = {narrowest()}
    display = ProgressDisplay(ready.ui)
    known = StandardError(0.0314, 0.06)
    display.show(RunState(Phase.PERTURBING, 127, 128, 75.0, standard_error=known))
    widths.add(narrowest())
    display.show(RunState(Phase.FINISHED, 128, 128, 75.0, standard_error=known, complete=True))
    widths.add(narrowest())
    ready.showProblem("No_break_in_" * 20, "/and/a/long/path/" * 20)
    widths.add(narrowest())
    pair[0].SetName("A name that somebody gave in a hurry and never changed " * 3)
    ready.setResult(ready.logic.loadResult(result_folder, *pair))
    widths.add(narrowest())
    assert len(widths) == 1  # and the map section, which a result unfolds, is no wider
    assert min(widths) >= form.layout().minimumSize().width() > 0  # nothing is cut off


def test_what_runs_have_made_is_not_offered_as_an_input(desktop, ready, pair, result_folder):
    result = ready.logic.loadResult(result_folder, *pair)
    ready.setResult(result)
    ready.ui.reviewSection.collapsed = False
    desktop.process_events(0.5)
    own = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "of the person")
    desktop.process_events(0.05)

    def offered(selector):
        return [selector.nodeFromIndex(n) for n in range(selector.nodeCount())]

    ui = ready.ui
    assert (
        set(offered(ui.fixedSelector)) == set(offered(ui.movingSelector)) == {*pair, result.warped}
    )
    assert offered(ui.structures) == offered(ui.initialTransform) == []
    assert offered(ui.landmarksFixedSelector) == offered(ui.landmarksMovingSelector) == [own]
    # an older scene may have chosen one: nothing is taken away from the person
    ready.parameters.structures = result.region
    desktop.process_events(0.05)
    ready.setResult(None)
    desktop.process_events(0.05)
    assert ui.structures.currentNode() is ready.parameters.structures is result.region


def test_the_panel_fits_into_the_width_that_slicer_gives_it(desktop, ready):
    ready.ui.advancedSection.collapsed = False
    desktop.process_events(0.05)
    assert ready.ui.inputsSection.parent().minimumSizeHint.width() <= 480
