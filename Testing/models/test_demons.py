"""What demons find of what a network has left over."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from TTAUncertaintyLib.geometry import read_image, resample_image
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.adapters.pyramid_flow import PyramidFlowAny
from TTAUncertaintyLib.models.networks.demons import DemonsFixed, in_local_contrast, refined
from TTAUncertaintyLib.models.networks.displacement_fields import sample_displaced
from TTAUncertaintyLib.models.networks.pyramid_flow import PyramidFlowNetwork
from TTAUncertaintyLib.sample_data import sample_images

SHAPE = (80, 96, 80)


@pytest.fixture(scope="module")
def brain() -> Tensor:
    """Return a brain, [1, 1, D, H, W], 2 mm voxels, 0..1."""
    image, _ = read_image(sample_images()["mni152"].path)
    lattice = image.lattice.centered(SHAPE[::-1], (2.0, 2.0, 2.0), image.lattice.center)
    values = resample_image(image, lattice).intensities
    return (values / values.max())[None, None]


@pytest.fixture(scope="module")
def truth() -> Tensor:
    """Return a displacement of a voxel that varies slowly, [1, 3, D, H, W]."""
    coarse = torch.randn((1, 3, 6, 7, 6), generator=torch.Generator().manual_seed(3))
    return torch.nn.functional.interpolate(coarse, SHAPE, mode="trilinear", align_corners=True)


def error(found: Tensor, truth: Tensor, brain: Tensor) -> float:
    """Return how far they are apart in the brain, voxels."""
    return float((found - truth).norm(dim=1)[brain[:, 0] > 0.2].mean())


def test_what_is_left_over_is_found(brain: Tensor, truth: Tensor) -> None:
    fixed = sample_displaced(brain, truth)
    found = refined(torch.zeros_like(truth), brain, DemonsFixed.of(fixed))
    assert error(found, truth, fixed) < 0.5 * error(torch.zeros_like(truth), truth, fixed)


def test_images_that_agree_are_left_as_they_are(brain: Tensor, truth: Tensor) -> None:
    for image in (brain, torch.zeros_like(brain), torch.full_like(brain, 0.5)):
        found = refined(torch.zeros_like(truth), image, DemonsFixed.of(image))
        assert float(found.abs().max()) < 0.02  # voxels: rounding


def test_another_brightness_and_a_bias_field_are_no_error(brain: Tensor, truth: Tensor) -> None:
    fixed = sample_displaced(brain, truth)
    across = torch.linspace(0.5, 1.0, SHAPE[2])
    other = torch.where(brain > 0, 0.1 + 0.8 * across * brain, 0)
    still = torch.zeros_like(truth)
    plain, biased = (
        error(refined(still, moving, DemonsFixed.of(fixed)), truth, fixed)
        for moving in (brain, other)
    )
    assert biased < 2 * plain < 0.4 * error(still, truth, fixed)


def test_what_is_smooth_does_not_fold(brain: Tensor, truth: Tensor) -> None:
    found = refined(torch.zeros_like(truth), brain, DemonsFixed.of(sample_displaced(brain, truth)))
    steps = [found[:, c].diff(dim=axis).min() for c, axis in ((0, -1), (1, -2), (2, -3))]
    assert min(map(float, steps)) > -0.9


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirror_mirrors_the_answer(brain: Tensor, truth: Tensor, axis: int) -> None:
    fixed, still = sample_displaced(brain, truth), torch.zeros_like(truth)
    found = refined(still, brain, DemonsFixed.of(fixed))
    dims = [4 - axis]
    mirrored = refined(still, brain.flip(dims), DemonsFixed.of(fixed.flip(dims))).flip(dims)
    mirrored[:, axis] *= -1
    assert torch.allclose(mirrored, found, atol=5e-3)  # rounding, voxels of about one


def test_a_fixed_image_serves_a_batch(brain: Tensor, truth: Tensor) -> None:
    fixed = DemonsFixed.of(sample_displaced(brain, truth))
    several = refined(torch.cat((0 * truth, truth)), torch.cat((brain, brain)), fixed)
    for n, begin in enumerate((0 * truth, truth)):
        alone = refined(begin, brain, fixed)
        assert torch.allclose(several[n : n + 1], alone, atol=1e-5)


def test_every_place_gets_one_contrast(brain: Tensor) -> None:
    found = in_local_contrast(brain)
    shown = found[brain > 0.2]
    assert abs(float(shown.mean())) < 0.3 and 0.5 < float(shown.std()) < 1.2
    assert float(found[brain == 0].abs().median()) < 1e-3


@torch.inference_mode()
def test_the_network_for_any_anatomy_ends_by_them(brain: Tensor, truth: Tensor) -> None:
    model = load_model("pyramid-flow-any", None)
    assert isinstance(model, PyramidFlowAny) and isinstance(model.network, PyramidFlowNetwork)
    network = model.network
    fixed = sample_displaced(brain, 3 * truth)
    whole = network(brain, fixed)
    network.ends_by_demons = False
    learnt = network(brain, fixed)
    assert error(whole, 3 * truth, fixed) < 0.85 * error(learnt, 3 * truth, fixed)
    network.full_resolution = None
    assert torch.equal(whole, refined(network(brain, fixed), brain, DemonsFixed.of(fixed)))
