"""What theory says of the whole engine, for predictors whose answers are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.lattices import FLIPPED, OBLIQUE, PAIRS, PLAIN, SHEARED, affine
from support.predictors import (
    Blobs,
    Equivariant,
    Fixed,
    KnownError,
    Landmarks,
    StandIn,
    pair_on,
    smooth_map,
    tell,
)
from support.textbook import perturbed

from TTAUncertaintyLib.engine import Engine, Execution, Outcome
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.models.contract import PreparedPair
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family, Sampling

AFFINE_FAMILIES = [family for family in Family if family is not Family.ELASTIC]
LARGE = Amplitudes(
    translation_mm=(4.0, 3.0, 5.0),
    rotation_deg=6.0,
    scale=0.08,
    shear=0.05,
    elastic_mm=(3.0, 4.0, 3.5),
    elastic_spacing_mm=12.0,
)
#: mm: what an exactly equivariant predictor may leave, as the project promises.
NOTHING_MM = 1e-3


def design_of(family: Family, outer: int = 6, replicates: int = 2, seed: int = 3) -> Design:
    return Design(family, LARGE, Sampling.RANDOM, outer, replicates, seed=seed)


def run(model: StandIn, pair: PreparedPair, design: Design, device: str = "cpu") -> Outcome:
    engine = Engine(model, pair, design, Execution(device, batch_size=3), reverse_pass=False)
    return tell(engine, model).run()


def root(variance: torch.Tensor | None) -> torch.Tensor:
    assert variance is not None
    return variance.clamp(min=0).sqrt()


# -- a predictor that is exactly equivariant ----------------------------------------------------


@pytest.mark.parametrize("lattices", PAIRS)
@pytest.mark.parametrize("family", Family, ids=lambda f: f.value)
def test_an_equivariant_predictor_leaves_no_variance(
    family: Family, lattices: str, device: str
) -> None:
    fixed, moving = PAIRS[lattices]
    model = Equivariant(smooth_map(fixed, moving))
    outcome = run(model, pair_on(fixed, moving), design_of(family), device)
    estimate = outcome.variance
    assert estimate is not None
    for part in (estimate.total, estimate.intrinsic, estimate.jitter):
        assert float(root(part).max()) < NOTHING_MM
    # and the compensated predictions agree with the plain one, not only with each other
    assert float(estimate.mean_offset.abs().max()) < NOTHING_MM


class TextbookEquivariant(Fixed):
    """tau^-1∘phi* from the design's numbers alone, without the library's own actions."""

    def __init__(self, phi: torch.Tensor, moving: Lattice, design: Design) -> None:
        super().__init__(phi)
        self.draws = design.draw(moving)

    def inverse(self, index: int) -> NDArray[np.float64]:
        """Return tau^-1 of a pass, voxel to voxel, shape (4, 4)."""
        design, lattice = self.draws.design, self.draws.lattice
        k, r = divmod(index, design.replicates)
        corners = np.vstack((np.zeros(3), np.eye(3)))
        at = perturbed(corners, design.family, design.amplitudes, self.draws.parameters[k], lattice)
        tau = lattice.inverse @ affine((at[1:] - at[0]).T, at[0]) @ lattice.matrix
        tau[:3, 3] += self.draws.shifts[k, r]
        return np.linalg.inv(tau)

    def predict(self, moving: torch.Tensor, fixed: torch.Tensor) -> torch.Tensor:
        phi = super().predict(moving, fixed)
        if self.told is None:
            return phi
        for n in range(len(phi)):
            inverse = torch.from_numpy(self.inverse(self.told[0] + n)).to(self.device)
            exact = torch.einsum("rc,cdhw->rdhw", inverse[:3, :3], phi[n].double())
            phi[n] = (exact + inverse[:3, 3].view(3, 1, 1, 1)).float()
        return phi


@pytest.mark.parametrize("lattices", PAIRS)
@pytest.mark.parametrize("family", AFFINE_FAMILIES, ids=lambda f: f.value)
def test_the_textbook_perturbation_is_the_one_that_is_compensated(
    family: Family, lattices: str
) -> None:
    fixed, moving = PAIRS[lattices]
    design = design_of(family)
    model = TextbookEquivariant(smooth_map(fixed, moving), moving, design)
    estimate = run(model, pair_on(fixed, moving), design).variance
    assert estimate is not None
    assert float(root(estimate.total).max()) < NOTHING_MM
    assert float(estimate.mean_offset.abs().max()) < NOTHING_MM


@pytest.mark.parametrize(
    "family",
    [Family.TRANSLATION, Family.RIGID, Family.AFFINE],
    ids=lambda f: f.value,
)
def test_a_registration_of_landmarks_seen_in_the_images_is_equivariant(
    family: Family, device: str
) -> None:
    """Image and prediction are perturbed in opposite senses: nobody tells this model of tau."""
    fixed, moving = (
        lattice.centered((30, 30, 32), 2.0, lattice.center) for lattice in (OBLIQUE, FLIPPED)
    )
    pair = PreparedPair(
        Blobs(1).on(moving.array_shape), Blobs(2).on(fixed.array_shape), moving, fixed
    )
    amplitudes = Amplitudes(translation_mm=2.0, rotation_deg=2.0, scale=0.02, shear=0.01)
    design = Design(family, amplitudes, Sampling.HADAMARD, 16, 2)
    engine = Engine(Landmarks(), pair, design, Execution(device))
    estimate = engine.run().variance
    assert estimate is not None
    # Trilinear sampling of the blobs moves their centres of mass by some thousandths of a voxel,
    # which the fit extrapolates to the corners; without compensation the result would be the
    # perturbation itself: about 2 mm.
    assert float(root(estimate.total).max()) < 0.02
    if family is Family.TRANSLATION:
        # under a shift, linear interpolation keeps a centre of mass exactly
        assert float(root(estimate.total).max()) < NOTHING_MM


# -- a predictor that ignores the perturbation --------------------------------------------------


@pytest.mark.parametrize("lattices", PAIRS)
@pytest.mark.parametrize("family", AFFINE_FAMILIES, ids=lambda f: f.value)
def test_a_predictor_that_ignores_tau_has_the_variance_of_tau_itself(
    family: Family, lattices: str, device: str
) -> None:
    """Var_tau[tau(phi_0(y))], from the design's own parameters, as full covariance."""
    fixed, moving = PAIRS[lattices]
    phi = smooth_map(fixed, moving)
    design = design_of(family, replicates=1)
    engine = Engine(
        Fixed(phi),
        pair_on(fixed, moving),
        design,
        Execution(device),
        reverse_pass=False,
        full_covariance=True,
    )
    estimate = engine.run().variance
    assert estimate is not None and estimate.intrinsic is None
    world = moving.to_world(phi.movedim(0, -1).double().numpy())
    ends = np.stack(
        [perturbed(world, family, LARGE, p, moving) for p in design.draw(moving).parameters]
    )
    centered = ends - ends.mean(0)
    covariance = np.einsum("k...a,k...b->ab...", centered, centered) / (design.outer - 1)
    order = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    expected = np.stack([covariance[a, b] for a, b in order])
    # offsets of up to 10 mm in float32, squared: some 1e-5 mm^2
    assert np.abs(estimate.total.numpy() - expected).max() < 1e-4 * max(1.0, expected.max())
    assert np.allclose(
        np.moveaxis(estimate.mean_offset.numpy(), 0, -1), (ends - world).mean(0), atol=1e-4
    )


