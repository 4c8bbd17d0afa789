"""A calibration is chosen under Advanced; a calibrated result begins with its expected error."""

from __future__ import annotations

import json

import pytest
from support.calibrations import PROVENANCE, made_up
from support.tool_tips import tool_tip

pytest_plugins = ["support.module_desktop", "support.panel_desktop"]


def written_calibration(folder, model="pyramid-flow"):
    from TTAUncertaintyLib.calibration import write_calibration

    record = {
        "model": {"name": model, "weights": {"sha256": "ab" * 32}, "options": {}},
        "design": {"family": "rigid"},
        "network_lattices": {"fixed": {"spacing_mm": [2.0, 2.0, 2.0]}},
    }
    file = folder / f"{model} <own>.json"
    write_calibration(file, made_up(record))
    return file


def test_a_calibration_of_ones_own_is_used_and_given_back(desktop, ready, tmp_path):
    from TTAUncertaintyPanel.jobs import job_within

    def in_the_job():
        machine, output = ready.logic.machine, tmp_path / "out"
        return job_within(tmp_path, ready.parameters, machine, output).calibration

    label = ready.ui.calibrationLabel
    assert "comes with this model" in label.text and in_the_job() is None
    file = written_calibration(tmp_path)
    desktop.answer("")  # the person changes their mind
    label.linkActivated.emit("choose")
    assert in_the_job() is None
    desktop.answer(file)
    label.linkActivated.emit("choose")
    assert in_the_job() == file
    assert "&lt;own&gt;.json" in label.text and tool_tip(label) == str(file)
    file.unlink()
    ready.settingsChanged()
    assert not ready.ui.runButton.enabled and "calibration" in ready.ui.reasonLabel.text
    label.linkActivated.emit("own")
    assert in_the_job() is None and ready.ui.runButton.enabled


def test_what_is_no_calibration_of_this_model_is_refused_at_once(desktop, ready, tmp_path):
    other = written_calibration(tmp_path, "lapirn")
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    for file, says in ((other, "of lapirn, not of pyramid-flow"), (broken, "'schema' is missing")):
        desktop.answer(file)
        ready.ui.calibrationLabel.linkActivated.emit("choose")
        assert says in ready.ui.messageLabel.text
        assert ready.logic.machine.calibrationFile("pyramid-flow") is None


@pytest.fixture
def calibrated_folder(result_folder, tmp_path):
    """The result as a calibration would have made it; its maps are those of the total."""
    import numpy as np
    import SimpleITK as sitk

    for path in result_folder.iterdir():
        if path.name != "result.json":
            (tmp_path / path.name).symlink_to(path)
    record = json.loads((result_folder / "result.json").read_text())
    total = sitk.ReadImage(str(result_folder / "uncertainty_total.nrrd"))
    values = sitk.GetArrayFromImage(total)
    marks = (values > np.nanmedian(values)).astype(np.uint8)
    for name, array in (
        ("expected_error", values),
        ("error_bound", 2 * values),
        ("outside_calibration", marks),
    ):
        image = sitk.GetImageFromArray(array)
        image.CopyInformation(total)
        (tmp_path / f"{name}.nrrd").unlink(missing_ok=True)
        sitk.WriteImage(image, str(tmp_path / f"{name}.nrrd"))
        record["files"][name] = f"{name}.nrrd"
    record["calibrated"] = True
    record["calibration"] = {"model": "m", "provenance": PROVENANCE, "region_outside_fraction": 0.5}
    (tmp_path / "result.json").write_text(json.dumps(record))
    return tmp_path


def test_a_calibrated_result_begins_with_its_expected_error(desktop, ready, calibrated_folder):
    ready.setResult(ready.logic.loadResult(calibrated_folder))
    ui = ready.ui
    assert ui.mapCombo.currentText == "Expected error (mm)"
    titles = [ui.mapCombo.itemText(row) for row in range(ui.mapCombo.count)]
    assert {"Error bound (90 %) (mm)", "Total uncertainty (mm)"} <= set(titles)
    assert "50.0 % of the region" in ui.meaningLabel.text
    assert "Calibrated on 12 registrations of 2 subjects, 2026-11-20" in ui.resultLabel.text
    assert ready.parameters.mapColor == "Error"
    row = ui.mapCombo.findData("total")
    ui.mapCombo.setCurrentIndex(row)
    ui.mapCombo.activated.emit(row)
    assert ready.parameters.mapColor == "Uncertainty"
    assert "%" not in ui.meaningLabel.text


def test_a_map_that_was_asked_for_is_shown_of_the_next_result_too(ready, calibrated_folder):
    ready.parameters.mapKind = "inverse_consistency"
    ready.setResult(ready.logic.loadResult(calibrated_folder))
    assert ready.ui.mapCombo.currentData == "inverse_consistency"
