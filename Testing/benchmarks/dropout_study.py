"""Is the intrinsic spread the network's own noise? Dropout against the discretisation surrogate.

The paper's lemma splits the variance under perturbation into the network's own noise (intrinsic
spread) and what the perturbations move (bias jitter). A deterministic network has no noise of its
own; there the sampling phase stands in for it. This study takes a network with dropout layers,
whose noise is real and can be measured without any perturbation, and prints, on brains deformed by
a known field, both splits beside that direct measurement, as a Markdown table; and paints one
slice of the first case.

    .venv/bin/python Testing/benchmarks/dropout_study.py --picture docs/pictures/dropout.png
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from sheet_of_maps import Panel, box_around, paint_sheet
from torch import Tensor

from TTAUncertaintyLib.engine import Engine
from TTAUncertaintyLib.evaluation.metrics import normalised_risk_coverage, pearson, spearman
from TTAUncertaintyLib.evaluation.random_fields import (
    DeformationStatistics,
    random_deformation,
    smooth_noise,
)
from TTAUncertaintyLib.geometry import Image, Lattice, Matrix, read_stored
from TTAUncertaintyLib.models import PreparedPair
from TTAUncertaintyLib.models.adapters.network_model import NetworkModel
from TTAUncertaintyLib.models.adapters.pyramid_flow import read_pyramid_flow
from TTAUncertaintyLib.models.descriptions import PYRAMID_FLOW, bundled_dropout_weights
from TTAUncertaintyLib.models.networks.displacement_fields import (
    sample_displaced,
    upsample_displacement,
)
from TTAUncertaintyLib.models.networks.pyramid_flow import PyramidFlowNetwork
from TTAUncertaintyLib.perturbations import DesignRequest, Noise, Preset
from TTAUncertaintyLib.resources import resources_folder
from TTAUncertaintyLib.training.appearance import normalise
from TTAUncertaintyLib.training.image_lattice import (
    SPACING_MM,
    bring_to_lattice,
    lattice_around_content,
)
from TTAUncertaintyLib.variance import VarianceEstimate

_REPLICATES = 4
_DIRECT_PASSES = 16
#: (D, H, W) of the lattice: 192 x 224 x 192 mm at 2 mm.
_SHAPE = (96, 112, 96)


@dataclass(frozen=True, eq=False)
class ManufacturedCase:
    """A real image and a deformed copy of it, with the truth."""

    #: float32, [1, 1, D, H, W], 0..1.
    moving: Tensor
    fixed: Tensor
    #: float32, [1, 3, D, H, W], voxels.
    displacement: Tensor
    #: bool, [D, H, W]: the brain in the fixed image.
    mask: Tensor


def load_volume(path: Path) -> Tensor:
    """Read a skull-stripped image onto a 2 mm lattice: float32, [1, 1, D, H, W], 0..1."""
    image = sitk.Cast(read_stored(path).to_itk(), sitk.sitkFloat32)
    lattice = lattice_around_content(image, _SHAPE)
    volume = torch.from_numpy(bring_to_lattice(image, lattice))
    return normalise(volume.clamp(min=0.0)).view(1, 1, *volume.shape)


def manufactured_case(image: Tensor, seed: int, affine: bool) -> ManufacturedCase:
    """Deform an image by a known field, 5 to 8 mm rms (affine ones to 12), and its appearance."""
    generator = torch.Generator().manual_seed(900_000 + seed)

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand(1, generator=generator))

    mask = image[0, 0] > 0.02
    wanted = uniform(5.0, 12.0 if affine else 8.0)
    statistics = DeformationStatistics(
        rms_mm=(0.0, 0.0) if affine else (wanted, wanted),
        spacing_mm=(60.0, 36.0, 24.0),
        finest_share=0.4,
        rotation_deg=4.0 if affine else 0.0,
        translation_mm=4.0 if affine else 0.0,
        log_scale=0.06 if affine else 0.0,
        shear=0.02 if affine else 0.0,
        affine_share=1.0,
    )
    k, j, i = (n // 2 for n in image.shape[2:])
    displacement = upsample_displacement(
        random_deformation((k, j, i), 2 * SPACING_MM, statistics, generator)
    )
    warped_mask = sample_displaced(mask[None, None].float(), displacement)[0, 0] > 0.5
    if affine:
        size = float(displacement.square().sum(1)[0][warped_mask].mean().sqrt()) * SPACING_MM
        displacement = displacement * (min(size, wanted) / size)
        warped_mask = sample_displaced(mask[None, None].float(), displacement)[0, 0] > 0.5
    fixed = sample_displaced(image, displacement)
    bias = smooth_noise((1, *image.shape[2:]), 30.0, generator)
    fixed = fixed * torch.exp(uniform(0.05, 0.15) * bias)
    fixed = fixed.clamp(min=0.0) ** math.exp(uniform(-0.3, 0.3))
    noise = 0.03 * torch.randn(fixed.shape, generator=generator)
    fixed = normalise(fixed + noise * warped_mask)
    return ManufacturedCase(image, fixed, displacement, warped_mask)


class _OnItsLattice(NetworkModel):
    """A network whose images lie on its lattice already, as the engine wants it."""

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Refuse: the cases come prepared."""
        raise NotImplementedError("A case is prepared already.")


