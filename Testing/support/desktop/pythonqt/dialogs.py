"""Dialogs that are recorded instead of shown, so that no test waits for a click.

A dialog with one button is answered by that button. One that asks something takes the next answer
that the test has queued; without one it fails, since nobody could have meant it. The classes here
derive from those of the module ``qt``, and so serve the stand-ins and the real Slicer alike.
"""

# ruff: noqa: N801, N815  (Qt's names)

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


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

_YES = ("Ok", "Yes", "YesToAll", "Retry", "Save", "Open", "Apply")
_NO = ("Cancel", "No", "NoToAll", "Abort", "Ignore", "Close", "Discard", "Reset", "Help")
_KINDS = {"Warning": "warning", "Critical": "error", "Question": "question"}


def recording(qt) -> dict[str, type]:
    """Return the recording classes by the names of those of ``qt`` that they stand for."""
    box = qt.QMessageBox

    def pressed(kind, text, title, detail, buttons):
        message = Message(kind, text, title.strip(), detail)
        choices = {name: getattr(box, name) for name in (*_YES, *_NO)}
        choices = {name: button for name, button in choices.items() if buttons & button}
        if len(choices) < 2:
            DIALOGS.messages.append(message)
            return next(iter(choices.values()), box.Ok)
        answer = DIALOGS.ask(message)
        if not isinstance(answer, bool):
            return answer
        return next(button for name, button in choices.items() if (name in _YES) is answer)

    class QMessageBox(box):
        """Answers at once. Left out: buttons of one's own, check boxes, "do not show again"."""

        def exec_(self):
            """Record the box and press a button."""
            kinds = (kind for name, kind in _KINDS.items() if self.icon == getattr(box, name))
            kind = next(kinds, "information")
            detail, buttons = self.detailedText, self.standardButtons
            return pressed(kind, self.text, self.windowTitle, detail, buttons)

        exec = exec_

    def function(kind):
        def show(_parent, title, text, buttons=box.Ok, _default=None):
            return pressed(kind, text, title, "", buttons)

        return staticmethod(show)

    for name in ("information", "warning", "question"):
        setattr(QMessageBox, name, function(name))
    QMessageBox.critical = function("error")

    def file(_parent=None, caption="", *_):
        return str(DIALOGS.ask(Message("file", caption)) or "")

    class QFileDialog(qt.QFileDialog):
        """Its static functions return the next answer: a path, or "" for Cancel."""

        getOpenFileName = staticmethod(file)
        getSaveFileName = staticmethod(file)
        getExistingDirectory = staticmethod(file)

    class QDialog(qt.QDialog):
        """Any other modal dialog is recorded by its title and its labels, and accepted."""

        def exec_(self):
            """Record the dialog and accept it."""
            text = "\n".join(label.text for label in self.findChildren(qt.QLabel))
            DIALOGS.messages.append(Message("information", text, self.windowTitle))
            return qt.QDialog.Accepted

        exec = exec_

    class ctkMessageBox(QMessageBox):
        """The message box of ``slicer.util``; recorded, not shown."""

    found = (QMessageBox, QFileDialog, QDialog, ctkMessageBox)
    return {cls.__name__: cls for cls in found}
