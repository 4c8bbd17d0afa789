"""The head: trees that say what they are made of, and what lies beyond is marked and rises."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from TTAUncertaintyLib.calibration import Head, read_head, shipped_head
from TTAUncertaintyLib.calibration.trees import Trees
from TTAUncertaintyLib.cues.features import FEATURES, Features
from TTAUncertaintyLib.cues.reasons import Reason
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.training.head_fit import Case, _exported, fit

NAMES = tuple(FEATURES)
GENERATOR = np.random.default_rng(0)


def rows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(-1, 0.6, (count, len(NAMES))).astype(np.float32)


def case(number: int, kind: str, scale: float = 1.0, network: str = "any") -> Case:
    """An error of half the gap's feature times the total's, and a little noise."""
    found = rows(2_000, number)
    total, gap = (found[:, NAMES.index(name)] for name in ("total_4", "gap_4"))
    noise = np.random.default_rng(100 + number).lognormal(0, 0.3, len(found))
    error = (scale * 3 * np.sqrt(total * gap) * noise).astype(np.float32)
    subject = f"subject {number % 6}"
    name = f"fit-{kind}-{number}"
    middle = np.median(found, axis=0)
    return Case(
        name,
        kind,
        network,
        frozenset({subject}),
        found,
        error,
        found[:500],
        middle,
        1400 + 20 * number,
    )


@pytest.fixture(scope="module", autouse=True)
def _fewer_trees() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("TTAUncertaintyLib.training.head_fit._TREES", 60)
        patch.setattr("TTAUncertaintyLib.training.head_fit._BOUND_TREES", 20)
        yield


@pytest.fixture(scope="module")
def head() -> Head:
    pytest.importorskip("sklearn")
    return fit([case(n, ("people", "smooth")[n % 2]) for n in range(12)], {})


def test_trees_say_what_a_walk_by_hand_says() -> None:
    trees = Trees(
        np.array([[0, 1, 1]], np.uint8),
        np.array([[0.5, 2.0, np.inf]], np.float32),
        np.array([[1.0, 0.0, 3.0, -1.0, 4.0, 3.0, 3.0]], np.float32),
    )
    asked = np.array([[0.0, 1.0], [0.5, 2.5], [0.6, 9.0]], np.float32)
    assert trees.sum(asked).tolist() == [-1.0, 4.0, 3.0]
    shares = trees.shares(asked, np.array([1, 0]), 2)
    assert shares.tolist() == [[-1.0, -1.0], [4.0, -1.0], [0.0, 2.0]]
    assert trees.bias == 1.0


def test_many_trees_say_of_many_rows_what_a_walk_from_node_to_node_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Deep ones, thresholds that are met exactly, and blocks of rows that are no whole bytes."""
    monkeypatch.setattr("TTAUncertaintyLib.calibration.trees._ROWS", 61)
    random = np.random.default_rng(4)
    feature = random.integers(0, 5, (9, 31)).astype(np.uint8)
    threshold = random.integers(0, 4, feature.shape).astype(np.float32)
    trees = Trees(feature, threshold, random.normal(size=(9, 63)).astype(np.float32))
    asked = random.integers(0, 5, (200, 5)).astype(np.float32)
    groups = np.array([0, 1, 2, 0, 1])
    sums, shares = np.zeros(200), np.zeros((200, 3))
    for n, t in itertools.product(range(200), range(9)):
        node = 0
        while node < 31:
            column = int(feature[t, node])
            child = 2 * node + (2 if asked[n, column] > threshold[t, node] else 1)
            shares[n, groups[column]] += trees.value[t, child] - trees.value[t, node]
            node = child
        sums[n] += trees.value[t, node]
    np.testing.assert_allclose(trees.sum(asked), sums, atol=1e-5)
    np.testing.assert_allclose(trees.shares(asked, groups, 3), shares, atol=1e-5)


def test_exported_trees_say_what_scikit_learn_says() -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    x = rows(5_000)
    y = np.exp(x[:, 0]) + x[:, 1]
    model = ensemble.HistGradientBoostingRegressor(
        loss="poisson", max_depth=5, max_iter=30, min_samples_leaf=50
    ).fit(x, y)
    said = np.exp(_exported(model, float(model._baseline_prediction.item())).sum(x))
    np.testing.assert_allclose(said, model.predict(x), rtol=1e-4)


def test_an_error_that_follows_two_cues_is_found_again(head: Head) -> None:
    left_out = case(50, "smooth")
    expected = head.expected(left_out.rows)
    assert np.corrcoef(np.log(expected), np.log(left_out.error))[0, 1] > 0.75
    assert expected.mean() == pytest.approx(left_out.error.mean(), rel=0.1)
    held = (left_out.error <= head.bound(left_out.rows, expected, known=True)).mean()
    assert held == pytest.approx(0.9, abs=0.04)


