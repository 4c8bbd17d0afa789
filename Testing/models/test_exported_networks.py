"""Exported networks answer as the network did, and a hostile file runs nothing."""

from __future__ import annotations

import io
import json
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.images import waves
from support.lattices import OBLIQUE
from support.manifests import write_manifest
from support.predictors import SmallNetwork
from torch import Tensor, nn

from TTAUncertaintyLib.engine import Engine, Execution, Precision
from TTAUncertaintyLib.errors import ConsentNeeded, ModelError
from TTAUncertaintyLib.geometry import identity_map
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.weights.exported_program import read_exported_program
from TTAUncertaintyLib.models.weights.operations import ARITHMETIC
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family

SHAPE = (16, 12, 20)
#: What a manifest says of a program that was exported for arrays of 8 x 9 x 10.
SIZED: dict[str, Any] = {"input__shape": [8, 9, 10], "input__multiple": 1}


class Sampling(nn.Module):
    """Sizes, devices, types, blocks under a mode, a list of results: what programs are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.network = SmallNetwork(seed=3)
        self.norm = nn.BatchNorm3d(3)
        self.register_buffer("scale", torch.tensor([1.0, 2.0, 0.5]).view(1, 3, 1, 1, 1))

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        flow = self.norm(self.network(moving, fixed))
        x, y, z = (flow * self.scale).unbind(1)
        half = nn.functional.interpolate(
            torch.stack((z, y, x), 1), scale_factor=0.5, mode="trilinear", align_corners=True
        )
        theta = torch.eye(3, 4, device=moving.device)[None]
        with torch.no_grad():
            theta = theta * 1.0
        grid = nn.functional.affine_grid(theta, list(moving.shape), align_corners=True)
        full = nn.functional.interpolate(half, size=moving.shape[2:], mode="trilinear")
        return full + nn.functional.grid_sample(moving, grid, align_corners=True)


def images(shape: tuple[int, ...] = SHAPE, batch: int = 1, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    moving, fixed = torch.rand((2, batch, 1, *shape), generator=generator)
    return moving, fixed


def as_program(network: nn.Module, path: Path, pair: tuple[Tensor, ...], **kwargs: Any) -> None:
    torch.export.save(torch.export.export(network.eval(), pair, **kwargs), str(path))


def as_script(network: nn.Module, path: Path, pair: tuple[Tensor, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(network.eval()).save(str(path))


def as_trace(network: nn.Module, path: Path, pair: tuple[Tensor, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(network.eval(), pair).save(str(path))


WAYS = {
    "torch-export": ("net.pt2", as_program),
    "script": ("net.pt", as_script),
    "trace": ("net.pt", as_trace),
}
KINDS = {"torch-export": "torch-export", "script": "torchscript", "trace": "torchscript"}


@pytest.fixture(scope="module", params=WAYS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of `Sampling`, exported with a batch of 1 in each of the ways."""
    folder = tmp_path_factory.mktemp("exported")
    name, export = WAYS[request.param]
    export(Sampling(), folder / name, images())
    return write_manifest(
        folder,
        folder / name,
        kind=KINDS[request.param],
        input__shape=list(SHAPE),
        input__multiple=1,
    )


def test_a_batch_of_four_is_four_times_what_the_network_answers(
    exported: Path, device: str
) -> None:
    model = load_model(str(exported), trust_code=True)
    moving, fixed = images(batch=4, seed=5)
    model.place(torch.device(device))
    with torch.inference_mode():
        found = model.predict(moving.to(device), fixed.to(device)).cpu() - identity_map(SHAPE)
        network = Sampling().eval()
        for n in range(4):
            expected = network(moving[n : n + 1], fixed[n : n + 1])[0]
            # float32 convolutions of up to 216 terms
            assert torch.allclose(found[n], expected, atol=1e-4 if device == "cuda" else 1e-5)
    assert found.dtype == torch.float32