def perturbed_variance(
    network: PyramidFlowNetwork, case: ManufacturedCase, request: DesignRequest
) -> VarianceEstimate:
    """Return the engine's variances, traces in mm^2, [D, H, W]."""
    depth, height, width = case.moving.shape[2:]
    lattice = Lattice((width, height, depth), np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0]))
    pair = PreparedPair(case.moving, case.fixed, lattice, lattice)
    model = _OnItsLattice(network, PYRAMID_FLOW, None)
    variance = Engine(model, pair, request.resolve(lattice), reverse_pass=False).run().variance
    assert variance is not None
    return variance.traces()


@dataclass(frozen=True, eq=False)
class Maps:
    """What was found on one case; standard deviations and error in mm, [D, H, W]."""

    case: ManufacturedCase
    #: Of the unperturbed prediction.
    error: Tensor
    #: Spread of repeated passes with dropout and without any perturbation.
    direct: Tensor
    #: By source of noise, clamped at zero where the unbiased estimate of the variance is not.
    intrinsic: dict[Noise, Tensor]
    jitter: dict[Noise, Tensor]
    total: dict[Noise, Tensor]
    #: By source of noise: means inside the brain of the unclamped variances of intrinsic spread
    #: and bias jitter, mm^2.
    variances: dict[Noise, tuple[float, float]]


def study(network: PyramidFlowNetwork, case: ManufacturedCase) -> Maps:
    """Measure one case."""
    with torch.inference_mode():
        found = network(case.moving, case.fixed)
    error = (found - case.displacement).square().sum(1).sqrt()[0] * SPACING_MM
    maps = Maps(case, error, _direct_spread(network, case), {}, {}, {}, {})
    for noise in (Noise.DROPOUT, Noise.DISCRETISATION):
        request = DesignRequest(Preset.STANDARD, replicates=_REPLICATES, noise=noise)
        variance = perturbed_variance(network, case, request)
        assert variance.intrinsic is not None and variance.jitter is not None
        maps.intrinsic[noise] = variance.intrinsic.clamp(min=0.0).sqrt()
        maps.jitter[noise] = variance.jitter.clamp(min=0.0).sqrt()
        maps.total[noise] = variance.total.clamp(min=0.0).sqrt()
        maps.variances[noise] = (
            float(variance.intrinsic[case.mask].mean()),
            float(variance.jitter[case.mask].mean()),
        )
    return maps


@torch.inference_mode()
def _direct_spread(network: PyramidFlowNetwork, case: ManufacturedCase) -> Tensor:
    """Return the standard deviation of repeated passes with dropout, mm: no perturbation at all."""
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Dropout3d)]
    with torch.random.fork_rng([]):
        torch.manual_seed(20_260)
        for layer in layers:
            layer.train()
        passes = [network(case.moving, case.fixed)[0] for _ in range(_DIRECT_PASSES)]
        for layer in layers:
            layer.eval()
    spread: Tensor = torch.stack(passes).var(0).sum(0).sqrt() * SPACING_MM
    return spread


