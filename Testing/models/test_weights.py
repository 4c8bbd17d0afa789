"""Weights files are data: nothing in them runs, and nothing but the model's own tensors loads."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.predictors import DESCRIPTION, SmallNetwork
from torch import Tensor

from TTAUncertaintyLib.errors import ModelError
from TTAUncertaintyLib.models.contract import ModelDescription, PublishedFile
from TTAUncertaintyLib.models.weights.state_dicts import identify, load_strictly, read_state_dict


def state() -> dict[str, Tensor]:
    return SmallNetwork(seed=5).state_dict()


def test_a_state_dict_is_read_and_loaded_to_the_bit(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(state(), path)
    network = SmallNetwork(seed=6)
    load_strictly(network, read_state_dict(path), path)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, state()[name])


class Bomb:
    """Something whose unpickling leaves a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_code_in_a_weights_file_is_refused_and_does_not_run(writer: str, tmp_path: Path) -> None:
    path, trace = tmp_path / "weights.pth", tmp_path / "it-ran"
    content = {**state(), "extra": Bomb(trace)}
    if writer == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(ModelError, match="plain state dict"):
        read_state_dict(path)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Bomb(trace)))
    assert trace.exists()  # the premise: the bomb is live


def _truncated(path: Path) -> None:
    torch.save(state(), path)
    path.write_bytes(path.read_bytes()[:-200])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("<html>404 Not Found</html>")


def _damaged(path: Path) -> None:
    torch.save(state(), path)
    content = bytearray(path.read_bytes())
    content[: len(content) // 4] = bytes(len(content) // 4)
    path.write_bytes(bytes(content))


def _list(path: Path) -> None:
    torch.save([torch.zeros(3)], path)


def _numbers(path: Path) -> None:
    torch.save({"epoch": 12, "loss": 0.3}, path)


def _nested(path: Path) -> None:
    torch.save({"model": state()}, path)


def _whole_network(path: Path) -> None:
    torch.save(SmallNetwork(), path)


def _numpy(path: Path) -> None:
    with path.open("wb") as stream:
        np.savez(stream, weight=np.zeros(3))


@pytest.mark.parametrize(
    "write",
    [_truncated, _empty, _text, _damaged, _list, _numbers, _nested, _whole_network, _numpy],
    ids=lambda f: f.__name__[1:],
)
def test_what_is_not_a_state_dict_is_refused_by_name(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    write(path)
    with pytest.raises(ModelError, match=r"weights\.pth") as caught:
        read_state_dict(path)
    assert caught.value.exit_code == 3


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.pth", tmp_path):
        with pytest.raises(ModelError, match="does not exist"):
            read_state_dict(path)


def _missing_key(tensors: dict[str, Tensor]) -> None:
    del tensors["second.bias"]


def _additional_key(tensors: dict[str, Tensor]) -> None:
    tensors["third.weight"] = torch.zeros(3)


def _another_shape(tensors: dict[str, Tensor]) -> None:
    tensors["last.weight"] = tensors["last.weight"][:2]


def _one_that_would_broadcast(tensors: dict[str, Tensor]) -> None:
    tensors["last.bias"] = torch.zeros(1)


@pytest.mark.parametrize(
    "change",
    [_missing_key, _additional_key, _another_shape, _one_that_would_broadcast],
    ids=lambda f: f.__name__[1:],
)
def test_another_networks_tensors_are_refused_and_nothing_is_loaded(
    change: Callable[[dict[str, Tensor]], None],
) -> None:
    network = SmallNetwork(seed=6)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    tensors = state()
    change(tensors)
    with pytest.raises(ModelError, match="1 of its tensors differ") as caught:
        load_strictly(network, tensors, Path("weights.pth"))
    assert any(name in caught.value.problem for name in ("second", "third", "last"))
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in before)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(value: float) -> None:
    tensors = state()
    tensors["second.weight"][3, 2, 1, 0, 0] = value
    with pytest.raises(ModelError, match="NaN or infinite"):
        load_strictly(SmallNetwork(), tensors, Path("weights.pth"))


@pytest.mark.parametrize(
    ("pinned", "published"), [(None, None), ("right", True), ("0" * 64, False)]
)
def test_weights_are_known_by_their_hash(
    pinned: str | None, published: bool | None, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(state(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    pinned = digest if pinned == "right" else pinned
    description = ModelDescription(
        **{**vars(DESCRIPTION), "published": PublishedFile("f", "", "", sha256=pinned)}
    )
    found = identify(path, description)
    assert (found.sha256, found.published) == (digest, published)


def _sparse(tensors: dict[str, Tensor]) -> None:
    tensors["second.weight"] = tensors["second.weight"].to_sparse()


def _complex(tensors: dict[str, Tensor]) -> None:
    tensors["second.weight"] = tensors["second.weight"].to(torch.complex64)


def _without_values(tensors: dict[str, Tensor]) -> None:
    tensors["second.weight"] = tensors["second.weight"].to("meta")


@pytest.mark.parametrize("change", [_sparse, _complex, _without_values], ids=lambda f: f.__name__)
def test_tensors_that_are_no_real_numbers_in_memory_are_refused(
    change: Callable[[dict[str, Tensor]], None],
) -> None:
    tensors = state()
    change(tensors)
    with pytest.raises(ModelError, match="no plain numbers"):
        load_strictly(SmallNetwork(), tensors, Path("weights.pth"))


@pytest.mark.parametrize("zipped", [True, False], ids=["archive", "legacy"])
def test_bytes_changed_at_random_end_in_a_sentence_or_in_finite_weights(
    zipped: bool, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(state(), path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    dice = np.random.default_rng(3)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for place in dice.integers(0, 2500, 4):
            damaged[place] = dice.integers(256)
        path.write_bytes(damaged)
        try:
            load_strictly(SmallNetwork(), read_state_dict(path), path)
        except ModelError as error:
            assert "weights.pth" in error.problem
            refused += 1
    assert refused > 50


def test_more_than_fits_into_memory_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(state(), path)

    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(torch, "load", no_memory)
    with pytest.raises(ModelError, match=r"weights\.pth claims more than fits"):
        read_state_dict(path)
