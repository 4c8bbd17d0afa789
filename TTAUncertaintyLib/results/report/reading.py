"""The result in plain words, for the person who reads nothing else."""

from __future__ import annotations

from typing import Any

from ...humanize import millimetres
from ..calibration_status import WORTH_A_WARNING, why_not_calibrated
from ..findings import Findings
from ..maps import MapKind
from .audit import audit_reading
from .overview import MOST_PLACES
from .views import Views
from .words import amplitudes, coordinates, mm, percent, perturbed_how, place, text

#: Below this share of the region a fold or a gap in coverage is not worth a sentence.
_NEGLIGIBLE = 5e-7


def reading_section(views: Views, record: dict[str, Any]) -> str:
    """Return the paragraph about this result, its key figures, and what to be careful about."""
    findings = views.findings
    warnings = "".join(f"<li>{sentence}</li>" for sentence in cautions(findings, record))
    careful = f'<ul class="cautions">{warnings}</ul>' if warnings else ""
    return (
        '<section id="reading"><h2>In plain words</h2>'
        f"{_reading(views, record)}"
        f"{careful}{_figures(findings)}{_uncalibrated(findings, record)}</section>"
    )


def cautions(findings: Findings, record: dict[str, Any]) -> list[str]:
    """Return HTML sentences about what limits this result, the gravest first."""
    found, numbers = [], findings.numbers
    passes = record["passes"]
    used = passes["perturbations_used_K"]
    if not record["complete"]:
        left = (
            f"The maps rest on {used} of {record['design']['outer_K']} perturbations, and are "
            "coarser than those of a whole run."
            if MapKind.TOTAL in findings.maps or record.get("audit")
            else "No perturbation pair was completed, so there is no uncertainty."
        )
        found.append(
            f"<strong>Stopped early.</strong> {passes['done']} of {passes['asked']} perturbed "
            f"passes were made. {left}"
        )
    if numbers.covered < 1 - _NEGLIGIBLE:
        found.append(
            f"<strong>Not everything is covered.</strong> {percent(1 - numbers.covered)} of "
            f"{_region_words(record)} lies outside the network's field of view. Maps are empty "
            "there, and beyond its edge the transform fades to the initial alignment alone."
        )
    if numbers.folded > _NEGLIGIBLE:
        found.append(
            f"<strong>The transform folds</strong> in {percent(numbers.folded)} of "
            f"{_region_words(record)}: there it turns tissue inside out, which anatomy cannot do."
        )
    if numbers.beyond_calibration > WORTH_A_WARNING:
        found.append(
            "<strong>Beyond the calibration.</strong> In "
            f"{percent(numbers.beyond_calibration)} of {_region_words(record)} the cues lie "
            "outside what the calibration has seen: the error there may be larger than it says."
        )
    weights = record["model"].get("weights")
    if weights and weights.get("published") is False:
        found.append(
            "<strong>Unknown weights.</strong> The hash of the weights file is not the one that "
            "its publisher gives."
        )
    found += [text(note) for note in record["notes"]]
    return found


