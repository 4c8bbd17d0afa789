"""The section Work list: a study gone through pair by pair, in files of the reviewer's own."""

from __future__ import annotations

import shutil

import pytest

from TTAUncertaintyLib.cohort.ratings import Ratings, read_ratings
from TTAUncertaintyLib.review import Verdict, review_from_json

pytest_plugins = ["support.module_desktop", "support.panel_desktop"]


@pytest.fixture
def study(tmp_path, result_folder):
    """Two pairs with bundles, the second the worse one, and one that failed."""
    folder = tmp_path / "study"
    rows = ["pair\tgroup\tstate\treason\tflags\ttotal_p95\ttotal_maximum"]
    for name, p95 in (("better", 1), ("worse", 3)):
        shutil.copytree(result_folder, folder / "pairs" / name / "result")
        rows.append(f"{name}\told\tdone\t\t\t{p95}\t{p95 + 1}")
    rows.append("lost\tyoung\tfailed\tIt crashed.\t\t\t")
    (folder / "study.json").write_text('{"schema_version": 1, "settings": {}}')
    (folder / "results.tsv").write_text("\n".join(rows) + "\n")
    Ratings(folder / "ratings", "bob").say("worse", grade=4, comment="a fold")
    return folder


def names(ui):
    table = ui.workTable
    return [table.item(row, 0).text().split("\n")[0] for row in range(table.rowCount)]


def test_a_study_is_gone_through_with_grades_in_a_file_of_ones_own(desktop, panel, study):
    import slicer

    from TTAUncertaintyLib.scene.loading import folder_of

    ui = panel.ui
    assert ui.workSection.isHidden()
    desktop.answer(str(study))
    ui.openResultButton.click()
    desktop.wait_until(lambda: panel.result)
    assert not ui.workSection.isHidden() and names(ui) == ["worse", "better"]
    assert folder_of(panel.result) == study / "pairs" / "worse" / "result"
    line = ui.reviewer
    line.text = "ann"
    line.editingFinished.emit()
    section = next(s for s in panel._sections if type(s).__name__ == "WorkSection")
    assert section._controls.study.reviewer == "ann"

    section._controls.grade(3)
    assert read_ratings(study / "ratings" / "ann.tsv")["worse"].grade == 3
    assert "1 of 2 graded" in ui.workLabel.text and ui.workOthersLabel.isHidden()
    ui.others.checked = True
    assert "bob 4 a fold" in ui.workOthersLabel.text

    review = next(s for s in panel._sections if type(s).__name__ == "ReviewSection")
    review._controls.decide_overall("reject")
    own = study / "ratings" / "ann" / "worse.json"
    assert review_from_json(own.read_text()).verdict is Verdict.REJECT
    assert read_ratings(study / "ratings" / "ann.tsv")["worse"].verdict == "reject"
    assert not (study / "pairs" / "worse" / "result" / "review.json").exists()

    assert section._prepared.folder == study / "pairs" / "better" / "result"
    first, fixed = panel.result, panel.result.fixed
    ui.workNextButton.click()
    desktop.wait_until(lambda: panel.result and panel.result != first)
    assert folder_of(panel.result) == study / "pairs" / "better" / "result"
    assert panel.logic.results() == [panel.result]  # those before are not piled up
    assert panel.result.fixed is fixed and ui.workPlaceLabel.text == "2 of 2"
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScriptedModuleNode") >= 1
    ui.workNextButton.click()  # the list ends
    ui.workPreviousButton.click()
    desktop.wait_until(lambda: folder_of(panel.result).parent.name == "worse")
    assert review._controls.review.verdict is Verdict.REJECT  # it goes on where it was

    ui.state.setCurrentIndex(ui.state.findData("failed"))
    assert names(ui) == ["lost"]
    shown = panel.result
    section._controls.go(0)
    assert "lost: failed: It crashed." in ui.workLabel.text and panel.result == shown
    ui.workCloseButton.click()
    assert ui.workSection.isHidden() and panel.result == shown
