"""A run that found nothing, or nonsense, is no success; what is doubtful is said."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from support.manifests import write_manifest
from support.phantom import FIXED, phantom, write, write_pair

from TTAUncertaintyLib.errors import ModelError, TTAUncertaintyError
from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.worker import Job
from TTAUncertaintyLib.worker.messages import Voice
from TTAUncertaintyLib.worker.perform import perform

NETWORK = """
    import torch

    class Net(torch.nn.Module):
        def __init__(self, manifest):
            super().__init__()
            self.passes = 0

        def forward(self, moving, fixed):
            self.passes += 1
            field = torch.cat((moving, fixed, moving - fixed), 1)
            return {answer}
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    fixed, moving = write_pair(tmp_path / "images")
    quick = DesignRequest(Preset.QUICK)
    return Job(fixed, moving, tmp_path / "result", design=quick, prealign=None)


@pytest.fixture
def answering(job: Job, tmp_path: Path) -> Callable[[str], Job]:
    """A job with a network that answers an expression, in voxels of 3 mm."""

    def make(answer: str) -> Job:
        path = tmp_path / "own.py"
        path.write_text(dedent(NETWORK.format(answer=answer)))
        manifest = write_manifest(tmp_path, path, kind="python", **{"class": "Net"})
        return replace(job, model=str(manifest), trust_code=True)

    return make


def told(job: Job) -> tuple[list[str], str]:
    """Do a job; returns the notes of its record, after they were said aloud too, and its report."""
    heard = io.StringIO()
    perform(job, Voice(heard))
    said = [json.loads(line) for line in heard.getvalue().splitlines()]
    aloud = {message["text"] for message in said if message["type"] == "note"}
    bundle = Bundle.open(job.output)
    notes = bundle.record["notes"]
    assert set(notes) <= aloud
    return notes, bundle.report.read_text(encoding="utf-8")


def refused(job: Job) -> TTAUncertaintyError:
    with pytest.raises(ModelError) as caught:
        perform(job, Voice(io.StringIO()))
    assert not job.output.exists()
    return caught.value


def test_a_network_that_sends_everything_out_of_the_image_is_refused(
    answering: Callable[[str], Job],
) -> None:
    said = str(refused(answering("1e8 + field")))
    assert "outside the moving image" in said and "100" in said


def test_a_network_that_sends_a_part_far_out_is_told(answering: Callable[[str], Job]) -> None:
    far = "field * 0.1 + 400 * (torch.arange(fixed.shape[-1]) < 0.25 * fixed.shape[-1]).float()"
    notes, report = told(answering(far))
    assert any("outside the moving image" in note for note in notes)
    assert "outside the moving image" in report


def test_answers_further_apart_than_the_image_is_wide_are_refused(
    answering: Callable[[str], Job],
) -> None:
    said = str(refused(answering("field * 0.1 + (self.passes > 2) * self.passes * 1e6")))
    assert "further apart" in said


@pytest.mark.parametrize("value", ["torch.nan", "torch.inf"])
@pytest.mark.parametrize("when", ["self.passes == 1", "self.passes == 6"])
def test_a_network_that_answers_no_numbers_is_refused(
    answering: Callable[[str], Job], value: str, when: str
) -> None:
    said = str(refused(answering(f"field.fill_({value}) if {when} else field")))
    assert "NaN or infinite" in said


def test_no_numbers_from_a_network_of_this_software_are_refused(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reduced precision overflows to them; nothing but the engine looks at these answers."""
    from TTAUncertaintyLib.models.adapters.pyramid_flow import PyramidFlow

    predict = PyramidFlow.predict
    monkeypatch.setattr(PyramidFlow, "predict", lambda *a: predict(*a).log_().neg_().sqrt_())
    assert "NaN or infinite" in str(refused(job))


def test_a_sound_run_has_no_remarks(job: Job) -> None:
    notes, _ = told(replace(job, model="pyramid-flow-any", use_calibration=False))
    assert notes == []


def test_images_that_are_no_brains_are_told_to_the_network_for_brains(job: Job) -> None:
    notes, report = told(replace(job, use_calibration=False))
    assert len(notes) == 1 and notes[0].endswith("the model pyramid-flow-any.")
    assert "pyramid-flow-any" in report


def test_anatomy_of_another_size_is_told_with_its_size(job: Job) -> None:
    notes, report = told(replace(job, model="pyramid-flow-any"))
    assert len(notes) == 1 and "cm3" in notes[0] and "outside" in notes[0]
    assert "cm3" in report


def test_extreme_voxels_are_told_and_leave_the_region(job: Job) -> None:
    told(job)
    before = Bundle.open(job.output).record["summary"]["region_voxels"]
    array = phantom(FIXED)
    array[0, 0, 0] = 1000 * array.max()
    write(job.fixed, array)
    again = replace(job, output=job.output.with_name("again"))
    notes, _ = told(again)
    assert any("1 voxel" in note and "fixed.nii.gz" in note for note in notes)
    found = Bundle.open(again.output).record["summary"]["region_voxels"]
    assert abs(found - before) < 0.03 * before


def test_a_region_without_an_estimate_is_told(job: Job, answering: Callable[[str], Job]) -> None:
    """A mask where the network does not look: the maps stand, and have no numbers."""
    mask = job.fixed.with_name("mask.nrrd")
    inside = np.zeros(FIXED.array_shape, np.float32)
    inside[0, 0, 0] = 1
    write(mask, inside)
    small = answering("field * 0.1")
    values = json.loads(Path(small.model).read_text())
    values["input"] |= {"shape": [8, 8, 8], "multiple": 1}
    Path(small.model).write_text(json.dumps(values))
    notes, _ = told(replace(small, mask=mask))
    assert any("no estimate" in note for note in notes)