@pytest.mark.parametrize("precision", [Precision.F32, Precision.BF16])
def test_the_engine_makes_a_map_with_it(exported: Path, precision: Precision) -> None:
    model = load_model(str(exported), trust_code=True)
    fixed = waves(OBLIQUE.centered((20, 18, 16), 3.0, (0, 0, 0)), 1)
    pair = model.prepare(fixed, waves(fixed.lattice, 2), np.eye(4))
    assert pair.moving.shape[2:] == SHAPE
    design = Design(Family.TRANSLATION, Amplitudes(1.0), outer=4)
    outcome = Engine(model, pair, design, Execution("cpu", precision)).run()
    assert outcome.variance is not None and float(outcome.variance.total.max()) > 0


def test_a_program_for_any_size_takes_any_size(tmp_path: Path) -> None:
    sizes = {n: torch.export.Dim(name, min=4, max=64) for n, name in ((2, "d"), (3, "h"), (4, "w"))}
    path = tmp_path / "net.pt2"
    as_program(SmallNetwork(), path, images((8, 9, 10)), dynamic_shapes=(sizes, sizes))
    graph = read_exported_program(path)
    assert graph.input_sizes == ((1, 1, None, None, None),) * 2
    pair = images((12, 16, 7), seed=2)
    with torch.inference_mode():
        assert torch.allclose(graph(*pair), SmallNetwork().eval()(*pair), atol=1e-5)


