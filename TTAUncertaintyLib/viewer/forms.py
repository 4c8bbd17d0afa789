"""Rows of the page, made of what the controls say there is to be set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..controls.control import Number, Row


def written_row(row: Row, note: str = "") -> dict[str, Any]:
    """Return a row as the page reads it, with a sentence below it."""
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
            for option in row.options
        ],
    }


def form(rows: str, choose: Callable[[str, Any], None], prefix: str) -> None:
    """Write rows of controls, whatever they are.

    Parameters
    ----------
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
