"""Why an error is expected, read for structures, points and hot spots on any lattice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from TTAUncertaintyLib.cues.reasons import Reason
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.review import (
    LandmarkPair,
    MapVolume,
    evaluate_landmarks,
    hot_spot_regions,
    landmark_table,
    structure_statistics,
    structure_tables,
    with_reasons,
)
from TTAUncertaintyLib.review.reason_map import ReasonMap

_COARSE = Lattice.from_geometry((8, 10, 12), (2, 2, 3), (5, -3, 1))
#: Oblique to it, finer, flipped along an axis, and reaching beyond it.
_TURN = np.array([[0.98, -0.199, 0], [0.199, 0.98, 0], [0, 0, -1.0]])
_FINE = Lattice.from_geometry((30, 24, 30), (1, 1, 1.5), (1, -1, 38), _TURN.ravel())
_MISMATCH, _GAP = (list(Reason).index(one) for one in (Reason.MISMATCH, Reason.NO_RETURN))


def halves() -> ReasonMap:
    """Below the middle in z the images do not match, above it there and back do not meet."""
    reasons = np.full((*_COARSE.array_shape, len(Reason)), np.nan)
    reasons[1:-1] = -0.2
    reasons[1:6, ..., _MISMATCH] = 0.5
    reasons[6:-1, ..., _GAP] = 0.5
    shows = np.isfinite(reasons[..., 0])
    found = ReasonMap.of(lambda mask: reasons[mask & shows].astype(np.float32), shows, _COARSE)
    assert found.lattice.spacing.tolist() == [4, 4, 3]
    return found


def foremost(why: tuple) -> Reason | None:
    return why[0].reason if why else None


def test_points_have_the_reasons_of_the_voxel_nearest_to_them() -> None:
    places = _COARSE.to_world([[3.3, 4, 2.4], [3, 4.2, 8], [3, 4, 0], [3, 40, 4]])
    found = halves().at(places)
    assert [foremost(one) for one in found] == [Reason.MISMATCH, Reason.NO_RETURN, None, None]
    assert found[0][0].share == 1.0


def test_structures_on_other_voxels_have_the_mean_of_what_they_cover() -> None:
    world = _FINE.to_world(np.stack(np.meshgrid(*map(np.arange, _FINE.size)), -1))
    z = np.moveaxis(_COARSE.to_voxel(world)[..., 2], (0, 1, 2), (1, 2, 0))  # to axes (k, j, i)
    labels = np.where(z < 5.4, 7, 9) * ((z > 1) & (z < 10))
    values = np.ones(_COARSE.array_shape, np.float32)
    error = MapVolume("expected_error", "Expected error", "mm", values, _COARSE, halves())
    other = MapVolume("gap", "Gap", "mm", values, _COARSE)
    found = structure_statistics([other, error], labels, {7: "below"}, lattice=_FINE)
    assert [(one.label, one.map_key, foremost(one.why)) for one in found] == [
        (7, "gap", None),
        (7, "expected_error", Reason.MISMATCH),
        (9, "gap", None),
        (9, "expected_error", Reason.NO_RETURN),
    ]
    table, *_ = structure_tables(found)
    why = [column.title for column in table.columns].index("Why")
    assert table.rows[1][why] == "the images do not match here (100\u00a0%)"
    assert table.rows[0][why] == ""


def test_landmarks_say_why_in_their_table() -> None:
    place = _COARSE.to_world([3, 4, 2]).tolist()
    values = np.ones(_COARSE.array_shape, np.float32)
    error = MapVolume("expected_error", "Expected error", "mm", values, _COARSE, halves())
    pairs = [LandmarkPair("AC", tuple(place), tuple(place))]
    found = evaluate_landmarks(pairs, lambda points: points, [error])
    assert foremost(found[0].why) is Reason.MISMATCH
    (row,) = landmark_table(found, [error]).rows
    assert row[-1] == "the images do not match here (100\u00a0%)"


def test_every_hot_spot_says_why_at_any_threshold() -> None:
    values = np.ones(_COARSE.array_shape, np.float32)
    values[1:4, 2:5, 2:5], values[8:11, 2:5, 2:5] = 3, 2
    regions = hot_spot_regions(values, values > 0, _COARSE, 1.5)
    found = with_reasons(regions.spots, regions, halves())
    assert [foremost(one.why) for one in found] == [Reason.MISMATCH, Reason.NO_RETURN]


def test_a_file_of_reasons_is_read_back_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    file = tmp_path / "error_reasons.npz"
    halves().write(file)
    np.testing.assert_array_equal(ReasonMap.read(file).steps, halves().steps)
    assert ReasonMap.read(file).lattice.is_close(halves().lattice)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(InputError, match="cannot be read"):
        ReasonMap.read(file)
