"""Rows of controls that the panels share, and what comes back from them made safe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, TypeVar

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..controls.control import Number, Row
from ..controls.option import Option

_Kind = TypeVar("_Kind", bound=Enum)


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
    name
        Of its class, `tta-NAME`.
    title, value
        What is written over it; `value` may hold {{ }}.
    low, high, step
        As Vuetify takes them: numbers, or keys of the state as one-tuples.
    bound
        Key of the state; `name` where left out.
    ranged
        Whether it has two thumbs.
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


def text_field(name: str, label: str, classes: str = "mt-2", **more: Any) -> None:
    """Write a line of text, which counts once the person leaves it."""
    v3.VTextField(
        v_model_lazy=(name,),
        label=label,
        density="compact",
        variant="outlined",
        hide_details=True,
        classes=f"{classes} tta-{name}",
        **more,
    )


def remark_field(
    server: Any, name: str, label: str, place: str, say: Callable[[str, str, str], None]
) -> None:
    """Write a line of text about a place, which counts once the person leaves it.

    All tabs see one state. What one tab is writing is its own until it is said, and is said of the
    place that it was begun at, whatever another tab looks at by then.

    Parameters
    ----------
    server
        trame's.
    name
        Key of the state: what is said so far.
    label
        Of the line.
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
        model_value=(f"{about} === null ? {name} : {draft}",),
        update_modelValue=f"{draft} = $event",
        focus=f"{about} = {place}; {before} = {name}; {draft} = {name}",
        blur=f"{said}; {about} = null",
        keydown_enter="$event.target.blur()",
        label=label,
        density="compact",
        variant="outlined",
        hide_details=True,
        classes=f"mt-2 tta-{name} tta-{name.replace('_', '-')}",
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
    name
        Of what is chosen, and of its class, `tta-NAME`.
    shown, options
        Expressions of the value that is on, and of the list of `controls.option.Option`.
    choose
        Called with what a person chooses, by name.
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


def written(row: Row, note: str = "", options: Sequence[Option] | None = None) -> dict[str, Any]:
    """Return a row as the page reads it.

    Parameters
    ----------
    row
        What is to be set.
    note
        A sentence below it.
    options
        Its choices, where the row does not have them.
    """
    control = row.control
    lowest = getattr(control, "lowest", "")
    return {
        "name": row.name,
        "kind": type(control).__name__,
        "title": f"{control.title} (0: {lowest})" if lowest else control.title,
        "about": row.why_not or control.about,
        "why_not": row.why_not,
        "value": row.value,
        "note": note,
        "half": isinstance(control, Number) or getattr(control, "half", False),
        "unit": getattr(control, "unit", ""),
        "range": [getattr(control, name, 0) for name in ("low", "high", "step")],
        "items": [
            {
                "value": option.value,
                "title": option.title,
                "props": {
                    "disabled": bool(option.why_not),
                    "subtitle": option.why_not or None,
                    "class": "tta-lacking" if option.why_not else "",
                },
            }
            for option in (row.options if options is None else options)
        ],
    }


def form(rows: str, choose: Callable[[str, Any], None], prefix: str) -> None:
    """Write rows of controls, whatever they are.

    Parameters
    ----------
    rows
        Expression of a list of what `written` returns.
    choose
        Called with a row's name and what a person sets.
    prefix
        Of the rows' classes: `tta-PREFIXNAME`.
    """
    name, common = (f"'tta-{prefix}' + row.name",), {"density": "compact", "hide_details": True}
    shown = {"disabled": ("!!row.why_not",), "label": ("row.title",), "classes": name}
    with (
        html.Div(classes="tta-form"),
        html.Div(
            v_for=f"row in {rows}",
            key="row.name",
            classes=("row.half ? 'tta-half' : 'tta-whole'",),
            title=("row.about",),
        ),
    ):
        v3.VSelect(
            v_if="row.kind === 'OneOf'",
            model_value=("row.value",),
            update_modelValue=(choose, "[row.name, $event]"),
            items=("row.items",),
            variant="outlined",
            list_props=("{ density: 'compact' }",),
            **common,
            **shown,
        )
        v3.VTextField(
            v_if="row.kind === 'Number' || row.kind === 'Line'",
            model_value=("row.value",),
            type=("row.kind === 'Number' ? 'number' : 'text'",),
            min=("row.range[0]",),
            max=("row.range[1]",),
            step=("row.range[2]",),
            suffix=("row.unit",),
            change=(choose, "[row.name, $event.target.value]"),
            __events=["change"],
            variant="outlined",
            **common,
            **shown,
        )
        v3.VCheckbox(
            v_if="row.kind === 'Switch'",
            model_value=("row.value",),
            update_modelValue=(choose, "[row.name, $event]"),
            **common,
            **shown,
        )
        html.P("{{ row.note }}", v_if="row.note", classes="tta-small mt-1")


def verdict_buttons(value: str, decide: Callable[[str], None], what: str) -> None:
    """Write the three verdicts; `value` is the expression of the one that was given."""
    colors = {"accept": "success", "check": "warning", "reject": "error"}
    with html.Div(classes=f"d-flex ga-1 tta-verdicts-{what}"):
        for verdict, color in colors.items():
            v3.VBtn(
                verdict.capitalize(),
                click=(decide, f"['{verdict}']"),
                size="small",
                color=color,
                variant=(f"({value}) === '{verdict}' ? 'flat' : 'outlined'",),
                classes=f"flex-grow-1 tta-do-{verdict}",
            )


def file_chooser(role: str, name: str, shown: str, accept: str = ".nii,.gz,.nrrd,.mha") -> None:
    """Write a chooser of one file, which is sent under a name; `shown` is a key of the state."""
    with html.Label(classes=f"tta-file tta-file-{name}"):
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


def among(kinds: type[_Kind], value: object) -> _Kind:
    """Return the kind that the page says, or the first where it says none."""
    return next((kind for kind in kinds if kind.value == value), next(iter(kinds)))


def number(text: object) -> float | None:
    """Return a positive number that a person wrote; None where there is none."""
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