def test_a_network_that_had_no_part_in_the_fit_gets_the_bound_that_one_left_out_has_needed() -> (
    None
):
    """Of two networks, one errs twice as much where both say the same."""
    pytest.importorskip("sklearn")
    cases = [
        case(n, ("people", "smooth")[n % 2], 1.0 + calls, ("mild at 2 mm", "wild at 2 mm")[calls])
        for n in range(12)
        for calls in (0, 1)
    ]
    both = fit(cases, {})
    assert both.knows("mild", 2.0) and both.knows("wild", 2.1)
    assert not both.knows("another", 2.0) and not both.knows("mild", 1.0)
    alone = fit([one for one in cases if one.network == "mild at 2 mm"], {})
    unseen = case(50, "smooth", 2.0, "wild")
    expected = alone.expected(unseen.rows)
    assert (unseen.error <= alone.bound(unseen.rows, expected, known=True)).mean() < 0.6
    wider = both.stranger_factor / both.bound_factor
    assert 1.5 < wider < 2.5
    found, region = unseen.rows[:500], torch.ones(5, 10, 10, dtype=torch.bool)
    features = Features(NAMES, torch.from_numpy(found), region, 1500.0)
    known, unknown = (both.maps(features, name, 2.0).error_bound for name in ("wild", "another"))
    torch.testing.assert_close(unknown, known * wider)
    assert not both.as_dict("another", 2.0)["error_bound"]["network_known"]


def test_reasons_together_are_the_expected_error_exactly(head: Head) -> None:
    asked = rows(300, 7)
    found = head.reasons(asked)
    assert found.shape == (300, len(Reason))
    np.testing.assert_allclose(
        head.usual_mm * np.exp(found.sum(axis=1)), head.expected(asked), rtol=1e-4
    )
    names = [reason.value for reason in Reason]
    deviation = dict(zip(names, found.std(axis=0), strict=True))
    assert min(deviation["contradiction"], deviation["no_return"]) > 4 * deviation["uneven"]


def test_beyond_everything_seen_the_expected_error_goes_on_rising_and_is_marked(
    head: Head,
) -> None:
    asked = np.repeat(rows(1, 3), 4, axis=0)
    asked[:, NAMES.index("gap_4")] = [20, 40, 80, 160]
    expected = head.expected(asked)
    assert (np.diff(expected) > 0).all() and expected[-1] > 1.5 * expected[0]
    assert head.outside(asked).all()
    assert head.outside(rows(2_000, 0)).mean() < 0.1


def test_a_case_unlike_all_others_is_outside_as_a_whole(head: Head) -> None:
    alike, unlike, odd = (rows(500, 9) for _ in range(3))
    odd[:100, NAMES.index("strain")] = 1e6
    unlike[:, NAMES.index("depth")] += 40
    unlike[:, NAMES.index("gradient_fixed_2")] *= 20
    region = torch.zeros(5, 10, 20, dtype=torch.bool)
    region.view(-1)[:500] = True
    maps = [
        head.maps(Features(NAMES, torch.from_numpy(each), region, cm3, changed), "any", 2.0)
        for each, cm3, changed in (
            (alike, 1500.0, False),
            (unlike, 1500.0, False),
            (odd, 1500.0, False),
            (alike, 90.0, False),
            (alike, 4000.0, False),
            (alike, 1500.0, True),
        )
    ]
    assert maps[0].unlike == "" and maps[0].outside.double().sum() < 100
    # a macaque, a heart, a body, a T2 that is no T1
    words = ("The images", "of the anatomy", "90 cm3", "4,000 cm3", "contrast")
    for other, why in zip(maps[1:], words, strict=True):
        assert why in other.unlike and bool(other.outside[region].all())
    assert bool(maps[0].expected_error[~region].isnan().all())


def test_a_head_comes_back_from_its_file(head: Head, tmp_path: Path) -> None:
    head.save(tmp_path / "head.npz")
    back = read_head(tmp_path / "head.npz")
    asked = rows(200, 5)
    np.testing.assert_array_equal(back.expected(asked), head.expected(asked))
    np.testing.assert_array_equal(back.reasons(asked), head.reasons(asked))
    assert (tmp_path / "head.npz").stat().st_size < 500_000
    (tmp_path / "head.npz").write_bytes((tmp_path / "head.npz").read_bytes()[:5_000])
    with pytest.raises(InputError, match="cannot be read"):
        read_head(tmp_path / "head.npz")


def test_damaged_trees_are_refused(head: Head) -> None:
    with pytest.raises(InputError, match="damaged"):
        replace(head.trees, value=head.trees.value[:, :-1])


def test_the_head_that_ships_is_of_these_features_and_says_what_it_was_made_from() -> None:
    made = shipped_head().facts["provenance"]
    assert "Neuromorphometrics" in made["credit"] and made["cases"] > 50
    assert len(made["networks"]) >= 3
    assert len(made["images"]) == 10  # people; a mean of them is nobody
    assert 0.3 < shipped_head().usual_mm < 5
