"""What the columns of the tables mean: the data dictionary beside each table."""

from __future__ import annotations

from collections.abc import Iterable

from ..results.maps import MapKind

_STATISTICS = {
    "mean": "Mean",
    "median": "Median",
    "p95": "95th percentile",
    "maximum": "Highest value",
    "above_share": "Share above the tolerance",
}

_KNOWN: dict[str, tuple[str, str]] = {
    "pair": ("Name of the pair; its folder is pairs/NAME.", ""),
    "state": ("done, failed, or missing (not registered yet).", ""),
    "reason": ("Why it failed; of one that is done, what could not be measured.", ""),
    "group": ("Group, from the table of pairs.", ""),
    "flags": (
        "Measures in which the pair stands out from its group, with their robust z. A flag says "
        "where to look; it is no verdict on the registration.",
        "",
    ),
    "seconds": ("Wall time of its registration.", "s"),
    "attempts": ("Attempts that were made; the second one is on a fresh process.", ""),
    "computer": ("Where it was registered.", ""),
    "complete": ("Whether every pass was made, or the map was known well enough.", ""),
    "passes": ("Perturbed passes through the network.", ""),
    "device": ("Device of the network.", ""),
    "precision": ("Precision of the network.", ""),
    "folded_share": ("Share of the region in which the transform folds.", "0 to 1"),
    "covered_share": ("Share of the region in which there is an estimate.", "0 to 1"),
    "above_share": (
        "Share of the region in which the expected error, or without a calibration the total "
        "uncertainty, lies above the tolerance that the study was run with.",
        "0 to 1",
    ),
    "outside_calibration_share": (
        "Share of the region in which the calibration has seen nothing alike.",
        "0 to 1",
    ),
    "map_known_to_mm": ("Standard error of the map of total uncertainty.", "mm"),
    "worst_r_mm": ("Worst place, towards the patient's right (RAS).", "mm"),
    "worst_a_mm": ("Worst place, towards the front (RAS).", "mm"),
    "worst_s_mm": ("Worst place, upwards (RAS).", "mm"),
    "landmarks": ("Pairs of landmarks.", ""),
    "landmark_distance_before_mean_mm": ("Mean distance of landmarks as the images stand.", "mm"),
    "landmark_error_mean_mm": ("Mean target registration error.", "mm"),
    "landmark_error_median_mm": ("Median target registration error.", "mm"),
    "landmark_error_maximum_mm": ("Largest target registration error.", "mm"),
    "dice_mean": (
        "Mean overlap of the structures that both images have. No error of the transform: "
        "structures can agree while the points inside them are wrong.",
        "Dice, 0 to 1",
    ),
    "model": ("Network.", ""),
    "design": ("Perturbations.", ""),
    "version": ("Version of TTAUncertainty.", ""),
    "torch_version": ("Version of PyTorch.", ""),
    "created": ("When the result was written, UTC.", ""),
    "label": (
        "Number of the structure: in the label map of the fixed image or, where that has none, in "
        "that of the moving image, which the registration carries over.",
        "",
    ),
    "volume_cm3": ("Volume of the structure on the fixed image.", "cm3"),
    "dice": ("Overlap after registration.", "Dice, 0 to 1"),
    "dice_before": ("Overlap as the images stand.", "Dice, 0 to 1"),
    "surface_distance_mean_mm": ("Mean distance of the two surfaces after registration.", "mm"),
}

#: Titles of columns whose name says them badly.
_CALLED = {
    "above_share": "Share above the tolerance",
    "folded_share": "Share that folds",
    "covered_share": "Share with an estimate",
    "outside_calibration_share": "Share outside the calibration",
}


def describe(column: str) -> tuple[str, str]:
    """Return what a column means, and its unit; ("", "") for one that is not ours."""
    if column in _KNOWN:
        return _KNOWN[column]
    for kind in MapKind:
        name = column.removeprefix(f"{kind.value}_")
        if name != column and name in _STATISTICS:
            unit = "0 to 1" if name.endswith("share") else kind.facts.unit
            what = f"{_STATISTICS[name]} of the {kind.facts.title.lower()}. {kind.facts.meaning}"
            return what, unit
    return "", ""


def title(column: str) -> str:
    """Return what a column is called on the screen."""
    for kind in MapKind:
        name = column.removeprefix(f"{kind.value}_")
        if name != column and name in _STATISTICS:
            said = f"{kind.facts.title}, {_STATISTICS[name][0].lower()}{_STATISTICS[name][1:]}"
            return f"{said} ({kind.facts.unit})" if kind.facts.unit == "mm" else said
    if column in _CALLED:
        return _CALLED[column]
    words = column.removesuffix("_mm").replace("_", " ")
    return words[:1].upper() + words[1:] + (" (mm)" if column.endswith("_mm") else "")


def dictionary(columns: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the data dictionary of a table, as BIDS has it."""
    found = {}
    for column in columns:
        meaning, unit = describe(column)
        entry = {"Description": meaning or "From the table of pairs, as it stands there."}
        found[column] = entry | ({"Units": unit} if unit else {})
    return found