def test_ignored_translations_have_the_closed_form_of_their_design(device: str) -> None:
    """Two levels of plus or minus a, K of them: a^2 K / (K - 1) along each of three axes."""
    amplitude, outer = 1.5, 8
    design = Design(Family.TRANSLATION, Amplitudes(translation_mm=amplitude), outer=outer)
    estimate = run(Fixed(smooth_map(PLAIN, SHEARED)), pair_on(PLAIN, SHEARED), design, device)
    assert estimate.variance is not None
    expected = torch.tensor(3 * amplitude**2 * outer / (outer - 1))
    assert torch.allclose(estimate.variance.total, expected, rtol=1e-4)


def test_ignored_scales_grow_with_the_squared_distance_from_the_centre() -> None:
    """Factors 1 plus or minus a: the variance is 2 a^2 |p - c|^2 with K = 2."""
    design = Design(Family.SCALE, Amplitudes(scale=0.05), outer=2)
    phi = smooth_map(OBLIQUE, FLIPPED)
    outcome = run(Fixed(phi), pair_on(OBLIQUE, FLIPPED), design)
    assert outcome.variance is not None
    world = FLIPPED.to_world(phi.movedim(0, -1).double().numpy())
    expected = 2 * 0.05**2 * ((world - FLIPPED.center) ** 2).sum(-1)
    assert np.allclose(outcome.variance.total.numpy(), expected, rtol=1e-3, atol=1e-5)


