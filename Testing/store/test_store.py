"""The store: what is in it is what was put there, and nothing that is not a model's weights."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import threading
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.manifests import write_beside

from TTAUncertaintyLib.errors import ConsentNeeded, ModelError, OutputError
from TTAUncertaintyLib.models import find_entry, load_model, models
from TTAUncertaintyLib.models.networks.lapirn import LapIRNNetwork
from TTAUncertaintyLib.models.registry import MODELS
from TTAUncertaintyLib.models.weights.state_dicts import read_state_dict
from TTAUncertaintyLib.store import (
    DownloadPhase,
    Origin,
    Verdict,
    Verification,
    WeightsStore,
    cache_folder,
)
from TTAUncertaintyLib.store import store as storing
from TTAUncertaintyLib.store.check_one import _look
from TTAUncertaintyLib.store.checking import check_contents

from .conftest import CONTENT, MODEL, Publisher, content_is_right


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "from a stick.pth"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/somewhere"}, "/somewhere/TTAUncertainty"),
        ("linux", {}, "/home/anna/.cache/TTAUncertainty"),
        ("darwin", {}, "/home/anna/Library/Caches/TTAUncertainty"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/TTAUncertainty"),
        ("linux", {"TTAUNCERTAINTY_CACHE": "/shared/weights"}, "/shared/weights"),
    ],
)
def test_the_cache_lies_where_the_system_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: str
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "TTAUNCERTAINTY_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/anna"))
    assert cache_folder() == Path(expected)


def test_a_file_is_installed_and_stays_where_it_was(
    store: WeightsStore, publisher: Publisher, file: Path
) -> None:
    installed = store.install_file(MODEL, file)
    assert installed.path.read_bytes() == file.read_bytes() == CONTENT
    assert installed.path.name == "weights.pth"
    assert store.installed(MODEL) == installed and store.all() == [installed]
    assert installed.record.origin is Origin.FILE and installed.record.source == str(file)
    assert store.verify(MODEL) is Verification.INTACT
    assert store.intact_file(MODEL) == installed.path


def test_what_was_altered_is_not_given_out(
    store: WeightsStore, publisher: Publisher, file: Path
) -> None:
    path = store.install_file(MODEL, file).path
    path.write_bytes(CONTENT[:-1] + b"x")
    assert store.verify(MODEL) is Verification.ALTERED
    with pytest.raises(ModelError, match="were changed after they were installed"):
        store.intact_file(MODEL)
    path.unlink()
    assert store.installed(MODEL) is None and store.verify(MODEL) is Verification.MISSING
    assert store.names() == [MODEL] and store.all() == []


def test_removing_says_what_it_frees_and_leaves_nothing(
    store: WeightsStore, publisher: Publisher, file: Path
) -> None:
    store.install_file(MODEL, file)
    assert store.remove(MODEL) > len(CONTENT)
    assert store.installed(MODEL) is None
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
    with pytest.raises(ModelError, match="No weights"):
        store.remove(MODEL)


def test_another_file_is_refused_and_the_old_one_stays(
    store: WeightsStore, publisher: Publisher, file: Path, tmp_path: Path
) -> None:
    store.install_file(MODEL, file)
    other = tmp_path / "other.pth"
    other.write_bytes(b"something else")
    with pytest.raises(ModelError, match=r"other\.pth is not this model's"):
        store.install_file(MODEL, other)
    found = store.installed(MODEL)
    assert found is not None and found.path.read_bytes() == CONTENT
    assert not list((store.root / "staging").iterdir())


def test_a_file_is_held_against_the_first_downloads_hash(
    store: WeightsStore, publisher: Publisher, tmp_path: Path
) -> None:
    store.download(MODEL).wait(20)
    other = tmp_path / "other.pth"
    other.write_bytes(CONTENT[::-1])
    with pytest.raises(ModelError, match="downloaded first"):
        store.install_file(MODEL, other)


def test_without_pytorch_weights_are_adopted_and_the_record_says_so(
    publisher: Publisher, file: Path, tmp_path: Path
) -> None:
    store = WeightsStore(tmp_path / "cache", check=lambda *_: Verdict(False))
    assert not store.install_file(MODEL, file).record.checked


def test_a_full_disk_leaves_the_store_as_it_was(
    store: WeightsStore, publisher: Publisher, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 1000)
    monkeypatch.setattr(storing.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match="MB left"):
        store.install_file(MODEL, file)
    assert store.all() == [] and not list((store.root / "staging").iterdir())


def test_a_record_that_points_elsewhere_is_no_record(
    store: WeightsStore, publisher: Publisher, file: Path
) -> None:
    path = store.install_file(MODEL, file).path.with_name("record.json")
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"file": "../../../etc/passwd"}))
    assert store.installed(MODEL) is None


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../..", "/etc", "a/b", "downloads/../..", "..\\x"]
)
def test_what_is_no_name_of_a_model_is_never_a_path(store: WeightsStore, name: str) -> None:
    precious = store.root / "precious.txt"
    (store.root / "models").mkdir(parents=True)
    precious.write_text("keep me")
    for method in (store.remove, store.verify):
        with pytest.raises(ModelError, match="No weights"):
            method(name)
    assert store.installed(name) is None and precious.exists()


@pytest.mark.parametrize("page", [b"<!DOCTYPE html>", b"\xef\xbb\xbf\r\n <html><body>Log in"])
def test_a_login_page_is_no_weights_even_where_nobody_can_look_into_them(
    publisher: Publisher, tmp_path: Path, page: bytes
) -> None:
    store = WeightsStore(tmp_path / "cache", check=lambda *_: Verdict(False))
    publisher.content = page
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED and "is a web page" in state.problem
    publisher.content, publisher.etag = CONTENT, '"weights"'  # and its hash is not remembered
    assert store.download(MODEL).wait(20).phase is DownloadPhase.INSTALLED


@pytest.mark.parametrize("damaged", ["{", "[]", '{"https://a": 1}'])
def test_damaged_hashes_of_earlier_downloads_are_not_forgotten_in_silence(
    store: WeightsStore, publisher: Publisher, damaged: str
) -> None:
    known = store.root / "known-hashes.json"
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(damaged)
    state = store.download(MODEL).wait(20)
    assert state.phase is DownloadPhase.FAILED and "known-hashes.json is damaged" in state.problem
    assert store.installed(MODEL) is None and known.read_text() == damaged


def test_what_dead_programs_left_goes_and_what_is_going_on_stays(
    store: WeightsStore, publisher: Publisher, file: Path
) -> None:
    staging = store.root / "staging"
    for name in ("old", "young"):
        (staging / name).mkdir(parents=True)
        (staging / name / "weights.pth").write_bytes(b"half")
    (staging / "old file").write_bytes(b"half")
    for name in ("old", "old file"):
        os.utime(staging / name, (0, 0))
    store.install_file(MODEL, file)
    assert [path.name for path in staging.iterdir()] == ["young"]


def test_two_downloads_that_overlap_do_not_touch_each_other(
    publisher: Publisher, tmp_path: Path
) -> None:
    looking, go_on = threading.Event(), threading.Event()

    def slow(model: str, file: Path, converted: Path | None, trust: bool) -> Verdict:
        looking.set()
        assert go_on.wait(20)
        return content_is_right(model, file, converted, trust)

    first = WeightsStore(tmp_path / "cache", check=slow).download(MODEL)
    assert looking.wait(20)  # the first has all of it, and is not done with it
    second = WeightsStore(tmp_path / "cache", check=content_is_right)
    assert second.download(MODEL).wait(20).phase is DownloadPhase.INSTALLED
    assert "range" not in publisher.asked[-1]  # it left alone what the first had brought
    go_on.set()
    state = first.wait(20)
    assert state.phase is DownloadPhase.INSTALLED, state.problem
    assert second.verify(MODEL) is Verification.INTACT


# -- loading from the store ----------------------------------------------------------------------


def test_a_model_takes_its_installed_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ModelError, match="models install unigradicon"):
        load_model("unigradicon")
    state, target = LapIRNNetwork().state_dict(), tmp_path / "weights.pth"
    torch.save(state, target)
    monkeypatch.setitem(MODELS, MODEL, _unpinned(MODEL))
    store = WeightsStore(check=lambda *_: Verdict(True))
    path = store.install_file(MODEL, target).path
    weights = load_model(MODEL).weights
    assert weights is not None and weights.path == path
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ModelError, match="were changed"):
        load_model(MODEL)


def _unpinned(name: str):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    entry = MODELS[name]
    published = entry.description.published
    assert published is not None
    about = replace(entry.description, published=replace(published, sha256=None))
    return replace(entry, description=about)


# -- models of one's own -------------------------------------------------------------------------

CODE = """
import pathlib
pathlib.Path({mark!r}).touch()
class MyModel:
    pass
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    folder = tmp_path / "my model"
    folder.mkdir()
    file = folder / "my_model.py"
    file.write_bytes(CODE.format(mark=str(tmp_path / "it ran")).encode())
    return write_beside(file, "python", **{"class": "MyModel"})


