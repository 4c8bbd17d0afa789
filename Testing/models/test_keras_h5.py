"""Keras files become safetensors that answer as Keras did; hostile and foreign ones do not."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.manifests import write_beside
from support.published import PAIRS, STORED, Stored
from support.reference import reference_file
from support.zoo.synthmorph import write_random_weights

from TTAUncertaintyLib.errors import ModelError
from TTAUncertaintyLib.geometry import read_image
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.networks.displacement_fields import sample_displaced
from TTAUncertaintyLib.models.networks.vxm_2018 import Vxm2018Network
from TTAUncertaintyLib.models.networks.vxm_dense import VxmDenseArchitecture, VxmDenseNetwork
from TTAUncertaintyLib.models.weights.described import architecture_from_text, read_described
from TTAUncertaintyLib.models.weights.keras_h5 import convert_vxm_dense, read_keras
from TTAUncertaintyLib.models.weights.safetensors_io import read_safetensors
from TTAUncertaintyLib.models.weights.state_dicts import load_strictly

#: Saved by Keras, with the field that it answered: Testing/oracles/compare_synthmorph.py made them.
KERAS = Path(__file__).parent / "keras"
LAYERS = "model_weights"
FIRST = "vxm_dense_unet_enc_conv_0_0"
KERNEL = f"{LAYERS}/{FIRST}/{FIRST}/kernel:0"


@pytest.fixture
def h5py() -> Any:
    return pytest.importorskip("h5py", reason="NOT TESTED: h5py is not installed")


@pytest.fixture
def saved(h5py: Any, tmp_path: Path) -> Path:
    return Path(shutil.copy(KERAS / "vxm_dense_keras.h5", tmp_path / "saved.h5"))


def converted(source: Path) -> tuple[VxmDenseNetwork, dict[str, str]]:
    target = source.with_suffix(".safetensors")
    convert_vxm_dense(source, target)
    tensors, about = read_safetensors(target)
    network = VxmDenseNetwork(architecture_from_text(VxmDenseArchitecture, about["architecture"]))
    network.load_state_dict(tensors)
    return network.eval(), about


def test_a_converted_network_answers_as_keras_did(saved: Path) -> None:
    network, about = converted(saved)
    shape = (16, 32, 48)
    images = torch.from_numpy(np.random.default_rng(0).random((2, *shape), "float32"))
    with torch.inference_mode():
        field = network(*images[:, None, None])[0].numpy()
    with np.load(KERAS / "vxm_dense_keras.npz") as keras:
        voxels, expected = keras["voxels"].astype(int), keras["field"]
    assert np.abs(expected).max() > 2
    # Keras's components follow the axes of its arrays, the network's run along W, H, D
    found = field[:, voxels[:, 0], voxels[:, 1], voxels[:, 2]][::-1].T
    assert np.abs(found - expected).max() < 1e-4
    assert about["converted_from"] == "saved.h5" and len(about["converted_from_sha256"]) == 64


def test_what_the_file_says_of_the_integration_is_kept(h5py: Any, saved: Path) -> None:
    configure(h5py, saved, int_steps=5, int_resolution=4)
    architecture = converted(saved)[0].architecture
    assert (architecture.velocity_factor, architecture.integration_factor) == (2, 4)
    assert architecture.squaring_steps == 5
    assert architecture.encoder == ((3,), (4,), (5,), (6,))
    assert architecture.decoder == ((3,), (4,), (5,), (6,)) and architecture.final == (3, 2)


def test_the_arguments_of_older_versions_are_understood(h5py: Any, saved: Path) -> None:
    configure(h5py, saved, drop=True, int_downsize=2, unet_half_res=True, int_steps=6)
    architecture = converted(saved)[0].architecture
    assert (architecture.integration_factor, architecture.squaring_steps) == (2, 6)


def test_weights_without_a_configuration_are_taken_for_synthmorphs(h5py: Any, saved: Path) -> None:
    alone = saved.with_name("alone.h5")
    with h5py.File(saved) as whole, h5py.File(alone, "w") as file:
        for name in whole[LAYERS]:
            whole.copy(whole[f"{LAYERS}/{name}"], file, name)
        # as Keras nests the layers of a network that was built twice
        file.move(f"{FIRST}/{FIRST}", f"{FIRST}/{FIRST}_1")
    network, _ = converted(alone)
    architecture = network.architecture
    assert (architecture.velocity_factor, architecture.integration_factor) == (2, 2)
    assert architecture.squaring_steps == 7
    other, _ = converted(saved)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])


def test_layers_without_weights_do_not_matter(h5py: Any, saved: Path) -> None:
    with h5py.File(saved, "r+") as file:
        file.create_group(f"{LAYERS}/vxm_dense_neg_flow")  # of a network for both directions
    converted(saved)


# -- what is refused ------------------------------------------------------------------------------


def configure(h5py: Any, path: Path, drop: bool = False, **arguments: object) -> None:
    with h5py.File(path, "r+") as file:
        description = json.loads(file.attrs["model_config"])
        kept = {} if drop else description["config"]
        description["config"] = {**kept, **arguments}
        file.attrs["model_config"] = json.dumps(description)


def replace_kernel(path: Path, make: Callable[[Any, Any], None]) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        del file[KERNEL]
        make(h5py, file)


def rewrite(path: Path, values: np.ndarray, **how: Any) -> None:
    replace_kernel(path, lambda _, file: file.create_dataset(KERNEL, data=values, **how))


def add_layer(path: Path, name: str) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        file.copy(file[f"{LAYERS}/{FIRST}"], file[LAYERS], name)


def repeat_a_layer(path: Path) -> None:
    """One array under a hundred names: a small file that fills the memory."""
    import h5py

    with h5py.File(path, "r+") as file:
        for number in range(100):
            name = f"vxm_dense_unet_enc_conv_9_{number}"
            file[f"{LAYERS}/{name}"] = file[f"{LAYERS}/vxm_dense_unet_dec_conv_2_0"]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50_000])


def unallocated(h5py: Any, file: Any) -> None:
    """A terabyte that no disk holds: HDF5 answers its fill value."""
    file.create_dataset(KERNEL, shape=(3, 3, 3, 2, 5_000_000_000), dtype="f4")


def virtual(h5py: Any, file: Any) -> None:
    layout = h5py.VirtualLayout(shape=(3, 3, 3, 2, 3), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", shape=(3, 3, 3, 2, 3))
    file.create_virtual_dataset(KERNEL, layout)


def with_config(text: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        import h5py

        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = text

    return change


def configured(**arguments: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        import h5py

        configure(h5py, path, **arguments)

    return change


ZEROS = np.zeros((3, 3, 3, 2, 3), "f4")
REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "no HDF5": (lambda path: path.write_bytes(b"PK\3\4" * 1000), "is damaged or is no HDF5"),
    "empty": (lambda path: path.write_bytes(b""), "is damaged or is no HDF5"),
    "truncated": (truncate, "is damaged or is no HDF5"),
    "no network": (
        lambda path: replace_kernel(path, lambda _, file: file.clear()),
        "layers of exactly one VxmDense",
    ),
    "two networks": (lambda path: add_layer(path, "other_flow"), "layers of exactly one"),
    "another convolution": (
        lambda path: add_layer(path, "vxm_dense_unet_enc_conv_7_0"),
        "number of levels",
    ),
    "a kernel too many": (
        lambda path: add_layer(path, "vxm_dense_unet_enc_conv_1_1"),
        "names and shapes",
    ),
    "two channels an image": (
        lambda path: rewrite(path, np.zeros((3, 3, 3, 4, 3), "f4")),
        "names and shapes",
    ),
    "flat images": (lambda path: rewrite(path, np.zeros((3, 3, 2, 3), "f4")), "volumes"),
    "no kernel": (lambda path: replace_kernel(path, lambda *_: None), "no kernel or no bias"),
    "other weights": (
        lambda path: replace_kernel(
            path, lambda _, f: f.create_dataset(KERNEL.replace("kernel", "gamma"), data=ZEROS)
        ),
        "weights of another kind",
    ),
    "more than it holds": (repeat_a_layer, "more than its own size"),
    "a long configuration": (with_config("[" + "1," * 600_000 + "1]"), "not a text"),
    "NaN": (lambda path: rewrite(path, np.full_like(ZEROS, np.nan)), "NaN"),
    "whole numbers": (lambda path: rewrite(path, ZEROS.astype("i4")), "not a plain array"),
    "packed, however large": (
        lambda path: rewrite(path, ZEROS, compression="gzip"),
        "not a plain array",
    ),
    "never stored": (lambda path: replace_kernel(path, unallocated), "not a plain array"),
    "virtual": (lambda path: replace_kernel(path, virtual), "not a plain array"),
    "in another file": (
        lambda path: rewrite(path, None, shape=ZEROS.shape, dtype="f4", external="/etc/hostname"),
        "not a plain array",
    ),
    "an external link": (
        lambda path: replace_kernel(
            path, lambda h5py, f: f.__setitem__(KERNEL, h5py.ExternalLink("other.h5", "/kernel"))
        ),
        "refers to another place",
    ),
    "a soft link": (
        lambda path: replace_kernel(
            path, lambda h5py, f: f.__setitem__(KERNEL, h5py.SoftLink("/model_weights"))
        ),
        "refers to another place",
    ),
    "an endless group": (
        lambda path: replace_kernel(
            path, lambda h5py, f: f.__setitem__(KERNEL, f[f"{LAYERS}/{FIRST}"])
        ),
        "holds something else than an array|weights of another kind|holds NaN",
    ),
    "probabilities": (lambda path: add_layer(path, "vxm_dense_log_sigma"), "distribution"),
    "probabilities, said": (configured(use_probs=True), "distribution"),
    "a hypernetwork": (configured(hyp_model={"class_name": "Functional"}), "hypernetwork"),
    "a third of the resolution": (configured(int_resolution=3), "1/3 of the image's resolution"),
    "part of a step": (configured(int_steps=6.5), "int_steps = 6.5"),
    "no integration": (configured(int_steps=0), "0 steps"),
    "endless integration": (configured(int_steps=10**6), "1000000 steps"),
    "another resolution than its weights": (configured(svf_resolution=1), "by its weights 1/2"),
    "integration too fine": (configured(int_resolution=1), "finer resolution"),
    "no JSON": (with_config("{"), "is damaged"),
    "JSON without end": (with_config("[" * 50_000), "is damaged"),
    "another description": (with_config("[1]"), "describes no model"),
    "numbers for a description": (with_config(np.zeros(3)), "not a text"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_other_files_are_refused_and_nothing_is_written(saved: Path, what: str) -> None:
    change, message = REFUSED[what]
    change(saved)
    target = saved.with_suffix(".safetensors")
    with pytest.raises(ModelError, match=message) as caught:
        convert_vxm_dense(saved, target)
    assert str(saved) in caught.value.problem and caught.value.remedy
    assert not target.exists()


def test_without_h5py_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ModelError, match="pip install h5py"):
        convert_vxm_dense(KERAS / "vxm_dense_keras.h5", tmp_path / "converted")


def test_a_file_that_was_converted_elsewhere_is_taken_without_h5py(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = write_random_weights(tmp_path / "published name.h5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    convert_vxm_dense(elsewhere, tmp_path / "converted")
    assert (tmp_path / "converted").read_bytes() == elsewhere.read_bytes()


def test_a_missing_file_is_named(h5py: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.h5 does not exist"):
        convert_vxm_dense(tmp_path / "nowhere.h5", tmp_path / "converted")


# -- by a manifest --------------------------------------------------------------------------------

SEEN = {"spacing_mm": 2.0, "orientation": "RAS", "array_order": "ijk"}


def test_ones_own_file_answers_as_keras_did_with_the_axes_that_its_manifest_says(
    saved: Path,
) -> None:
    model = load_model(str(write_beside(saved, "keras", input=SEEN)))
    images = np.random.default_rng(0).random((2, 16, 32, 48), "float32")
    # Keras's axes taken for i, j, k: the contract's arrays are turned around
    moving, fixed = (torch.from_numpy(a.T.copy())[None, None] for a in images)
    with torch.inference_mode():
        phi = model.predict(moving, fixed)[0].numpy()
    with np.load(KERAS / "vxm_dense_keras.npz") as keras:
        voxels, expected = keras["voxels"].astype(int), keras["field"]
    i, j, k = voxels.T
    assert np.abs(phi[:, k, j, i].T - voxels - expected).max() < 1e-4
    assert model.weights is not None and model.weights.path == saved


def test_a_manifest_of_a_keras_file_says_no_architecture_and_fitting_sizes(saved: Path) -> None:
    manifest = write_beside(saved, "keras", input=SEEN, architecture={"squaring_steps": 7})
    with pytest.raises(ModelError, match="the file says what network it is"):
        load_model(str(manifest))
    manifest = write_beside(saved, "keras", input={**SEEN, "multiple": 24})
    with pytest.raises(ModelError, match="halves its images 4 times"):
        load_model(str(manifest))


# -- the network of 2018 --------------------------------------------------------------------------


def write_2018(h5py: Any, path: Path, **changed: Any) -> Path:
    """Write what Keras saves of such a network with two levels, weights at random."""
    channels = ((2, 3), (3, 4), (4, 4), (4 + 3, 4), (4, 3))
    shapes = {f"conv3d_{n}": pair for n, pair in enumerate(channels, 11)}  # the last two not 1, 2
    shapes |= {"flow": (3, 3), "log_sigma": (3, 3)} | changed.pop("shapes", {})
    random = np.random.default_rng(0)
    layers = [
        {"class_name": "Conv3D", "name": name, "config": {"strides": [2 if n < 2 else 1] * 3}}
        for n, name in enumerate(shapes)
    ]
    layers.append({"class_name": changed.pop("integration", "VecInt"), "name": "x", "config": {}})
    layers[1]["config"]["strides"] = changed.pop("strides", [2, 2, 2])
    with h5py.File(path, "w") as file:
        for name, (inputs, outputs) in shapes.items():
            group = file.create_group(f"{LAYERS}/{name}/{name}")
            group["kernel:0"] = random.normal(size=(3, 3, 3, inputs, outputs)).astype("f4")
            group["bias:0"] = random.normal(size=outputs).astype("f4")
        file.attrs["model_config"] = json.dumps({"config": {"layers": layers}})
    return path


def test_the_layers_of_2018_are_taken_in_the_order_of_their_numbers(
    h5py: Any, tmp_path: Path
) -> None:
    network = read_keras(write_2018(h5py, tmp_path / "old.h5"))
    assert isinstance(network, Vxm2018Network)
    assert network.architecture.encoder == (3, 4) and network.architecture.decoder == (4, 4, 3)
    with h5py.File(tmp_path / "old.h5") as file:
        kernel = file[f"{LAYERS}/conv3d_14/conv3d_14/kernel:0"][()]
    found = network.decoder[1].weight.detach().numpy()
    assert np.array_equal(found, kernel.transpose(4, 3, 0, 1, 2))
    with torch.inference_mode():
        assert network(*torch.rand((2, 1, 1, 8, 12, 16))).shape == (1, 3, 8, 12, 16)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"shapes": {"conv3d_14": (4, 4)}}, "shapes of its weights"),
        ({"shapes": {"conv3d_16": (3, 3)}}, "do not belong together|stride"),
        ({"strides": [1, 1, 1]}, "stride of"),
        ({"integration": "Add"}, "does not integrate"),
    ],
    ids=["a skip without features", "a layer more", "another stride", "no integration"],
)
def test_what_is_no_network_of_2018_is_refused(
    h5py: Any, tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        read_keras(write_2018(h5py, tmp_path / "old.h5", **changed))


def test_the_network_of_2018_is_no_synthmorph(h5py: Any, tmp_path: Path) -> None:
    target = tmp_path / "converted"
    with pytest.raises(ModelError, match="of 2018, and no SynthMorph"):
        convert_vxm_dense(write_2018(h5py, tmp_path / "old.h5"), target)
    assert not target.exists()


def test_a_head_is_brought_to_where_the_publisher_of_its_network_brought_it(h5py: Any) -> None:
    """All but what the publisher's code draws at random, each time anew."""
    network = read_keras(reference_file("head-ct/sCROMIS2ICH_2mm_128vx.h5")).eval()
    names = ("test_vol_01006_2mm", "JohnHopkins_CQ500_template_2.0mm_norm")
    files = [reference_file(f"head-ct/{n}.nii.gz") for n in (*names, f"{names[0]}_registered")]
    # its arrays are nibabel's, whatever the headers say
    moving, fixed, published = (
        read_image(path)[0].intensities.permute(2, 1, 0)[None, None].contiguous() for path in files
    )
    moving = moving.clamp(0, 100)
    moving = moving / moving.max()
    with torch.inference_mode():
        warped = sample_displaced(moving, network(moving, fixed))
    before, after = (
        float(np.corrcoef(image.ravel(), published.ravel())[0, 1]) for image in (moving, warped)
    )
    assert before < 0.75 and after > 0.999
    assert float((warped - published).abs().mean()) < 0.001


