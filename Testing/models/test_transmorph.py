"""TransMorph: the publisher's network, its checkpoints, and what a manifest says about them."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.drawn_network import draw_images
from support.transmorph_files import SMALL, drawn_network, published_state, write_manifest
from torch import Tensor, nn

from TTAUncertaintyLib.errors import ModelError
from TTAUncertaintyLib.geometry import identity_map
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.adapters.transmorph import TransMorph
from TTAUncertaintyLib.models.manifest import read_manifest
from TTAUncertaintyLib.models.networks.swin_encoder import (
    from_windows,
    relative_positions,
    separation,
    windows_of,
)
from TTAUncertaintyLib.models.networks.transmorph import TransMorphNetwork
from TTAUncertaintyLib.models.networks.transmorph_architecture import (
    VARIANTS,
    TransMorphArchitecture,
)
from TTAUncertaintyLib.models.weights.state_dicts import read_state_dict

SHAPE = (32, 64, 96)

# -- the network --------------------------------------------------------------------------------

#: Array index: displacement in voxels, as the publisher's code answers in double precision; from
#: Testing/oracles/compare_transmorph.py --write-down. For OASIS: where that code samples.
PUBLISHED = {
    "default": {
        (0, 0, 0): (-0.377787683000, 0.673604312370, -0.030918491966),
        (31, 63, 95): (-0.163792879951, 0.288900981634, -0.214825167870),
        (5, 40, 71): (-0.297560477429, -0.151923043476, -0.274508770955),
        (16, 31, 48): (-0.329926892760, -0.924533577325, 0.792867596742),
        (30, 2, 90): (-0.698211200553, 1.218783016745, -0.136858703767),
        (11, 58, 3): (-0.647574072108, 0.682817272686, -0.490167968438),
    },
    "oasis": {
        (0, 0, 0): (-0.598615787909, 0.098574337187, -0.955833049835),
        (31, 63, 95): (0.080740264455, 0.707965789720, -0.036254714946),
        (5, 40, 71): (-0.823687582635, -0.077716575842, -0.148007890788),
        (16, 31, 48): (-0.220795330906, 0.698831700171, -0.095078268791),
        (30, 2, 90): (0.436327273825, -0.297132408486, 0.459808735952),
        (11, 58, 3): (-0.220885302111, 0.819265612725, -0.541057189440),
    },
    "sinusoids": {
        (0, 0, 0): (-0.308177852830, 0.249623204116, 0.322238480641),
        (31, 63, 95): (-0.291418944242, -0.458711030934, -0.354015361715),
        (5, 40, 71): (-0.386919362994, -0.068285755052, -0.513975847343),
        (16, 31, 48): (0.400343654639, 0.144077179568, -0.177685283749),
        (30, 2, 90): (0.840954698009, -0.334268171041, 0.757644071397),
        (11, 58, 3): (0.201593772437, -0.118316790192, -0.124390024313),
    },
    "learned": {
        (0, 0, 0): (-0.020070097039, 0.037941132136, -0.350377381771),
        (31, 63, 95): (-0.078879931016, 0.149928606118, -0.346848969134),
        (5, 40, 71): (-0.041780140483, -0.191657177105, -0.127274960923),
        (16, 31, 48): (-0.627776082212, -0.615206224875, 0.324002092035),
        (30, 2, 90): (-0.944586728539, 1.012377215406, -0.093891428613),
        (11, 58, 3): (0.008756650422, 0.491647975125, -0.300987150465),
    },
}

#: What those networks have that `SMALL` has not.
OF = {
    "default": {},
    "oasis": {"oasis": True},
    "sinusoids": {"spe": True, "qkv_bias": True, "patch_norm": False, "if_convskip": False},
    "learned": {"ape": True, "rpe": False, "if_transskip": False},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_answers_what_the_publishers_code_answers(name: str) -> None:
    network = drawn_network({**SMALL, **OF[name]}).double()
    with torch.inference_mode():
        field = network(*draw_images(SHAPE))[0]
    for place, expected in PUBLISHED[name].items():
        assert field[(slice(None), *place)].tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("variant", "millions"),
    [
        ("TransMorph", 46.77),
        ("TransMorph-Tiny", 0.24),
        ("TransMorph-Small", 11.76),
        ("TransMorph-Large", 108.34),
    ],
)
def test_variants_have_as_many_parameters_as_the_paper_says(variant: str, millions: float) -> None:
    network = TransMorphNetwork(TransMorphArchitecture.from_config({"variant": variant}))
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.parametrize(
    "shape", [(32, 64, 48), (31, 64, 64)], ids=["a multiple of 16", "an odd size"]
)
def test_sizes_that_cannot_be_merged_are_no_input(shape: tuple[int, int, int]) -> None:
    network = drawn_network(SMALL)
    with pytest.raises(ValueError, match="multiples of 32"):
        network(*draw_images(shape).float())


# -- windows ------------------------------------------------------------------------------------


def test_windows_are_cut_and_put_together_again() -> None:
    tokens = torch.arange(2 * 4 * 6 * 8 * 5).view(2, 4, 6, 8, 5)
    windows = windows_of(tokens, (2, 3, 4))
    assert windows.shape == (2, 8, 24, 5)
    # the second window of the first row, its last token
    assert torch.equal(windows[1, 1, -1], tokens[1, 1, 2, 7])
    assert torch.equal(from_windows(windows, (2, 3, 4), (4, 6, 8)), tokens)


def test_relative_positions_number_every_offset_once() -> None:
    window = (2, 3, 4)
    numbers = relative_positions(window)
    places = [(k, j, i) for k in range(2) for j in range(3) for i in range(4)]
    for a, one in enumerate(places):
        for b, other in enumerate(places):
            k, j, i = np.subtract(one, other) + np.subtract(window, 1)
            assert int(numbers[a, b]) == (k * 5 + j) * 7 + i


def test_what_a_shift_brings_together_from_opposite_borders_stays_apart() -> None:
    sizes, window, shift = (4, 6, 8), (2, 3, 4), (1, 1, 2)
    apart = separation(sizes, window, shift, torch.zeros(1))
    # where each token of the shifted array came from: a window further on is another group
    axes = [torch.arange(n).roll(-s) for n, s in zip(sizes, shift, strict=True)]
    groups = [
        torch.div(axis - s, w, rounding_mode="floor")
        for axis, s, w in zip(axes, shift, window, strict=True)
    ]
    group = torch.stack(torch.meshgrid(*groups, indexing="ij"), -1)[None]
    inside = windows_of(group, window)[0]
    same = (inside[:, :, None] == inside[:, None, :]).all(-1)
    assert torch.equal(apart[:, 0] == 0, same)
    assert not same.all()


# -- checkpoints --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network() -> TransMorphNetwork:
    return drawn_network(SMALL)


def saved(path: Path, content: object, **how: Any) -> Path:
    torch.save(content, path, **how)
    return path


def loaded(path: Path, config: dict[str, Any] | None = None, **changed: Any) -> TransMorph:
    manifest = write_manifest(path, SMALL if config is None else config, **changed)
    model = load_model(str(manifest))
    assert isinstance(model, TransMorph)
    return model


def as_trained(state: dict[str, Tensor]) -> dict[str, Any]:
    """Return what the publisher's training saves: NumPy made the learning rate."""
    layer = nn.Linear(3, 3)
    optimizer = torch.optim.Adam(layer.parameters(), lr=1e-4, amsgrad=True)
    for group in optimizer.param_groups:
        group["lr"] = round(1e-4 * np.power(1 - 3 / 500, 0.9), 8)
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    rest = {"epoch": 3, "best_dsc": np.float64(0.73), "optimizer": optimizer.state_dict()}
    return {**rest, "state_dict": state}


