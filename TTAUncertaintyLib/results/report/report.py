"""The report page: its sections in order, in one file that opens offline."""

from __future__ import annotations

from typing import Any

from ..calibration_status import calibration_words
from ..findings import Findings
from .audit import audit_section
from .cues import cues_section, terms_section
from .document import asset, document
from .expected_error import expected_error_section
from .labels import labels_section
from .niivue import HOW_TO_GET, NiiVue
from .numbers import numbers_section, provenance_section
from .overview import glance_section, places_section
from .reading import reading_section
from .scrolling import PROGRAM, scrolling_section
from .views import Views
from .words import written_date


def make_report(findings: Findings, record: dict[str, Any]) -> str:
    """Return the report as one self-contained HTML page.

    Parameters
    ----------
    findings
        On the fixed image's lattice; without any uncertainty too.

    Returns
    -------
    str
        HTML. Nothing in it is loaded from elsewhere: pictures are data URIs. Where NiiVue is
        installed, the volumes are in it too, and a program that shows them; else nothing runs.
    """
    views = Views(findings)
    niivue = NiiVue.installed()
    sections = {
        "reading": ("In plain words", reading_section(views, record)),
        "glance": ("At a glance", glance_section(views)),
        "look": ("Look around", scrolling_section(views, niivue) if niivue else ""),
        "error": ("Expected error", expected_error_section(views, record)),
        "opinion": ("Second opinion", audit_section(views, record)),
        "places": ("Worst places", places_section(views)),
        "labels": ("Structures", labels_section(views, record)),
        "terms": ("Two terms", terms_section(views, record)),
        "cues": ("Other cues", cues_section(views, record)),
        "numbers": ("Numbers", numbers_section(findings, record)),
        "provenance": ("How it was made", provenance_section(record)),
    }
    return document(
        "Registration uncertainty" if not record.get("audit") else "Registration under audit",
        (findings.fixed.name, findings.moving.name),
        (
            (
                "Model" if not record.get("audit") else "Second opinion by",
                record["model"]["title"],
            ),
            ("Preset", str(record["design"]["name"]).capitalize()),
            ("Date", written_date(record["created"])),
            ("Status", calibration_words(record)),
        ),
        sections,
        "The images and maps lie beside this page, and its numbers are in result.json."
        + ("" if niivue else f' <span class="screen">{HOW_TO_GET}</span>'),
        record["versions"]["ttauncertainty"],
        definitions=views.gallery.definitions(),
        program=asset(PROGRAM) if niivue else "",
    )
