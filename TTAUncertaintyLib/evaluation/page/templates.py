"""The templates of the pages, and how they write numbers and words."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...results.report.document import asset
from ...results.report.words import mm
from ...version import __version__

_ASSETS = Path(__file__).with_name("assets")


def render(template: str, folder: Path = _ASSETS, **content: Any) -> str:
    """Return a page as one self-contained HTML document.

    Parameters
    ----------
    folder
        Where it lies; the frame that it extends is always found.
    **content
        What it names, plain text and numbers; all but figures is escaped.
    """
    return _environment(folder).get_template(template).render(content)


@cache
def _environment(folder: Path) -> Environment:
    made = Environment(
        loader=FileSystemLoader([folder, _ASSETS]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        finalize=_whole,
    )
    made.filters |= {"two": two, "mm": mm, "percent": "{:.0%}".format, "counted": counted}
    style = asset("report.css") + (_ASSETS / "page.css").read_text("utf-8")
    made.globals |= {"version": __version__, "style": Markup(style)}
    return made


def _whole(value: Any) -> Any:
    """Return names of files as text that can be encoded: on some systems they hold halves."""
    if type(value) is str:
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def two(value: float) -> str:
    """Return a number with two digits; "–" where there is none."""
    if not math.isfinite(value):
        return "–"
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\u2212")  # no minus before nothing


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count and what is counted: "1 case", "2 cases"."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
