"""The frame of the report of a result and of that of its review: a template and style sheets.

Slicer's own Python writes them, so that they need nothing but the standard library.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from .words import text

#: A page loads nothing, runs nothing but its own program, and sends nothing anywhere.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'"

_ASSETS = Path(__file__).with_name("assets")


def asset(name: str) -> str:
    """Return the text of a template or a style sheet."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def document(
    kicker: str,
    images: tuple[str, str],
    facts: Sequence[tuple[str, str]],
    sections: Mapping[str, tuple[str, str]],
    footer: str,
    version: str,
    styles: Sequence[str] = ("report.css",),
    definitions: str = "",
    program: str = "",
) -> str:
    """Return one self-contained HTML page: nothing in it is loaded from elsewhere.

    Parameters
    ----------
    kicker, footer
        Plain text of our own.
    images, facts, version
        Names of the fixed and the moving image, what stands below them, the software's version:
        plain text from anywhere; it will be escaped.
    sections
        By anchor: what the contents call it, and its HTML, empty where there is nothing to say.
    styles
        Names of style sheets, in order.
    program
        A JavaScript module of our own, the only one that the page may run; "" for none. It may
        load what it makes itself (`blob:`).
    """
    fixed, moving = images
    there = {anchor: title for anchor, (title, html) in sections.items() if html}
    policy = _POLICY
    if program:
        digest = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
        policy += f"; script-src 'sha256-{digest}' blob:"
        program = f'<script type="module">{program}</script>\n'
    return Template(asset("page.html")).substitute(
        policy=policy,
        program=program,
        kicker=kicker,
        fixed=text(fixed),
        moving=text(moving),
        style="".join(asset(name) for name in styles),
        definitions=definitions,
        facts="".join(f"<div><dt>{name}</dt><dd>{text(value)}</dd></div>" for name, value in facts),
        links="".join(f'<a href="#{anchor}">{title}</a>' for anchor, title in there.items()),
        body="".join(html for _, html in sections.values()),
        footer=footer,
        version=text(version),
    )
