"""The harness offers what PythonQt offers, as the publishers' headers declare it, and no more."""

# ruff: noqa: N802  (Qt's names)

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from support.desktop.offered import classes, offered, signals

ROOT = Path(__file__).resolve().parents[2] / "TTAUncertainty"
FORM = ROOT / "Resources/UI/TTAUncertainty.ui"
SOURCES = sorted(ROOT.rglob("*.py"))


def forms_widgets():
    widgets = ElementTree.parse(FORM).iter("widget")
    return {widget.get("name"): widget.get("class") for widget in widgets}


def test_it_is_known_what_every_class_offers_that_the_panel_names():
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    named = re.findall(r"\b(?:qt|ctk)\.(\w+)|\bslicer\.(q\w+)", text)
    used = {first or second for first, second in named} | set(forms_widgets().values())
    assert used - set(classes()) == set()


def on_widgets(path):
    """Yield line, widget, attribute and whether it is written, of all ``ui.widget.attribute``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            form = node.value.value
            name = form.attr if isinstance(form, ast.Attribute) else getattr(form, "id", "")
            if name in ("ui", "_ui"):
                yield node.lineno, node.value.attr, node.attr, isinstance(node.ctx, ast.Store)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_panel_uses_of_its_widgets_only_what_they_offer(path):
    widgets, wrong = forms_widgets(), []
    for line, widget, attribute, written in on_widgets(path):
        kind = offered(widgets[widget]).get(attribute) if widget in widgets else "properties"
        if kind is None or (written and kind != "properties"):
            wrong.append(f"{path.name}:{line} {widgets[widget]} {widget}.{attribute}")
    assert wrong == []


def test_signals_of_the_form_are_those_of_its_widgets():
    widgets = forms_widgets()
    for connection in ElementTree.parse(FORM).iter("connection"):
        assert connection.findtext("signal") in signals(widgets[connection.findtext("sender")])


@pytest.mark.stand_ins
@pytest.mark.parametrize("name", [name for name in classes() if name.startswith(("q", "ctk"))])
def test_a_stand_in_has_nothing_of_its_own_that_the_real_class_does_not_offer(desktop, name):
    from PySide6.QtCore import Property, Signal
    from support.desktop.pythonqt.gate import Refused
    from support.desktop.widgets.registry import stand_ins

    cls = stand_ins().get(name)
    if cls is None:
        return  # a base of one
    for attribute, found in vars(cls).items():
        if attribute.startswith("_") or attribute in ("staticMetaObject", "exec_"):
            continue
        if isinstance(found, Refused):  # rightly, where the stand-in's base has it
            own = getattr(found.refused, "__qualname__", "").startswith(f"{name}.")
            assert not own, f"{name}.{attribute} is not offered"
            continue
        kind = offered(name).get(attribute)
        if isinstance(found, Signal):
            assert kind == "signals", attribute
        elif isinstance(found, (Property, property)) or not callable(found):
            assert kind in ("properties", "constants"), attribute
        else:
            assert kind == "methods", attribute


def test_a_function_that_is_neither_slot_nor_invokable_is_not_there(desktop):
    import ctk

    with pytest.raises(AttributeError, match="ctkSliderWidget has no attribute named 'setRange'"):
        ctk.ctkSliderWidget().setRange(0, 1)
    ctk.ctkRangeWidget().setRange(0, 1)


def test_the_property_single_shot_is_hidden_in_favour_of_the_function(desktop):
    import qt

    heard, timer = [], qt.QTimer()
    with pytest.raises(AttributeError, match="Slot 'singleShot' can not be overwritten on QTimer"):
        timer.singleShot = True
    timer.setSingleShot(True)
    timer.interval = 1
    timer.connect("timeout()", lambda: heard.append("timer"))
    timer.start()
    qt.QTimer.singleShot(1, lambda: heard.append("function"))
    desktop.wait_until(lambda: len(heard) == 2, seconds=5)
    desktop.process_events(0.02)
    assert sorted(heard) == ["function", "timer"]


def test_what_cannot_be_written_is_refused_as_pythonqt_does(desktop):
    import qt

    label = qt.QLabel("text")
    with pytest.raises(AttributeError, match="Slot 'setText' can not be overwritten on QLabel"):
        label.setText = 3
    with pytest.raises(AttributeError, match="Property 'sizeHint' of QLabel object is not writab"):
        label.sizeHint = 3
    with pytest.raises(AttributeError, match="'note' does not exist on QLabel and creating new"):
        label.note = 3
    assert not hasattr(label, "note")


def test_a_class_derived_in_python_may_have_attributes_of_its_own(desktop):
    import qt

    class Filter(qt.QObject):
        def __init__(self):
            qt.QObject.__init__(self)
            self.seen = []

        def eventFilter(self, _watched, event):
            self.seen.append(event.type())
            return False

    found, label = Filter(), qt.QLabel()
    label.installEventFilter(found)
    label.enabled = False
    assert qt.QEvent.EnabledChange in found.seen


@pytest.mark.stand_ins
def test_what_only_a_later_qt_has_is_refused(desktop):
    import qt

    with pytest.raises(AttributeError):
        getattr(qt.QColor(), "fromString")  # noqa: B009
    box = qt.QCheckBox()
    with pytest.raises(ValueError, match="QCheckBox has no signal checkStateChanged"):
        box.connect("checkStateChanged(Qt::CheckState)", print)


def test_a_size_hint_is_a_property_and_still_asked_of_the_widget(desktop):
    import qt

    class Large(qt.QLabel):
        def sizeHint(self):
            return qt.QSize(1234, 5)

    assert qt.QLabel("a long text").sizeHint.width() > qt.QLabel("a").minimumSizeHint.width()
    box = qt.QWidget()
    box.setLayout(qt.QVBoxLayout())
    box.layout().addWidget(Large())
    assert box.sizeHint.width() >= 1234


def test_a_tool_tip_is_wrapped_in_a_paragraph(desktop):
    import qt

    label = qt.QLabel()
    label.toolTip = "a < b"
    assert label.toolTip == "<p>a &lt; b</p>"
    label.setToolTip("<b>rich</b>")
    assert label.toolTip == "<b>rich</b>"


@pytest.mark.stand_ins
def test_a_class_that_nobody_has_looked_up_says_how(desktop):
    import qt

    with pytest.raises(AttributeError, match=r"read_headers.py .* QSplitter"):
        getattr(qt, "QSplitter")  # noqa: B009


HEADERS = {
    "qt/QtCore/QThing": '#include "qthing.h"\n',
    "qt/QtCore/qthing.h": """class QThing : public QObject { Q_OBJECT
      Q_PROPERTY(int size READ size WRITE setSize)
      Q_PROPERTY(bool full READ isFull)
      public: int size(); void setSize(int); bool isFull();
      Q_SIGNALS: void filled(const QString& what); };""",
    "pythonqt/generated_cpp_515/core/core.h": """class PythonQtWrapper_QThing : public QObject {
      Q_OBJECT
      public: enum Kind { Small, Large };  Q_ENUMS(Kind)
      public slots: QThing* new_QThing(); void delete_QThing(QThing* obj);
      bool isFull(QThing* theWrappedObject); int static_QThing_count(); };""",
    "pythonqt/generated_cpp_515/core/core_init.cpp": "",
    "pythonqt/src/PythonQtStdDecorators.h": """class PythonQtStdDecorators : public QObject {
      Q_OBJECT
      public slots: void setProperty(QThing* o, const char* name); void connect(QOther* o); };""",
    "ctk/ctkThing.h": """class CTK_EXPORT ctkThing : public QThing { Q_OBJECT
      public: void setRange(int, int); Q_INVOKABLE int asked(); public slots: void reset();
      private slots: void hidden(); };""",
    "slicer/nothing.h": "",
}


def test_the_names_are_read_from_headers_by_qts_own_compiler(tmp_path):
    from support.desktop.offered.read_headers import MOC, Headers

    if not Path(MOC).is_file():
        pytest.skip(f"NOT TESTED: {MOC} is not here (Debian: qtbase5-dev-tools)")
    for name, text in HEADERS.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    headers = Headers(*(tmp_path / name for name in ("qt", "pythonqt", "ctk", "slicer")), MOC)
    assert headers.read("QThing") == {
        "bases": ["QObject"],
        "properties": ["size"],
        "constants": ["full"],
        "methods": ["count", "isFull", "setProperty"],
        "signals": ["filled(QString)"],
        "enums": ["Kind"],
        "values": ["Large", "Small"],
    }
    assert headers.read("ctkThing") == {"bases": ["QThing"], "methods": ["asked", "reset"]}
