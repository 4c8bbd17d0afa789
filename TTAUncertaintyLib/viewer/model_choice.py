"""Which network a run takes: this software's and the person's own, those that are here first.

What is not here is listed with the command that brings it, and cannot be chosen. Nothing is
downloaded from the page, and no program is agreed to there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..errors import ModelError
from ..models import DEFAULT_MODEL, Entry, models
from ..store import Lack, Source, Weights, WeightsStore, weights_of
from .rows import select

if TYPE_CHECKING:
    from .viewer import Viewer


class ModelChoice:
    """The list of networks, and the options of the one that is chosen.

    Parameters
    ----------
    viewer
        The host.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._options: dict[str, dict[str, str]] = {}
        viewer.state.update(
            {
                "run_model": DEFAULT_MODEL,
                "model_choices": [],
                "model_purpose": "",
                "model_facts": "",
                "model_options": [],
            }
        )
        self.refresh()
        viewer.state.change("run_model")(self._on_model)
        viewer.state.change("panel")(self._on_panel)

    def refresh(self) -> None:
        """List what there is now: something may have been installed meanwhile."""
        rows = [_row(entry, _weights(name)) for name, entry in models().items()]
        rows.sort(key=lambda row: bool(row["props"]["disabled"]))  # stable: else as registered
        self._viewer.state.model_choices = rows
        self._show()

    def chosen(self) -> tuple[str, dict[str, str]]:
        """Return the network's name, and what of its options differs from the defaults.

        Raises
        ------
        ModelError
            If it cannot be run.
        """
        name = str(self._viewer.state.run_model)
        entry, weights = models().get(name), _weights(name)
        if entry is None or weights.lack is not None:
            title = name if entry is None else entry.description.title
            why = Lack.MODEL if weights.lack is None else weights.lack
            raise ModelError(f"{title} cannot be run: {why.value}.", _remedy(weights))
        return name, entry.description.differing(self._options.get(name, {}))

    def choose_option(self, option: str, value: str) -> None:
        """Choose something about the network that is chosen."""
        self._options.setdefault(str(self._viewer.state.run_model), {})[option] = value
        self._show()

    def _on_model(self, **_state: Any) -> None:
        self._show()

    def _on_panel(self, panel: str, **_state: Any) -> None:
        if panel == "run":
            self.refresh()

    def _show(self) -> None:
        state = self._viewer.state
        entry = models().get(str(state.run_model))
        if entry is None:
            state.update({"model_purpose": "", "model_facts": "", "model_options": []})
            return
        about = entry.description
        state.model_purpose = about.purpose
        state.model_facts = _facts(entry, _weights(about.name))
        differing = about.differing(self._options.get(about.name, {}))
        state.model_options = [
            {
                "name": option.name,
                "title": option.title,
                "help": option.help,
                "items": list(option.choices),
                "value": differing.get(option.name, option.default),
            }
            for option in about.options
        ]

    def build(self) -> None:
        """Write the list into the page."""
        select("run_model", "model_choices", "", list_props=("{ density: 'compact' }",))
        html.P("{{ model_purpose }}", classes="tta-small mt-1")
        html.P("{{ model_facts }}", classes="tta-small mt-1 tta-model-facts")
        with html.Div(v_for="option in model_options", key="option.name", classes="mt-2"):
            v3.VSelect(
                model_value=("option.value",),
                update_modelValue=(self.choose_option, "[option.name, $event]"),
                items=("option.items",),
                label=("option.title",),
                density="compact",
                variant="outlined",
                hide_details=True,
                classes=("'tta-option-' + option.name",),
            )
            html.P("{{ option.help }}", classes="tta-small mt-1")


def _weights(model: str) -> Weights:
    return weights_of(model, WeightsStore())


def _row(entry: Entry, weights: Weights) -> dict[str, Any]:
    about = entry.description
    props: dict[str, Any] = {"disabled": not weights.installed}
    if weights.lack is not None:
        props["subtitle"] = _remedy(weights)
        props["class"] = "tta-lacking"
    return {"value": about.name, "title": about.title, "props": props}


def _remedy(weights: Weights) -> str:
    """Return what to type, or to do, about what is missing."""
    if weights.lack is Lack.WEIGHTS:
        return f"Not installed: ttauncertainty models install {weights.model}"
    if weights.lack is Lack.CONSENT:
        source = "MANIFEST" if weights.record is None else weights.record.source
        return f"A program; to agree to run it: ttauncertainty models install {source}"
    if weights.lack is Lack.BUNDLED_FILE:
        return "Its file is missing: install TTAUncertainty again."
    return "Choose another one."


def _facts(entry: Entry, weights: Weights) -> str:
    """Return the licence, and what a person should know of a network of their own."""
    said = f"Licence: {entry.description.licence.rstrip('.')}."
    if weights.program:
        return f"{said} A program of your own, which runs with all that you may do here."
    if weights.source is Source.OWN:
        return f"{said} A network of your own."
    return said
