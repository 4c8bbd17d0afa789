"""The expected error of a run: what it is read from is begun while the passes go on."""

from __future__ import annotations

import numpy as np

from ..calibration import CalibratedMaps, Calibration, Head, adjusted, apply, shipped_head
from ..cues import Cue, compute_cues
from ..cues.features import BegunFeatures, begin_features, compute_features
from ..engine import Engine, Outcome
from ..models import PreparedPair

#: On larger lattices features, which are then as large as the images, wait for the last pass:
#: until then the network needs the memory.
_MOST_VOXELS = 1_500_000


class ExpectedWork:
    """Makes of a run what a calibration says of it.

    Parameters
    ----------
    calibration
        One, or the head.
    pair
        The images of the run.
    model
        The model's name.
    """

    def __init__(self, calibration: Calibration | Head, pair: PreparedPair, model: str) -> None:
        self._calibration = calibration
        self._pair = pair
        self._model = model
        self._begun: BegunFeatures | None = None
        wanted = isinstance(calibration, Head) or calibration.uses(Cue.EXPECTED)
        self._early = wanted and np.prod(pair.fixed_lattice.size) <= _MOST_VOXELS

    def update(self, engine: Engine) -> None:
        """After a step of the engine: as soon as somebody has a map to look at, begin."""
        if self._early and engine.has_map:
            self._early = False
            self._begun = begin_features(engine.outcome(), self._pair)

    def maps(self, outcome: Outcome) -> CalibratedMaps:
        """Return what is expected of a whole run; to be asked for once."""
        if isinstance(self._calibration, Head):
            return self._by_head(self._calibration, outcome)
        cues = compute_cues(outcome, self._pair)
        if not self._calibration.uses(Cue.EXPECTED):
            return apply(self._calibration, cues)
        return adjusted(self._calibration, cues, self._by_head(shipped_head(), outcome))

    def _by_head(self, head: Head, outcome: Outcome) -> CalibratedMaps:
        begun, self._begun = self._begun, None
        features = compute_features(outcome, self._pair, begun)
        return head.maps(features, self._model, outcome.fixed_lattice.mean_spacing)