def test_a_checkpoint_of_the_publishers_training_is_read(
    network: TransMorphNetwork, tmp_path: Path
) -> None:
    state = published_state(network)
    alone = loaded(saved(tmp_path / "alone.pth", state))
    for name, how in (("zip.pth.tar", True), ("old.pth.tar", False)):
        content = as_trained(state)
        path = saved(tmp_path / name, content, _use_new_zipfile_serialization=how)
        with pytest.raises(Exception, match=r"numpy.*scalar"):
            torch.load(path, weights_only=True)
        model = loaded(path)
        for one, other in zip(model.network.parameters(), alone.network.parameters(), strict=True):
            assert torch.equal(one, other)
        assert model.weights is not None and model.weights.path == path


def test_the_names_are_the_published_ones(network: TransMorphNetwork) -> None:
    names = published_state(network).keys()
    block = "transformer.layers.3.blocks.1."
    expected = {
        "transformer.patch_embed.proj.weight",
        "transformer.patch_embed.proj.bias",
        "transformer.patch_embed.norm.weight",
        "transformer.layers.0.downsample.reduction.weight",
        "transformer.layers.2.downsample.norm.bias",
        "transformer.norm3.weight",
        *(f"{block}{layer}.{kind}" for layer in ("norm1", "norm2") for kind in ("weight", "bias")),
        f"{block}attn.relative_position_bias_table",
        f"{block}attn.relative_position_index",
        f"{block}attn.qkv.weight",
        f"{block}attn.proj.bias",
        f"{block}mlp.fc1.weight",
        f"{block}mlp.fc2.bias",
        *(f"up{n}.conv{m}.0.weight" for n in range(5) for m in (1, 2)),
        "c1.0.weight",
        "c2.0.weight",
        "reg_head.0.weight",
        "reg_head.0.bias",
        "spatial_trans.grid",
    }
    assert expected <= names
    assert {name for name in names if name.startswith(block)} - expected == {
        f"{block}attn.proj.weight",
        f"{block}mlp.fc1.bias",
        f"{block}mlp.fc2.weight",
    }


