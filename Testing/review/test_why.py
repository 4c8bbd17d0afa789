"""Why an error is expected at a place: shares, words, and finding them again."""

from __future__ import annotations

import numpy as np
import pytest

from TTAUncertaintyLib.cues.reasons import Reason
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.review import HotSpot, as_recorded, hot_spot_regions
from TTAUncertaintyLib.review.why import why_of, why_words


def test_shares_are_of_what_raises_the_error() -> None:
    found = why_of({Reason.MISMATCH: 0.6, Reason.NO_RETURN: 0.2, Reason.CONTRADICTION: -0.7})
    assert [why.reason for why in found] == [Reason.MISMATCH, Reason.NO_RETURN]
    assert [why.share for why in found] == pytest.approx([0.75, 0.25])
    said = why_words(found)
    assert (
        said == "the images do not match here (75\u00a0%), there and back do not meet (25\u00a0%)"
    )
    assert why_of({Reason.MISMATCH: -0.1}) == ()
    assert len(why_of({Reason.MISMATCH: 0.95, Reason.UNEVEN: 0.05})) == 1


def test_a_hot_spot_keeps_its_reasons() -> None:
    why = why_of({Reason.MISMATCH: 1.0})
    spot = HotSpot(3.0, 2.0, 1.0, (1, 2, 3), (1.0, 2.0, 3.0), why=why)
    assert HotSpot.from_dict(spot.as_dict()) == spot
    assert "why" not in HotSpot(3.0, 2.0, 1.0, (1, 2, 3), (1.0, 2.0, 3.0)).as_dict()


def test_places_get_the_reasons_that_the_record_names_within_them() -> None:
    lattice = Lattice.from_geometry((20, 20, 20), (2, 2, 2), (5, -3, 1))
    values = np.zeros((20, 20, 20), np.float32)
    values[2:6, 2:6, 2:6] = 3
    values[12:16, 12:16, 12:16] = 2
    regions = hot_spot_regions(values, values >= 0, lattice, 1.0)
    place = lattice.to_world([13, 14, 13]).tolist()
    why = [{"reason": "no_return", "words": "", "share": 1.0}]
    found = as_recorded(regions, [{"position_lps_mm": place, "why": why}])
    assert [len(spot.why) for spot in found.spots] == [0, 1]
    assert found.spots[1].why[0].reason is Reason.NO_RETURN
