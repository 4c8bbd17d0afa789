"""The evaluation: real images, known errors, and what the perturbation map says about them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from TTAUncertaintyLib.engine import Engine
from TTAUncertaintyLib.evaluation.metrics import normalised_risk_coverage, pearson, spearman
from TTAUncertaintyLib.geometry import Image, Lattice, Matrix
from TTAUncertaintyLib.models import PreparedPair
from TTAUncertaintyLib.models.adapters.network_model import NetworkModel
from TTAUncertaintyLib.models.descriptions import PYRAMID_FLOW
from TTAUncertaintyLib.models.networks.displacement_fields import sample_displaced
from TTAUncertaintyLib.models.networks.pyramid_flow import PyramidFlowNetwork
from TTAUncertaintyLib.perturbations import DesignRequest, Preset, jacobian_determinant
from TTAUncertaintyLib.training.evaluation_cases import (
    ManufacturedCase,
    load_volume,
    manufactured_case,
)
from TTAUncertaintyLib.training.image_lattice import SPACING_MM
from TTAUncertaintyLib.training.tissues import dice, tissue_classes
from TTAUncertaintyLib.variance import VarianceEstimate


@dataclass(frozen=True)
class CaseResult:
    """Figures of one manufactured case; errors in mm inside the brain."""

    name: str
    displacement_rms_mm: float
    error_mean_mm: float
    error_p95_mm: float
    folded_percent: float
    map_mean_mm: float
    #: Of the Quick preset's total uncertainty against the error.
    pearson: float
    spearman: float
    naurc: float
    #: Of the predicted displacement's norm and of the absolute intensity difference after
    #: registration against the error: what a useful map has to beat.
    displacement_pearson: float
    residual_pearson: float


@dataclass(frozen=True)
class PairResult:
    """Figures of a pair of different subjects: three-class tissue Dice (k-means)."""

    name: str
    dice_before: float
    dice_after: float
    folded_percent: float
    seconds_per_pass: float


def evaluate_case(network: PyramidFlowNetwork, case: ManufacturedCase) -> CaseResult:
    """Register a manufactured case and compare error and uncertainty."""
    mask = case.mask
    displacement = _register(network, case.moving, case.fixed)
    error = (displacement - case.displacement).square().sum(1).sqrt()[0] * SPACING_MM
    total = total_uncertainty(network, case.moving, case.fixed)
    residual = (sample_displaced(case.moving, displacement) - case.fixed).abs()[0, 0]
    length = displacement.square().sum(1).sqrt()[0]
    return CaseResult(
        name=case.name,
        displacement_rms_mm=case.rms_mm,
        error_mean_mm=float(error[mask].mean()),
        error_p95_mm=float(torch.quantile(error[mask], 0.95)),
        folded_percent=folded_percent(displacement, mask),
        map_mean_mm=float(total[mask].mean()),
        pearson=pearson(total[mask], error[mask]),
        spearman=spearman(total[mask], error[mask]),
        naurc=normalised_risk_coverage(total[mask], error[mask]),
        displacement_pearson=pearson(length[mask], error[mask]),
        residual_pearson=pearson(residual[mask], error[mask]),
    )


class _OnItsLattice(NetworkModel):
    """A network whose images lie on its lattice already, as the engine wants it."""

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Refuse: the cases come prepared."""
        raise NotImplementedError("An evaluation case is prepared already.")


def total_uncertainty(network: PyramidFlowNetwork, moving: Tensor, fixed: Tensor) -> Tensor:
    """Return the Quick preset's total uncertainty of two images, in mm, [D, H, W].

    Parameters
    ----------
    moving, fixed
        As in `perturbed_variance`.
    """
    variance = perturbed_variance(network, moving, fixed, DesignRequest(Preset.QUICK))
    return variance.total.clamp(min=0.0).sqrt()


def perturbed_variance(
    network: PyramidFlowNetwork, moving: Tensor, fixed: Tensor, request: DesignRequest
) -> VarianceEstimate:
    """Return the engine's variances of two images, traces in mm^2, [D, H, W].

    Parameters
    ----------
    moving, fixed
        Float32, [1, 1, D, H, W], on one lattice of `SPACING_MM`.
    request
        The design.
    """
    depth, height, width = moving.shape[2:]
    lattice = Lattice((width, height, depth), np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0]))
    pair = PreparedPair(moving, fixed, lattice, lattice)
    model = _OnItsLattice(network, PYRAMID_FLOW, None)
    variance = Engine(model, pair, request.resolve(lattice), reverse_pass=False).run().variance
    assert variance is not None  # every design has more than two perturbations
    return variance.traces()


