"""What a result says in a few lines, for a terminal."""

from __future__ import annotations

from typing import Any

from ..humanize import standard_error
from ..review.why import Why, why_words
from .bundle import NO_REPORT, Bundle
from .maps import MapKind
from .registrations import KeptRegistrations


def summary_lines(bundle: Bundle) -> list[str]:
    """Return the summary of a bundle, for a terminal."""
    record = bundle.record
    design, passes, summary = record["design"], record["passes"], record["summary"]
    lines = [
        "",
        f"Fixed   {record['inputs']['fixed']['path']}",
        f"Moving  {record['inputs']['moving']['path']}",
        f"Model   {record['model']['title']}",
        f"Design  {design['name']}: {design['outer_K']} x {design['replicates_R']} "
        f"{design['family']} perturbations ({design['sampling']}), "
        f"{passes['done']} of {passes['asked']} passes done",
        *_convergence_lines(record),
        "",
    ]
    lines += _map_table(summary)
    lines += _split_lines(summary)
    lines.append(f"Folded  {summary['folded_fraction']:.3%} of the region")
    if summary["hot_spots"]:
        spot = summary["hot_spots"][0]
        place = ", ".join(f"{x:.0f}" for x in spot["position_ras_mm"])
        kind = MapKind(summary.get("hot_spots_map", MapKind.TOTAL.value))
        lines.append(
            f"Worst   {kind.facts.title.lower()} {spot['peak_mm']:.2f} mm at RAS ({place}) mm"
        )
        why = why_words([Why.from_dict(each) for each in spot.get("why", ())])
        if why:
            lines.append(f"Why     {why}")
    if "registrations" in record["files"]:
        kept = KeptRegistrations.open(bundle)
        lines.append(f"Kept    {kept.count} perturbed registrations")
    lines += [f"Note    {note}" for note in record["notes"]]
    if not bundle.report.is_file():
        lines.append(NO_REPORT.format(folder=bundle.folder))
    lines.append(_status(record))
    return lines


def _status(record: dict[str, Any]) -> str:
    if not record.get("calibrated"):
        return "These are uncertainties, not errors: they are not calibrated."
    calibration = record["calibration"]
    outside = calibration["region_outside_fraction"]
    of = f"a calibration of {calibration['model']}"
    if calibration.get("head"):
        of = "the head that is for every network"
    return (
        f"Expected error and its bound come from {of} "
        f"({calibration['provenance'].get('date', 'no date')}); the other maps are uncertainties. "
        f"In {outside:.1%} of the region the cues lie outside what it has seen."
    )


def _convergence_lines(record: dict[str, Any]) -> list[str]:
    known = record.get("convergence")
    if known is None:
        return []
    tolerance = known["tolerance_mm"]
    if tolerance is None:
        limit = ""
    elif known["standard_error_mm"] < tolerance:
        limit = f", below the {tolerance:g} mm asked for"
    else:
        limit = f", above the {tolerance:g} mm asked for"
    words = standard_error(known["standard_error_mm"], known["standard_error_fraction"])
    by_itself = "; stopped by itself" if known["stopped_by_itself"] else ""
    return [f"Known   {words}{limit}{by_itself}"]


def _map_table(summary: dict[str, Any]) -> list[str]:
    rows = [f"{'over the region':26}{'median':>9}{'95th pct':>10}{'max':>9}"]
    for kind in MapKind:
        if kind.value in summary["maps"]:
            s = summary["maps"][kind.value]
            name = f"{kind.facts.title}{', mm' if kind.facts.unit else ''}"
            rows.append(f"{name:26}{s['median']:9.2f}{s['p95']:10.2f}{s['maximum']:9.2f}")
    return [*rows, ""]


def _split_lines(summary: dict[str, Any]) -> list[str]:
    root = summary["root_mean_variance_mm"]
    if not {"total", "intrinsic", "jitter"} <= root.keys():
        return []
    ratio = root["intrinsic"] / root["total"] if root["total"] else 0.0
    share = ratio * ratio
    return [
        f"Split   total {root['total']:.2f} mm rms = intrinsic {root['intrinsic']:.2f} mm "
        f"({share:.0%} of the variance) + jitter {root['jitter']:.2f} mm"
    ]
