"""Names, sides, intervals: what is said of a carried structure."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from support.lattices import FLIPPED, OBLIQUE

from TTAUncertaintyLib.carried import LabelMap, read_names
from TTAUncertaintyLib.carried.calibrated import (
    Feature,
    LogLinear,
    StructureCalibration,
    Term,
    find_structure_calibration,
    read_structure_calibration,
    shipped,
    written,
)
from TTAUncertaintyLib.carried.carrier import CarriedLabels
from TTAUncertaintyLib.carried.findings import carried_structures
from TTAUncertaintyLib.carried.outlines import outline_bands, outline_probability
from TTAUncertaintyLib.carried.sides import side_remark
from TTAUncertaintyLib.carried.structures import Structure, named, other_side, pairs
from TTAUncertaintyLib.carried.surfaces import surfaces
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.geometry.stored import sha256
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.contract import describe
from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.perturbations.families import rotation_matrix
from TTAUncertaintyLib.resources import resources_folder

LATTICE = FLIPPED.centered((40, 40, 40), 1.25, (0.0, 0.0, 0.0))


def ball(lattice: Lattice, at: tuple[float, float, float], radius: float) -> np.ndarray:
    k, j, i = np.indices(lattice.array_shape)
    points = lattice.to_world(np.stack((i, j, k), -1))
    return np.linalg.norm(points - at, axis=-1) < radius


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.tsv", "index\tname\tcolor\n4\tLeft Putamen\t#0a141e\n7\tRight Putamen\t\n"),
        ("labels.csv", "Label,Name,R,G,B\n4,Left Putamen,10,20,30\n7,Right Putamen,,,\n"),
        (
            "slicer.ctbl",
            "# colours\n0 none 0 0 0 0\n4 Left Putamen 10 20 30 255\n7 Right Putamen\n",
        ),
    ],
)
def test_tables_of_names_as_people_have_them(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_names(path) == {4: ("Left Putamen", (10, 20, 30)), 7: ("Right Putamen", None)}


def test_a_table_without_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.txt").write_text("hello\nworld\n")
    with pytest.raises(InputError, match="no names"):
        read_names(tmp_path / "no.txt")


def test_sides_are_words_of_their_own() -> None:
    assert other_side("Left Putamen") == "Right Putamen"
    assert other_side("ctx-lh-cuneus") == "ctx-rh-cuneus"
    assert other_side("HIPPOCAMPUS_L") == "HIPPOCAMPUS_R"
    assert other_side("Cleft") is None and other_side("left to right") is None
    known = {1: ("Right A", None), 2: ("Left A", None), 3: ("Left B", None)}
    assert pairs(named([1, 2, 3], known)) == [(1, 0)]


@pytest.mark.parametrize("mirrored", [False, True])
def test_mirrored_labels_are_told(mirrored: bool) -> None:
    """In LPS the left side has the larger x, on any lattice."""
    numbers = np.zeros(LATTICE.array_shape, np.int16)
    sign = -1.0 if mirrored else 1.0
    for n, (x, y) in enumerate([(12, 0), (-12, 0), (10, 14), (-10, 14)], 1):
        numbers[ball(LATTICE, (sign * x, y, 0.0), 4)] = n
    names = ("Left A", "Right A", "Left B", "Right B")
    structures = tuple(Structure(n, name, (0, 0, 0)) for n, name in enumerate(names, 1))
    told = side_remark(LabelMap(numbers, LATTICE, structures, Path("a.nii"), ""))
    assert bool(told) == mirrored
    assert not told or "mirrored" in told[0]


def test_a_map_is_averaged_over_the_faces_of_each_structure() -> None:
    """On an anisotropic lattice a box has the area of its sides."""
    lattice = OBLIQUE
    labels = np.zeros(lattice.array_shape, np.int16)
    labels[3:7, 4:10, 5:8] = 1
    values = np.full(lattice.array_shape, 2.0, np.float32)
    values[labels == 1] = 4.0
    found = surfaces(labels, lattice, 1, values, tolerance=3.0)
    a, b, c = lattice.spacing * (3, 6, 4)
    assert found.area_mm2[1] == pytest.approx(2 * (a * b + b * c + a * c))
    assert found.mean[1] == pytest.approx(4.0) and found.mean[0] == pytest.approx(2.0)
    assert found.above[1] == 1.0 and found.above[0] == 0.0


def calibration() -> StructureCalibration:
    form = LogLinear(math.log(0.1), (Term(Feature.RELATIVE_ERROR, 1.0, 0.01, 10.0),))
    return StructureCalibration(
        "ttauncertainty-structures/1", "m", None, {}, {}, 2.0, 0.9, form, 2.0, form, form
    )


def carried(labels: np.ndarray) -> CarriedLabels:
    none = np.zeros(0, np.int64)
    size = int(labels.max()) + 1
    return CarriedLabels(
        labels.astype(np.int16),
        LATTICE,
        8,
        none,
        none.astype(np.int16),
        none.astype(np.int16),
        0,
        np.zeros(size),
        np.full(size, 3.0),
        np.full(size, 0.9),
    )


def test_an_interval_is_the_volume_times_and_by_the_same_factor(tmp_path: Path) -> None:
    labels = ball(LATTICE, (0, 0, 0), 12).astype(np.int16)
    error = np.full(labels.shape, 1.5, np.float32)
    structures = [Structure(5, "Left A", (0, 0, 0))]
    (one,) = carried_structures(carried(labels), structures, [7.0], error, calibration())
    relative = surfaces(labels, LATTICE, 1, error).area_mm2[1] * 1.5 / (one.volume_cm3 * 1000)
    reach = math.exp(2.0 * 0.1 * relative)
    assert one.volume_low_cm3 == pytest.approx(one.volume_cm3 / reach, rel=1e-6)
    assert one.volume_high_cm3 == pytest.approx(one.volume_cm3 * reach, rel=1e-6)
    assert one.expected_dice == pytest.approx(1 / (1 + 0.1 * relative), rel=1e-6)
    path = tmp_path / "made.json"
    path.write_text(written(calibration()))
    assert read_structure_calibration(path) == calibration()


def test_without_expected_error_there_is_no_interval_and_no_word_of_error() -> None:
    labels = ball(LATTICE, (0, 0, 0), 12).astype(np.int16)
    structures = [Structure(5, "Left A", (0, 0, 0))]
    (one,) = carried_structures(carried(labels), structures, [7.0], None, None, 2.0)
    calibrated = one.volume_low_cm3, one.expected_dice, one.surface_error_mm, one.surface_above
    assert calibrated == (None,) * 4
    assert one.overlap_of_passes == pytest.approx(0.9)


def test_what_is_farther_off_than_the_person_tolerates_is_not_to_be_used() -> None:
    labels = ball(LATTICE, (0, 0, 0), 12).astype(np.int16)
    error = np.full(labels.shape, 3.0, np.float32)
    structures = [Structure(5, "Left A", (0, 0, 0))]

    def remark(tolerance: float | None) -> str:
        found = carried_structures(carried(labels), structures, [7.0], error, None, tolerance)
        return found[0].remark

    assert "Not to be used at 2 mm" in remark(2.0)
    assert remark(4.0) == "" and remark(None) == ""


def test_outlines_are_a_normal_distance_apart() -> None:
    """On the surface one half; a mean distance d is sigma sqrt(2 / pi)."""
    fine = Lattice.from_geometry((61, 61, 61), [0.5] * 3, [-15.0] * 3)
    chance = outline_probability(ball(fine, (0, 0, 0), 9.0), fine, 1.0)
    sigma = math.sqrt(math.pi / 2)
    for radius, expected in ((9.0, 0.5), (9 + 1.645 * sigma, 0.05), (9 - 1.645 * sigma, 0.95)):
        at = round((radius + 15) / 0.5)
        found = np.interp(radius, [at * 0.5 - 15.5, at * 0.5 - 15.0, at * 0.5 - 14.5],
                          chance[30, 30, at - 1 : at + 2])  # fmt: skip
        assert found == pytest.approx(expected, abs=0.08)


def test_the_bands_of_all_are_those_of_each() -> None:
    """On an oblique, flipped, anisotropic lattice; one over the border, one not there."""
    lattice = Lattice.from_geometry(
        (40, 30, 24),
        (1.0, 1.5, 2.0),
        (20, -22, -24),
        rotation_matrix(np.array([0.2, -0.1, 0.3])) @ np.diag([-1.0, 1.0, 1.0]),
    )
    labels = np.zeros(lattice.array_shape, np.int16)
    for label, voxel in ((3, (12, 15, 14)), (5, (24, 15, 14)), (9, (39, 2, 1))):
        labels[ball(lattice, tuple(lattice.to_world(voxel)), 8.0)] = label
    error = np.random.default_rng(0).uniform(0.5, 6, labels.shape).astype(np.float32)
    found = outline_bands(
        labels, lattice, {3: (0.7, 2.0), 4: (1.0, 2.0), 5: (2.5, 3.0), 9: (1.0, None)}, error
    )
    expected = np.zeros(labels.shape, bool)
    for label, of_surface in ((3, (0.7, 2.0)), (5, (2.5, 3.0)), (9, (1.0, None))):
        chance = outline_probability(labels == label, lattice, of_surface[0], error, of_surface[1])
        expected |= (chance > 0.05) & (chance < 0.95)
    assert np.array_equal(found, expected) and expected.any()


@pytest.mark.parametrize("preset", [Preset.QUICK, Preset.STANDARD])
def test_a_run_as_it_comes_finds_the_shipped_intervals(preset: Preset) -> None:
    """Whatever options the network has by now."""
    lattice = FLIPPED.centered((60, 60, 60), 2.0, (0.0, 0.0, 0.0))
    design = DesignRequest(preset).resolve(lattice)
    model = describe(load_model("pyramid-flow"))
    assert find_structure_calibration(model, design.as_dict(), 2.0) is not None


def test_nothing_is_said_of_an_expected_error_that_is_not_there() -> None:
    """Without one, nobody knows what the network sees of a structure."""
    labels = ball(LATTICE, (0, 0, 0), 9.0).astype(np.int16)
    structures = named([1], {})
    without = carried_structures(carried(labels), structures, [1.0], None, None, 2.0)
    assert without[0].remark == "" and without[0].surface_error_mm is None
    nowhere = np.full(labels.shape, np.nan, np.float32)
    blind = carried_structures(carried(labels), structures, [1.0], nowhere, None, 2.0)
    assert blind[0].remark == "Mostly outside what the network sees."


def test_the_shipped_intervals_rest_on_the_shipped_expected_error() -> None:
    """They were fitted to its millimetres: another one asks for fitting them anew."""
    head = sha256(resources_folder() / "Calibrations" / "head.npz")
    for found in shipped():
        assert found.provenance["expected_error"] == {"head_sha256": head}
        checked = found.provenance["checked_on_groups_left_out"]
        assert 0.85 <= checked["volume_interval_held"] <= 0.95
        assert checked["half_width_ln_mean"] < checked["half_width_ln_mean_by_volume_alone"]
        assert checked["dice_correlation"] > 0.8
