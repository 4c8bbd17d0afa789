"""Published networks with their real weights answer what their publishers' own code answers."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from support.published import (
    BOUND_VOXELS,
    PAIRS,
    STORED,
    Stored,
    coarse,
    displacement,
    every_nth,
)

from TTAUncertaintyLib.errors import ModelError
from TTAUncertaintyLib.geometry import read_image
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.networks import pdd_net
from TTAUncertaintyLib.models.registry import MODELS
from TTAUncertaintyLib.models.weights import multipropreg as converter
from TTAUncertaintyLib.models.weights.multipropreg import convert_multipropreg


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PAIRS if name != "pdd-net"])
def test_the_publishers_weights_give_the_publishers_field(name: str) -> None:
    """On every 16th voxel of the answer to two real images."""
    about = PAIRS[name]
    model = about.model()
    assert model.weights is not None and model.weights.published is True
    stored = Stored.read(STORED / f"{name}.npz")
    fixed, moving = (read_image(path)[0] for path in about.images())
    pair = model.prepare(fixed, moving, stored.initial)
    found = every_nth(displacement(model, pair))
    assert np.abs(stored.field).max() > 1  # there is something to reproduce
    assert np.abs(found - stored.field).max() < BOUND_VOXELS


@pytest.mark.slow
def test_pdd_nets_weights_give_the_probable_displacements_of_its_publisher() -> None:
    """Those of its first stage: the field that is fitted to them hangs on rounding."""
    model = coarse(PAIRS["pdd-net"].model({"spacing": "4"}))
    stored = Stored.read(STORED / "pdd-net.npz")
    fixed, moving = (read_image(path)[0] for path in PAIRS["pdd-net"].images())
    pair = model.prepare(fixed, moving, stored.initial)
    network = model.network.network  # type: ignore[attr-defined]
    stage = network.stages[0]
    with torch.no_grad():
        features = [
            network._features(image.transpose(2, 4) / 500) for image in (pair.fixed, pair.moving)
        ]
        odds = pdd_net._probabilities(pdd_net._dissimilarity(*features, stage), stage)
        free = odds @ pdd_net._places(pdd_net._TRIED, stage.reach, odds)
    found = free.view(*(stage.points,) * 3, 3).permute(3, 0, 1, 2).numpy()
    assert np.abs(stored.field).max() > 0.05
    assert np.abs(found - stored.field).max() < 1e-4  # of half the field of view


@pytest.mark.parametrize("name", ["clapirn-lite", "dirac"])
def test_more_regularisation_makes_a_smoother_field(name: str) -> None:
    about = PAIRS[name]
    fixed, moving = (read_image(path)[0] for path in about.images())
    roughness = []
    for weight in ("0.1", "1"):
        options = {"regularisation": weight, **({"spacing": "2"} if name != "dirac" else {})}
        model = about.model(options)
        pair = model.prepare(fixed, moving, Stored.read(STORED / f"{name}.npz").initial)
        found = displacement(model, pair)
        roughness.append(np.mean([np.square(np.diff(found, axis=n)).mean() for n in (1, 2, 3)]))
    assert roughness[1] < 0.7 * roughness[0]


@pytest.mark.parametrize(("name", "other"), [("clapirn-lite", "symnet"), ("dirac", "clapirn-lite")])
def test_another_networks_weights_are_refused(name: str, other: str) -> None:
    with pytest.raises(ModelError, match="does not belong to this model"):
        load_model(name, PAIRS[other].weights())


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_downloaded_is_pinned_to_a_commit_a_size_and_a_hash(name: str) -> None:
    published = MODELS[name].description.published
    assert published is not None
    parts = published.url.split("/")
    commit = parts[parts.index("raw") + 1]
    assert len(commit) == 40 and int(commit, 16)
    path = PAIRS[name].weights()
    assert path.stat().st_size == published.size_bytes


# -- the archive that MultiPropReg's weights come in --------------------------------------------


class Touch:
    """What a hostile pickle runs."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (os.environ["TOUCHED"],)


def archive_of(folder: Path, **members: bytes) -> Path:
    path = folder / "weights.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_pickle_in_an_archive_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched = tmp_path / "touched"
    monkeypatch.setenv("TOUCHED", str(touched))
    for content in (pickle.dumps({"enc.0.main.bias": Touch()}), _old_torch_pickle()):
        source = archive_of(tmp_path, checkpoint=content)
        with pytest.raises(ModelError, match="holds more than numbers"):
            convert_multipropreg(source, tmp_path / "converted.safetensors")
    assert not touched.exists() and not (tmp_path / "converted.safetensors").exists()


def _old_torch_pickle() -> bytes:
    content = io.BytesIO()
    torch.save({"weight": Touch()}, content, _use_new_zipfile_serialization=False)
    return content.getvalue()


def test_an_archive_that_would_fill_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converter, "_MOST_BYTES", 1000)
    with pytest.raises(ModelError, match="unpacks to more than"):
        convert_multipropreg(archive_of(tmp_path, a=bytes(1001)), tmp_path / "converted")


@pytest.mark.parametrize("members", [{}, {"a": b"1", "b": b"2"}])
def test_an_archive_of_none_or_several_files_is_refused(
    tmp_path: Path, members: dict[str, bytes]
) -> None:
    with pytest.raises(ModelError, match="no zip file with one checkpoint"):
        convert_multipropreg(archive_of(tmp_path, **members), tmp_path / "converted")


def test_the_published_archive_is_known_again_after_its_conversion(tmp_path: Path) -> None:
    converted = tmp_path / "converted.safetensors"
    convert_multipropreg(PAIRS["multipropreg-t2-t1"].weights(), converted)
    model = load_model("multipropreg-t2-t1", converted)
    assert model.weights is not None and model.weights.published is True
