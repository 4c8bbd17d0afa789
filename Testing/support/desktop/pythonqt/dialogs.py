"""Dialogs that are recorded instead of shown, so that no test waits for a click.

A dialog with one button is answered by that button. One that asks something takes the next answer
that the test has queued; without one it fails, since nobody could have meant it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from PySide6 import QtWidgets


@dataclass(frozen=True)
class Message:
    """One dialog: ``kind`` is "information", "warning", "error", "question" or "file"."""

    kind: str
    text: str
    title: str = ""
    detail: str = ""


@dataclass
class Dialogs:
    """What was said, and what is going to be answered."""

    messages: list[Message] = field(default_factory=list)
    answers: deque = field(default_factory=deque)

    def ask(self, message: Message):
        """Record a question and return the answer queued for it."""
        self.messages.append(message)
        if not self.answers:
            raise AssertionError(f"A dialog asked {message.text!r} and the test had no answer.")
        return self.answers.popleft()

    def clear(self) -> None:
        """Forget everything."""
        self.messages.clear()
        self.answers.clear()


#: The dialogs of the desktop that is open; there is one at a time.
DIALOGS = Dialogs()

_Box = QtWidgets.QMessageBox
_KINDS = {
    _Box.Icon.NoIcon: "information",
    _Box.Icon.Information: "information",
    _Box.Icon.Warning: "warning",
    _Box.Icon.Critical: "error",
    _Box.Icon.Question: "question",
}
_YES = (_Box.StandardButton.Ok, _Box.StandardButton.Yes, _Box.StandardButton.Retry)


def _pressed(kind, text, title, detail, buttons):
    message = Message(kind, text, title, detail)
    choices = [button for button in _Box.StandardButton if button in buttons and button.value]
    if len(choices) < 2:
        DIALOGS.messages.append(message)
        return choices[0] if choices else _Box.StandardButton.Ok
    answer = DIALOGS.ask(message)
    if not isinstance(answer, bool):
        return answer
    return next(choice for choice in choices if (choice in _YES) is answer)


class QMessageBox(QtWidgets.QMessageBox):
    """Answers at once. Left out: buttons of one's own, check boxes, "do not show again"."""

    def exec_(self):
        """Record the box and press a button."""
        return _pressed(
            _KINDS[self.icon], self.text, self.windowTitle, self.detailedText, self.standardButtons
        )

    exec = exec_


def _static(kind):
    def show(_parent, title, text, buttons=_Box.StandardButton.Ok, _default=None):
        return _pressed(kind, text, title, "", buttons)

    return staticmethod(show)


for _name, _kind in {
    "information": "information",
    "warning": "warning",
    "critical": "error",
    "question": "question",
}.items():
    setattr(QMessageBox, _name, _static(_kind))


def _file(_parent=None, caption="", *_):
    return str(DIALOGS.ask(Message("file", caption)) or "")


class QFileDialog(QtWidgets.QFileDialog):
    """Its static functions return the next answer: a path, or "" for Cancel, as in PythonQt."""

    getOpenFileName = staticmethod(_file)  # noqa: N815
    getSaveFileName = staticmethod(_file)  # noqa: N815
    getExistingDirectory = staticmethod(_file)  # noqa: N815


class QDialog(QtWidgets.QDialog):
    """Any other modal dialog is recorded by its title and its labels, and accepted."""

    def exec_(self):
        """Record the dialog and accept it."""
        text = "\n".join(label.text for label in self.findChildren(QtWidgets.QLabel))
        DIALOGS.messages.append(Message("information", text, self.windowTitle))
        return QtWidgets.QDialog.DialogCode.Accepted

    exec = exec_
