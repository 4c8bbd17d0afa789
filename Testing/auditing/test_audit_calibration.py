"""The calibration of audits that comes with the software is that of the network as it comes."""

from __future__ import annotations

from support.lattices import OBLIQUE

from TTAUncertaintyLib.auditing.calibrated import find_audit_calibration
from TTAUncertaintyLib.cues import Cue
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.contract import describe
from TTAUncertaintyLib.perturbations import DesignRequest, Preset


def test_an_audit_as_it_comes_is_calibrated() -> None:
    """Whatever options the network has by now; another design has none."""
    model = describe(load_model("pyramid-flow"))
    lattice = OBLIQUE.centered((60, 60, 60), 2.0, (0.0, 0.0, 0.0))
    designs = [
        DesignRequest(preset).resolve(lattice).as_dict()
        for preset in (Preset.QUICK, Preset.THOROUGH)
    ]
    found = [find_audit_calibration(model, design, 2.0) for design in designs]
    assert found[0] is not None and found[1] is None
    assert Cue.DISAGREEMENT in {term.cue for term in found[0].score.terms}
