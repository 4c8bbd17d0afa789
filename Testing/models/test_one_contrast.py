"""Two contrasts are told from one, and made one, for the network that compares intensities."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from TTAUncertaintyLib.engine import Engine, prepare
from TTAUncertaintyLib.engine.placement import Placement
from TTAUncertaintyLib.evaluation.cases import KnownCase, manufacture
from TTAUncertaintyLib.evaluation.kinds import Deformation
from TTAUncertaintyLib.evaluation.study import registered
from TTAUncertaintyLib.geometry import (
    DeformableTransform,
    Lattice,
    Prealignment,
    points_on,
    read_image,
    resample_image,
)
from TTAUncertaintyLib.models import PreparedPair, load_model
from TTAUncertaintyLib.models.adapters.one_contrast import edges, in_one_contrast, of_one_contrast
from TTAUncertaintyLib.perturbations import Preset, preset_design
from TTAUncertaintyLib.sample_data import sample_images

SHAPE = (24, 28, 20)
LATTICE = Lattice(SHAPE[::-1], np.diag([2.0, 2.0, 2.0, 1.0]))
NO_START = Placement(np.eye(4), "header", Prealignment.NONE)


def shells() -> Tensor:
    """Return nested shells of rising brightness on a black background, [1, 1, D, H, W]."""
    axes = [torch.linspace(-1, 1, n) for n in SHAPE]
    radius = torch.stack(torch.meshgrid(*axes, indexing="ij")).square().sum(0).sqrt()
    return ((0.9 - radius).clamp(min=0) / 0.9)[None, None]


def inverted(image: Tensor) -> Tensor:
    return torch.where(image > 0.02, 1.02 - image, 0.0)


def still(moving: Tensor, fixed: Tensor) -> Tensor:
    """Register images that are aligned: nothing has to move."""
    return torch.zeros(1, 3, *moving.shape[2:])


def pair_of(moving: Tensor, fixed: Tensor) -> PreparedPair:
    return PreparedPair(moving, fixed, LATTICE, LATTICE)


def correlation(one: Tensor, other: Tensor) -> float:
    """Return the correlation inside the shells."""
    inside = shells() > 0.02
    return float(torch.corrcoef(torch.stack((one[inside], other[inside])))[0, 1])


def test_gamma_and_noise_are_one_contrast() -> None:
    image = shells()
    noise = 0.05 * torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
    assert of_one_contrast(image, (image**1.4 + noise).clamp(0, 1))


def test_inverted_and_folded_contrasts_are_two() -> None:
    image = shells()
    middle_is_brightest = torch.where(image > 0.02, 1 - 1.6 * (image - 0.45).abs(), 0.0)
    assert not of_one_contrast(image, inverted(image))
    assert not of_one_contrast(image, middle_is_brightest)


def test_where_nothing_can_be_told_there_is_one_contrast() -> None:
    image = shells()
    assert of_one_contrast(image, torch.zeros_like(image))
    assert of_one_contrast(image, torch.where(image > 0.02, 0.5, 0.0))
    # what is shown lies side by side, and is unlike by chance alone
    noise = torch.rand(2, 1, 1, *SHAPE, generator=torch.Generator().manual_seed(3))
    assert of_one_contrast(*noise)


def test_one_image_gets_the_other_ones_intensities() -> None:
    image = shells()
    pair = pair_of(image, inverted(image))
    matched = in_one_contrast(pair, still)
    assert correlation(pair.moving, pair.fixed) < -0.99
    assert correlation(matched.moving, matched.fixed) > 0.98
    assert (matched.moving is pair.moving) != (matched.fixed is pair.fixed)
    for image in (matched.moving, matched.fixed):
        assert float(image.min()) >= 0
        assert float(image.max()) <= 1
    (note,) = matched.notes
    assert "two contrasts" in note
    assert matched.changed_contrast and not pair.changed_contrast


def blocks() -> Tensor:
    """Return cubes of random brightness, [1, 1, D, H, W]: none says what its neighbours are."""
    drawn = torch.Generator().manual_seed(5)
    levels = torch.randint(1, 5, (1, 1, *(n // 4 for n in SHAPE)), generator=drawn) / 4.0
    for axis in (2, 3, 4):
        levels = levels.repeat_interleave(4, axis)
    return levels


def test_the_image_that_tells_more_is_the_one_that_is_replaced() -> None:
    image = blocks()
    # from the moving image alone the fixed one follows: of its two shades nobody can tell
    folded = (image - 0.625).abs() * 2
    matched = in_one_contrast(pair_of(image, folded), still)
    assert matched.fixed is folded
    assert correlation(matched.moving, folded) > 0.95
    turned = in_one_contrast(pair_of(folded, image), still)
    assert turned.moving is folded
    assert correlation(turned.fixed, folded) > 0.95


def test_what_is_equally_bright_is_told_apart_by_what_lies_around_it() -> None:
    image = shells()
    # the outer shells are as bright as the inner ones: no curve over the intensity undoes that
    folded = torch.where(image > 0.02, (1 - 2 * (image - 0.45).abs()).clamp(0.1, 1), 0.0)
    matched = in_one_contrast(pair_of(image, folded), still)
    assert matched.moving is image
    assert correlation(matched.fixed, image) > 0.98


def test_images_that_are_not_aligned_are_not_brought_together_by_their_intensities() -> None:
    image = (shells() - 0.4).clamp(min=0)
    aside = inverted(image).roll(2, dims=-1)
    matched = in_one_contrast(pair_of(image, aside), still)
    assert middle_along_i(aside) - middle_along_i(image) == pytest.approx(2, abs=1e-3)
    assert middle_along_i(matched.moving) == pytest.approx(middle_along_i(image), abs=0.1)
    assert middle_along_i(matched.fixed) == pytest.approx(middle_along_i(aside), abs=0.1)


def middle_along_i(image: Tensor) -> float:
    """Return where an image's mass lies along its last axis, in voxels."""
    along = image.sum((0, 1, 2, 3))
    return float((along * torch.arange(len(along))).sum() / along.sum())


