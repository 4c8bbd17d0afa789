"""The page of an evaluation: its sections in order, in one file that opens offline."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...results.report.style import STYLE
from ...results.report.words import mm, text
from ...results.review_report_decision import written_date
from ...version import __version__
from ..results_table import METRICS, Evaluation
from .figures import quality_against_passes, reliability, sparsification
from .methods import ORDER, Shown, shown_methods
from .style import PAGE_STYLE
from .tables import cases_section, kinds_section, methods_section, structures_section

#: Anchors of the sections, and what the contents call them.
_CONTENTS = (
    ("reading", "In plain words"),
    ("passes", "Quality against passes"),
    ("methods", "Methods"),
    ("curves", "Curves"),
    ("kinds", "By kind"),
    ("structures", "By structure"),
    ("cases", "Cases"),
    ("provenance", "How it was made"),
)


def make_page(evaluation: Evaluation) -> str:
    """Return the page as one self-contained HTML document without scripts."""
    methods = shown_methods(evaluation.summaries)
    body = "".join(
        (
            _reading(evaluation, methods),
            quality_against_passes(methods),
            methods_section(methods),
            _curves(evaluation, methods),
            kinds_section(evaluation, methods),
            structures_section(evaluation, methods),
            cases_section(evaluation),
            _provenance(evaluation),
        )
    )
    links = "".join(
        f'<a href="#{anchor}">{name}</a>' for anchor, name in _CONTENTS if f'id="{anchor}"' in body
    )
    return document(
        evaluation.title,
        "Evaluation of uncertainty maps",
        (
            ("Model", str(evaluation.model.get("title", "unknown"))),
            ("Images", str(len(evaluation.images))),
            ("Cases", str(len(evaluation.errors))),
            ("Date", written_date(evaluation.created)),
        ),
        f"<nav>{links}</nav>{body}",
        "The scores of every map on every case lie beside this page in cases.csv, the means in "
        "methods.csv, and all of it in evaluation.json.",
    )


def document(
    title: str, kicker: str, facts: Sequence[tuple[str, str]], body: str, footer: str
) -> str:
    """Return a page in the report's style.

    Parameters
    ----------
    title, kicker, facts, footer
        Plain text.
    body
        HTML.
    """
    entries = "".join(f"<div><dt>{name}</dt><dd>{text(value)}</dd></div>" for name, value in facts)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{text(title)}</title><style>{STYLE}{PAGE_STYLE}</style></head><body><main>"
        f'<header><p class="kicker">{text(kicker)}</p><h1>{text(title)}</h1>'
        f'<dl class="facts">{entries}</dl></header>{body}<footer>TTAUncertainty '
        f"{text(__version__)}. For research; not a medical device. {text(footer)}</footer>"
        "</main></body></html>\n"
    )


def _reading(evaluation: Evaluation, methods: Sequence[Shown]) -> str:
    errors, subjects = evaluation.errors, {error.subject for error in evaluation.errors}
    kinds = list(dict.fromkeys(error.kind for error in errors))
    sentences = [
        f"{_counted(len(errors), 'registration')} whose true answer is known "
        f"({text(', '.join(kinds))}; {_counted(len(subjects), 'image')}) went through the network."
    ]
    if errors:
        asked = sum(error.displacement_rms_mm for error in errors) / len(errors)
        mean = sum(error.error_mean_mm for error in errors) / len(errors)
        sentences.append(
            f"It had to find displacements of {mm(asked)} (rms), and missed them by a mean of "
            f"<strong>{mm(mean)}</strong>."
        )
    ranked = [one for one in methods if ORDER in one.summary.metrics]
    if ranked:
        sentences.append(_leader(ranked[0]))
    items = "".join(f"<li>{text(note)}</li>" for note in evaluation.notes)
    notes = f'<ul class="cautions">{items}</ul>' if items else ""
    return (
        '<section id="reading"><h2>In plain words</h2>'
        f'<p class="reading">{" ".join(sentences)}</p>{notes}{_figures(ranked)}</section>'
    )


def _leader(first: Shown) -> str:
    found = first.summary.metrics
    return (
        f"Where it missed is best told by <strong>{text(first.summary.method)}</strong>, with "
        f"{_counted(first.summary.passes, 'pass', 'passes')} through the network (nAURC "
        f"{found[ORDER].mean:.2f}, where 0 is the best order of the voxels there is and 1 is "
        "chance)."
    )


def _figures(ranked: Sequence[Shown]) -> str:
    """Return the few numbers that are read first: the leader's, and how far a bound can be held."""
    if not ranked:
        return ""
    found = ranked[0].summary.metrics
    tiles = [
        (f"{found[key].mean:.2f}", f"{METRICS[key].title} of the best map")
        for key in ("naurc", "pearson", "spearman")
        if key in found
    ]
    in_mm = next((one for one in ranked if "mae_mm" in one.summary.metrics), None)
    if in_mm is not None:
        calibrated = in_mm.summary.metrics
        tiles.append((mm(calibrated["mae_mm"].mean), "expected error off by"))
        if "coverage" in calibrated:
            tiles.append((f"{calibrated['coverage'].mean:.0%}", "below the 90 % bound"))
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for value, name in tiles)
    return f'<dl class="figures">{cells}</dl>'


def _curves(evaluation: Evaluation, methods: Sequence[Shown]) -> str:
    if not evaluation.sparsification:
        return ""
    plots = sparsification(evaluation, methods) + reliability(evaluation, methods)
    return (
        '<section id="curves"><h2>Curves</h2><p class="lead">Means over cases.</p>'
        f'<div class="plots">{plots}</div></section>'
    )


def _provenance(evaluation: Evaluation) -> str:
    model = evaluation.model
    weights = model.get("weights") or {}
    rows = [
        ("Network", f"{model.get('title', 'unknown')} ({model.get('name', 'unknown')})"),
        *((name.capitalize(), model[name]) for name in ("licence", "citation") if model.get(name)),
        *((name, weights[key]) for name, key in (("Weights", "file"), ("SHA-256", "sha256"))
          if weights.get(key)),
    ]  # fmt: skip
    images = [
        (image.get("name", "image"), _image(image.get("sha256"), bool(image.get("mask"))))
        for image in evaluation.images
    ]
    command = ""
    if evaluation.command:
        command = (
            '<p class="hint">The command that makes it again:</p>'
            f'<pre class="command">{text(evaluation.command)}</pre>'
        )
    return (
        '<section id="provenance"><h2>How it was made</h2>'
        f"{command}{_block('Model', rows)}{_block('Images', images)}</section>"
    )


def _image(sha256: object, has_mask: bool) -> str:
    hashed = sha256 if isinstance(sha256, str) else json.dumps(sha256)
    where = "a mask says where errors count" if has_mask else "errors count in its foreground"
    return f"SHA-256 {hashed}; {where}"


def _block(title: str, rows: Sequence[tuple[str, object]]) -> str:
    entries = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in rows)
    return f'<details><summary>{title}</summary><dl class="record">{entries}</dl></details>'


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or f'{one}s'}"
