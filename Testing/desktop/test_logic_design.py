"""From the panel's numbers to the design of a run: nothing is lost, nothing is made up."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "TTAUncertainty"))

from TTAUncertaintyPanel.choices import RunChoices
from TTAUncertaintyPanel.design import (
    DESIGN_FIELDS,
    PRESETS,
    design_request,
    passes,
    preset_fields,
    resolved,
    typical_lattice,
)

from TTAUncertaintyLib.errors import DesignError
from TTAUncertaintyLib.perturbations import PAPER_FAMILIES, DesignRequest, Preset


@pytest.mark.parametrize("preset", PRESETS)
def test_customising_without_changing_anything_is_the_preset_itself(preset):
    plain = RunChoices(preset=preset, **preset_fields(preset, "pyramid-flow"))
    custom = plain.changed(customise=True)
    lattice = typical_lattice("pyramid-flow")
    expected = DesignRequest(Preset(preset)).resolve(lattice)
    assert design_request(plain).resolve(lattice) == expected
    assert design_request(custom).resolve(lattice) == expected


def test_a_preset_ignores_the_numbers_of_the_folded_section():
    scrambled = RunChoices(preset="quick", outer=77, translationMm=9.0, family="shear")
    assert resolved(scrambled) == resolved(RunChoices(preset="quick"))


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("family", "affine", lambda design: design.family.value),
        ("sampling", "sobol", lambda design: design.sampling.value),
        ("noise", "dropout", lambda design: design.noise.value),
        ("outer", 12, lambda design: design.outer),
        ("replicates", 3, lambda design: design.replicates),
        ("translationMm", 1.25, lambda design: design.amplitudes.translation_mm),
        ("rotationDeg", 2.5, lambda design: design.amplitudes.rotation_deg),
        ("scalePercent", 3.0, lambda design: design.amplitudes.scale * 100),
        ("shear", 0.03, lambda design: design.amplitudes.shear),
        ("elasticMm", 4.0, lambda design: design.amplitudes.elastic_mm),
        ("elasticSpacingMm", 30.0, lambda design: design.amplitudes.elastic_spacing_mm),
    ],
)
def test_one_changed_number_changes_that_and_nothing_else(field, value, read):
    before = resolved(RunChoices())
    after = resolved(RunChoices().changed(**{field: value}))
    assert read(after) == (pytest.approx(value) if isinstance(value, float) else value)
    names = {member.name for member in fields(before)}
    differing = {name for name in names if getattr(before, name) != getattr(after, name)}
    assert differing == {field if field in names else "amplitudes", "name"}
    assert after.name.startswith("custom")


def test_every_field_of_the_folded_section_is_tried_above():
    tried = test_one_changed_number_changes_that_and_nothing_else.pytestmark[0].args[1]
    assert {field for field, *_ in tried} == set(DESIGN_FIELDS)


@pytest.mark.parametrize("family", [member.value for member in PAPER_FAMILIES])
def test_the_papers_protocol_follows_the_family_and_keeps_its_amplitudes_per_axis(family):
    choices = RunChoices().changed(preset="paper", family=family)
    design = resolved(choices)
    assert design.name == f"paper-{family}"
    assert not choices.customise
    assert len(design.amplitudes.translation_mm) == 3


def test_the_papers_protocol_has_a_family_of_its_own_whatever_the_panel_showed_before():
    assert resolved(RunChoices(preset="paper", family="rigid")).name == "paper-translation"


def test_a_changed_preset_brings_its_own_numbers():
    choices = RunChoices().changed(outer=12).changed(preset="thorough", replicates=4)
    assert (choices.outer, choices.replicates, choices.family) == (16, 4, "affine")


def test_passes_count_the_two_that_are_not_perturbed():
    assert passes(RunChoices(preset="quick")) == 8 + 2
    assert passes(RunChoices(preset="standard")) == 16 + 2
    assert passes(RunChoices(customise=True, outer=1)) == 0


def test_an_unknown_name_is_refused_with_those_that_there_are():
    with pytest.raises(TypeError, match="preset"):
        RunChoices().changed(presets="quick")
    with pytest.raises(DesignError, match="hadamard"):
        design_request(RunChoices().changed(sampling="dice"))