def test_ignored_micro_shifts_are_the_intrinsic_term() -> None:
    """The inner level alone changes between replicates: its variance is that of the shifts."""
    design = Design(Family.TRANSLATION, LARGE, outer=8, replicates=3, micro_voxels=0.4)
    outcome = run(Fixed(smooth_map(OBLIQUE, FLIPPED)), pair_on(OBLIQUE, FLIPPED), design)
    shifts = design.draw(FLIPPED).shifts @ FLIPPED.linear.T
    expected = ((shifts - shifts.mean(1, keepdims=True)) ** 2).sum() / (8 * 2)
    assert outcome.variance is not None and outcome.variance.intrinsic is not None
    intrinsic = outcome.variance.intrinsic
    assert torch.allclose(intrinsic, torch.tensor(expected).float(), rtol=1e-3)


# -- a predictor with a known bias and a known noise --------------------------------------------

#: Standard errors; see Testing/variance/test_unbiasedness.py.
LARGEST_Z = 4.0


@pytest.mark.parametrize("replicates", [1, 2, 3, 5])
@pytest.mark.parametrize("family", [Family.RIGID, Family.AFFINE], ids=lambda f: f.value)
def test_both_terms_are_unbiased_through_the_whole_engine(family: Family, replicates: int) -> None:
    """Lemma 4.1: intrinsic = E[J Sigma J^T], jitter = Cov[J mu], J the derivative of tau.

    The design is fixed and the noise is drawn anew at every voxel and with every seed.
    """
    fixed, moving = PAIRS["flipped to sheared"]
    sampling = Sampling.HADAMARD if family is Family.RIGID else Sampling.RANDOM
    design = Design(family, LARGE, sampling, 8, replicates, seed=5)
    biases = np.random.default_rng(6).normal(0, [0.4, 0.2, 0.3], (8, 3))
    noise_std = np.array([0.2, 0.5, 0.3])
    draws = design.draw(moving)
    spread, moved = [], []
    for k in range(8):
        jacobian = moving.linear @ draws.action(k).matrix[:3, :3].numpy()  # type: ignore[attr-defined]
        spread.append(np.trace(jacobian @ np.diag(noise_std**2) @ jacobian.T))
        moved.append(jacobian @ biases[k])
    intrinsic = float(np.mean(spread))
    jitter = float(np.trace(np.cov(np.array(moved).T)))

    found: dict[str, list[NDArray[np.float64]]] = {}
    for seed in range(3):
        model = KnownError(smooth_map(fixed, moving), biases, noise_std, replicates, seed)
        estimate = run(model, pair_on(fixed, moving), design).variance
        assert estimate is not None
        for name in ("total", "intrinsic", "jitter"):
            part = getattr(estimate, name)
            if part is not None:
                found.setdefault(name, []).append(part.double().numpy().ravel())
    truth = {"total": intrinsic + jitter, "intrinsic": intrinsic, "jitter": jitter}
    assert set(found) == ({"total"} if replicates == 1 else set(truth))
    for name, parts in found.items():
        samples = np.concatenate(parts)
        error = samples.mean() - truth[name]
        assert abs(error) < LARGEST_Z * samples.std(ddof=1) / np.sqrt(samples.size), name


def test_a_stable_error_leaves_no_variance() -> None:
    """What the method cannot see: an error that is itself equivariant."""
    fixed, moving = PAIRS["oblique to flipped"]
    wrong = smooth_map(fixed, moving) + 7.0
    outcome = run(Equivariant(wrong), pair_on(fixed, moving), design_of(Family.RIGID))
    assert outcome.variance is not None
    assert float(root(outcome.variance.total).max()) < NOTHING_MM