def test_a_program_for_a_batch_of_two_answers_for_one(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    as_program(SmallNetwork(), path, images((8, 9, 10), batch=2))
    manifest = write_manifest(tmp_path, path, kind="torch-export", **SIZED)
    model = load_model(str(manifest))
    pair = images((8, 9, 10), batch=3, seed=4)
    with torch.inference_mode():
        found = model.predict(*pair) - identity_map((8, 9, 10))
        assert torch.allclose(found, SmallNetwork().eval()(*pair), atol=1e-5)


class InChannels(nn.Module):
    """Fixed image first, axes (i, j, k), a map in [0, 1]: everything the other way round."""

    def forward(self, both: Tensor) -> Tensor:
        fixed, moving = both[:, :1], both[:, 1:]
        i, j, k = (torch.linspace(0, 1, n) for n in (5, 6, 7))
        place = torch.stack(torch.meshgrid(i, j, k, indexing="ij"))[None]
        return place + (moving.mean() - fixed.mean()) * torch.tensor([0.1, 0.2, 0.4]).view(
            1, 3, 1, 1, 1
        )


def test_channels_their_order_and_the_arrays_order_are_as_the_manifest_says(
    tmp_path: Path,
) -> None:
    path = tmp_path / "net.pt2"
    as_program(InChannels(), path, (torch.rand(1, 2, 5, 6, 7),))
    manifest = write_manifest(
        tmp_path,
        path,
        kind="torch-export",
        input__shape=[5, 6, 7],
        input__multiple=1,
        input__array_order="ijk",
        input__images=["fixed", "moving"],
        input__passed_as="channels",
        output__quantity="map",
        output__unit="unit",
        output__align_corners=True,
    )
    model = load_model(str(manifest))
    pair = model.prepare(waves(OBLIQUE, 1), waves(OBLIQUE, 2), np.eye(4))
    assert pair.fixed_lattice.size == (5, 6, 7) and pair.fixed.shape == (1, 1, 7, 6, 5)
    with torch.inference_mode():
        moved = model.predict(pair.moving, pair.fixed)[0] - identity_map((7, 6, 5))
    by = float(pair.moving.mean() - pair.fixed.mean())
    expected = torch.tensor([0.1 * 4, 0.2 * 5, 0.4 * 6]) * by
    assert torch.allclose(moved, expected.view(3, 1, 1, 1).expand_as(moved), atol=1e-5)


# -- what does not fit ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`SmallNetwork` in each of the ways."""
    folder = tmp_path_factory.mktemp("plain")
    for way, (name, export) in WAYS.items():
        (folder / way).mkdir()
        export(SmallNetwork(), folder / way / name, images((8, 9, 10)))
    return {way: folder / way / name for way, (name, _) in WAYS.items()}


def test_another_file_than_the_manifests_is_refused(plain: dict[str, Path], tmp_path: Path) -> None:
    for way, source in plain.items():
        path = tmp_path / f"{way}{source.suffix}"
        path.write_bytes(source.read_bytes())
        manifest = write_manifest(tmp_path, path, kind=KINDS[way])
        path.write_bytes(source.read_bytes() + b"\0")
        with pytest.raises(ModelError, match="is not the file that its manifest describes"):
            load_model(str(manifest))
        path.unlink()
        with pytest.raises(ModelError, match="is not beside it"):
            load_model(str(manifest))


def test_images_of_another_size_than_the_programs_are_refused_when_it_is_loaded(
    plain: dict[str, Path],
) -> None:
    path = plain["torch-export"]
    manifest = write_manifest(
        path.parent, path, kind="torch-export", input__shape=[10, 9, 8], input__multiple=1
    )
    with pytest.raises(ModelError, match="for arrays of 1 x 1 x 8 x 9 x 10, and the manifest"):
        load_model(str(manifest))
    manifest = write_manifest(path.parent, path, kind="torch-export", input__passed_as="channels")
    with pytest.raises(ModelError, match="takes 2 inputs"):
        load_model(str(manifest))


class Answering(nn.Module):
    """Answers nonsense of a kind."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, moving: Tensor, fixed: Tensor) -> Any:
        if self.kind == "two":
            return moving, fixed
        if self.kind == "NaN":
            return torch.cat((moving, fixed, fixed / 0 - fixed / 0), 1)
        return torch.cat((moving, fixed), 1)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("two", "answers a tuple, not one tensor of 1 x 3 x"),
        ("NaN", "NaN or infinite"),
        ("few", "answers a tensor of 1 x 2 x"),
    ],
)
def test_an_answer_of_the_wrong_kind_is_told_on_the_first_pass(
    kind: str, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "net.pt"
    as_trace(Answering(kind), path, images((8, 9, 10)))
    model = load_model(str(write_manifest(tmp_path, path)), trust_code=True)
    with pytest.raises(ModelError, match=says), torch.inference_mode():
        model.predict(*images((8, 9, 10)))


class FixedSize(nn.Module):
    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        return (moving + fixed + torch.ones(1, 1, 8, 9, 10)).expand(-1, 3, -1, -1, -1)


def test_a_program_that_fails_says_for_which_images(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    as_trace(FixedSize(), path, images((8, 9, 10)))
    model = load_model(str(write_manifest(tmp_path, path)), trust_code=True)
    with pytest.raises(ModelError, match="fails on images of 7 x 8 x 9: RuntimeError: The size"):
        model.predict(*images((7, 8, 9)))


# -- hostile files --------------------------------------------------------------------------------


class Bait:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "taken")


def altered(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Copy an archive, every member changed (or left out)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = change(info.filename.partition("/")[2], old.read(info))
            if data is not None:
                new.writestr(info.filename, data)


def with_json(
    name: str, edit: Callable[[dict[str, Any]], None]
) -> Callable[[str, bytes], bytes | None]:
    def change(member: str, data: bytes) -> bytes | None:
        if member != name:
            return data
        values = json.loads(data)
        edit(values)
        return json.dumps(values).encode()

    return change


def _nodes(program: dict[str, Any]) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = program["graph_module"]["graph"]["nodes"]
    return nodes


def _calls(target: str) -> Callable[[dict[str, Any]], None]:
    def edit(program: dict[str, Any]) -> None:
        _nodes(program)[1]["target"] = target

    return edit


@pytest.mark.parametrize(
    "target",
    [
        "torch.os.system",
        "torch.ops.aten.save.default",
        "torch.ops.aten.from_file.default",
        "torch.hub.load",
        "torch.ops.higher_order.cond",
        "_operator.attrgetter",
        "#extension:op",
    ],
)
def test_a_program_that_calls_anything_but_arithmetic_asks_first(
    target: str, plain: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "net.pt2"
    altered(plain["torch-export"], path, with_json("models/model.json", _calls(target)))
    manifest = write_manifest(tmp_path, path, kind="torch-export")
    with pytest.raises(ConsentNeeded, match="could do more than arithmetic") as caught:
        load_model(str(manifest))
    assert caught.value.file == path and caught.value.sha256 in caught.value.problem
    assert "--trust-code" in caught.value.remedy


def test_nothing_in_a_program_is_unpickled_or_evaluated(
    plain: dict[str, Path], tmp_path: Path
) -> None:
    """What torch's own reader runs: pickles, and size expressions as Python."""
    bait = tmp_path / "bait"
    path = tmp_path / "net.pt2"
    pickled = pickle.dumps(Bait(bait))
    text = f"__import__('pathlib').Path({str(bait)!r}).write_text('taken')"

    def change(member: str, data: bytes) -> bytes:
        if member == "data/sample_inputs/model.pt":
            return pickled
        if member != "models/model.json":
            return data
        program = json.loads(data)
        program["guards_code"] = [text]
        program["range_constraints"] = {text: {"min_val": 1, "max_val": 2}}
        for meta in program["graph_module"]["graph"]["tensor_values"].values():
            meta["sizes"] = [{"as_expr": {"expr_str": text, "hint": None}}] * 5
        return json.dumps(program).encode()

    altered(plain["torch-export"], path, change)
    model = load_model(str(write_manifest(tmp_path, path, kind="torch-export")))
    with torch.inference_mode():
        model.predict(*images((8, 9, 10)))
    assert not bait.exists()
    # and it was a real bait
    torch.load(io.BytesIO(_saved(Bait(bait))), weights_only=False)
    assert bait.exists()


def _saved(thing: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


def _pickled_weights(config: dict[str, Any]) -> None:
    next(iter(config["config"].values()))["use_pickle"] = True


def _beyond_the_record(config: dict[str, Any]) -> None:
    meta = next(iter(config["config"].values()))["tensor_meta"]
    meta["sizes"][0]["as_int"] = 10**9


def _before_the_record(config: dict[str, Any]) -> None:
    meta = next(iter(config["config"].values()))["tensor_meta"]
    meta["storage_offset"]["as_int"] = -1


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (_pickled_weights, "pickled objects"),
        (_beyond_the_record, "beyond its record"),
        (_before_the_record, "beyond its record"),
    ],
)
def test_weights_that_are_no_plain_arrays_are_refused(
    edit: Callable[[dict[str, Any]], None], error: str, plain: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "net.pt2"
    altered(plain["torch-export"], path, with_json("data/weights/model_weights_config.json", edit))
    with pytest.raises(ModelError, match=error):
        load_model(str(write_manifest(tmp_path, path, kind="torch-export")))


def _bomb(source: Path, path: Path) -> None:
    altered(source, path, lambda member, data: data)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data/99", bytes(10_000_000))


def _twice(source: Path, path: Path) -> None:
    altered(source, path, lambda member, data: data)
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(archive.namelist()[0], b"another")


def _outside(source: Path, path: Path) -> None:
    altered(source, path, lambda member, data: data)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("net/../../evil", b"")


def _truncated(source: Path, path: Path) -> None:
    path.write_bytes(source.read_bytes()[:-3000])


def _corrupt(source: Path, path: Path) -> None:
    data = bytearray(source.read_bytes())
    with zipfile.ZipFile(source) as archive:
        first = archive.infolist()[0]
    data[first.header_offset + 200] ^= 0xFF
    path.write_bytes(data)


def _text(source: Path, path: Path) -> None:
    path.write_text("not a network")


@pytest.mark.parametrize(
    "damage", [_bomb, _twice, _outside, _truncated, _corrupt, _text], ids=lambda f: f.__name__[1:]
)
@pytest.mark.parametrize("way", ["torch-export", "trace"])
def test_a_damaged_or_hostile_archive_is_refused_even_if_trusted(
    way: str, damage: Callable[[Path, Path], None], plain: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / f"net{plain[way].suffix}"
    damage(plain[way], path)
    manifest = write_manifest(tmp_path, path, kind=KINDS[way])
    with pytest.raises(ModelError, match=r"net\.pt2?") as caught:
        load_model(str(manifest), trust_code=True)
    assert not isinstance(caught.value, ConsentNeeded)


def test_the_list_of_arithmetic_names_operations_that_there_are() -> None:
    names = [each.name for each in torch._C._jit_get_all_schemas()]
    there = {name.removeprefix("aten::").partition(".")[0] for name in names}
    assert not ARITHMETIC - there
    assert not {"save", "from_file", "set_", "resize_", "as_strided"} & ARITHMETIC
