"""Reduced precision is for the network's layers alone, and stays within what it must cost."""

from __future__ import annotations

import pytest
import torch
from support.lattices import OBLIQUE
from support.predictors import Fixed, network_model, pair_on, smooth_map

from TTAUncertaintyLib.engine import Engine, Execution, Outcome, Precision
from TTAUncertaintyLib.geometry import Lattice, identity_map
from TTAUncertaintyLib.models.contract import PreparedPair
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family

PAIR = pair_on(OBLIQUE, OBLIQUE)
DESIGN = Design(Family.RIGID, Amplitudes(2.0, 2.0), outer=8, replicates=1)


def run(precision: Precision, device: str = "cpu", pair: PreparedPair = PAIR) -> Outcome:
    return Engine(network_model(), pair, DESIGN, Execution(device, precision)).run()


#: bfloat16 keeps 8 bits. Input, three layers' weights and three layers' outputs are rounded: seven
#: relative errors of at most 2^-9 that add up at worst.
BF16_SHARE = 7 * 2**-9


def test_bf16_moves_the_answer_by_no_more_than_its_rounding(device: str) -> None:
    exact, reduced = run(Precision.F32, device), run(Precision.BF16, device)
    displacement = exact.prediction - identity_map(OBLIQUE.array_shape)
    moved = (reduced.prediction - exact.prediction).abs().max()
    assert 0 < float(moved) < BF16_SHARE * float(displacement.abs().max())


def test_bf16_changes_the_uncertainty_by_no_more_than_its_rounding(device: str) -> None:
    """Every compensated prediction moves by at most the rounding, so their spread does too."""
    exact, reduced = run(Precision.F32, device), run(Precision.BF16, device)
    assert exact.variance is not None and reduced.variance is not None
    largest = (exact.prediction - identity_map(OBLIQUE.array_shape)).norm(dim=0).max()
    rounding_mm = BF16_SHARE * float(largest) * float(OBLIQUE.spacing.max())
    difference = exact.variance.total.sqrt() - reduced.variance.total.sqrt()
    assert float(difference.abs().max()) < 2 * rounding_mm


def test_coordinates_never_go_through_reduced_precision() -> None:
    """At 200 voxels bfloat16 steps by a whole voxel: an identity kept in it would be visible."""
    long = Lattice.from_geometry((220, 6, 6), (1.0, 1.0, 1.0), (0, 0, 0))
    pair = pair_on(long, long)
    exact, reduced = run(Precision.F32, pair=pair), run(Precision.BF16, pair=pair)
    displacement = (exact.prediction - identity_map(long.array_shape)).abs().max()
    moved = (reduced.prediction - exact.prediction).abs().max()
    assert float(moved) < BF16_SHARE * float(displacement)


@pytest.mark.parametrize("precision", Precision)
def test_geometry_and_variance_are_the_same_in_every_precision(precision: Precision) -> None:
    """A predictor without layers has nothing that could be reduced."""
    model = Fixed(smooth_map(OBLIQUE, OBLIQUE))
    engine = Engine(model, PAIR, DESIGN, Execution("cpu", precision), reverse_pass=False)
    exact = Engine(model, PAIR, DESIGN, Execution("cpu"), reverse_pass=False).run().variance
    found = engine.run().variance
    assert found is not None and exact is not None
    assert torch.equal(found.total, exact.total)


def test_the_memory_layout_does_not_change_the_maps(device: str) -> None:
    one, other = (
        Engine(network_model(), PAIR, DESIGN, Execution(device, channels_last=layout)).run()
        for layout in (True, False)
    )
    assert one.variance is not None and other.variance is not None
    # convolutions add in another order: 1e-6 of displacements below a voxel of 3 mm
    assert float((one.prediction - other.prediction).abs().max()) < 1e-5
    assert float((one.variance.total.sqrt() - other.variance.total.sqrt()).abs().max()) < 5e-5