def test_edges_are_those_of_the_inverted_image() -> None:
    image = torch.rand(1, 1, 8, 9, 10, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(edges(image), edges(1 - image), atol=1e-6)
    assert float(edges(image).max()) == 1


@pytest.fixture(scope="module")
def case() -> KnownCase:
    """Return a brain, deformed by a known field, its fixed image inverted."""
    brain, _ = read_image(sample_images()["mni152"].path)
    known = manufacture(resample_image(brain, brain.lattice.resampled(2.0)), Deformation.SMOOTH, 6)
    values, inside = known.fixed.intensities, torch.from_numpy(known.mask)
    turned = torch.where(inside, 1.1 * values[inside].quantile(0.99) - values, 0.0)
    return replace(known, fixed=replace(known.fixed, intensities=turned.clamp(min=0)))


def error_mm(found: DeformableTransform, case: KnownCase) -> float:
    """Return the mean distance of a transform from the truth over the brain."""
    lattice = case.fixed.lattice
    off = points_on(found, lattice) - points_on(case.truth, lattice)
    return float(off.square().sum(0).sqrt()[torch.from_numpy(case.mask)].mean())


def test_the_bundled_network_registers_an_inverted_brain(case: KnownCase) -> None:
    models = [load_model("pyramid-flow", None, {"contrast": choice}) for choice in ("one", "auto")]
    blind, found = (error_mm(registered(case.fixed, case.moving, model), case) for model in models)
    nothing = error_mm(replace(case.truth, displacement=0 * case.truth.displacement), case)
    assert nothing > 5
    assert blind > 0.6 * nothing
    assert found < 0.5 * blind
    as_they_are, pair = (prepare(case.fixed, case.moving, model, NO_START) for model in models)
    assert not as_they_are.notes
    engine = Engine(models[1], pair, preset_design(Preset.QUICK, pair.moving_lattice))
    assert engine.notes == pair.notes != ()


def test_one_contrast_is_left_exactly_as_it_is() -> None:
    images = sample_images()
    fixed, moving = (read_image(images[name].path)[0] for name in ("mni152", "colin27"))
    pairs = [
        prepare(fixed, moving, load_model("pyramid-flow", None, {"contrast": choice}), NO_START)
        for choice in ("auto", "one")
    ]
    assert torch.equal(pairs[0].moving, pairs[1].moving)
    assert torch.equal(pairs[0].fixed, pairs[1].fixed)
    assert pairs[0].notes == ()
