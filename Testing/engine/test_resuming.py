"""A run that is split and resumed gives the maps of one that was not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.lattices import FLIPPED, SMALL
from support.predictors import network_model, pair_on

from TTAUncertaintyLib.engine import (
    Engine,
    Execution,
    Outcome,
    Precision,
    load_checkpoint,
    save_checkpoint,
)
from TTAUncertaintyLib.errors import InputError, OutputError
from TTAUncertaintyLib.models.adapters.network_model import NetworkModel
from TTAUncertaintyLib.models.weights.safetensors_io import read_safetensors, write_safetensors
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family, Noise, Sampling

PAIR = pair_on(SMALL, SMALL)
DESIGN = Design(Family.TRANSLATION, Amplitudes(2.0), outer=4, replicates=2)
STEPS = 2 + DESIGN.passes


def engine_of(
    design: Design = DESIGN, model: NetworkModel | None = None, device: str = "cpu", batch: int = 1
) -> Engine:
    return Engine(model or network_model(), PAIR, design, Execution(device, batch_size=batch))


def advance(engine: Engine, steps: int) -> Engine:
    for done, _ in enumerate(engine, 1):
        if done == steps:
            break
    return engine


def assert_same(ours: Outcome, theirs: Outcome, tolerance: float = 0.0) -> None:
    assert ours.variance is not None and theirs.variance is not None
    assert ours.inverse_consistency is not None and theirs.inverse_consistency is not None
    pairs = [
        (ours.prediction, theirs.prediction),
        (ours.inverse_consistency, theirs.inverse_consistency),
        (ours.variance.mean_offset, theirs.variance.mean_offset),
    ]
    ours_error, theirs_error = ours.variance.standard_error, theirs.variance.standard_error
    assert ours_error is not None and theirs_error is not None
    pairs.append((ours_error, theirs_error))
    for name in ("total", "intrinsic", "jitter"):
        a, b = getattr(ours.variance, name), getattr(theirs.variance, name)
        pairs.append((a.clamp(min=0).sqrt(), b.clamp(min=0).sqrt()))
    for a, b in pairs:
        assert float((a - b).abs().max()) <= tolerance


@pytest.mark.parametrize("pause", range(1, STEPS + 1))
def test_resuming_after_any_pass_gives_the_uninterrupted_maps(
    pause: int, device: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    save_checkpoint(advance(engine_of(device=device), pause), path)
    later = engine_of(device=device)
    assert load_checkpoint(later, path)
    # the answer, four passes until there is a map, the other direction, and the rest
    assert later.perturbed == (pause - 1 if pause <= 5 else pause - 2)
    reports = list(later)
    # no pass is made twice
    assert len(reports) == STEPS - pause
    if reports:
        assert reports[-1].done == STEPS
    assert_same(later.outcome(), engine_of(device=device).run())


def test_resuming_with_another_batch_size_gives_the_same_maps(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    save_checkpoint(advance(engine_of(), 5), path)
    later = engine_of(batch=4)
    load_checkpoint(later, path)
    # to rounding: another batch adds in another order
    assert_same(later.run(), engine_of().run(), 1e-5)


def test_dropout_noise_goes_on_as_if_it_had_not_been_interrupted(tmp_path: Path) -> None:
    design = Design(
        Family.TRANSLATION, sampling=Sampling.RANDOM, outer=3, replicates=2, noise=Noise.DROPOUT
    )
    path = tmp_path / "run.safetensors"
    save_checkpoint(advance(engine_of(design, network_model(dropout=0.3)), 5), path)
    later = engine_of(design, network_model(dropout=0.3))
    load_checkpoint(later, path)
    assert_same(later.run(), engine_of(design, network_model(dropout=0.3)).run())


def test_a_state_taken_during_a_run_does_not_change_with_it() -> None:
    engine = advance(engine_of(), 4)
    state = engine.state()
    copy = {name: tensor.clone() for name, tensor in state.items()}
    engine.run()
    assert all(torch.equal(state[name], copy[name]) for name in copy)


def test_where_there_is_no_checkpoint_a_run_begins_anew(tmp_path: Path) -> None:
    assert load_checkpoint(engine_of(), tmp_path / "nothing") is False


def _other_design() -> Engine:
    return engine_of(Design(Family.TRANSLATION, Amplitudes(2.5), outer=4, replicates=2))


def _other_seed() -> Engine:
    return engine_of(Design(Family.TRANSLATION, Amplitudes(2.0), outer=4, replicates=2, seed=1))


def _other_image() -> Engine:
    pair = pair_on(SMALL, SMALL)
    pair.moving[0, 0, 3, 3, 3] += 0.01
    return Engine(network_model(), pair, DESIGN, Execution("cpu"))


def _other_lattice() -> Engine:
    shifted = SMALL.centered(SMALL.size, SMALL.spacing, SMALL.center + 1)
    pair = pair_on(SMALL, SMALL)
    moved = type(pair)(pair.moving, pair.fixed, shifted, pair.fixed_lattice)
    return Engine(network_model(), moved, DESIGN, Execution("cpu"))


def _other_size() -> Engine:
    return Engine(network_model(), pair_on(FLIPPED, FLIPPED), DESIGN, Execution("cpu"))


def _other_precision() -> Engine:
    return Engine(network_model(), PAIR, DESIGN, Execution("cpu", Precision.BF16))


def _without_reverse_pass() -> Engine:
    return Engine(network_model(), PAIR, DESIGN, Execution("cpu"), reverse_pass=False)


def _full_covariance() -> Engine:
    return Engine(network_model(), PAIR, DESIGN, Execution("cpu"), full_covariance=True)


@pytest.mark.parametrize(
    "other",
    [
        _other_design,
        _other_seed,
        _other_image,
        _other_lattice,
        _other_size,
        _other_precision,
        _without_reverse_pass,
        _full_covariance,
    ],
    ids=lambda f: f.__name__[1:],
)
def test_a_checkpoint_of_another_run_is_refused(
    other: Callable[[], Engine], tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    save_checkpoint(advance(engine_of(), 4), path)
    with pytest.raises(InputError, match="belongs to another run"):
        load_checkpoint(other(), path)


def test_a_checkpoint_of_an_older_version_is_refused_in_words(tmp_path: Path) -> None:
    """It lacks sums that this version keeps, and must not pass for a run with other images."""
    path = tmp_path / "run.safetensors"
    save_checkpoint(advance(engine_of(), 6), path)
    state, metadata = read_safetensors(path)
    old = {name: tensor for name, tensor in state.items() if "spread" not in name}
    assert len(old) == len(state) - 2
    del metadata["state_version"]
    write_safetensors(path, old, metadata)
    with pytest.raises(InputError, match="another version of this software"):
        load_checkpoint(engine_of(), path)


def test_a_checkpoint_that_was_cut_is_refused_wherever_it_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    save_checkpoint(advance(engine_of(), 4), path)
    content = path.read_bytes()
    for end in (0, 5, 8, 300, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:end])
        with pytest.raises(InputError, match=re.escape(str(path))) as caught:
            load_checkpoint(engine_of(), path)
        # only what is known for a checkpoint is said to be deletable
        whole_header = end >= len(content) // 2
        assert ("Delete it" in caught.value.remedy) == whole_header
        assert path.read_bytes() == content[:end]


@pytest.mark.parametrize("other", ["image.nii", "notes.txt", "weights.safetensors", "folder"])
def test_a_file_that_is_no_checkpoint_is_refused_and_left_alone(other: str, tmp_path: Path) -> None:
    path = tmp_path / other
    if other == "folder":
        path.mkdir()
    elif other == "weights.safetensors":
        write_safetensors(path, {"layer.weight": torch.ones(3)}, {"format": "pt"})
    else:
        path.write_bytes(b"three years of work" * 100)
    before = None if path.is_dir() else path.read_bytes()
    with pytest.raises((InputError, OutputError), match=other) as caught:
        load_checkpoint(engine_of(), path)
    assert "elete" not in str(caught.value) and "Name a" in caught.value.remedy
    assert path.is_dir() or path.read_bytes() == before


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.safetensors"
    engine = advance(engine_of(), 4)
    save_checkpoint(engine, path)
    before = path.read_bytes()

    def fail(partial: Path, *_: object) -> None:
        partial.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("TTAUncertaintyLib.engine.checkpoint.write_safetensors", fail)
    with pytest.raises(OutputError, match="no space"):
        save_checkpoint(advance(engine, 2), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert load_checkpoint(engine_of(), path)


def test_a_checkpoint_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="checkpoint"):
        save_checkpoint(advance(engine_of(), 1), tmp_path / "no folder" / "run.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("noise", "replicates", "recorded"),
    [
        (Noise.DISCRETISATION, 1, None),
        (Noise.DISCRETISATION, 2, "discretisation"),
        (Noise.DROPOUT, 1, "dropout"),
        (Noise.ENSEMBLE, 2, "ensemble"),
    ],
)
def test_the_record_names_the_noise_that_acts(
    noise: Noise, replicates: int, recorded: str | None
) -> None:
    assert Design(noise=noise, replicates=replicates).as_dict()["noise"] == recorded
