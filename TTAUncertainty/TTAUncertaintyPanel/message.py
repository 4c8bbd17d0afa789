"""What went wrong, or what should be known, said in the panel until it is dismissed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import look


class MessageFrame:
    """A frame with words, perhaps a button that helps, and one that dismisses it.

    Parameters
    ----------
    ui
        The form's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._action: Callable[[], None] | None = None
        ui.dismissButton.connect("clicked()", self.hide)
        ui.messageButton.connect("clicked()", self._act)
        self.hide()

    def problem(
        self,
        text: str,
        remedy: str = "",
        action: Callable[[], None] | None = None,
        action_title: str = "",
    ) -> None:
        """Say what is wrong and what to do about it."""
        self._show(look.BAD, f"{text}\n{remedy}".strip(), action, action_title)

    def note(
        self, text: str, action: Callable[[], None] | None = None, action_title: str = ""
    ) -> None:
        """Say something that should be known, without alarm; else as `problem`."""
        self._show(look.PLAIN, text, action, action_title)

    def hide(self) -> None:
        """Take the message away."""
        self._action = None
        self._ui.messageFrame.visible = False

    def _show(
        self,
        color: str,
        text: str,
        action: Callable[[], None] | None = None,
        action_title: str = "",
    ) -> None:
        ui = self._ui
        look.message(ui.messageFrame, color)
        ui.messageLabel.text = text
        self._action = action
        ui.messageButton.text = action_title
        ui.messageButton.visible = action is not None
        ui.messageFrame.visible = True

    def _act(self) -> None:
        action = self._action
        if action is not None:
            action()