def test_names_that_data_parallel_lengthened_are_cut(
    network: TransMorphNetwork, tmp_path: Path
) -> None:
    state = {f"module.{name}": value for name, value in published_state(network).items()}
    found = read_state_dict(saved(tmp_path / "parallel.pth", {"state_dict": state}))
    assert found.keys() == published_state(network).keys()
    assert "spatial_trans.grid" in found


def test_transmorph_bayes_is_the_same_network_with_dropout(
    network: TransMorphNetwork, tmp_path: Path
) -> None:
    """As published: wrapped, with heads inside that nothing reads, and the one in use outside."""
    plain = published_state(network)
    unread = {
        f"{head}.0.{kind}": torch.ones(3)
        for head in ("reg_head", "sigma_head")
        for kind in ("weight", "bias")
    }
    head = {name: value for name, value in plain.items() if name.startswith("reg_head")}
    state = {f"net.{name}": value for name, value in {**plain, **unread}.items()}
    state |= {**head, "spatial_trans.grid": plain["spatial_trans.grid"]}
    path = saved(tmp_path / "bayes.pth.tar", {"state_dict": state})
    model = loaded(path, {**SMALL, "MC_drop": 0.15})
    pair = draw_images(SHAPE).float()
    with torch.inference_mode():
        expected = network(*pair)
        assert torch.equal(model.network.network(*pair), expected)
    assert model.has_dropout
    assert any(isinstance(layer, nn.Dropout3d) and layer.p > 0 for layer in model._dropout)


def test_the_grid_may_be_missing(network: TransMorphNetwork, tmp_path: Path) -> None:
    state = published_state(network)
    del state["spatial_trans.grid"]
    assert loaded(saved(tmp_path / "without.pth", state)).weights is not None


class _Dangerous:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["DANGEROUS_FOLDER"],)


@pytest.mark.parametrize("where", ["state_dict", "optimizer"])
def test_code_in_a_checkpoint_is_not_run(
    network: TransMorphNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    folder = tmp_path / "made by the file"
    monkeypatch.setenv("DANGEROUS_FOLDER", str(folder))
    content = {**as_trained(published_state(network)), where: _Dangerous()}
    path = saved(tmp_path / "hostile.pth.tar", content)
    with pytest.raises(ModelError, match="holds more than numbers"):
        loaded(path)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epoch": 3, "model": 4}, "does not hold a state dict"),
        ([torch.zeros(3)], "does not hold a state dict"),
        ({"weight": torch.zeros(3)}, "is no TransMorph"),
        ({"flow_mean.weight": torch.zeros(3)}, "is a TransMorph-diff, which is another network"),
        ({"resize_conv.0.0.weight": torch.zeros(3)}, "is a TransMorph-bspl"),
    ],
)
def test_what_is_no_transmorph_is_refused(content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message):
        loaded(saved(tmp_path / "other.pth", content))