def test_ones_own_program_is_installed_only_with_consent(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path / "cache"))
    store = WeightsStore(check=lambda *_: Verdict(True))
    with pytest.raises(ConsentNeeded) as asked:
        store.install_own(manifest)
    assert asked.value.file == manifest.parent / "my_model.py"
    assert store.all() == [] and "my-model" not in models()
    installed = store.install_own(manifest, trust_code=True)
    assert installed.record.trusted and find_entry("my-model").trusted
    assert not (tmp_path / "it ran").exists()
    # another manifest is another program: nobody agreed to it
    installed.path.write_text(installed.path.read_text().replace("Tests.", "Another."))
    assert "my-model" not in models()
    with pytest.raises(ModelError, match="were changed"):
        find_entry("my-model")
    store.remove("my-model")
    assert store.all() == []


def test_ones_own_code_that_changed_after_the_consent_does_not_run(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path / "cache"))
    store = WeightsStore(check=lambda *_: Verdict(True))
    code = store.install_own(manifest, trust_code=True).path.with_name("my_model.py")
    assert store.verify("my-model") is Verification.INTACT
    code.write_text(code.read_text() + "\n# another line")
    assert store.verify("my-model") is Verification.ALTERED
    with pytest.raises(ModelError, match=r"my_model\.py"):
        load_model("my-model")
    assert not (tmp_path / "it ran").exists()
    code.unlink()
    assert store.verify("my-model") is Verification.MISSING


