"""The report page: its sections in order, in one file that opens offline."""

from __future__ import annotations

from typing import Any

from ..calibration_words import calibration_words
from ..findings import Findings
from .cues import cues_section, terms_section
from .expected_error import expected_error_section
from .numbers import numbers_section, provenance_section
from .overview import glance_section, places_section
from .reading import reading_section
from .style import STYLE
from .views import Views
from .words import text, written_date

#: Anchors of the sections, and what the contents call them.
_CONTENTS = (
    ("reading", "In plain words"),
    ("glance", "At a glance"),
    ("error", "Expected error"),
    ("places", "Worst places"),
    ("terms", "Two terms"),
    ("cues", "Other cues"),
    ("numbers", "Numbers"),
    ("provenance", "How it was made"),
)


def make_report(findings: Findings, record: dict[str, Any]) -> str:
    """Return the report as one self-contained HTML page.

    Parameters
    ----------
    findings
        On the fixed image's lattice; without any uncertainty too.
    record
        From `make_record`.

    Returns
    -------
    str
        HTML. Nothing in it is loaded from elsewhere: pictures are data URIs, and there is no
        script.
    """
    views = Views(findings)
    sections = (
        reading_section(views, record),
        glance_section(views),
        expected_error_section(views, record),
        places_section(views),
        terms_section(views, record),
        cues_section(views, record),
        numbers_section(findings, record),
        provenance_section(record),
    )
    body = "".join(sections)
    links = "".join(
        f'<a href="#{anchor}">{name}</a>' for anchor, name in _CONTENTS if f'id="{anchor}"' in body
    )
    title = f"{text(findings.moving.name)} on {text(findings.fixed.name)}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Registration uncertainty: {title}</title><style>{STYLE}</style></head><body>"
        f"{views.gallery.definitions()}<main>{_header(findings, record)}"
        f"<nav>{links}</nav>{body}{_footer(record)}</main></body></html>\n"
    )


def _header(findings: Findings, record: dict[str, Any]) -> str:
    facts = (
        ("Model", record["model"]["title"]),
        ("Preset", str(record["design"]["name"]).capitalize()),
        ("Date", written_date(record["created"])),
        ("Status", calibration_words(record)),
    )
    entries = "".join(f"<div><dt>{name}</dt><dd>{text(value)}</dd></div>" for name, value in facts)
    return (
        '<header><p class="kicker">Registration uncertainty</p>'
        f'<h1>{text(findings.moving.name)} <span class="onto">registered to</span> '
        f'{text(findings.fixed.name)}</h1><dl class="facts">{entries}</dl></header>'
    )


def _footer(record: dict[str, Any]) -> str:
    version = text(record["versions"]["ttauncertainty"])
    return (
        f"<footer>TTAUncertainty {version}. For research; not a medical device. The images and "
        "maps lie beside this page, and its numbers are in result.json.</footer>"
    )