def test_a_truncated_file_is_refused(network: TransMorphNetwork, tmp_path: Path) -> None:
    path = saved(tmp_path / "cut.pth", published_state(network))
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ModelError, match="is damaged"):
        loaded(path)


def test_another_file_than_the_manifests_is_refused(
    network: TransMorphNetwork, tmp_path: Path
) -> None:
    path = saved(tmp_path / "one.pth", published_state(network))
    with pytest.raises(ModelError, match="is not the file that its manifest describes"):
        loaded(path, sha256="0" * 64)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"embed_dim": 16}, r"trained with embed_dim 8; .* has embed_dim 16"),
        ({"depths": [2, 2, 4, 2]}, r"trained with depths \[2, 2, 2, 2\]"),
        ({"num_heads": [2, 2, 2, 2]}, r"trained with num_heads \[2, 2, 4, 4\]"),
        ({"img_size": [32, 64, 64]}, r"trained with img_size \[32, 64, 96\]"),
        ({"oasis": True}, "trained with oasis false"),
        ({"rpe": False}, "trained with rpe true"),
        ({"qkv_bias": True}, "trained with qkv_bias false"),
        ({"ape": True}, "trained with ape false"),
        ({"patch_norm": False}, "trained with patch_norm true"),
        ({"reg_head_chan": 8}, "trained with reg_head_chan 4"),
        ({"window_size": [4, 3, 2]}, r"not trained with the window_size \[4, 3, 2\]"),
        ({"if_convskip": False}, "does not belong to this model"),
        ({"mlp_ratio": 2}, "does not belong to this model"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_checkpoint_of_another_architecture_is_refused(
    network: TransMorphNetwork, changed: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "mine.pth", published_state(network))
    with pytest.raises(ModelError, match=message):
        loaded(path, {**SMALL, **changed})


# -- manifests ----------------------------------------------------------------------------------


def test_a_published_configuration_is_an_architecture() -> None:
    """As written by the publisher, IXI and OASIS, with a fourth window size that nothing reads."""
    config = {
        "if_transskip": True,
        "if_convskip": True,
        "patch_size": 4,
        "in_chans": 2,
        "embed_dim": 96,
        "depths": [2, 2, 4, 2],
        "num_heads": [4, 4, 8, 8],
        "window_size": [5, 6, 7, 7],
        "mlp_ratio": 4,
        "pat_merg_rf": 4,
        "qkv_bias": False,
        "drop_rate": 0,
        "drop_path_rate": 0.3,
        "ape": False,
        "spe": False,
        "rpe": True,
        "patch_norm": True,
        "use_checkpoint": False,
        "out_indices": [0, 1, 2, 3],
        "reg_head_chan": 16,
        "img_size": [160, 192, 224],
    }
    assert TransMorphArchitecture.from_config(config) == TransMorphArchitecture()


def test_the_manifest_of_the_documents_is_read(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "TRANSMORPH.md"
    text = page.read_text(encoding="utf-8").split("```json")[1].split("```")[0]
    (tmp_path / "model.json").write_text(text)
    manifest = read_manifest(tmp_path / "model.json")
    assert TransMorphArchitecture.from_config(manifest.architecture) == TransMorphArchitecture()
    assert manifest.input is not None
    assert manifest.input.shape == TransMorphArchitecture().img_size
    words = set(page.read_text(encoding="utf-8").replace("`", " ").replace(",", " ").split())
    assert {field.name for field in fields(TransMorphArchitecture)} | set(VARIANTS) <= words


def test_a_variant_can_be_changed_further() -> None:
    config = {"variant": "TransMorph-Large", "depths": [2, 2, 8, 2]}
    found = TransMorphArchitecture.from_config(config)
    assert (found.embed_dim, found.num_heads) == (128, (4, 4, 8, 16))
    assert found.depths == (2, 2, 8, 2)
    assert set(VARIANTS) == {f"TransMorph{size}" for size in ("", "-Tiny", "-Small", "-Large")}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"embed": 96}, "'embed' is not a key here. Allowed: img_size, "),
        ({"variant": "TransMorph-diff"}, 'is "TransMorph-diff". Allowed: "TransMorph" or'),
        ({"variant": ["TransMorph"]}, 'Allowed: "TransMorph" or '),
        ({"patch_size": 2}, "'patch_size' is 2. Allowed: 4"),
        ({"embed_dim": 96.5}, "'embed_dim' is 96.5. Allowed: a whole number"),
        ({"embed_dim": 7}, "embed_dim must be even"),
        ({"qkv_bias": 1}, "'qkv_bias' is 1. Allowed: true or false"),
        ({"depths": [2, 2, 2]}, "Allowed: a list of 4, each a whole number"),
        ({"depths": [2, 2, 0, 2]}, "must be positive"),
        ({"depths": [2, 2, True, 2]}, "Allowed: a list of 4, each a whole number"),
        ({"num_heads": [4, 4, 7, 8]}, "7 heads cannot share 384 channels"),
        ({"img_size": [160, 190, 224]}, "three multiples of 32"),
        ({"drop_rate": 1}, "must lie in"),
        ({"drop_rate": "half"}, "Allowed: a number"),
        ({"ape": True, "spe": True}, "cannot both be true"),
    ],
)
def test_architectures_that_cannot_be_are_refused(
    config: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "any.pth", {})
    with pytest.raises(ModelError, match=message):
        loaded(path, config)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"shape": [160, 192, 224]}, r"'input.shape' is \[160, 192, 224\]"),
        ({"shape": None, "center": "image", "multiple": 32}, "'input.multiple' is 32, but"),
    ],
)
def test_a_size_is_said_once(
    network: TransMorphNetwork, section: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "mine.pth", published_state(network))
    with pytest.raises(ModelError, match=message):
        loaded(path, input=section)


