"""uniGradICON: the published network and its state dict; two images, each on its own lattice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support import gradicon_reference as reference
from support.images import waves
from support.lattices import FLIPPED, OBLIQUE, PLAIN, affine, rotation
from support.zoo.unigradicon import MRI, SmallUniGradICON, random_weights

from TTAUncertaintyLib.engine.outcome import transform_of
from TTAUncertaintyLib.errors import InputError, ModelError
from TTAUncertaintyLib.geometry import Image, identity_map
from TTAUncertaintyLib.models.adapters.unigradicon import MultiGradICON, UniGradICON
from TTAUncertaintyLib.models.contract import describe
from TTAUncertaintyLib.models.networks.gradicon import PUBLISHED, Channels, GradICONNetwork
from TTAUncertaintyLib.models.registry import MODELS


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_weights(tmp_path_factory.mktemp("unigradicon"))


def ct(image: Image) -> Image:
    """Return the image in Hounsfield units, a corner of it air."""
    values = image.intensities - 60.0
    values[:4] = -1000.0
    return Image(values, image.lattice, "the ct")


# -- the network --------------------------------------------------------------------------------


def test_the_network_is_the_published_one() -> None:
    """70,680,916 parameters in four U-Nets, under the names that the publisher's code loads."""
    with torch.device("meta"):
        network = GradICONNetwork()
    assert sum(parameter.numel() for parameter in network.parameters()) == 70_680_916
    state = network.state_dict()
    places = ("netPhi.netPhi.net.netPhi.net.net", "netPhi.netPhi.net.netPsi.net")
    places += ("netPhi.netPsi.net", "netPsi.net")
    assert len(state) == 188 and all(name.startswith(places) for name in state)
    for place in places:
        for name, shape in {
            "downConvs.0.weight": (16, 2, 3, 3, 3),
            "downConvs.4.weight": (512, 256, 3, 3, 3),
            "upConvs.0.weight": (48, 16, 4, 4, 4),
            "upConvs.4.weight": (512, 256, 4, 4, 4),
            "batchNorms.3.running_var": (128,),
            "batchNorms.0.num_batches_tracked": (),
            "lastConv.weight": (3, 18, 3, 3, 3),
        }.items():
            assert tuple(state[f"{place}.{name}"].shape) == shape
    assert UniGradICON.channels == PUBLISHED and UniGradICON.shape == (175, 175, 175)


def test_it_answers_what_the_publishers_code_answers() -> None:
    network = GradICONNetwork(Channels(reference.DOWN, reference.UP)).eval()
    reference.draw(network.state_dict())
    with torch.inference_mode():
        found = network(*reference.images())[0]
    for place, expected in zip(reference.PLACES, reference.MAP, strict=True):
        here = [index / (n - 1) for index, n in zip(place, reference.SHAPE, strict=True)]
        answer = [float(found[(axis, *place)]) + here[axis] for axis in range(3)]
        # float32, some thirty layers deep; displacements are up to 0.06
        assert answer == pytest.approx(expected, abs=1e-5)


def test_a_state_dict_with_other_names_is_refused(weights: Path, tmp_path: Path) -> None:
    """Such as that of the publisher's whole module, which nobody published."""
    state = torch.load(weights, weights_only=True)
    path = tmp_path / "whole.trch"
    torch.save({f"regis_net.{name}": tensor for name, tensor in state.items()}, path)
    with pytest.raises(ModelError, match=r"whole\.trch does not belong to this model"):
        SmallUniGradICON(path, MRI)


def test_the_two_models_differ_in_what_is_published() -> None:
    for name, adapter in (("unigradicon", UniGradICON), ("multigradicon", MultiGradICON)):
        about = MODELS[name].description
        assert adapter.model is about
        assert about.published is not None
        assert about.published.url == (
            "https://github.com/uncbiag/uniGradICON/releases/download/"
            f"{name}_weights/Step_2_final.trch"
        )
        # the publisher gives no hash
        assert about.published.sha256 is None
        assert about.spacing_mm is None and not about.expects_affine_alignment
    files = {MODELS[name].description.published for name in ("unigradicon", "multigradicon")}
    assert len({file.name for file in files if file}) == 2


# -- preparation --------------------------------------------------------------------------------


def test_each_image_is_resized_on_its_own(weights: Path) -> None:
    model = SmallUniGradICON(weights, MRI)
    fixed, moving = waves(OBLIQUE, 1), waves(PLAIN, 2)
    pair = model.prepare(fixed, moving, np.eye(4))
    alone = model.prepare(fixed, waves(FLIPPED, 3), np.eye(4))
    assert torch.equal(pair.fixed, alone.fixed) and pair.fixed_lattice == alone.fixed_lattice
    assert tuple(pair.moving.shape[2:]) == tuple(pair.fixed.shape[2:]) == SmallUniGradICON.shape
    for lattice, image in ((pair.fixed_lattice, fixed), (pair.moving_lattice, moving)):
        assert np.allclose(lattice.center, image.lattice.center)
        assert np.isclose(
            lattice.voxel_volume * np.prod(lattice.size),
            image.lattice.voxel_volume * np.prod(image.lattice.size),
        )


