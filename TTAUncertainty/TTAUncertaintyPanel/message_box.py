"""What the panel has to say, in the panel: a coloured frame instead of a window in the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import look

_COLORS = {"good": look.GOOD, "care": look.CARE, "bad": look.BAD, "plain": look.PLAIN}


class MessageBox:
    """A sentence that stays until it is dismissed, with at most one thing to do about it.

    Parameters
    ----------
    ui
        The form's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._action: Callable[[], None] | None = None
        ui.messageButton.clicked.connect(lambda _checked=False: self._act())
        ui.dismissButton.clicked.connect(lambda _checked=False: self.hide())
        self.hide()

    def show(
        self,
        text: str,
        kind: str = "plain",
        button: str = "",
        action: Callable[[], None] | None = None,
    ) -> None:
        """Say something.

        Parameters
        ----------
        text
            A sentence or two.
        kind
            "good", "care", "bad" or "plain".
        button, action
            What can be done about it; no button where there is nothing.
        """
        look.message(self._ui.messageFrame, _COLORS[kind])
        self._ui.messageLabel.text = text
        self._ui.messageButton.text = button
        self._ui.messageButton.visible = bool(button)
        self._action = action
        self._ui.messageFrame.visible = True

    def hide(self) -> None:
        """Say nothing any more."""
        self._action = None
        self._ui.messageFrame.visible = False

    def _act(self) -> None:
        action = self._action
        self.hide()
        if action is not None:
            action()
