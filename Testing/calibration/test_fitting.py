"""Fitting: what was put into made-up measurements comes out again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from TTAUncertaintyLib.calibration import (
    CalibratedMaps,
    Calibration,
    CueTerm,
    ErrorBound,
    Score,
    adjusted,
    apply,
    mismatch,
    read_calibration,
    shipped_head,
    write_calibration,
)
from TTAUncertaintyLib.calibration.application import expected_error, score
from TTAUncertaintyLib.calibration.fitting import Check, _knots, fit, left_out
from TTAUncertaintyLib.cues import Cue
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.evaluation.measuring import Measurement

MODEL: dict[str, Any] = {
    "name": "pyramid-flow",
    "weights": {"sha256": "ab" * 32, "file": "w", "published": True},
    "options": {},
}
DESIGN = {"name": "quick", "family": "rigid", "outer_K": 8, "replicates_R": 1, "seed": 0}


def measurement(
    subject: str,
    kind: str,
    seed: int,
    scale: float = 1.0,
    count: int = 6_000,
    useful: float = 0.8,
) -> Measurement:
    """A network whose error is exp(noise) * total^useful, and whose other cues say nothing."""
    generator = np.random.default_rng(seed)
    total = np.exp(generator.normal(0.0, 0.7, count))
    error = scale * total**useful * np.exp(generator.normal(0.0, 0.5, count))
    cues = {
        Cue.TOTAL: total,
        Cue.INVERSE_CONSISTENCY: np.exp(generator.normal(0.0, 0.5, count)),
        Cue.NCC_GAP: generator.uniform(0.1, 0.9, count),
    }
    tensors = {cue: torch.from_numpy(values).float() for cue, values in cues.items()}
    return Measurement(
        f"{subject} {kind} {seed}",
        subject,
        kind,
        tensors,
        torch.from_numpy(error).float(),
        6.0,
        {},
        {},
        1.0,
        2.0,
        DESIGN,
    )


def study(scales: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> list[Measurement]:
    return [
        measurement(f"subject {n}", kind, 10 * n + m, scale)
        for n, scale in enumerate(scales)
        for m, kind in enumerate(("smooth", "affine"))
    ]


def test_the_weights_that_made_the_errors_are_found() -> None:
    calibration, _ = fit(study(), MODEL, [])
    weights = {term.cue: term.weight for term in calibration.score.terms}
    assert weights[Cue.TOTAL] == pytest.approx(0.8, abs=0.03)
    assert all(abs(w) < 0.03 for cue, w in weights.items() if cue is not Cue.TOTAL)
    # E exp(N(0, .5^2)) = exp(.125): the expected error is the mean, not the median
    at = torch.tensor([1.0])
    cues = {Cue.TOTAL: at, Cue.INVERSE_CONSISTENCY: at, Cue.NCC_GAP: torch.tensor([0.5])}
    assert float(apply(calibration, cues).expected_error) == pytest.approx(np.exp(0.125), rel=0.06)


def test_the_bound_holds_for_subjects_it_has_not_seen() -> None:
    _, checks = fit(study(), MODEL, [])
    by_subject = [c for c in checks if c.left_out == "subject"]
    assert len(by_subject) == 8 and {c.left_out for c in checks} == {"subject", "kind"}
    for check in by_subject:
        assert check.coverage == pytest.approx(0.9, abs=0.02)
        assert check.mae_mm < check.constant_mae_mm
        assert check.mae_mm < check.inverse_mae_mm
        assert check.naurc < 0.8 < check.inverse_naurc


def test_subjects_that_differ_widen_the_bound() -> None:
    alike, _ = fit(study(), MODEL, [])
    different, _ = fit(study((0.5, 1.0, 1.5, 2.0)), MODEL, [])
    assert different.error_bound.factor > 1.1 * alike.error_bound.factor


def test_a_left_out_case_has_no_part_in_what_is_said_of_it() -> None:
    cases = study()
    wild = [replace(m, error=m.error * 100) if m.subject == "subject 3" else m for m in cases]
    plain = {f.measurement.name: f for f in left_out(cases, "subject", MODEL)}
    for found in left_out(wild, "subject", MODEL):
        if found.measurement.subject == "subject 3":
            same = plain[found.measurement.name]
            assert torch.equal(found.maps.expected_error, same.maps.expected_error)
            assert torch.equal(found.maps.error_bound, same.maps.error_bound)


def by_the_head(cases: list[Measurement], factor: float) -> list[Measurement]:
    """Cases of which the head says a part of the truth, in wrong millimetres."""
    found = []
    for n, m in enumerate(cases):
        noise = torch.from_numpy(
            np.exp(np.random.default_rng(1000 + n).normal(0, 0.3, len(m.error)))
        )
        values = (m.error * noise * factor).float()
        outside = torch.zeros(len(values), dtype=torch.bool)
        found.append(replace(m, expected=CalibratedMaps(values, 2 * values, outside)))
    return found


def test_what_the_head_says_is_adjusted_to_the_network() -> None:
    cases = by_the_head(study(), 0.4)
    calibration, checks = fit(cases, MODEL, [])
    assert calibration.score.terms[0].cue is Cue.EXPECTED
    assert calibration.head_sha256 == shipped_head().sha256
    assert calibration.needs_reverse_pass
    for check in checks:
        assert check.expected_mm == pytest.approx(check.error_mm, rel=0.1)
        assert check.coverage == pytest.approx(0.9, abs=0.02)
    told = CalibratedMaps(
        torch.tensor([1.0, 2.0, torch.nan]), torch.ones(3), torch.zeros(3, dtype=torch.bool),
        lambda mask: np.ones((3, 5), np.float32),
    )  # fmt: skip
    cues = {cue: torch.full((3,), 0.5) for cue in cases[0].cues}
    maps = adjusted(calibration, cues, told)
    assert maps.reasons is told.reasons
    assert maps.expected_error[1] > maps.expected_error[0] > 1.5
    assert maps.expected_error[2].isnan() and maps.error_bound[2].isnan()
    assert not maps.outside[2]


def test_beyond_all_that_was_seen_the_expected_error_goes_on_rising_and_is_marked() -> None:
    calibration, _ = fit(by_the_head(study(), 1.0), MODEL, [])
    (high,) = [t.calibrated_range[1] for t in calibration.score.terms if t.cue is Cue.EXPECTED]
    told = high * torch.tensor([0.9, 1.1, 2.0, 4.0])
    cues = {cue: torch.full((4,), 0.5) for cue in (Cue.TOTAL, *study()[0].cues)}
    maps = apply(calibration, cues | {Cue.EXPECTED: told})
    assert maps.expected_error.diff().min() > 0
    assert maps.expected_error[3] > 1.2 * maps.expected_error[2]
    assert maps.outside.tolist() == [False, True, True, True]


def test_a_cue_that_would_count_against_itself_counts_nothing() -> None:
    cases = [replace(m, error=1 / m.error) for m in study()]
    calibration, _ = fit(cases, MODEL, [])
    assert all(term.weight >= 0 for term in calibration.score.terms)
    assert Cue.TOTAL not in {t.cue for t in calibration.score.terms if t.weight > 0.05}


def test_intrinsic_and_jitter_take_the_place_of_their_sum() -> None:
    cases = [
        replace(m, cues=m.cues | {Cue.INTRINSIC: m.cues[Cue.TOTAL], Cue.JITTER: m.cues[Cue.TOTAL]})
        for m in study()
    ]
    calibration, _ = fit(cases, MODEL, [])
    assert Cue.TOTAL not in {term.cue for term in calibration.score.terms}


def test_more_of_a_cue_never_means_less_error() -> None:
    """A cue that falls where the error rises is left out, and the fit is that without it."""
    cases = [replace(m, cues={**m.cues, Cue.NCC_GAP: 1 / m.error}) for m in study()]
    calibration, _ = fit(cases, MODEL, [])
    weights = {term.cue: term.weight for term in calibration.score.terms}
    assert Cue.NCC_GAP not in weights
    assert weights[Cue.TOTAL] == pytest.approx(0.8, abs=0.03)


def test_the_expected_error_never_falls_where_the_score_rises() -> None:
    """Bins whose errors fall are levelled to their mean, by the number of voxels in each."""
    error = np.repeat([1.0, 4.0, 1.0, 5.0], 500)
    errors = [y for _, y in _knots(np.arange(2_000.0), error)]
    assert errors == sorted(errors)
    assert errors[:5] == [1.0] * 5 and errors[5:15] == pytest.approx([2.5] * 10)


def test_the_highest_scores_are_told_apart() -> None:
    """The top hundredth expects more error than the top twentieth: no plateau where one looks."""
    calibration, _ = fit(study(), MODEL, [])
    errors = [error for _, error in calibration.expected_error_mm]
    assert len(errors) == 23 and errors[-1] > 1.3 * errors[-4]


def test_one_subject_is_too_few() -> None:
    with pytest.raises(InputError, match="two subjects"):
        fit([measurement("a", "smooth", 0), measurement("a", "affine", 1)], MODEL, [])


def test_measurements_of_two_designs_are_not_mixed() -> None:
    cases = study()
    cases[0] = replace(cases[0], design=DESIGN | {"outer_K": 16})
    with pytest.raises(InputError, match="different designs"):
        fit(cases, MODEL, [])


def test_the_file_says_where_it_comes_from_and_survives(tmp_path: Path) -> None:
    made, checks = fit(study(), MODEL, [{"name": "subject 0", "sha256": "00"}])
    path = tmp_path / "größe.json"
    write_calibration(path, made)
    assert read_calibration(path) == made
    assert [p.name for p in tmp_path.iterdir()] == ["größe.json"]
    said = json.loads(path.read_text(encoding="utf-8"))["provenance"]
    assert said["cases"] == 8 and said["kinds"] == ["affine", "smooth"]
    assert said["images"] == [{"name": "subject 0", "sha256": "00"}]
    mean = np.mean([c.coverage for c in checks if c.left_out == "subject"])
    assert said["checked_on_left_out"]["subject"]["coverage"] == pytest.approx(mean)
    assert isinstance(checks[0], Check)


# -- applying -----------------------------------------------------------------------------------

SIMPLE = Calibration(
    "pyramid-flow",
    "ab" * 32,
    {},
    DESIGN,
    2.0,
    Score(0.5, (CueTerm(Cue.TOTAL, 2.0, (0.1, 4.0)), CueTerm(Cue.NCC_GAP, 1.0, (0.0, 1.0)))),
    ((-1.0, 0.2), (1.0, 1.0), (3.0, 5.0)),
    ErrorBound(0.9, 2.5),
)


def test_a_score_by_hand() -> None:
    cues = {Cue.TOTAL: torch.tensor([1.0, 2.0]), Cue.NCC_GAP: torch.tensor([1.0, 0.5])}
    expected = [0.5, 0.5 + 2 * np.log(2) + np.log(0.5)]
    assert score(SIMPLE, cues).tolist() == pytest.approx(expected)


def test_an_expected_error_by_hand() -> None:
    scores = torch.tensor([-9.0, -1.0, 0.0, 1.0, 2.5, 3.0, 9.0])
    assert expected_error(SIMPLE, scores).tolist() == pytest.approx(
        [0.2, 0.2, 0.6, 1.0, 4.0, 5.0, 5.0 * (1 + 6)]
    )


def test_beyond_its_range_a_cue_is_marked_and_counts_no_less_than_the_range_ends() -> None:
    total = torch.tensor([[0.05, 0.1], [4.0, 40.0], [float("nan"), 1.0]])
    cues = {Cue.TOTAL: total, Cue.NCC_GAP: torch.full((3, 2), 0.5)}
    maps = apply(SIMPLE, cues)
    assert maps.outside.tolist() == [[True, False], [False, True], [True, False]]
    ends = apply(SIMPLE, cues | {Cue.TOTAL: total.nan_to_num(4.0).clamp(0.1, 4.0)})
    rises = torch.tensor([[0, 0], [0, 1], [0, 0]], dtype=torch.bool)
    assert torch.equal(maps.expected_error > ends.expected_error, rises)
    assert torch.equal(maps.expected_error[~rises], ends.expected_error[~rises])
    assert torch.allclose(maps.error_bound, 2.5 * maps.expected_error)
    assert bool(maps.expected_error.isfinite().all())


def test_what_lies_below_the_floor_is_no_less_than_what_was_seen() -> None:
    floor = Cue.TOTAL.facts.floor
    seen = Score(0.5, (CueTerm(Cue.TOTAL, 2.0, (floor / 2, 4.0)),))
    total = torch.tensor([0.0, floor / 3, floor, 4.1])
    maps = apply(replace(SIMPLE, score=seen), {Cue.TOTAL: total})
    assert maps.outside.tolist() == [False, False, False, True]
    assert maps.expected_error[0] == maps.expected_error[2]


def test_a_missing_cue_is_named() -> None:
    with pytest.raises(ValueError, match="ncc_gap"):
        apply(SIMPLE, {Cue.TOTAL: torch.ones(2)})


# -- what is no calibration, and what is another run's ---------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": "ttauncertainty-calibration/2"}, "'schema' is .*calibration/1"),
        ({"expected_error_mm": [[0.0, 2.0], [1.0, 1.0]]}, "does not rise"),
        ({"expected_error_mm": [[1.0, 1.0], [1.0, 2.0]]}, "does not rise"),
        ({"expected_error_mm": [[0.0, float("nan")], [1.0, 2.0]]}, "NaN is not a number"),
        ({"error_bound": {"level": 1.5, "factor": 2.0}}, "not a positive"),
        ({"error_bound": {}}, "'error_bound.level' is missing"),
        ({"score": {"bias": 0.0, "terms": []}}, "at least one cue"),
        ({"score": 3}, "'score' is 3"),
        ({"options": None}, "'options' is null"),
        ({"provenance": {"images": [3]}}, r"'provenance.images.0' is 3"),
        ({"provenance": {"cases": "<b>"}}, "'provenance.cases' is"),
    ],
)
def test_what_is_no_calibration_is_refused_in_words(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps(SIMPLE.as_dict() | change))
    with pytest.raises(InputError, match=says) as caught:
        read_calibration(path)
    assert str(path) in str(caught.value)


def test_files_that_are_something_else(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    for text in ("", "{", "[]", "3", "[" * 100_000):
        path.write_text(text)
        with pytest.raises(InputError):
            read_calibration(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_calibration(tmp_path / "none.json")


def test_whose_calibration_it_is() -> None:
    def why(model: dict[str, Any] = MODEL, design: dict[str, Any] = DESIGN, mm: float = 2.0) -> Any:
        return mismatch(SIMPLE, model, design, mm)

    assert why() is None
    assert why(design=DESIGN | {"seed": 7, "name": "custom"}) is None
    assert "not of lapirn" in why(MODEL | {"name": "lapirn"})
    assert "other weights" in why(MODEL | {"weights": {"sha256": "cd" * 32}})
    assert "other weights" in why(MODEL | {"weights": None})
    assert "other options" in why(MODEL | {"options": {"level": "2"}})
    assert "outer_K differs" in why(design=DESIGN | {"outer_K": 16})
    assert "family differs" in why(design=DESIGN | {"family": "affine"})
    assert "1 mm" in why(mm=1.0)

    def differs(theirs: dict[str, Any], ours: dict[str, Any]) -> str | None:
        made_for = replace(SIMPLE, design=DESIGN | {"amplitudes": theirs})
        return mismatch(made_for, MODEL, DESIGN | {"amplitudes": ours}, 2.0)

    mm = {"translation_mm": 1.0, "rotation_deg": 1.0, "scale": 0.02}
    assert differs(mm, mm | {"scale": 0.5}) is None  # does not act in a rigid perturbation
    assert differs(mm, mm | {"translation_mm": [1.0, 1.1, 1.0]}) is None
    assert "translation_mm" in (differs(mm, mm | {"translation_mm": [1.0, 1.0, 1.5]}) or "")
    assert "rotation_deg" in (differs(mm, mm | {"rotation_deg": 2.0}) or "")
    terms = (CueTerm(Cue.INVERSE_CONSISTENCY, 1.0, (0.0, 3.0)),)
    needs = replace(SIMPLE, score=Score(0.0, terms))
    assert mismatch(needs, MODEL, DESIGN, 2.0) is None
    assert "inverse-consistency" in (mismatch(needs, MODEL, DESIGN, 2.0, False) or "")


def test_an_option_that_came_later_had_its_default_when_the_calibration_was_made():
    lapirn = MODEL | {"name": "lapirn", "options": {"spacing": "2"}}
    before = replace(SIMPLE, model="lapirn", options={})
    assert mismatch(before, lapirn, DESIGN, 2.0) is None
    assert "other options" in (
        mismatch(before, lapirn | {"options": {"spacing": "1"}}, DESIGN, 2.0) or ""
    )
    unknown = replace(before, options={"smoothness": "2"})
    assert "other options" in (mismatch(unknown, lapirn, DESIGN, 2.0) or "")
