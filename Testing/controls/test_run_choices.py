"""From what a person sets to what a run does: nothing is lost, nothing is made up."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import chain

import pytest

from TTAUncertaintyLib.controls.control import Node, Number, OneOf, Place, controls_of, rows_of
from TTAUncertaintyLib.controls.machine_choices import MachineChoices, asked_of_machine, kept
from TTAUncertaintyLib.controls.model_options import option_rows, options_of, with_option
from TTAUncertaintyLib.controls.run_choices import (
    DESIGN_FIELDS,
    RunChoices,
    asked_of,
    design_request,
    design_rows,
    design_words,
    passes,
    preset_fields,
    preset_words,
    resolved,
    typical_lattice,
)
from TTAUncertaintyLib.errors import DesignError
from TTAUncertaintyLib.perturbations import PAPER_FAMILIES, DesignRequest, Preset

PRESETS = [preset.value for preset in Preset]


@pytest.mark.parametrize("preset", PRESETS)
def test_customising_without_changing_anything_is_the_preset_itself(preset):
    plain = RunChoices().changed(preset=preset)
    custom = plain.changed(customise=True)
    assert preset_fields(preset, "pyramid-flow").items() <= vars(plain).items()
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
    assert passes(RunChoices(preset="hasty")) == 0


def test_an_unknown_name_is_refused_with_those_that_there_are():
    with pytest.raises(TypeError, match=r"There are: .*preset"):
        RunChoices().changed(presets="quick")
    with pytest.raises(DesignError, match="hadamard"):
        design_request(RunChoices().changed(sampling="dice"))


def why_not(rows):
    return {row.name for row in rows if row.why_not}


def test_every_control_has_words_and_every_number_a_range_with_its_default_and_a_unit():
    for choices in (RunChoices, MachineChoices):
        defaults = {field.name: field.default for field in fields(choices)}
        for name, control in controls_of(choices).items():
            assert control.title and (control.about or control.place is Place.OWN), name
            if isinstance(control, Number):
                assert control.low <= defaults[name] <= control.high
                assert control.usable(defaults[name], None) == defaults[name]
                assert type(control.usable("3", None)) is type(defaults[name])
                assert not control.decimals or control.unit or "no unit" in control.about
            if isinstance(control, OneOf) and control.options and control.closed:
                assert defaults[name] in {option.value for option in control.options}


def test_what_is_set_reaches_what_is_asked_for_under_the_name_of_the_command_line():
    choices = RunChoices().changed(outer=12, scalePercent=3.0, stopBelowMm=0.05, start="mass")
    asked = asked_of(choices.changed(keepRegistrations=True, seed=7))
    assert asked == {
        "model": "pyramid-flow",
        "options": {},
        "preset": "standard",
        "seed": 7,
        "outer": 12,
        "scale": pytest.approx(0.03),
        "tolerance": 0.05,
        "label_tolerance": None,
        "start": "mass",
        "keep_registrations": True,
    }
    assert asked_of(RunChoices())["tolerance"] is None  # all passes


def test_an_audit_keeps_no_registrations_and_labels_alone_have_a_tolerance():
    choices = RunChoices(keepRegistrations=True, labelToleranceMm=2.0)
    assert why_not(design_rows(choices)) >= {"labelToleranceMm"}
    audit = choices.changed(registration=object(), movingLabels=object())
    assert why_not(design_rows(audit)) - why_not(design_rows(choices)) == {"keepRegistrations"}
    assert asked_of(audit)["keep_registrations"] is False
    assert asked_of(audit)["label_tolerance"] == 2.0


def test_every_field_is_set_by_a_control_or_belongs_to_one():
    without = {field.name for field in fields(RunChoices)} - set(controls_of(RunChoices))
    assert without == {"customise", "modelOptions"}
    nodes = [n for n, control in controls_of(RunChoices).items() if isinstance(control, Node)]
    rows = {
        place: [row.name for row in rows_of(RunChoices, (place,), RunChoices())]
        for place in (Place.INPUTS, Place.MASKS)
    }
    assert rows == {
        Place.INPUTS: ["structures", "initialTransform", "registration", "movingLabels"],
        Place.MASKS: ["fixedMask", "movingMask", "leaveOut"],
    }
    assert set(nodes) == {"fixedVolume", "movingVolume", *chain(*rows.values())}


def test_a_preset_is_shown_with_its_numbers_whatever_was_kept_of_them():
    shown = {row.name: row.value for row in design_rows(RunChoices(preset="quick", outer=77))}
    assert (shown["outer"], shown["replicates"], shown["seed"]) == (8, 1, 0)
    custom = design_rows(RunChoices().changed(outer=12))
    assert {row.name: row.value for row in custom}["outer"] == 12


@pytest.mark.parametrize(
    ("family", "acting"),
    [
        ("translation", {"translationMm"}),
        ("affine", {"translationMm", "rotationDeg", "scalePercent", "shear"}),
        ("elastic", {"elasticMm", "elasticSpacingMm"}),
    ],
)
def test_only_numbers_that_act_can_be_set(family, acting):
    amplitudes = set(DESIGN_FIELDS[5:])
    rows = design_rows(RunChoices().changed(family=family))
    assert amplitudes - why_not(rows) == acting


def test_noise_and_start_are_off_where_they_change_nothing():
    assert not {"noise", "start"} & why_not(design_rows(RunChoices()))
    once = RunChoices(initialTransform=object()).changed(replicates=1)
    assert {"noise", "start"} <= why_not(design_rows(once))


def test_a_preset_brings_its_numbers_and_ends_the_customising():
    own = RunChoices().changed(outer=40)
    thorough = own.changed(preset="thorough")
    assert own.customise and (thorough.customise, thorough.outer, thorough.family) == (
        *(False, 16, "affine"),
    )
    assert own.changed(model="lapirn").outer == 40  # the person's own stay
    assert RunChoices().changed(model="synthmorph-brains").translationMm == 0.5  # half the voxel


def test_a_family_that_the_paper_does_not_have_makes_the_design_ones_own():
    assert RunChoices(preset="paper").changed(family="rotation").customise


def test_what_is_said_of_a_design_follows_it():
    own = RunChoices().changed(outer=12)
    assert design_words(RunChoices()).said().startswith("As in the preset Standard")
    assert design_words(own).said().startswith("Changed from Standard")
    assert preset_words(own).said() == "Standard, changed under Advanced. 26 passes."
    assert preset_words(replace(own, outer=1)).said() == "Standard, changed under Advanced."


def test_settings_that_somebody_edited_are_read_with_care():
    assert (kept("threads", "3"), kept("threads", "many"), kept("threads", "-4")) == (3, 0, 0)
    assert (kept("precision", "bf16"), kept("precision", "f8"), kept("precision", None)) == (
        *("bf16", "f32", "f32"),
    )
    assert kept("device", "cuda:3") == "cuda:3"  # may be there on another day


def test_settings_left_alone_leave_the_choice_to_the_library():
    assert asked_of_machine(MachineChoices()) == {
        "device": "auto",
        "precision": None,
        "threads": None,
        "batch_size": None,
        "scheduler": None,
    }
    own = MachineChoices(precision="bf16", threads=3, scheduler=" tls://host:8786 ")
    assert asked_of_machine(own)["scheduler"] == "tls://host:8786"
    assert (asked_of_machine(own)["precision"], asked_of_machine(own)["threads"]) == ("bf16", 3)


def test_options_of_a_model_are_kept_for_it_alone():
    kept_line = with_option("{}", "lapirn", "spacing", "1")
    assert options_of("lapirn", kept_line) == {"spacing": "1"}
    assert options_of("pyramid-flow", kept_line) == {} == options_of("lapirn", "{}")
    (row,) = option_rows("lapirn", kept_line)
    assert row.value == "1" and row.control.about
    assert [own.value for own in option_rows("pyramid-flow", kept_line)] == ["auto", "2"]
    assert option_rows("nonsense", kept_line) == ()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "",
        "nonsense",
        "[1]",
        '{"lapirn": 3}',
        '{"lapirn": {"spacing": "7", "x": "y"}}',
    ],
)
def test_what_a_scene_from_elsewhere_says_of_options_is_not_trusted(text):
    assert options_of("lapirn", text) == {}
