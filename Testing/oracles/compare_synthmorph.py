"""Compare the restated VxmDense network and its converter with VoxelMorph's Keras original.

Run it with the Python of an environment that holds `requirements-synthmorph.txt`; it prints the
largest difference of the displacement fields, in voxels, and fails above 1e-4. With a folder as its
argument it writes there what the tests know of Keras: a small model as Keras saves it, and some of
the field that it answers.
"""

from __future__ import annotations

import inspect
import os
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.update(
    VXM_BACKEND="tensorflow",
    NEURITE_BACKEND="tensorflow",
    TF_CPP_MIN_LOG_LEVEL="3",
    CUDA_VISIBLE_DEVICES="-1",
)
# neurite 0.2 asks for a function that Python 3.11 no longer has
_Specification = namedtuple("_Specification", "args varargs keywords defaults")
inspect.getargspec = lambda function: _Specification(*inspect.getfullargspec(function)[:4])

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import torch  # noqa: E402
import voxelmorph as vxm  # noqa: E402

from TTAUncertaintyLib.models.networks.vxm_dense import (  # noqa: E402
    VxmDenseArchitecture,
    VxmDenseNetwork,
)
from TTAUncertaintyLib.models.weights.described import architecture_from_text  # noqa: E402
from TTAUncertaintyLib.models.weights.keras_h5 import convert_vxm_dense  # noqa: E402
from TTAUncertaintyLib.models.weights.safetensors_io import read_safetensors  # noqa: E402

BOUND_VOXELS = 1e-4
LARGEST_DISPLACEMENT = 6.0

SMALL = [[8, 9, 10, 11], [12, 13, 14, 15, 7, 6]]
PUBLISHED = [[256] * 4, [256] * 6]

#: Name, shape of the images, arguments of VxmDense, and whether weights alone are saved.
CASES = [
    ("as published, 256 features", (16, 32, 48), {"nb_unet_features": PUBLISHED}, False),
    ("its older arguments", (32, 32, 48), {"unet_half_res": True, "int_downsize": 2}, False),
    ("weights alone", (48, 32, 16), {}, True),
    ("rectangular, odd multiples of 16", (48, 16, 80), {}, False),
    ("velocity at full resolution", (32, 48, 16), {"svf_resolution": 1}, False),
    ("no coarser lattice", (16, 48, 32), {"svf_resolution": 1, "int_resolution": 1}, False),
    ("integration at a quarter", (32, 16, 48), {"int_resolution": 4}, False),
    ("velocity at a quarter", (32, 48, 64), {"svf_resolution": 4, "int_resolution": 4}, False),
    ("five steps, both directions", (16, 32, 48), {"int_steps": 5, "bidir": True}, False),
    (
        "two convolutions a level, three levels",
        (24, 40, 16),
        {
            "nb_unet_features": 6,
            "nb_unet_levels": 4,
            "unet_feat_mult": 1.5,
            "nb_unet_conv_per_level": 2,
        },
        False,
    ),
]


def original(shape: tuple[int, int, int], arguments: dict, seed: int) -> vxm.networks.VxmDense:
    """Build the Keras network with random weights whose fields reach some voxels."""
    defaults = {"nb_unet_features": SMALL, "svf_resolution": 2, "int_resolution": 2}
    if "unet_half_res" in arguments:
        defaults = {"nb_unet_features": SMALL}
    tf.keras.utils.set_random_seed(seed)
    model = vxm.networks.VxmDense(shape, **{**defaults, **arguments})
    generator = np.random.default_rng(seed)
    for layer in model.layers:
        if layer.name == "vxm_dense_flow":
            kernel, bias = layer.get_weights()
            kernel = generator.normal(size=kernel.shape).astype("float32")
            layer.set_weights([kernel, generator.normal(size=bias.shape).astype("float32") * 0.1])
        elif "conv" in layer.name and layer.get_weights():
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, generator.normal(size=bias.shape).astype("float32") * 0.1])
    return model


def scaled(model: vxm.networks.VxmDense, images: list[np.ndarray]) -> np.ndarray:
    """Scale the last weights until the largest displacement is some voxels; return the field."""
    flow = model.get_layer("vxm_dense_flow")
    register = model.get_registration_model()
    for _ in range(4):
        factor = LARGEST_DISPLACEMENT / float(np.abs(register.predict(images, verbose=0)).max())
        flow.set_weights([weight * factor for weight in flow.get_weights()])
    return register.predict(images, verbose=0)


def difference(name: str, shape: tuple, arguments: dict, weights_alone: bool, seed: int) -> float:
    """Return the largest difference between the two fields, voxels."""
    model = original(shape, arguments, seed)
    generator = np.random.default_rng(seed + 100)
    images = [generator.random((1, *shape, 1), dtype="float32") for _ in range(2)]
    expected = scaled(model, images)[0]
    with tempfile.TemporaryDirectory(dir=Path(sys.prefix)) as folder:
        saved, converted = Path(folder) / "saved.h5", Path(folder) / "converted.safetensors"
        if weights_alone:
            model.save_weights(saved)
        else:
            model.save(saved)
        convert_vxm_dense(saved, converted)
        tensors, about = read_safetensors(converted)
    network = VxmDenseNetwork(
        architecture_from_text(VxmDenseArchitecture, about["architecture"])
    ).eval()
    network.load_state_dict(tensors)
    with torch.inference_mode():
        moving, fixed = (torch.from_numpy(image[..., 0])[None] for image in images)
        field = network(moving, fixed)[0].flip(0).movedim(0, -1).numpy()
    result = float(np.abs(field - expected).max())
    largest = np.abs(expected).max()
    print(f"{name:40s} {shape!s:14s} field {largest:4.2f}, difference {result:.1e}", flush=True)
    return result


def write_sample(folder: Path) -> None:
    """Write a small model and its field at some voxels, for the tests.

    The images are `numpy.random.default_rng(0).random((2, 16, 32, 48), "float32")`, moving first,
    in Keras's order of the axes.
    """
    shape, voxels = (16, 32, 48), np.random.default_rng(1).integers(0, (16, 32, 48), (300, 3))
    model = original(shape, {"nb_unet_features": [[3, 4, 5, 6], [6, 5, 4, 3, 3, 2]]}, seed=0)
    images = np.random.default_rng(0).random((2, *shape), "float32")
    field = scaled(model, [image[None, ..., None] for image in images])[0]
    model.save(folder / "vxm_dense_keras.h5", include_optimizer=False)
    np.savez_compressed(
        folder / "vxm_dense_keras.npz", voxels=voxels.astype("uint8"), field=field[tuple(voxels.T)]
    )


def main() -> int:
    """Compare all cases; return 1 if one is beyond the bound."""
    if len(sys.argv) > 1:
        write_sample(Path(sys.argv[1]))
        return 0
    worst = max(difference(*case, seed=seed) for seed, case in enumerate(CASES))
    print(f"SynthMorph: largest difference {worst:.1e} voxel (bound {BOUND_VOXELS:.0e})")
    return int(worst > BOUND_VOXELS)


if __name__ == "__main__":
    sys.exit(main())
