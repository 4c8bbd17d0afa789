"""The evaluation: its cases are what they claim, and its figures come out of a whole run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from TTAUncertaintyLib.models.networks.displacement_fields import sample_displaced
from TTAUncertaintyLib.models.networks.pyramid_flow import (
    PyramidFlowArchitecture,
    PyramidFlowNetwork,
)
from TTAUncertaintyLib.training import evaluation_cases
from TTAUncertaintyLib.training.evaluate import (
    evaluate,
    means,
    table,
    total_uncertainty,
    write_results,
)
from TTAUncertaintyLib.training.evaluation_cases import load_volume, manufactured_case


@pytest.fixture
def ball(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a small image with three shells, and make the evaluation's lattice as small."""
    monkeypatch.setattr(evaluation_cases, "EVALUATION_SHAPE", (32, 40, 32))
    axes = [np.linspace(-1.3, 1.3, n) for n in (30, 36, 28)]
    radius = np.sqrt(sum(x**2 for x in np.meshgrid(*axes, indexing="ij")))
    values = np.select([radius < 0.4, radius < 0.7, radius < 1.0], [0.9, 0.5, 0.25], 0.0)
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing((2.0, 2.0, 2.0))
    sitk.WriteImage(image, str(tmp_path / "ball.nii.gz"))
    return tmp_path / "ball.nii.gz"


def test_an_image_lands_in_the_middle_whatever_its_orientation(ball: Path, tmp_path: Path) -> None:
    turned = sitk.DICOMOrient(sitk.ReadImage(str(ball)), "SPR")
    sitk.WriteImage(turned, str(tmp_path / "turned.nii.gz"))
    first, lattice = load_volume(ball)
    second, _ = load_volume(tmp_path / "turned.nii.gz")
    assert first.shape == (1, 1, 32, 40, 32)
    assert torch.allclose(first, second, atol=1e-4)
    assert lattice.GetDirection() == (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("affine", [False, True])
def test_a_manufactured_case_has_the_size_and_the_truth_it_claims(ball: Path, affine: bool) -> None:
    image, _ = load_volume(ball)
    case = manufactured_case("case", image, 3, affine=affine)
    again = manufactured_case("case", image, 3, affine=affine)
    assert torch.equal(case.fixed, again.fixed)
    assert case.rms_mm <= 12.0 if affine else 3.0 < case.rms_mm < 12.0
    # Bias, gamma and noise change the values; undoing the known field still restores the shape.
    warped = sample_displaced(case.moving, case.displacement)[0, 0][case.mask]
    moving, fixed = case.moving[0, 0][case.mask], case.fixed[0, 0][case.mask]
    registered = torch.corrcoef(torch.stack((warped, fixed)))[0, 1]
    unregistered = torch.corrcoef(torch.stack((moving, fixed)))[0, 1]
    assert float(registered) > 0.85
    assert float(registered) > float(unregistered)


def test_the_evaluation_runs_from_image_to_table(ball: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = PyramidFlowNetwork(
        PyramidFlowArchitecture(
            encoder_channels=(8, 8, 8),
            decoder_channels=(8, 8, 8),
            correlation=(False, False, True),
            iterations=(1, 1, 1),
        )
    )
    cases, pairs = evaluate(
        network, ball, ball, reported=True, cases=1, affine_cases=1, others=[ball]
    )
    text = table(cases, pairs)
    assert "other ball" in text
    assert means(cases)["pearson"] == pytest.approx((cases[0].pearson + cases[1].pearson) / 2)
    assert "smooth 0" in text
    assert "affine 1" in text
    assert "inverted 2" in text
    assert pairs[0].dice_before == pytest.approx(1.0)
    write_results(tmp_path / "figures.json", cases, pairs)
    read = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert read["cases"][0]["error_mean_mm"] == cases[0].error_mean_mm


def test_an_answer_that_ignores_the_perturbation_varies_as_the_perturbation() -> None:
    """At the centre only the translations act: variance 3 * 8/7 * t^2 for amplitudes +-t."""

    class Ignore(torch.nn.Module):
        def forward(self, moving: torch.Tensor, fixed: torch.Tensor) -> torch.Tensor:
            return torch.zeros(moving.shape[0], 3, *moving.shape[2:])

    image = torch.rand(1, 1, 9, 9, 9, generator=torch.Generator().manual_seed(3))
    total = total_uncertainty(Ignore(), image, image)  # type: ignore[arg-type]
    amplitude_mm = 1.0
    assert float(total[4, 4, 4]) == pytest.approx((3 * 8 / 7) ** 0.5 * amplitude_mm, abs=1e-3)
