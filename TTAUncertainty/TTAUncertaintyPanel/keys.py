"""Keys that work anywhere in the window, while the module is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
import slicer


class Keys:
    """Shortcuts and what they do; off until `enable`. `body` stands in where there is no window."""

    def __init__(self, body: Any, doing: Mapping[str, Callable[[], None]]) -> None:
        window = slicer.util.mainWindow() or body
        self.shortcuts = [qt.QShortcut(qt.QKeySequence(keys), window) for keys in doing]
        for shortcut, do in zip(self.shortcuts, doing.values(), strict=True):
            shortcut.connect("activated()", do)
        self.enable(False)

    def enable(self, enabled: bool) -> None:
        """Let them work, or not."""
        for shortcut in self.shortcuts:
            shortcut.setEnabled(enabled)

    def close(self) -> None:
        """Let go of them: the window would keep them."""
        for shortcut in self.shortcuts:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self.shortcuts = []
