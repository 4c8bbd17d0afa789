"""The engine behind the adapter's geometry: exact equivariance leaves exactly no variance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.conformance.scenes import MOTIONS, balls_pair
from support.conformance.stand_ins import Answering, in_place_of_the_network, orders_of
from support.lattices import affine, rotation
from support.predictors import Equivariant, smooth_map, tell
from support.zoo.case import Case

from TTAUncertaintyLib.engine import Engine, Execution
from TTAUncertaintyLib.models.contract import PreparedPair, RegistrationModel
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family, Sampling

#: mm: what an exactly equivariant predictor may leave, as the project promises.
NOTHING_MM = 1e-3
AMPLITUDES = Amplitudes(
    translation_mm=(4.0, 3.0, 5.0),
    rotation_deg=6.0,
    scale=0.08,
    shear=0.05,
    elastic_mm=(3.0, 4.0, 3.5),
    elastic_spacing_mm=20.0,
)


class BehindTheAdapter(Equivariant):
    """tau^-1∘phi*, said in the published network's terms and turned back by the adapter.

    Parameters
    ----------
    phi
        phi*, [3, D, H, W], voxels of the moving lattice.
    model
        The adapter.
    stand_in
        In place of its network; None where the adapter has none.
    """

    def __init__(
        self, phi: torch.Tensor, model: RegistrationModel, stand_in: Answering | None
    ) -> None:
        super().__init__(phi)
        self.model, self.stand_in = model, stand_in

    def place(self, device: torch.device, channels_last: bool = False) -> None:
        super().place(device, channels_last)
        self.model.place(device, channels_last)

    def predict(self, moving: torch.Tensor, fixed: torch.Tensor) -> torch.Tensor:
        phi = super().predict(moving, fixed)
        if self.stand_in is None:
            return phi
        self.stand_in.phi = phi
        with in_place_of_the_network(self.model, self.stand_in):
            return self.model.predict(moving, fixed)


# every family is tested in Testing/engine; these are one of each kind, and all linear terms
@pytest.mark.parametrize("family", [Family.AFFINE, Family.ELASTIC], ids=lambda f: f.value)
def test_an_equivariant_predictor_leaves_no_variance(
    case: Case, placed: RegistrationModel, family: Family, device: str
) -> None:
    start = affine(rotation((0, 1, 1), 4.0) * 1.02, (1.0, -2.0, 3.0))
    images = balls_pair("left-handed oblique to oblique", MOTIONS["turn"])
    pair: PreparedPair = placed.prepare(*images, start)
    stand_in = None
    if case.published is not None:
        moving, fixed = pair.moving.to(device), pair.fixed.to(device)
        orders = orders_of(placed, case.published, moving, fixed)
        stand_in = Answering(case.published, *orders, moving.shape[2:])
    phi = smooth_map(pair.fixed_lattice, pair.moving_lattice)
    predictor = BehindTheAdapter(phi, placed, stand_in)
    design = Design(family, AMPLITUDES, Sampling.RANDOM, outer=3, replicates=2, seed=3)
    engine = Engine(predictor, pair, design, Execution(device, batch_size=3), reverse_pass=False)
    outcome = tell(engine, predictor).run()
    estimate = outcome.variance
    assert estimate is not None
    for part in (estimate.total, estimate.intrinsic, estimate.jitter):
        assert part is not None
        assert float(part.clamp(min=0).sqrt().max()) < NOTHING_MM
    assert float(estimate.mean_offset.abs().max()) < NOTHING_MM
    assert np.isfinite(outcome.prediction.numpy()).all()
