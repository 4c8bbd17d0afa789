"""VoxelMorph: checkpoints of its torch package answer as they did there; others are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.images import analytic_image
from support.lattices import OBLIQUE
from support.manifests import write_voxelmorph
from support.zoo.voxelmorph import SMALL, random_network

from TTAUncertaintyLib.errors import ModelError
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.adapters.voxelmorph import VoxelMorph
from TTAUncertaintyLib.models.manifest import read_manifest
from TTAUncertaintyLib.models.networks.vxm_pairwise import VxmPairwiseNetwork
from TTAUncertaintyLib.models.networks.vxm_pairwise_architecture import VxmPairwiseArchitecture
from TTAUncertaintyLib.strict_json import read_as

#: Of the package itself: Testing/oracles/compare_voxelmorph.py wrote them.
PACKAGE = Path(__file__).parent / "voxelmorph"
SAMPLES = ("plain", "varied")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "mine.pt"
    torch.save(random_network().state_dict(), path)
    return path


def model(weights: Path, arguments: dict[str, Any] | None = None, **changed: Any) -> VoxelMorph:
    given = SMALL if arguments is None else arguments
    return VoxelMorph(read_manifest(write_voxelmorph(weights, given, **changed)))


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_checkpoint_answers_as_in_the_package(sample: str, tmp_path: Path) -> None:
    weights = Path(shutil.copy(PACKAGE / f"vxm_pairwise_{sample}.pt", tmp_path / "weights.pt"))
    with np.load(PACKAGE / f"vxm_pairwise_{sample}.npz") as package:
        arguments = json.loads(str(package["arguments"]))
        voxels, expected = package["voxels"].astype(int), package["field"]
    assert np.abs(expected).max() > 2
    images = np.random.default_rng(0).random((2, 16, 24, 40), "float32")
    # the package's axes taken for i, j, k: the contract's arrays are turned around
    moving, fixed = (torch.from_numpy(a.T.copy())[None, None] for a in images)
    with torch.inference_mode():
        phi = model(weights, arguments).predict(moving, fixed)[0].numpy()
    i, j, k = voxels.T
    assert np.abs(phi[:, k, j, i].T - voxels - expected).max() < 1e-5 * 4


@pytest.mark.parametrize("order", ["ijk", "kji"])
@pytest.mark.parametrize("images", [["moving", "fixed"], ["fixed", "moving"]])
def test_the_manifest_says_how_the_network_sees_the_images(
    checkpoint: Path, order: str, images: list[str]
) -> None:
    found = model(checkpoint, input={"array_order": order, "images": images})
    generator = torch.Generator().manual_seed(4)
    moving, fixed = torch.rand((2, 1, 1, 8, 16, 24), generator=generator)
    with torch.inference_mode():
        phi = found.predict(moving, fixed)[0]
        first, second = (moving, fixed) if images[0] == "moving" else (fixed, moving)
        if order == "ijk":
            first, second = (x.permute(0, 1, 4, 3, 2) for x in (first, second))
        field = random_network()(first, second)[0]
    for k, j, i in ((0, 0, 0), (3, 9, 20), (7, 15, 23)):
        place = (i, j, k) if order == "ijk" else (k, j, i)
        along = field[(slice(None), *place)].tolist()
        expected = np.array([i, j, k]) + (along if order == "ijk" else along[::-1])
        assert np.allclose(phi[:, k, j, i], expected, atol=1e-4)


def test_a_constant_velocity_is_a_displacement_where_it_does_not_leave_the_image() -> None:
    network = VxmPairwiseNetwork(read_as(VxmPairwiseArchitecture, SMALL)).eval()
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.zero_()
        network.flow_layer.conv0.bias.copy_(torch.tensor([0.5, -1.0, 1.5]))
        field = network(*torch.rand((2, 1, 1, 16, 16, 16)))[0]
    inside = field[:, 4:-4, 4:-4, 4:-4].flatten(1)
    assert torch.allclose(inside, torch.tensor([[0.5], [-1.0], [1.5]]), atol=1e-5)


def test_it_is_loaded_by_its_manifest(checkpoint: Path) -> None:
    manifest = write_voxelmorph(checkpoint, SMALL)
    found = load_model(str(manifest))
    assert isinstance(found, VoxelMorph)
    assert found.weights is not None and found.weights.path == checkpoint


def test_sizes_are_what_its_levels_can_halve(checkpoint: Path) -> None:
    image = analytic_image(lambda p: np.linalg.norm(p - OBLIQUE.center, axis=-1), OBLIQUE)
    pair = model(checkpoint).prepare(image, image, np.eye(4))
    assert all(n % 8 == 0 for n in pair.fixed_lattice.size)
    assert np.allclose(pair.fixed_lattice.spacing, 2.0)
    assert model(checkpoint, input={"multiple": 16}).input.multiple == 16
    for wrong in ({"multiple": 12}, {"shape": [16, 20, 24]}):
        with pytest.raises(ModelError, match="halves its images 3 times"):
            model(checkpoint, input=wrong)


def test_another_networks_weights_are_refused(checkpoint: Path) -> None:
    with pytest.raises(ModelError, match=r"mine\.pt does not belong to this model"):
        model(checkpoint, {"nb_features": [8, 8]})
    manifest = write_voxelmorph(checkpoint, SMALL)
    torch.save({"weight": torch.zeros(3)}, checkpoint)
    with pytest.raises(ModelError, match="SHA-256"):
        VoxelMorph(read_manifest(manifest))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"ndim": 2}, "'ndim' is 2"),
    ({"source_channels": 2}, "'source_channels' is 2"),
    ({"target_channels": True}, "'target_channels' is true. Allowed: 1."),
    ({"nb_feature": [8]}, "'nb_feature' is not a key here. Allowed: nb_features"),
    ({"unet_kwargs": {"dropout": 0.1}}, "'unet_kwargs.dropout' is not a key here"),
    ({"unet_kwargs": 3}, "'unet_kwargs' is 3"),
    ({"nb_features": []}, "'nb_features' has 0 levels"),
    ({"nb_features": 16}, "'nb_features' is "),
    ({"nb_features": [8, -1]}, "'nb_features' is "),
    ({"nb_features": [8, 2.0]}, "'nb_features' is "),
    ({"nb_features": [10**9]}, "'nb_features' is "),
    ({"nb_features": [8] * 30}, "'nb_features' has 30 levels"),
    ({"nb_features": [[8, 8], [8]]}, "'nb_features' has 2 levels downwards and 1 upwards"),
    ({"nb_features": [[8], 8]}, "'nb_features' is "),
    ({"activations": "torch.nn.Hardswish"}, "'activations' is \"torch.nn.Hardswish\""),
    ({"activations": ["relu"]}, "1 entries for 5 levels"),
    ({"final_activation": "softmax"}, "'final_activation' is \"softmax\""),
    ({"negative_slope": 3}, "'negative_slope'"),
    ({"integration_steps": -1}, "'integration_steps'"),
    ({"integration_steps": 1.5}, "'integration_steps'"),
    ({"integration_steps": 100}, "'integration_steps'"),
    ({"unet_kwargs": {"normalizations": "group"}}, "'unet_kwargs.normalizations' is \"group\""),
    ({"unet_kwargs": {"padding_mode": "circular"}}, "'unet_kwargs.padding_mode' is \"circular\""),
    ({"unet_kwargs": {"padding_mode": None}}, "'unet_kwargs.padding_mode' is null"),
    ({"unet_kwargs": {"upsample_mode": "cubic"}}, "'unet_kwargs.upsample_mode' is \"cubic\""),
    ({"unet_kwargs": {"order": "na"}}, '"na". Allowed: up to 12 of the letters c, n and a'),
    ({"unet_kwargs": {"order": "cx"}}, "'unet_kwargs.order' is "),
    (
        {"unet_kwargs": {"skip_connections": 1}},
        "skip_connections' is 1. Allowed: true or",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[str(a) for a, _ in REFUSED])
def test_what_it_does_not_compute_is_refused_by_name(
    checkpoint: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match="'architecture': ") as caught:
        model(checkpoint, arguments)
    assert message in caught.value.problem


def test_what_leaves_the_answer_alone_may_stay() -> None:
    plain = read_as(VxmPairwiseArchitecture, {})
    kept = {"resize_integrated_fields": True, "flow_initializer": 1e-5, "device": "cuda", "ndim": 3}
    assert read_as(VxmPairwiseArchitecture, kept) == plain
    assert plain.shape_multiple == 32