def table(found: Sequence[Maps]) -> str:
    """Return the means over the cases as a Markdown table."""
    lines = [
        "| noise | intrinsic, rms mm | jitter, rms mm | intrinsic's share | intrinsic and direct "
        "spread: Pearson, ratio | intrinsic against error: Pearson / Spearman / nAURC | total "
        "against error |",
        "|---|---|---|---|---|---|---|",
    ]
    for noise in (Noise.DROPOUT, Noise.DISCRETISATION):
        intrinsic, jitter = np.mean([m.variances[noise] for m in found], axis=0)
        alike = np.mean([_alike(m, noise) for m in found], axis=0)
        lines.append(
            f"| {noise.value} | {max(intrinsic, 0) ** 0.5:.2f} | {max(jitter, 0) ** 0.5:.2f} | "
            f"{intrinsic / (intrinsic + jitter):.0%} | {alike[0]:.2f}, {alike[1]:.2f} | "
            f"{_ranking(found, [m.intrinsic[noise] for m in found])} | "
            f"{_ranking(found, [m.total[noise] for m in found])} |"
        )
    direct = float(np.mean([m.direct[m.case.mask].square().mean() for m in found])) ** 0.5
    lines.append(
        f"| dropout, {_DIRECT_PASSES} passes without perturbation | {direct:.2f} | | | | "
        f"{_ranking(found, [m.direct for m in found])} | |"
    )
    return "\n".join(lines)


def _alike(maps: Maps, noise: Noise) -> tuple[float, float]:
    """Compare the intrinsic spread with the spread measured directly: Pearson, ratio of the rms."""
    mask = maps.case.mask
    intrinsic, direct = maps.intrinsic[noise][mask], maps.direct[mask]
    ratio = maps.variances[noise][0] ** 0.5 / float(direct.square().mean().sqrt())
    return pearson(intrinsic, direct), ratio


def _ranking(found: Sequence[Maps], maps: Sequence[Tensor]) -> str:
    rows = [
        (
            pearson(values[m.case.mask], m.error[m.case.mask]),
            spearman(values[m.case.mask], m.error[m.case.mask]),
            normalised_risk_coverage(values[m.case.mask], m.error[m.case.mask]),
        )
        for m, values in zip(found, maps, strict=True)
    ]
    return " / ".join(f"{value:.2f}" for value in np.mean(rows, axis=0))


def main() -> None:
    """Print the table, and paint the picture if it is asked for."""
    samples = resources_folder() / "SampleData"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, default=bundled_dropout_weights())
    parser.add_argument("--subject", type=Path, default=samples / "colin27_t1_1mm.nii.gz")
    parser.add_argument("--smooth", type=int, default=2, help="smooth cases")
    parser.add_argument("--affine", type=int, default=1, help="affine cases")
    parser.add_argument("--picture", type=Path, help="paint a slice of the first case here")
    options = parser.parse_args()
    network = read_pyramid_flow(options.weights)
    image = load_volume(options.subject)
    found = [
        study(network, manufactured_case(image, seed, affine=seed >= options.smooth))
        for seed in range(options.smooth + options.affine)
    ]
    print(f"Mean of {len(found)} cases, K = 8, R = {_REPLICATES}\n")
    print(table(found))
    if options.picture is not None:
        paint(found[0], options.picture)


# -- the picture --------------------------------------------------------------------------------


def paint(maps: Maps, path: Path) -> None:
    """Paint the middle axial slice: error, and each map with its own scale in mm."""
    inside = maps.case.mask
    spread_to = _upper(torch.stack([*maps.intrinsic.values(), maps.direct]), inside)
    jitter_to = _upper(torch.stack([*maps.jitter.values()]), inside)
    level = maps.error.shape[0] * 11 // 20
    cut = box_around(inside[level].numpy())
    grey = maps.case.fixed[0, 0, level].numpy()[cut]

    def panel(title: str, subtitle: str, values: Tensor, upper: float) -> Panel:
        shown = values[level].numpy()[cut]
        return Panel(title, subtitle, grey, shown, inside[level].numpy()[cut], upper)

    intrinsic, jitter = maps.intrinsic, maps.jitter
    rows = [
        [
            panel("Error of the registration", "", maps.error, _upper(maps.error[None], inside)),
            panel("Dropout, directly", "repeated passes, not perturbed", maps.direct, spread_to),
            panel("Intrinsic spread", "dropout", intrinsic[Noise.DROPOUT], spread_to),
        ],
        [
            panel("Intrinsic spread", "sampling phase", intrinsic[Noise.DISCRETISATION], spread_to),
            panel("Bias jitter", "dropout", jitter[Noise.DROPOUT], jitter_to),
            panel("Bias jitter", "sampling phase", jitter[Noise.DISCRETISATION], jitter_to),
        ],
    ]
    paint_sheet(rows, path)


def _upper(values: Tensor, mask: Tensor) -> float:
    """Return the 98th percentile inside the brain: the end of a scale."""
    return float(np.quantile(values[:, mask].numpy(), 0.98))


if __name__ == "__main__":
    main()
