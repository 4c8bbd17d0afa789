"""A TorchScript file is a program: nothing of it is read by torch before somebody agreed."""

from __future__ import annotations

import json
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.manifests import write_manifest
from torch import Tensor, nn

from TTAUncertaintyLib.cli.command_line import main
from TTAUncertaintyLib.errors import ConsentNeeded, ModelError
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.weights.state_dicts import read_state_dict
from TTAUncertaintyLib.store import Lack, Verdict, WeightsStore, weights_of
from TTAUncertaintyLib.store.record import Record


class Plain(nn.Module):
    """Arithmetic, and a method with a default beside it."""

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        return torch.cat((moving, fixed, fixed), 1)

    @torch.jit.export
    def other(self, n: int = 3) -> int:
        return n


class FromMain(Plain):
    """Torch names a class by the module that it is first scripted in, and remembers that."""

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        return torch.cat((moving, fixed, fixed), 1)


class WritingOnPass(nn.Module):
    """Writes a file on every pass."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        torch.save(moving, self.path)
        return torch.cat((moving, fixed, fixed), 1)


class WritingOnLoad(nn.Module):
    """Writes a file when its state is restored."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path = state[0]
        self.training = state[1]
        torch.save(torch.zeros(1), self.path)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        return torch.cat((moving, fixed, fixed), 1)


class WritingBeforePass(WritingOnPass):
    """Writes a file in a hook, which is no part of the compiled graph of `forward`."""

    def __init__(self, path: str) -> None:
        super().__init__(path)

        def hook(self: nn.Module, input: tuple[Tensor, Tensor]) -> None:
            torch.save(input[0], self.path)

        self.register_forward_pre_hook(hook)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        return torch.cat((moving, fixed, fixed), 1)


