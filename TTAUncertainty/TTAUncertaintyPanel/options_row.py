"""The options of the chosen model: a list of choices for each, where it has any."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from TTAUncertaintyLib.controls.option import Option
from TTAUncertaintyLib.models import ModelOption, models

from .bindings import ListBinding
from .model_options import options_of, with_option


class OptionsRow:
    """The lines under the model that say what may be chosen about it.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        self._row = ui.optionsRow
        self._host = host
        self._layout = qt.QFormLayout(self._row)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._model = ""
        self._bindings: list[ListBinding] = []
        self._row.visible = False

    def show(self, model: str) -> None:
        """Show the options of a model, and what was chosen of them."""
        entry = models().get(model)
        options = () if entry is None else entry.description.options
        if model != self._model:
            self._model = model
            self._rebuild(options)
        self._row.visible = bool(options)
        chosen = options_of(self._host.parameters)
        for option, binding in zip(options, self._bindings, strict=True):
            binding.show(chosen.get(option.name, option.default))

    def _rebuild(self, options: tuple[ModelOption, ...]) -> None:
        while self._layout.rowCount() > 0:
            self._layout.removeRow(0)
        self._bindings = []
        for option in options:
            combo = qt.QComboBox()
            combo.objectName = f"option_{option.name}"
            combo.toolTip = _(option.help)
            combo.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
            choices = [Option(value, value) for value in option.choices]
            self._bindings.append(ListBinding(combo, option.name, self._onChosen, choices))
            self._layout.addRow(_(option.title) + ":", combo)

    def _onChosen(self, name: str, value: str) -> None:
        parameters = self._host.parameters
        if parameters is not None:
            parameters.modelOptions = with_option(parameters.modelOptions, self._model, name, value)