def test_the_architecture_can_say_the_size_alone(
    network: TransMorphNetwork, tmp_path: Path
) -> None:
    path = saved(tmp_path / "mine.pth", published_state(network))
    assert loaded(path, input={"shape": None, "center": "image"}).input.shape == SHAPE


# -- the adapter --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["ijk", "kji"])
@pytest.mark.parametrize("images", [["moving", "fixed"], ["fixed", "moving"]], ids=" ".join)
def test_arrays_and_components_follow_the_manifest(
    network: TransMorphNetwork, order: str, images: list[str], tmp_path: Path
) -> None:
    """Component n of the network's answer runs along axis n of its own arrays."""
    path = saved(tmp_path / "mine.pth", published_state(network))
    model = loaded(path, input={"array_order": order, "images": images})
    pair = draw_images(SHAPE).float()  # as the network sees them
    if order == "ijk":
        arrays = dict(zip(images, pair.transpose(3, 5).contiguous(), strict=True))
    else:
        arrays = dict(zip(images, pair, strict=True))
    with torch.inference_mode():
        phi = model.predict(arrays["moving"], arrays["fixed"])[0]
        field = network(*pair)[0]
    displacement = phi - identity_map(phi.shape[1:])
    for a, b, c in ((0, 0, 0), (5, 40, 71), (31, 2, 95)):
        place = (c, b, a) if order == "ijk" else (a, b, c)
        expected = field[:, a, b, c] if order == "ijk" else field[:, a, b, c].flip(0)
        assert displacement[(slice(None), *place)].tolist() == pytest.approx(
            expected.tolist(), abs=1e-4
        )


@pytest.mark.parametrize("name", ["MC_drop", "drop_rate"])
def test_dropout_is_off_until_it_is_asked_for(
    network: TransMorphNetwork, name: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "mine.pth", published_state(network))
    plain = loaded(path)
    assert not plain.has_dropout
    model = loaded(path, {**SMALL, name: 0.15})
    assert model.has_dropout
    pair = draw_images(SHAPE).float()
    with torch.inference_mode():
        expected = plain.predict(*pair)
        assert torch.equal(model.predict(*pair), expected)
        model.set_dropout(True)
        torch.manual_seed(0)
        one, other = model.predict(*pair), model.predict(*pair)
        model.set_dropout(False)
        assert torch.equal(model.predict(*pair), expected)
    assert not torch.equal(one, other)
    # in the attention only of TransMorph-Bayes: the publisher's code has no rate for it otherwise
    attention = [m for n, m in model.network.named_modules() if n.endswith("attn_drop")]
    assert {layer.p for layer in attention} == {0.15 if name == "MC_drop" else 0.0}