def script(network: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather have it exported
        torch.jit.script(network.eval()).save(str(path))
    return path


def _by_pass(bait: Path, path: Path) -> None:
    script(WritingOnPass(str(bait)), path)


def _by_state(bait: Path, path: Path) -> None:
    script(WritingOnLoad(str(bait)), path)


def _by_hook(bait: Path, path: Path) -> None:
    script(WritingBeforePass(str(bait)), path)


def _by_default(bait: Path, path: Path) -> None:
    """The default of an argument of any method: evaluated while torch reads the file."""
    _rewritten(path, "n: int=3", f"n: int={_number_that_writes(bait)}")


def _by_constant(bait: Path, path: Path) -> None:
    """A constant of the class: evaluated while torch reads the file."""
    constant = f"  taken : Final[int] = {_number_that_writes(bait)}\n"
    _rewritten(path, "  def forward", constant + "  def forward")


def _number_that_writes(bait: Path) -> str:
    """Return an expression of a TorchScript file: a number, and a file is written on the way."""
    return f"torch.len([torch.save(torch.zeros([1]), {str(bait)!r})])"


def _rewritten(path: Path, old: str, new: str) -> None:
    """Write the script of `Plain` with its program text changed."""
    source = script(Plain(), path.with_suffix(".plain"))
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w") as changed:
        for info in archive.infolist():
            data = archive.read(info)
            if info.filename.endswith(".py"):
                assert old.encode() in data
                data = data.replace(old.encode(), new.encode()).replace(
                    b"return n\n", b"return 3\n"
                )
            if not info.filename.endswith(".debug_pkl"):
                changed.writestr(info.filename, data)


WAYS = [_by_pass, _by_state, _by_hook, _by_default, _by_constant]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__[1:])
def hostile(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A manifest of a hostile file, and the file that it writes where it runs."""
    folder, bait = tmp_path / "folder", tmp_path / "bait"
    folder.mkdir()
    request.param(bait, folder / "net.pt")
    return write_manifest(folder, folder / "net.pt"), bait


def test_no_script_is_touched_before_somebody_agrees(hostile: tuple[Path, Path]) -> None:
    manifest, bait = hostile
    with pytest.raises(ConsentNeeded) as caught:
        load_model(str(manifest))
    digest = json.loads(manifest.read_text())["sha256"]
    for part in ("net.pt", digest, "is a TorchScript program", "with all the rights"):
        assert part in caught.value.problem
    assert "--trust-code" in caught.value.remedy and "torch.export" in caught.value.remedy
    assert not bait.exists()
    # and it was a real bait
    try:
        model = load_model(str(manifest), trust_code=True)
        with torch.inference_mode():
            model.predict(*torch.rand((2, 1, 1, 4, 5, 6)))
    except ModelError:
        pass  # a constant that is no number: it has written by then
    assert bait.exists()


def test_run_and_install_touch_no_script_without_consent(
    hostile: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, bait = hostile
    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path / "cache"))
    assert main(["models", "install", str(manifest)]) != 0
    with pytest.raises(ConsentNeeded):
        WeightsStore().install_own(manifest)
    assert WeightsStore().all() == [] and not bait.exists()


def test_a_script_whose_class_lived_in_main_runs_with_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FromMain, "__module__", "__main__")
    manifest = write_manifest(tmp_path, script(FromMain(), tmp_path / "net.pt"))
    with zipfile.ZipFile(tmp_path / "net.pt") as archive:
        assert "net/code/__torch__.py" in archive.namelist()
    moving, fixed = torch.rand((2, 1, 1, 4, 5, 6))
    found = load_model(str(manifest), trust_code=True).predict(moving, fixed)
    assert found.shape == (1, 3, 4, 5, 6)


def test_consent_is_to_these_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path / "cache"))
    store = WeightsStore()
    path = script(Plain(), tmp_path / "net.pt")
    manifest = write_manifest(tmp_path, path)
    installed = store.install_own(manifest, trust_code=True)
    assert weights_of("my-brains", store).lack is None
    load_model("my-brains")
    # another file in its place
    bait = tmp_path / "bait"
    _by_default(bait, installed.path.with_name("net.pt"))
    with pytest.raises(ModelError, match="is not the file that its manifest describes"):
        load_model("my-brains")
    # another file with another manifest in its place, and one that is installed over it
    write_manifest(installed.path.parent, installed.path.with_name("net.pt")).replace(
        installed.path
    )
    with pytest.raises(ModelError, match="were changed after they were installed"):
        load_model("my-brains")
    _by_default(bait, path)
    with pytest.raises(ConsentNeeded):
        store.install_own(write_manifest(tmp_path, path))
    assert not bait.exists()


def test_an_installed_script_that_nobody_agreed_to_lacks_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one is that an earlier version of this software took for harmless."""
    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path / "cache"))
    store = WeightsStore()
    bait, path = tmp_path / "bait", tmp_path / "net.pt"
    _by_default(bait, path)
    manifest = write_manifest(tmp_path, path)
    unchecked = WeightsStore(check=lambda *_: Verdict(True))
    record = unchecked.install_own(manifest, trust_code=True).path.with_name("record.json")
    replace(Record.read(record), trusted=False).write(record)
    weights = weights_of("my-brains", store)
    assert weights.lack is Lack.CONSENT and weights.program
    with pytest.raises(ConsentNeeded):
        load_model("my-brains")
    assert not bait.exists()


# -- files that are something else than they say ---------------------------------------------------


def _script(path: Path) -> None:
    _by_default(path.with_name("bait"), path)


def _legacy_tar(path: Path) -> None:
    """The oldest format of torch.save, whose reader unpickles."""
    with tarfile.open(path, "w") as archive:
        for name in ("storages", "tensors", "pickle"):
            member = path.with_name(name)
            member.write_bytes(b"\x80\x02cposix\nsystem\nX\x08\x00\x00\x00touch it\x85R.")
            archive.add(member, name)


@pytest.mark.parametrize("other", [_script, _legacy_tar], ids=lambda f: f.__name__[1:])
def test_weights_that_are_a_program_never_reach_torch(
    other: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions of torch before 2.6 run both, even where only weights are asked for."""

    def never(*_arguments: object, **_more: object) -> object:
        raise AssertionError("torch was given the file")

    path = tmp_path / "weights.pth"
    other(path)
    monkeypatch.setattr(torch, "load", never)
    with pytest.raises(ModelError, match=r"weights\.pth is a (TorchScript|tar)"):
        read_state_dict(path)


def test_a_flipped_bit_in_weights_that_nobody_pinned_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    values = torch.arange(1000.0)
    torch.save({"layer.weight": values}, path)
    assert read_state_dict(path)
    data = bytearray(path.read_bytes())
    data[data.index(values.numpy().tobytes()) + 2000] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"weights\.pth is damaged: .*data/0"):
        read_state_dict(path)
