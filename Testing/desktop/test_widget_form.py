"""The panel's form: every control says what it does, everything tied by name has its field."""

from __future__ import annotations

import re
import typing
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

pytest_plugins = ["support.module_desktop"]

FORM = Path(__file__).resolve().parents[2] / "TTAUncertainty/Resources/UI/TTAUncertainty.ui"

#: What a person can press, choose or type into.
CONTROLS = {
    "QCheckBox",
    "QComboBox",
    "QDoubleSpinBox",
    "QPushButton",
    "QSpinBox",
    "QToolButton",
    "ctkRangeWidget",
    "ctkSliderWidget",
    "qMRMLNodeComboBox",
}


#: How wide each widget wants to be, by its name.
WIDTHS = {
    widget.get("name"): [
        policy.get("hsizetype") for policy in widget.findall("property/sizepolicy")
    ]
    for widget in ElementTree.parse(FORM).getroot().iter("widget")
}


@pytest.fixture(scope="module")
def widgets():
    """Every widget of the form, by name: its class and its properties as text."""
    found = {}
    for widget in ElementTree.parse(FORM).getroot().iter("widget"):
        properties = {p.get("name"): "".join(p.itertext()) for p in widget.findall("property")}
        found[widget.get("name")] = (widget.get("class"), properties)
    return found


def test_every_control_says_what_it_does(widgets):
    told_by_the_code = {"runButton", "stopButton", "messageButton"}
    silent = [
        name
        for name, (kind, properties) in widgets.items()
        if kind in CONTROLS and not properties.get("toolTip") and name not in told_by_the_code
    ]
    assert silent == []


def test_every_number_has_a_unit_or_says_that_it_has_none(widgets):
    for name, (kind, properties) in widgets.items():
        if kind == "QDoubleSpinBox" and not properties.get("suffix", "").strip():
            assert "no unit" in properties["toolTip"], name


def test_no_word_of_the_form_calls_a_map_an_error(widgets):
    words = [text for _kind, properties in widgets.values() for text in properties.values()]
    assert not [text for text in words if re.search(r"\berrors?\b", text, re.IGNORECASE)]


def test_what_is_tied_by_name_has_a_field(widgets, module):
    from TTAUncertaintyPanel.parameters import TTAUncertaintyParameters

    fields = typing.get_type_hints(TTAUncertaintyParameters)
    tied = [p["SlicerParameterName"] for _k, p in widgets.values() if "SlicerParameterName" in p]
    assert tied and set(tied) <= set(fields)
    assert len(tied) == len(set(tied))


def test_every_node_selector_is_told_of_the_scene(widgets):
    receivers = {c.findtext("receiver") for c in ElementTree.parse(FORM).iter("connection")}
    assert receivers == {n for n, (kind, _p) in widgets.items() if kind == "qMRMLNodeComboBox"}


def test_no_list_and_no_text_makes_the_panel_wider(widgets):
    """Lists ask for no more than their smallest width, and texts that change wrap."""
    for name, (kind, properties) in widgets.items():
        if kind in ("QComboBox", "qMRMLNodeComboBox"):
            assert "AdjustToMinimumContentsLength" in properties["sizeAdjustPolicy"], name
        if kind == "QLabel" and properties.get("wordWrap") == "true":
            assert "Ignored" in WIDTHS[name], name  # not even as wide as its longest word


def test_a_folded_section_has_one_child_that_the_panel_never_hides(widgets):
    """Unfolding shows a section's own children, hidden by the panel or not."""
    for section in ElementTree.parse(FORM).getroot().iter("widget"):
        if section.get("class") == "ctkCollapsibleButton":
            children = section.findall("layout/item/widget")
            assert [child.get("name") for child in children] == [
                section.get("name").replace("Section", "Body")
            ]
