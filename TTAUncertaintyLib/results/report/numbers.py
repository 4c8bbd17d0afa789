"""Every number of the result, and how it was made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ...humanize import millimetres
from ..calibration_status import calibration_words, why_not_calibrated
from ..maps import MapKind
from .words import amplitudes, percent, text

if TYPE_CHECKING:
    from ..findings import Findings

METHOD = (
    "Tian, Hu, Iglesias: Test-time Uncertainty Estimation for Medical Image Registration via "
    "Transformation Equivariance. arXiv:2509.23355."
)
_SAMPLING = {
    "hadamard": "two-level orthogonal: every parameter is plus or minus its amplitude",
    "random": "independent uniform draws up to the amplitude",
    "sobol": "scrambled Sobol points up to the amplitude",
}
_NOISE = {
    "discretisation": "shifts below one voxel",
    "dropout": "the network's dropout layers",
    "ensemble": "several checkpoints of the network",
}

Row = tuple[str, str]


def numbers_section(findings: Findings, record: dict[str, Any]) -> str:
    """Return the table of statistics."""
    rows, numbers = [], findings.numbers
    for kind, found in numbers.statistics.items():
        digits = [f"{v:.3f}" for v in (found.median, found.p95, found.maximum, found.mean)]
        root = f"{numbers.root_mean[kind]:.3f}" if kind in numbers.root_mean else "–"
        cells = "".join(f"<td>{value}</td>" for value in (*digits, root))
        rows.append(f"<tr><th>{kind.facts.title}</th>{cells}<td>{kind.facts.unit or '–'}</td></tr>")
    inside = findings.values(MapKind.JACOBIAN)
    lowest = f"{inside.min():.3f}".replace("-", "\u2212") if inside.size else "unknown"
    voxels = record["summary"]["region_voxels"]
    volume = voxels * findings.fixed.lattice.voxel_volume / 1000
    where = "foreground of the fixed image, found by intensity"
    if record["inputs"].get("mask") is not None:
        where = "given mask"
    return (
        '<section id="numbers"><h2>Numbers</h2><div class="wide"><table class="numbers"><thead>'
        "<tr><th>Map</th><th>median</th><th>95th percentile</th><th>maximum</th><th>mean</th>"
        f"<th>root mean variance</th><th>unit</th></tr></thead><tbody>{''.join(rows)}</tbody>"
        f'</table></div><p class="hint">Over the {where}: {voxels:,} voxels, {volume:,.0f} cm³, of '
        f"which {percent(numbers.covered)} have an estimate. Folded: {percent(numbers.folded)}; "
        f"lowest Jacobian determinant {lowest}. Root mean variances are taken before anything is "
        "cut off at zero, as regions should be averaged.</p></section>"
    )


def provenance_section(record: dict[str, Any]) -> str:
    """Return design, placement, model, inputs, machine and versions."""
    blocks = (
        _block("Design", _design_rows(record), "", opened=True),
        _block("Model and weights", _model_rows(record["model"]), "", opened=True),
        _block("Input files", _input_rows(record["inputs"]), ""),
        _block("Placement before the network", *_placement(record["placement"])),
        _block("Lattices of the network", _network_rows(record["network_lattices"]), ""),
        _block("Machine, time and versions", _machine_rows(record), ""),
    )
    return (
        '<section id="provenance"><h2>How it was made</h2>'
        '<p class="lead">Millimetres of spread depend on the design: maps of different designs, '
        "or of different networks' lattices, cannot be compared in mm.</p>"
        f'{"".join(blocks)}<p class="hint">Method: {text(METHOD)}</p></section>'
    )


def _design_rows(record: dict[str, Any]) -> list[Row]:
    design, passes = record["design"], record["passes"]
    k, r, noise = design["outer_K"], design["replicates_R"], design["noise"]
    sampling = design["sampling"]
    said = "none: every perturbation is made once"
    if noise is not None:
        extent = f", up to ± {design['micro_voxels']:g} voxel" if noise == "discretisation" else ""
        said = f"{noise}: {_NOISE.get(noise, noise)}{extent}"
    return [
        ("Preset", design["name"]),
        ("Perturbations", f"{design['family']}: {'; '.join(amplitudes(design))}"),
        ("Sampling", f"{sampling}: {_SAMPLING.get(sampling, sampling)}"),
        (
            "Passes",
            f"K = {k} perturbations × R = {r} replicates = {passes['asked']}; "
            f"{passes['done']} made, {passes['used']} used",
        ),
        ("Map known to", _how_well_known(record)),
        ("Noise", said),
        ("Seed", str(design["seed"])),
        ("Folding perturbations", "allowed" if design["allow_folding"] else "refused"),
        ("Calibration", _calibration(record)),
    ]


def _how_well_known(record: dict[str, Any]) -> str:
    """Say how well the map of total uncertainty is known, and what was asked for."""
    known = record.get("convergence")
    if known is None:
        return "not estimated; it takes three perturbations"
    said = (
        f"\u00b1{millimetres(known['standard_error_mm'])} "
        f"({percent(known['standard_error_fraction'])} of the total; one standard deviation, root "
        "mean square over the anatomy), from the scatter between perturbations"
    )
    if known["tolerance_mm"] is None:
        return said
    stopped = "; the run stopped by itself" if known["stopped_by_itself"] else ""
    return f"{said}; asked for: below {known['tolerance_mm']:g} mm{stopped}"


def _calibration(record: dict[str, Any]) -> str:
    return f"{calibration_words(record)}. {why_not_calibrated(record)}".removesuffix(". ")


def _model_rows(model: dict[str, Any]) -> list[Row]:
    rows = [
        ("Network", f"{model['title']} ({model['name']})"),
        ("Licence", model["licence"]),
        ("Citation", model["citation"]),
    ]
    weights = model.get("weights")
    if weights is None:
        return [*rows, ("Weights", "none")]
    agreed = {True: "as published", False: "not as published", None: "no published hash is known"}
    return [
        *rows,
        ("Weights", weights["file"]),
        ("SHA-256", f"{weights['sha256']} ({agreed[weights.get('published')]})"),
    ]


def _input_rows(inputs: dict[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for name in ("fixed", "moving", "mask", "fixed_mask", "moving_mask", "leave_out"):
        file = inputs.get(name)
        if file is None:
            continue
        rows += [
            (name.replace("_", " ").capitalize(), file.get("name", "")),
            ("File", file["path"]),
            ("SHA-256", file["sha256"]),
            ("Stored as", file["pixel_type"]),
            ("Geometry", _geometry(file["lattice"])),
        ]
        if file.get("nonfinite_replaced"):
            rows.append(("NaN or infinite", f"{file['nonfinite_replaced']} voxels replaced"))
        rows += [("Mind", f"The file {note}") for note in file.get("notes", ())]
    return rows


def _network_rows(lattices: dict[str, Any]) -> list[Row]:
    return [(name.capitalize(), _geometry(lattices[name])) for name in ("fixed", "moving")]


def _geometry(lattice: dict[str, Any]) -> str:
    size = " × ".join(str(n) for n in lattice["size_ijk"])
    spacing = " × ".join(f"{n:.4g}" for n in lattice["spacing_mm"])
    origin = ", ".join(f"{n:.2f}" for n in lattice["origin_lps_mm"])
    rows = "; ".join(" ".join(f"{n:.4f}" for n in row) for row in lattice["direction"])
    return f"{size} voxels of {spacing} mm; origin LPS ({origin}) mm; direction [{rows}]"


def _placement(placement: dict[str, Any]) -> tuple[list[Row], str]:
    rows = [("Start", placement["start"]), ("Pre-alignment", placement["prealignment"])]
    more = _matrix("Fixed world to moving world", placement["initial_fixed_to_moving_lps"])
    frame = placement.get("network_frame_to_fixed_lps")
    if frame is not None:
        more += _matrix("World of the network's reference image to fixed world", frame)
    return rows, more


def _matrix(title: str, matrix: list[list[float]]) -> str:
    cells = "".join(
        f"<tr>{''.join(f'<td>{value:.6f}</td>' for value in row)}</tr>" for row in matrix
    )
    return f'<p class="hint">{title}, LPS, mm:</p><table class="matrix">{cells}</table>'


def _machine_rows(record: dict[str, Any]) -> list[Row]:
    rows = [
        (name.replace("_", " ").capitalize(), str(value))
        for name, value in record["execution"].items()
    ]
    rows += [
        (f"Time: {name.replace('_', ' ')}", f"{seconds:.1f} s")
        for name, seconds in record["seconds"].items()
    ]
    rows += [(name, str(value)) for name, value in record["versions"].items()]
    return [*rows, ("Written", record["created"]), ("Schema", str(record["schema_version"]))]


def _block(title: str, rows: Iterable[Row], more: str, opened: bool = False) -> str:
    """Return a folded block; names and values are escaped here, `more` is HTML."""
    entries = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in rows)
    return (
        f"<details{' open' if opened else ''}><summary>{text(title)}</summary>"
        f'<dl class="record">{entries}</dl>{more}</details>'
    )