# -- a file that somebody else wrote -------------------------------------------------------------


def test_a_file_of_voxelmorphs_publisher_is_converted_and_registers_two_people(
    tmp_path: Path,
) -> None:
    """Trained on T1 brains of 160 x 192 x 224 voxels to bring intensities together."""
    pytest.importorskip("h5py", reason="NOT TESTED: h5py is not installed")
    target = tmp_path / "converted.safetensors"
    convert_vxm_dense(reference_file("brain-networks/vxm_dense_brain_T1_3D_mse.h5"), target)
    tensors, architecture = read_described(target, VxmDenseArchitecture, "")
    assert architecture == VxmDenseArchitecture(
        encoder=((16,), (32,), (32,), (32,)),
        decoder=((32,), (32,), (32,), (32,)),
        final=(32, 16, 16),
        velocity_factor=2,
        integration_factor=2,
        squaring_steps=7,
    )
    network = VxmDenseNetwork(architecture).eval()
    load_strictly(network, tensors, target)
    seen = PAIRS["clapirn-lite"]  # trained on the same images, in the same frame
    fixed, moving = (read_image(path)[0] for path in seen.images())
    initial = Stored.read(STORED / "clapirn-lite.npz").initial
    pair = seen.model({"spacing": "2"}).prepare(fixed, moving, initial)
    # the publisher's first axis is the contract's last
    images = [image.transpose(2, 4).contiguous() for image in (pair.moving, pair.fixed)]
    with torch.inference_mode():
        field = network(*images)
        warped = sample_displaced(images[0], field)
    brain = images[1] > 0.1
    before, after = (
        float(((image - images[1])[brain] ** 2).mean()) for image in (images[0], warped)
    )
    print(f"mean squared difference in the brain: {before:.4f} before, {after:.4f} after")
    assert after < 0.6 * before