def _reading(views: Views, record: dict[str, Any]) -> str:
    if record.get("audit"):
        return audit_reading(views, record["audit"])
    findings, numbers = views.findings, views.findings.numbers
    statistics = numbers.statistics.get(MapKind.TOTAL)
    if statistics is None:
        return (
            '<p class="reading">The images were registered once, without uncertainty: fewer than '
            "two perturbations were completed, and a spread needs at least two. Nothing here says "
            "where the network is unsure. To see that, run it again and let it go on longer.</p>"
        )
    design = record["design"]
    how = f"{perturbed_how(design)} a little ({', '.join(amplitudes(design))})"
    moved = [
        f"The moving image was {text(how)}, registered again, and the change taken back. A network "
        "that is sure of itself gives the same answer every time. Here the answer moved by a "
        f"median of <strong>{mm(statistics.median)}</strong> over {_region_words(record)}, and by "
        f"less than {mm(statistics.p95)} in 95\u00a0% of it."
    ]
    spots = numbers.hot_spots[:MOST_PLACES]
    if spots:
        worst = spots[0]
        more = len(spots) - 1
        others = {0: "", 1: " One more place is listed below."}.get(
            more, f" {more} more places are listed below, worst first."
        )
        where = (
            f"near <strong>{place(worst.position_ras_mm)}\u00a0mm</strong> (RAS "
            f"{coordinates(worst.position_ras_mm)})"
        )
        moved.append(
            f"The expected error is highest {where}, {mm(worst.peak)}: look there first.{others}"
            if findings.foremost.is_error
            else f"It moved most {where}, by {mm(worst.peak)}: look there first.{others}"
        )
    calibrated = findings.foremost.is_error
    status = "" if calibrated else "It has not been calibrated against known deformations. "
    moved += _how_well_known(record)
    meant = [
        "This is <strong>uncertainty</strong>: how much the network contradicts itself, as a "
        f"standard deviation. {status}Where it is large, do not trust the alignment; where it is "
        "small, the alignment may still be wrong: <strong>small does not mean correct</strong>."
    ]
    if calibrated:
        meant.append(
            "What it means in millimetres of error, and within which limits, is said under "
            '<a href="#error">Expected error</a>.'
        )
    gap = numbers.statistics.get(MapKind.INVERSE_CONSISTENCY)
    if gap is not None and gap.median > statistics.median:
        meant.append(
            f"Going to the moving image and back misses the start by a median of {mm(gap.median)}, "
            "more than the spread: a contradiction that the uncertainty map does not show."
        )
    if gap is not None and gap.maximum > statistics.maximum:
        x, y, z = views.widest_gap.tolist()
        meant.append(
            "The way there and back misses its start most near "
            f"<strong>{place((-x, -y, z))}\u00a0mm</strong>, by {mm(gap.maximum)}: look there too."
        )
    return f'<p class="reading">{" ".join(moved)}</p><p class="reading">{" ".join(meant)}</p>'


def _uncalibrated(findings: Findings, record: dict[str, Any]) -> str:
    """Return why nothing here is in millimetres of error; nothing with a calibration."""
    if findings.foremost.is_error:
        return ""
    if record.get("audit"):
        return f'<p class="hint">No expected error: {text(why_not_calibrated(record))}</p>'
    return (
        '<p class="hint">This result is not calibrated: its millimetres are a spread and not an '
        f"error. {text(why_not_calibrated(record))} <code>ttauncertainty calibrate</code> makes a "
        "calibration from images like these.</p>"
    )


def _how_well_known(record: dict[str, Any]) -> list[str]:
    """Return a sentence on the standard error of the map, where there is one."""
    known, passes = record.get("convergence"), record["passes"]
    if known is None:
        return []
    share = percent(known["standard_error_fraction"])
    # points that are balanced cover the space more evenly than the estimate can know
    balanced = record["design"]["sampling"] != "random"
    said = (
        f"Other perturbations would change the map by {'less than' if balanced else 'about'} "
        f"{millimetres(known['standard_error_mm'])}, {share} of it"
    )
    if known["stopped_by_itself"]:
        said += (
            f". That is below the {known['tolerance_mm']:g}\u00a0mm asked for, so the run stopped "
            f"by itself after {passes['done']} of {passes['asked']} passes"
        )
    return [f"{said}."]


def _figures(findings: Findings) -> str:
    """Return the few numbers that are read first."""
    tiles, numbers = [], findings.numbers
    total = numbers.statistics.get(MapKind.TOTAL)
    if total is not None:
        tiles += [
            (mm(total.median), "median uncertainty"),
            (mm(total.p95), "95th percentile"),
            (mm(total.maximum), "highest uncertainty"),
        ]
    apart = numbers.statistics.get(MapKind.DISAGREEMENT)
    if apart is not None:
        tiles += [(mm(apart.median), "median disagreement"), (mm(apart.p95), "95th percentile")]
    expected = numbers.statistics.get(MapKind.EXPECTED_ERROR)
    if expected is not None:
        tiles.append((mm(expected.mean), "mean expected error"))
    gap = numbers.statistics.get(MapKind.INVERSE_CONSISTENCY)
    if gap is not None:
        tiles.append((mm(gap.median), "median inverse-consistency gap"))
    tiles += [(percent(numbers.folded), "folded"), (percent(numbers.covered), "covered")]
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for value, name in tiles)
    return f'<dl class="figures">{cells}</dl>'


def _region_words(record: dict[str, Any]) -> str:
    if any(record["inputs"].get(name) for name in ("leave_out", "fixed_mask")):
        return "what the masks leave of the fixed image"
    mask = record["inputs"].get("mask")
    return "the foreground of the fixed image" if mask is None else "the given mask"