def test_a_first_transform_shifts_nothing(weights: Path) -> None:
    model = SmallUniGradICON(weights, MRI)
    fixed, moving = waves(OBLIQUE, 1), waves(PLAIN, 2)
    pair = model.prepare(fixed, moving, np.eye(4))
    start = affine(rotation((1, 1, 0), 5.0) * 1.1, (30.0, -20.0, 10.0))
    started = model.prepare(fixed, moving, start)
    assert torch.equal(pair.moving, started.moving)
    assert pair.moving_lattice == started.moving_lattice


def test_the_moving_axes_run_along_the_fixed_ones(weights: Path) -> None:
    model = SmallUniGradICON(weights, MRI)
    fixed = waves(OBLIQUE, 1)
    for start in (np.eye(4), affine(rotation((0, 1, 0), 90.0), (0.0, 0.0, 0.0))):
        pair = model.prepare(fixed, waves(FLIPPED, 2), start)
        assert pair.fixed_lattice.direction == pytest.approx(OBLIQUE.direction)
        cosines = ((start[:3, :3] @ OBLIQUE.direction) * pair.moving_lattice.direction).sum(0)
        assert (cosines > 0.5).all()


def test_each_image_is_normalised_after_its_own_modality(weights: Path) -> None:
    fixed, moving = waves(OBLIQUE, 1), ct(waves(PLAIN, 2))
    options = {"fixed_modality": "mri", "moving_modality": "ct"}
    pair = SmallUniGradICON(weights, options).prepare(fixed, moving, np.eye(4))
    # waves about 100 fill the range of an MRI; about 40 Hounsfield units they lie near 0.52
    assert float(pair.fixed.max()) == 1.0
    assert 0.52 < float(pair.moving.max()) < 0.56
    other = {"fixed_modality": "ct", "moving_modality": "mri"}
    swapped = SmallUniGradICON(weights, other).prepare(moving, fixed, np.eye(4))
    assert float(swapped.moving.max()) == 1.0
    assert 0.52 < float(swapped.fixed.max()) < 0.56


def test_what_the_intensities_say_is_taken_and_recorded_anew_for_each_pair(weights: Path) -> None:
    model = SmallUniGradICON(weights)
    assert describe(model)["options"] == {"fixed_modality": "auto", "moving_modality": "auto"}
    scanned = ct(waves(PLAIN, 2))
    bright = waves(OBLIQUE, 1)
    mri = Image(bright.intensities * 10, OBLIQUE, "the mri")
    model.prepare(mri, scanned, np.eye(4))
    assert describe(model)["options"] == {"fixed_modality": "mri", "moving_modality": "ct"}
    model.prepare(scanned, mri, np.eye(4))
    assert describe(model)["options"] == {"fixed_modality": "ct", "moving_modality": "mri"}


@pytest.mark.parametrize("role", ["fixed", "moving"])
def test_where_intensities_do_not_tell_the_person_is_asked(weights: Path, role: str) -> None:
    unclear = waves(OBLIQUE, 1)
    told = "moving" if role == "fixed" else "fixed"
    model = SmallUniGradICON(weights, {f"{told}_modality": "mri"})
    with pytest.raises(InputError, match="do not tell whether it is a CT or an MRI") as caught:
        model.prepare(unclear, waves(PLAIN, 2), np.eye(4))
    assert f"{role}_modality" in caught.value.remedy


# -- the answer ---------------------------------------------------------------------------------


def test_lengths_of_the_lattice_become_voxels_of_its_axes(weights: Path) -> None:
    """The network's component n runs along array axis n, and 1 is from end to end."""
    model = SmallUniGradICON(weights, MRI)
    moving, fixed = torch.rand((2, 1, 1, 12, 16, 21), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        phi = model.predict(moving, fixed)[0]
        field = model.network.network(moving, fixed)[0]  # type: ignore[union-attr]
    for k, j, i in ((0, 0, 0), (3, 9, 20), (11, 15, 7)):
        along_k, along_j, along_i = field[:, k, j, i].tolist()
        expected = [i + along_i * 20, j + along_j * 15, k + along_k * 11]
        assert phi[:, k, j, i].tolist() == pytest.approx(expected, abs=1e-4)


def test_the_answer_as_a_transform_sends_fixed_points_where_the_map_does(weights: Path) -> None:
    """Lattices of different shape and place: what does nothing is an affine map, not identity."""
    model = SmallUniGradICON(weights, MRI)
    pair = model.prepare(waves(OBLIQUE, 1), waves(FLIPPED, 2), np.eye(4))
    with torch.inference_mode():
        phi = model.predict(pair.moving, pair.fixed)[0]
    moved = (phi - identity_map(phi.shape[1:])).abs().amax(dim=(1, 2, 3))
    assert (moved > 0.5).all()  # voxels: there is something to get wrong
    transform = transform_of(phi, pair.moving_lattice, pair.fixed_lattice)
    itk = transform.to_itk()
    for k, j, i in ((0, 0, 0), (11, 30, 7), (35, 39, 43), (20, 5, 40)):
        here = pair.fixed_lattice.to_world([i, j, k])
        there = pair.moving_lattice.to_world(phi[:, k, j, i].double().numpy())
        assert itk.TransformPoint(here.tolist()) == pytest.approx(there, abs=1e-3)
        # and the displacement is what the affine part leaves
        rest = np.linalg.solve(transform.initial, np.append(there, 1.0))[:3] - here
        assert transform.displacement[:, k, j, i].numpy() == pytest.approx(rest, abs=1e-3)
