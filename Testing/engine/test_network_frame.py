"""A head that lies turned in the scanner reaches the network as the network knows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.lattices import affine
from support.predictors import StandIn

from TTAUncertaintyLib.engine import Placement, place, prepare
from TTAUncertaintyLib.geometry import Image, Lattice, Matrix, Prealignment, read_image
from TTAUncertaintyLib.models import PreparedPair
from TTAUncertaintyLib.models.adapters.common_lattice import RAS_AXES, prepare_on_common_lattice
from TTAUncertaintyLib.perturbations.families import rotation_matrix
from TTAUncertaintyLib.sample_data import sample_pair

PAIR = sample_pair("reference")

#: 12 degrees about an oblique axis and 20 mm: how a head may lie.
TURN: Matrix = affine(rotation_matrix(np.deg2rad([6.0, -8.0, 7.0])), (12.0, -14.0, 8.0))

LATTICE = Lattice.from_geometry((40, 48, 40), (4, 4, 4), (80, 112, -70), RAS_AXES)


class WorldAxes(StandIn):
    """A model whose lattice stands still in the world of its reference image."""

    description = replace(StandIn.description, frame_reference=lambda: PAIR.fixed.path)

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        return prepare_on_common_lattice(fixed, moving, initial, LATTICE)


@pytest.fixture(scope="module")
def brains() -> tuple[Image, Image]:
    return read_image(PAIR.fixed.path)[0], read_image(PAIR.moving.path)[0]


def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(np.corrcoef(a.flatten().numpy(), b.flatten().numpy())[0, 1])


def test_a_turned_head_gives_the_tensors_of_the_head_as_the_network_knows_it(
    brains: tuple[Image, Image],
) -> None:
    fixed, moving = brains
    model = WorldAxes()
    known = model.prepare(fixed, moving, np.eye(4))
    turned = fixed.on(fixed.lattice.transformed(TURN))
    back = np.linalg.inv(TURN)
    placement = place(turned, moving, model, back, Prealignment.NONE)
    pair = prepare(turned, moving, model, placement)
    # the same voxels, found at their new place in the world, to a fraction of a voxel of 4 mm
    expected = LATTICE.transformed(TURN)
    assert np.abs(pair.fixed_lattice.corners() - expected.corners()).max() < 1.0
    assert np.abs(pair.moving_lattice.corners() - LATTICE.corners()).max() < 1.0
    assert correlation(pair.fixed, known.fixed) > 0.99
    assert correlation(pair.moving, known.moving) > 0.99
    # without the step the network would see something else
    blind = place(turned, moving, model, back, Prealignment.NONE, use_frame=False)
    assert blind.frame is None
    assert correlation(prepare(turned, moving, model, blind).fixed, known.fixed) < 0.9


def test_the_fixed_lattice_stays_one_that_itk_can_represent(brains: tuple[Image, Image]) -> None:
    placement = Placement(np.eye(4), "header", Prealignment.NONE, frame=TURN)
    pair = prepare(*brains, WorldAxes(), placement)
    assert pair.fixed_lattice.is_orthogonal
    assert pair.fixed_lattice.is_close(LATTICE.transformed(TURN))
    assert placement.as_dict()["network_frame_to_fixed_lps"] == TURN.tolist()