def test_ones_own_model_does_not_take_a_known_name(manifest: Path, store: WeightsStore) -> None:
    manifest.write_text(manifest.read_text().replace("my-model", MODEL))
    with pytest.raises(ModelError, match="another name"):
        store.install_own(manifest, trust_code=True)


def test_ones_own_files_have_to_be_those_of_the_manifest(
    manifest: Path, store: WeightsStore
) -> None:
    (manifest.parent / "my_model.py").write_text("other code")
    with pytest.raises(ModelError, match="is not the file that its manifest describes"):
        store.install_own(manifest, trust_code=True)
    (manifest.parent / "my_model.py").unlink()
    with pytest.raises(ModelError, match="is not beside it"):
        store.install_own(manifest, trust_code=True)
    assert store.all() == []


# -- hostile files -------------------------------------------------------------------------------


class _Runs:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch '{self.mark}'",)


def _pickle_with_code(path: Path, mark: Path) -> None:
    torch.save({"weight": _Runs(mark)}, path)


def _bare_pickle_with_code(path: Path, mark: Path) -> None:
    path.write_bytes(pickle.dumps(_Runs(mark)))


def _other_shapes(path: Path, mark: Path) -> None:
    torch.save({k: v[..., :1] for k, v in LapIRNNetwork().state_dict().items()}, path)


