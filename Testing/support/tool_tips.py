"""What a tool tip says."""

from __future__ import annotations

import html
import re


def tool_tip(widget):
    """A widget's tool tip as plain text: Slicer wraps each in a paragraph."""
    return html.unescape(re.sub("<[^>]*>", "", widget.toolTip))
