"""Rows of controls that the panels share, and what comes back from them made safe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..controls.option import Phrase
from ..controls.table_view import TableView


def slider(
    name: str,
    title: str,
    value: str,
    low: Any,
    high: Any,
    step: float,
    bound: str = "",
    ranged: bool = False,
) -> None:
    """Write a slider below its name and its value.

    Parameters
    ----------
    title, value
        What is written over it; `value` may hold {{ }}.
    low, high, step
        As Vuetify takes them: numbers, or keys of the state as one-tuples.
    bound
        Key of the state; `name` where left out.
    """
    with html.Div(classes="tta-line mt-2"):
        html.Span(title)
        html.B(value, classes=f"tta-{name}-value")
    (v3.VRangeSlider if ranged else v3.VSlider)(
        v_model=(bound or name,),
        min=low,
        max=high,
        step=step,
        density="compact",
        hide_details=True,
        color="primary",
        aria_label=title,
        classes=f"tta-{name}",
    )


def select(name: str, items: str, label: str, classes: str = "", **more: Any) -> None:
    """Write a list of choices; `name` and `items` are keys of the state."""
    v3.VSelect(
        v_model=(name,),
        items=(items,),
        label=label,
        density="compact",
        variant="outlined",
        hide_details=True,
        classes=f"{classes} tta-{name}",
        **more,
    )


def text_field(name: str, shown: str, label: str, tell: Callable[[str], None], **more: Any) -> None:
    """Write a line of text, which counts once the person leaves it."""
    v3.VTextField(
        model_value=(shown,),
        change=(tell, "[$event.target.value]"),
        label=label,
        density="compact",
        variant="outlined",
        hide_details=True,
        classes=f"mt-2 tta-{name}",
        __events=["change"],
        **more,
    )


def remark_field(
    server: Any,
    name: str,
    label: str,
    shown: str,
    place: str,
    say: Callable[[str, str, str], None],
) -> None:
    """Write a line of text about a place, which counts once the person leaves it.

    All tabs see one state. What one tab is writing is its own until it is said, and is said of the
    place that it was begun at, whatever another tab looks at by then.

    Parameters
    ----------
    server
        trame's.
    name
        Of its class, `tta-NAME`, with hyphens.
    shown
        Expression of what is said so far.
    place
        Expression of the place that the line is about.
    say
        Called with the place, what was said of it when the writing began, and the text.
    """
    draft, about, before = (f"{name}_{end}" for end in ("draft", "about", "before"))
    server.state.update({draft: "", about: None, before: ""})
    server.state.client_only(draft, about, before)
    said = f"trigger('{server.controller.trigger_name(say)}', [{about}, {before}, {draft}])"
    v3.VTextField(
        model_value=(f"{about} === null ? {shown} : {draft}",),
        update_modelValue=f"{draft} = $event",
        focus=f"{about} = {place}; {before} = {shown}; {draft} = {shown}",
        blur=f"{said}; {about} = null",
        keydown_enter="$event.target.blur()",
        label=label,
        density="compact",
        variant="outlined",
        hide_details=True,
        classes=f"mt-2 tta-{name.replace('_', '-')}",
        __events=["focus", "blur", ("keydown_enter", "keydown.enter")],
    )


def switch(name: str, label: Any, classes: str = "", **more: Any) -> None:
    """Write a switch; `label` is text, or an expression as a one-tuple."""
    v3.VSwitch(
        v_model=(name,),
        label=label,
        density="compact",
        color="primary",
        hide_details=True,
        classes=f"{classes} tta-{name}",
        **more,
    )


def button(
    title: str, do: Callable[[], None], icon: str, classes: str, color: str = "primary", **more: Any
) -> None:
    """Write a button."""
    v3.VBtn(title, click=do, color=color, prepend_icon=icon, classes=classes, **more)


def segments(name: str, shown: str, options: str, choose: Callable[..., None]) -> None:
    """Write a row of buttons of which one is on.

    Parameters
    ----------
    shown, options
        Expressions of the value that is on, and of the list of `controls.option.Option`.
    """
    with v3.VBtnToggle(
        model_value=(shown,),
        mandatory=True,
        update_modelValue=(lambda value: choose(**{name: value}), "[$event]"),
        density="compact",
        variant="outlined",
        divided=True,
        color="primary",
        classes=f"tta-segments tta-{name}",
    ):
        v3.VBtn(
            "{{ option.title }}",
            v_for=f"option in {options}",
            key="option.value",
            value=("option.value",),
            title=("option.why_not || option.about",),
            disabled=("!!option.why_not",),
            size="small",
        )


def verdict_buttons(what: str, given: str, options: str, decide: Callable[[str], None]) -> None:
    """Write the verdicts; `given` is the expression of the one that was given, if any."""
    colors = "{accept: 'success', check: 'warning', reject: 'error'}"
    with html.Div(classes=f"d-flex ga-1 tta-verdicts-{what}"):
        v3.VBtn(
            "{{ option.title }}",
            v_for=f"option in {options}",
            key="option.value",
            click=(decide, "[option.value]"),
            title=("option.why_not || option.about",),
            size="small",
            color=(f"({colors})[option.value]",),
            variant=(f"{given} === option.value ? 'flat' : 'outlined'",),
            classes=("'flex-grow-1 tta-do-' + option.value",),
        )


def table(
    name: str, shown: str, choose: Callable[[int], None] | None = None, chosen: str = "-1"
) -> None:
    """Write a table; where it has no rows, nothing is there.

    Parameters
    ----------
    shown
        Expression of a `controls.table_view.TableView`, as `written`.
    chosen
        Expression of the row that is looked at.
    """
    does = {} if choose is None else {"click": (choose, "[n]")}
    row = "'choosable' + " if choose else "'' + "
    with html.Table(v_if=f"{shown}.rows.length", classes=f"tta-table tta-{name}"):
        with html.Thead(), html.Tr():
            html.Th(
                "{{ heading.title }}",
                v_for=f"(heading, h) in {shown}.headings",
                key="h",
                classes=("heading.words ? 'words' : ''",),
            )
        with (
            html.Tbody(),
            html.Tr(
                v_for=f"(row, n) in {shown}.rows",
                key="n",
                classes=(f"{row}(n === {chosen} ? ' chosen' : '')",),
                title=("row.about",),
                **does,
            ),
            html.Td(
                v_for="(cell, c) in row.cells",
                key="c",
                classes=(f"{shown}.headings[c].words ? 'words' : ''",),
            ),
        ):
            last = "row.verdict && c === row.cells.length - 1"
            html.Span("{{ cell }}", classes=(f"{last} ? 'tta-chip tta-' + row.verdict : ''",))


def written(what: object) -> Any:
    """Return a view of the controls as the page reads it: dictionaries, lists and words."""
    if isinstance(what, Phrase):
        return what.said()
    if isinstance(what, TableView):
        return _written_table(what)
    if isinstance(what, Enum):
        return what.value
    if is_dataclass(what) and not isinstance(what, type):
        return {field.name: written(getattr(what, field.name)) for field in fields(what)}
    return [written(one) for one in what] if isinstance(what, tuple) else what


def _written_table(table: TableView) -> dict[str, Any]:
    """Return a table without what there is no room for beside the views."""
    kept = [n for n, heading in enumerate(table.headings) if not heading.spare]
    headings = [table.headings[n] for n in kept]
    return {
        "title": table.title,
        "headings": [
            {
                "title": f"{one.title} ({one.unit})" if one.unit else one.title,
                "words": one.words,
            }
            for one in headings
        ],
        "rows": [
            {
                "cells": [row.cells[n] for n in kept],
                "verdict": row.verdict,
                "about": row.about,
            }
            for row in table.rows
        ],
    }


def file_chooser(
    role: str, name: str, shown: str, accept: str = ".nii,.gz,.nrrd,.mha", about: str = ""
) -> None:
    """Write a chooser of one file, which is sent under a name; `shown` is a key of the state."""
    with html.Label(classes=f"tta-file tta-file-{name}", title=about):
        v3.VIcon("mdi-file-upload-outline", size="small")
        html.Span(role, classes="role")
        html.Span(
            f"{{{{ sending === '{name}' ? 'Sending…' : ({shown} || 'Choose a file…') }}}}",
            classes="name",
        )
        html.Input(
            type="file",
            accept=accept,
            change=f"utils.tta.upload($event, '{name}')",
            aria_label=f"{role}: choose a file",
        )


def number(text: object) -> float | None:
    """Return a positive number that a person wrote; None where there is none."""
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
