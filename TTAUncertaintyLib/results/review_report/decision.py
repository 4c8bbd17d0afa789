"""The head of the review report: who decided what, and what limits it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...review import Verdict, verdict_counts
from ..calibration_status import WORTH_A_WARNING
from ..report.words import mm, percent, text
from .content import ReviewContent

#: A sign beside the words, so that a verdict does not rest on its colour.
_SIGNS = {Verdict.OPEN: "·", Verdict.ACCEPT: "✓", Verdict.CHECK: "?", Verdict.REJECT: "✕"}
#: Below this share of the region a fold or a gap in coverage is not worth a sentence.
_NEGLIGIBLE = 5e-7


def badge(verdict: Verdict) -> str:
    """Return a verdict as HTML: sign, colour and words."""
    return (
        f'<span class="verdict {verdict.value}"><i><b>{_SIGNS[verdict]}</b></i>'
        f"{verdict.title}</span>"
    )


def decision_section(content: ReviewContent) -> str:
    """Return the overall verdict, what was looked at, and what to be careful about."""
    review = content.review
    comment = text(review.comment) if review.comment else "No comment."
    careful = "".join(f"<li>{sentence}</li>" for sentence in _cautions(content))
    careful = f'<ul class="cautions">{careful}</ul>' if careful else ""
    return (
        '<section id="decision"><h2>Decision</h2>'
        f'<div class="decision">{badge(review.verdict)}<p class="words">{comment}</p></div>'
        f"{careful}{_figures(content)}"
        f'<p class="lead after">{_looked_at(content)} {_calibration(content.record)}</p></section>'
    )


def _looked_at(content: ReviewContent) -> str:
    unit = f" {content.volume.unit}" if content.volume.unit else ""
    threshold = content.review.threshold_mm
    above = "" if threshold is None else f" above {threshold:.2f}{unit}"
    tolerance = content.review.tolerance_mm
    said = (
        "No tolerance was set."
        if tolerance is None
        else f"The reviewer's tolerance is {tolerance:g} mm."
    )
    return (
        f"Reviewed on the map of the {text(content.volume.title.lower())}; hot spots{above}: "
        f"{verdict_counts(content.matched)}. {said}"
    )


def _calibration(record: dict[str, Any]) -> str:
    if record.get("calibrated"):
        share = percent(record["calibration"]["region_outside_fraction"])
        return (
            "Expected error and error bound come from a calibration on deformations whose truth "
            "was known, and hold for images and deformations like those; the other maps are "
            f"uncertainties. In {share} of the region the cues lie outside the calibrated range."
        )
    return (
        "The maps are <strong>uncalibrated</strong>: they show uncertainty, how much the network "
        "contradicts itself, and not its error. Small does not mean correct."
    )


def _cautions(content: ReviewContent) -> list[str]:
    """Return HTML sentences about what limits the decision, the gravest first."""
    record, matched, review = content.record, content.matched, content.review
    found = []
    against = matched.count(Verdict.REJECT) + matched.count(Verdict.CHECK)
    undecided = matched.count(Verdict.OPEN)
    if review.verdict is Verdict.ACCEPT and against + undecided:
        found.append(
            "<strong>Accepted as a whole, but not everywhere.</strong> Of "
            f"{_count(len(matched.spots), 'hot spot')}, {verdict_counts(matched)}."
        )
    elif undecided:
        found.append(
            f"<strong>Not everything was judged.</strong> {undecided} of "
            f"{_count(len(matched.spots), 'hot spot')} without a verdict."
        )
    if not record["complete"]:
        passes = record["passes"]
        found.append(
            f"<strong>The run was stopped early.</strong> {passes['done']} of {passes['asked']} "
            "perturbed passes were made, and the maps are coarser than those of a whole run."
        )
    summary = record["summary"]
    if summary["region_covered_fraction"] < 1 - _NEGLIGIBLE:
        found.append(
            "<strong>Not everything is covered.</strong> "
            f"{percent(1 - summary['region_covered_fraction'])} of the region lies outside the "
            "network's field of view and has no estimate."
        )
    if summary["folded_fraction"] > _NEGLIGIBLE:
        found.append(
            f"<strong>The transform folds</strong> in {percent(summary['folded_fraction'])} of the "
            "region: there it turns tissue inside out, which anatomy cannot do."
        )
    outside = (record.get("calibration") or {}).get("region_outside_fraction", 0.0)
    if outside > WORTH_A_WARNING:
        found.append(
            f"<strong>Beyond the calibration.</strong> In {percent(outside)} of the region the "
            "cues lie outside what the calibration has seen: the error there may be larger than "
            "it says."
        )
    if (record["model"].get("weights") or {}).get("published") is False:
        found.append(
            "<strong>Unknown weights.</strong> The hash of the weights file is not the one that "
            "its publisher gives."
        )
    return found + [text(note) for note in record["notes"]]


def _figures(content: ReviewContent) -> str:
    """Return the few numbers that are read first."""
    summary = content.record["summary"]
    tiles = []
    total = summary["maps"].get("total")
    if total is not None:
        tiles += [
            (mm(total["median"]), "median uncertainty"),
            (mm(total["p95"]), "95th percentile"),
            (mm(total["maximum"]), "highest uncertainty"),
        ]
    tiles.append((str(len(content.matched.spots)), "hot spots"))
    after = [found.after_mm for found in content.landmarks]
    if after:
        tiles.append((mm(float(np.median(after))), "median TRE after registration"))
    tiles.append((percent(summary["folded_fraction"]), "folded"))
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for value, name in tiles)
    return f'<dl class="figures">{cells}</dl>'


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