def _missing_tensor(path: Path, mark: Path) -> None:
    state = LapIRNNetwork().state_dict()
    state.popitem()
    torch.save(state, path)


def _nan(path: Path, mark: Path) -> None:
    state = LapIRNNetwork().state_dict()
    next(iter(state.values())).view(-1)[0] = float("nan")
    torch.save(state, path)


def _truncated(path: Path, mark: Path) -> None:
    torch.save(LapIRNNetwork().state_dict(), path)
    path.write_bytes(path.read_bytes()[:-5000])


def _bomb(path: Path, mark: Path) -> None:
    """Write a state dict whose storage is compressed: kilobytes that become gigabytes."""
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(8)}, buffer)
    with (
        zipfile.ZipFile(buffer) as plain,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for info in plain.infolist():
            data = plain.read(info)
            packed.writestr(info.filename, bytes(10**8) if "/data/" in info.filename else data)


def _text(path: Path, mark: Path) -> None:
    path.write_text("<html>Not found</html>")


def _empty(path: Path, mark: Path) -> None:
    path.touch()


def _deep(path: Path, mark: Path) -> None:
    path.write_bytes(pickle.PROTO + b"\x02" + pickle.EMPTY_LIST * 200_000 + pickle.STOP)


HOSTILE = [
    _pickle_with_code,
    _bare_pickle_with_code,
    _other_shapes,
    _missing_tensor,
    _nan,
    _truncated,
    _bomb,
    _text,
    _empty,
    _deep,
]


def _here(model: str, file: Path, converted: Path | None, trust: bool) -> Verdict:
    """Look into a file in this process, which has no limits: quick."""
    try:
        _look(model, file, converted, trust)
    except ModelError as error:
        return Verdict(True, error.problem, error.remedy)
    return Verdict(True)


@pytest.mark.parametrize("make", HOSTILE)
def test_a_hostile_file_is_refused_and_runs_nothing(
    make: Callable[[Path, Path], None],
    publisher: Publisher,
    tmp_path: Path,
) -> None:
    file, mark = tmp_path / "weights.pth", tmp_path / "it ran"
    make(file, mark)
    store = WeightsStore(tmp_path / "cache", check=_here)
    with pytest.raises(ModelError, match=r"weights\.pth"):
        store.install_file(MODEL, file)
    assert not mark.exists()
    assert store.all() == [] and not [path for path in store.root.rglob("*") if path.is_file()]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    _bomb(file, tmp_path)
    with pytest.raises(ModelError, match="compressed"):
        read_state_dict(file)


def test_a_keras_file_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.h5"
    file.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(1000))
    with pytest.raises(ModelError):
        WeightsStore(tmp_path / "cache", check=_here).install_file("synthmorph-shapes", file)
    assert WeightsStore(tmp_path / "cache").all() == []


def test_the_process_of_its_own_answers(tmp_path: Path) -> None:
    good, bad, mark = tmp_path / "good.pth", tmp_path / "bad.pth", tmp_path / "it ran"
    torch.save(LapIRNNetwork().state_dict(), good)
    assert check_contents(MODEL, good) == Verdict(True)
    _pickle_with_code(bad, mark)
    verdict = check_contents(MODEL, bad)
    assert verdict.checked and "bad.pth" in verdict.problem and verdict.remedy
    assert not mark.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not enforce it")
def test_the_process_of_its_own_gets_no_more_memory_than_its_limit() -> None:
    code = "from TTAUncertaintyLib.store.check_one import _limit; _limit(2**29); bytearray(2**30)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.strip().endswith("MemoryError")


def test_a_process_that_dies_is_a_refusal_too(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(CONTENT)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -9 $$\n")
    python.chmod(0o755)
    verdict = check_contents(MODEL, file, python=str(python))
    assert verdict.checked and "could not be read" in verdict.problem
