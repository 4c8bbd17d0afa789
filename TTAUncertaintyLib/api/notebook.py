"""What a notebook shows of a result: the first sections of its report, in a frame of their own.

The frame keeps the report's styles and the notebook's apart, and needs no script.
"""

from __future__ import annotations

import re
from html import escape

from ..errors import InputError
from ..results import Bundle
from ..results.bundle import NO_REPORT
from ..results.report.words import text

#: Sections of the report that are shown, by their anchors.
_SHOWN = ("reading", "glance", "error", "places")
_HEIGHT_PX = 720


def result_card(bundle: Bundle, where: str) -> str:
    """Return HTML for a notebook.

    Parameters
    ----------
    bundle
        Whose report is shown.
    where
        A sentence on where the result lies.

    Raises
    ------
    InputError
        If the report is gone.
    """
    try:
        page = excerpt(bundle.report.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(NO_REPORT.format(folder=bundle.folder)) from error
    except OSError as error:
        raise InputError(f"{bundle.report} cannot be read: {error.strerror}.") from error
    return (
        f'<iframe srcdoc="{escape(page)}" sandbox="" title="Registration uncertainty" '
        f'style="width:100%;height:{_HEIGHT_PX}px;border:1px solid #ccc;border-radius:6px">'
        f"</iframe><div>{text(where)}</div>"
    )


def excerpt(report: str) -> str:
    """Return a report with its first sections alone, and of its pictures those that they use."""
    sections = re.compile(r'<section id="([\w-]+)"[^>]*>.*?</section>', re.DOTALL)
    kept = sections.sub(lambda found: found[0] if found[1] in _SHOWN else "", report)
    kept = re.sub(r"<(nav|script)\b.*?</\1>", "", kept, flags=re.DOTALL)
    used = set(re.findall(r'<use href="#([\w-]+)"', kept))
    pictures = re.compile(r'<image id="([\w-]+)"[^>]*/>')
    return pictures.sub(lambda found: found[0] if found[1] in used else "", kept)
