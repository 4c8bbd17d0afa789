"""The expected error and its bound, what they rest on, and where they do not hold."""

from __future__ import annotations

from typing import Any

from ..findings import Findings
from ..maps import MapKind
from .map_row import Cuts, map_row
from .pictures import OUTSIDE_SWATCH
from .views import Views
from .words import mm, percent, text

#: Kinds of deformation whose names say nothing to a reader.
_KIND_WORDS = {"paper-affine": "the paper's affine", "reapplied": "found between two of the images"}

_KINDS = (MapKind.EXPECTED_ERROR, MapKind.ERROR_BOUND)


def expected_error_section(views: Views, record: dict[str, Any]) -> str:
    """Return the two calibrated maps with what they rest on; nothing without a calibration."""
    if MapKind.EXPECTED_ERROR not in views.findings.maps:
        return ""
    title = '<section id="error"><h2>Expected error</h2>'
    cuts = Cuts.through(views, views.focus)
    rows = "".join(map_row(views, kind, cuts) for kind in _KINDS)
    return f"{title}{_words(views.findings, record)}{rows}</section>"


def _words(findings: Findings, record: dict[str, Any]) -> str:
    calibration = record["calibration"]
    made = calibration["provenance"]
    names = ", ".join(str(image["name"]) for image in made.get("images", ()))
    kinds = ", ".join(_KIND_WORDS.get(str(kind), str(kind)) for kind in made.get("kinds", ()))
    known = findings.numbers.statistics
    expected, bound = (known[kind].mean if kind in known else float("nan") for kind in _KINDS)
    level = _whole(calibration["error_bound"]["level"])
    sentences = [
        f"Over the region the answer is expected to be <strong>{mm(expected)}"
        f"</strong> off on average, and less than the bound (mean {mm(bound)}) in "
        f"{level} of the voxels.",
    ]
    if calibration.get("head"):
        networks = ", ".join(str(name) for name in made.get("networks", ()))
        sentences.append(
            "It is judged from the two images, the answer, and the passes, by what "
            f"{made.get('cases', 'some')} registrations of {len(made.get('images', ()))} people "
            f"showed whose truth was known (networks: {text(networks)}; "
            f"{text(made.get('date', 'no date'))}). What is not of brains like theirs, or of a "
            "network that errs in another way, it can only guess."
        )
        if not calibration["error_bound"].get("network_known", True):
            sentences.append(
                "This network is none of these: its bound is wider, by what each of them needed "
                "that was left out."
            )
    else:
        factor = calibration["error_bound"]["factor"]
        sentences.append(
            f"The bound is {factor:.2g} times the expected error everywhere, so that both maps "
            "look alike: each has a legend of its own. "
            f"That is what this network did on {made.get('cases', 'some')} registrations whose "
            f"truth was known (images: {text(names or 'not named')}; deformations: "
            f"{text(kinds or 'not named')}; {text(made.get('date', 'no date'))})."
        )
    checked = made.get("checked_on_left_out", {})
    if "subject" in checked:
        sentence = (
            f"On subjects that were left out, the bound held for "
            f"{_whole(checked['subject']['coverage'])} of the voxels"
        )
        if "kind" in checked:
            sentence += (
                f"; on kinds of deformation that were left out, for "
                f"{_whole(checked['kind']['coverage'])}"
            )
        sentences.append(f"{sentence}.")
    outside = findings.numbers.beyond_calibration
    limits = (
        f"{OUTSIDE_SWATCH}Hatched: the cues lie outside what the calibration has seen, in "
        f"{percent(outside)} of the region: the error there may be larger. The same holds for "
        "anatomy, contrast or deformation unlike the calibration's, and an error that every cue "
        "misses stays unseen. Between two different people only boundaries of structures are "
        "known: a slide along one is not."
    )
    return f'<p class="lead">{" ".join(sentences)}</p><p class="hint">{limits}</p>'


def _whole(share: float) -> str:
    return f"{100 * share:.0f}\u00a0%"