def evaluate_pair(
    network: PyramidFlowNetwork, name: str, moving: Tensor, fixed: Tensor
) -> PairResult:
    """Register two subjects and measure how well their tissues overlap."""
    moving_mask, fixed_mask = moving[0, 0] > 0.02, fixed[0, 0] > 0.02
    fixed_tissue = tissue_classes(fixed[0, 0], fixed_mask)
    begin = time.perf_counter()
    displacement = _register(network, moving, fixed)
    first = time.perf_counter() - begin
    begin = time.perf_counter()
    _register(network, moving, fixed)
    seconds = min(first, time.perf_counter() - begin)
    warped = sample_displaced(moving, displacement)[0, 0]
    before = tissue_classes(moving[0, 0], moving_mask)
    after = tissue_classes(warped, warped > 0.02)
    return PairResult(
        name=name,
        dice_before=dice(before, fixed_tissue),
        dice_after=dice(after, fixed_tissue),
        folded_percent=folded_percent(displacement, fixed_mask),
        seconds_per_pass=seconds,
    )


def folded_percent(displacement: Tensor, mask: Tensor) -> float:
    """Return the percentage of voxels in a mask where the map folds."""
    folded = jacobian_determinant(displacement[0]) <= 0
    return 100.0 * float(folded[mask[:-1, :-1, :-1]].float().mean())


def evaluate(
    network: PyramidFlowNetwork,
    subject: Path,
    template: Path,
    *,
    reported: bool,
    cases: int = 4,
    affine_cases: int = 2,
    inverted_cases: int = 1,
    others: Sequence[Path] = (),
) -> tuple[list[CaseResult], list[PairResult]]:
    """Evaluate on manufactured cases and on the pair of images.

    Parameters
    ----------
    subject, template
        Skull-stripped T1-weighted images of two brains.
    reported
        True gives the figures to report: deformations of the subject, and subject to template.
        False gives the ones to choose settings with: deformations of the template with other
        seeds, and template to subject.
    others
        Further images of anatomies or contrasts that training never showed, each deformed
        smoothly once.
    """
    network.eval()
    fixed, lattice = load_volume(template)
    moving, _ = load_volume(subject, lattice)
    image, first_seed = (moving, 0) if reported else (fixed, 100)
    results = []
    kinds = ["smooth"] * cases + ["affine"] * affine_cases + ["inverted"] * inverted_cases
    for seed, kind in enumerate(kinds, start=first_seed):
        case = manufactured_case(
            f"{kind} {seed}", image, seed, affine=kind == "affine", inverted=kind == "inverted"
        )
        results.append(evaluate_case(network, case))
    for seed, path in enumerate(others, start=first_seed + len(kinds)):
        other, _ = load_volume(path)
        name = path.name.partition(".")[0]
        results.append(evaluate_case(network, manufactured_case(f"other {name}", other, seed)))
    pair = (
        evaluate_pair(network, "subject to template", moving, fixed)
        if reported
        else evaluate_pair(network, "template to subject", fixed, moving)
    )
    return results, [pair]


def means(results: Sequence[CaseResult]) -> dict[str, float]:
    """Return the mean figures of the cases that are like what the network is for.

    A contrast or an anatomy that differs is a question of its own and stays out.
    """
    alike = [r for r in results if r.name.split()[0] in ("smooth", "affine")]
    names = ("error_mean_mm", "error_p95_mm", "pearson", "spearman", "naurc")
    return {n: sum(getattr(r, n) for r in alike) / len(alike) for n in names} if alike else {}


def table(results: Sequence[CaseResult], pairs: Sequence[PairResult]) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| case | rms mm | error mm | 95 % mm | folds % | map mm | Pearson | Spearman | nAURC |"
        " Pearson of displacement | of residual |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        lines.append(
            f"| {r.name} | {r.displacement_rms_mm:.1f} | {r.error_mean_mm:.2f} |"
            f" {r.error_p95_mm:.2f} | {r.folded_percent:.3f} | {r.map_mean_mm:.2f} |"
            f" {r.pearson:.2f} | {r.spearman:.2f} | {r.naurc:.2f} |"
            f" {r.displacement_pearson:.2f} | {r.residual_pearson:.2f} |"
        )
    mean = means(results)
    if mean:
        lines.append(
            f"| mean | | {mean['error_mean_mm']:.2f} | {mean['error_p95_mm']:.2f} | | |"
            f" {mean['pearson']:.2f} | {mean['spearman']:.2f} | {mean['naurc']:.2f} | | |"
        )
    lines += [
        "",
        "| pair | Dice before | Dice after | folds % | s per pass |",
        "|---|---|---|---|---|",
    ]
    for p in pairs:
        lines.append(
            f"| {p.name} | {p.dice_before:.3f} | {p.dice_after:.3f} | {p.folded_percent:.3f} |"
            f" {p.seconds_per_pass:.2f} |"
        )
    return "\n".join(lines)


def write_results(path: Path, results: Sequence[CaseResult], pairs: Sequence[PairResult]) -> None:
    """Write the figures as JSON."""
    content = {
        "cases": [asdict(result) for result in results],
        "pairs": [asdict(pair) for pair in pairs],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


@torch.inference_mode()
def _register(network: PyramidFlowNetwork, moving: Tensor, fixed: Tensor) -> Tensor:
    displacement: Tensor = network(moving, fixed)
    return displacement
