"""Read what VoxelMorph's Keras code saved (.h5), and turn SynthMorph's weights into safetensors.

It needs the package h5py. An .h5 file is a file that people download, and HDF5 can do more than
hold arrays: refer to other files, name plug-ins to unpack with, claim sizes that it does not have.
Only plain arrays inside the file itself are read, and never more of them than the file is long.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from ...errors import ModelError
from ...geometry import sha256
from ...strict_json import parse_json
from ..networks.vxm_2018 import Vxm2018Architecture, Vxm2018Network
from ..networks.vxm_dense import VxmDenseArchitecture, VxmDenseNetwork
from .described import ARCHITECTURE, architecture_to_text
from .safetensors_io import read_safetensors, write_safetensors
from .state_dicts import load_strictly

#: Longest description of a model that is read, bytes.
_LONGEST_CONFIG = 1 << 20

_CONVOLUTION = re.compile(
    r"(?P<prefix>\w+)_(?:unet_(?:(?P<arm>enc|dec)_conv_(?P<level>\d{1,2})_(?P<index>\d{1,2})"
    r"|dec_final_conv_(?P<final>\d{1,2}))|(?P<flow>flow))"
)
#: The code of 2018 named two layers, and let Keras number the others.
_CONVOLUTION_2018 = re.compile(r"conv3d_(?P<number>\d{1,4})|(?P<flow>flow)|(?P<spread>log_sigma)")


class _NotUsable(Exception):  # noqa: N818  (what is wrong with the file, told by its one catcher)
    """The message continues a sentence about the file."""


def convert_vxm_dense(source: Path, target: Path) -> None:
    """Convert a `VxmDense` model, SynthMorph's for example, that Keras saved.

    Parameters
    ----------
    source
        The .h5 file: a whole model, or its weights alone. Layers are recognised by the names that
        VoxelMorph gives them. The architecture follows from the shapes of the weights and, where
        the file has it, from the model's configuration; a file without takes what SynthMorph was
        published with: integration at half the image's resolution in 7 steps. Or a file that was
        converted elsewhere, which is copied; loading it will check it.
    target
        Where the safetensors file is written: float32, names and metadata ("architecture") as
        `VxmDenseNetwork` and `VxmDenseArchitecture` have them, and where it came from.

    Raises
    ------
    ModelError
        If h5py is missing, or the file is damaged, another network's, or of a kind of VxmDense
        that this program does not compute; nothing is written then.
    """
    if not source.is_file():
        raise ModelError(f"The weights file {source} does not exist.", "Check the path.")
    if _is_converted(source):
        shutil.copyfile(source, target)
        return
    tensors, architecture = _read(source)
    if isinstance(architecture, Vxm2018Architecture):
        raise ModelError(
            f"The weights file {source} is of VoxelMorph's network of 2018, and no SynthMorph.",
            "Use it as a model of your own, by a manifest of the kind 'keras'.",
        )
    about = {
        ARCHITECTURE: architecture_to_text(architecture),
        "converted_from": source.name,
        "converted_from_sha256": sha256(source),
    }
    write_safetensors(target, tensors, about)


def read_keras(source: Path) -> VxmDenseNetwork | Vxm2018Network:
    """Return the network that VoxelMorph's Keras code saved, with its weights.

    Parameters
    ----------
    source
        As for `convert_vxm_dense`, or the network of 2018 (`miccai2018_net`), whose layers are
        taken in the order of their numbers.

    Raises
    ------
    ModelError
        As `convert_vxm_dense`.
    """
    tensors, architecture = _read(source)
    network: VxmDenseNetwork | Vxm2018Network
    if isinstance(architecture, Vxm2018Architecture):
        network = Vxm2018Network(architecture)
    else:
        network = VxmDenseNetwork(architecture)
    load_strictly(network, tensors, source)
    return network


_Read = tuple[dict[str, Tensor], VxmDenseArchitecture | Vxm2018Architecture]


def _read(source: Path) -> _Read:
    """Return tensors by the names of their network, and its architecture."""
    h5py = _h5py()
    try:
        with h5py.File(source, "r") as file:
            root = _child(h5py, file, "model_weights") if "model_weights" in file else file
            of_2018 = "log_sigma" in root
            names = _CONVOLUTION_2018 if of_2018 else _CONVOLUTION
            layers = dict(_layers(h5py, root, names, source.stat().st_size))
            config = _configuration(file)
        return _network_of_2018(layers, config) if of_2018 else _network_of(layers, config)
    except _NotUsable as error:
        raise ModelError(
            f"The weights file {source} cannot be used: {error}",
            "Give the .h5 file of a VoxelMorph or SynthMorph network as its publisher offers it.",
        ) from error
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, RecursionError) as error:
        # what h5py raises for damaged files is of all these types
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"The weights file {source} is damaged or is no HDF5 file ({reason}).",
            "Download it again from its publisher.",
        ) from error


def _is_converted(source: Path) -> bool:
    try:
        _, about = read_safetensors(source)
    except (OSError, ValueError):
        return False
    return ARCHITECTURE in about


def _h5py() -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise ModelError(
            "Weights in Keras's format (.h5) have to be converted, which needs the Python package "
            "h5py.",
            "Install it (pip install h5py), or install a file that was converted elsewhere "
            "(.safetensors).",
        ) from error
    module: ModuleType = h5py
    return module


# -- what is in the file --------------------------------------------------------------------------


def _layers(
    h5py: ModuleType, root: Any, names: re.Pattern[str], size: int
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield the name of every layer of the network with its weights, "kernel" and "bias"."""
    read = 0
    for name in root:
        match = names.fullmatch(name)
        if match is None:
            if re.fullmatch(r"\w+_log_sigma", name):
                raise _NotUsable("it predicts a distribution of fields and draws from it.")
            continue
        found: dict[str, Tensor] = {}
        for path, dataset in _datasets(h5py, _child(h5py, root, name), name):
            kind = path.rsplit("/", 1)[-1].removesuffix(":0")
            if kind not in ("kernel", "bias") or kind in found:
                raise _NotUsable(f"its layer {name} has weights of another kind ({path}).")
            read += _check_plain(dataset, path)
            if read > size:
                raise _NotUsable("it claims to hold more than its own size.")
            found[kind] = torch.from_numpy(dataset[()].astype("float32"))
            if not torch.isfinite(found[kind]).all():
                raise _NotUsable(f"it holds NaN or infinite values ({path}).")
        if found and set(found) != {"kernel", "bias"}:
            raise _NotUsable(f"its layer {name} has no kernel or no bias.")
        if found:  # layers without weights, such as one that negates the flow, are there as well
            yield name, found


def _child(h5py: ModuleType, group: Any, name: str) -> Any:
    """Return a member of a group that lies in this very file."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise _NotUsable(f"it refers to another place for {name}.")
    return group[name]


def _datasets(h5py: ModuleType, item: Any, path: str, depth: int = 3) -> Iterator[tuple[str, Any]]:
    """Yield the arrays below a layer's group, Keras nests them at most this deep."""
    if isinstance(item, h5py.Dataset):
        yield path, item
    elif isinstance(item, h5py.Group) and depth > 0:
        if len(item) > 8:
            raise _NotUsable(f"its layer {path} holds too much.")
        for name in item:
            yield from _datasets(h5py, _child(h5py, item, name), f"{path}/{name}", depth - 1)
    else:
        raise _NotUsable(f"it holds something else than an array at {path}.")


def _check_plain(dataset: Any, path: str) -> int:
    """Refuse arrays that are not stored in full, as they are, in this file; return their bytes."""
    bytes_claimed = int(dataset.size or 0) * dataset.dtype.itemsize
    if (
        dataset.dtype.kind != "f"
        or dataset.chunks is not None
        or dataset.is_virtual
        or dataset.external
        or dataset.id.get_storage_size() != bytes_claimed
    ):
        raise _NotUsable(f"{path} is not a plain array of numbers.")
    return bytes_claimed


def _configuration(file: Any) -> dict[str, Any]:
    """Return the constructor arguments that Keras kept with the model; empty if it kept none."""
    if "model_config" not in file.attrs:
        return {}
    attribute = file.attrs.get_id("model_config")
    if attribute.shape != () or attribute.get_storage_size() > _LONGEST_CONFIG:
        raise _NotUsable("its configuration is not a text.")
    text = file.attrs["model_config"]
    if not isinstance(text, str | bytes) or len(text) > _LONGEST_CONFIG:
        raise _NotUsable("its configuration is not a text.")
    found = parse_json(text)
    config = found.get("config") if isinstance(found, dict) else None
    if not isinstance(config, dict):
        raise _NotUsable("its configuration describes no model.")
    return config


# -- what it means --------------------------------------------------------------------------------


def _network_of(layers: dict[str, dict[str, Tensor]], config: dict[str, Any]) -> _Read:
    """Return the tensors by the names of `VxmDenseNetwork`, and its architecture."""
    if len({_matched(name)["prefix"] for name in layers}) != 1:
        raise _NotUsable("it does not hold the layers of exactly one VxmDense network.")
    tensors: dict[str, Tensor] = {}
    channels: dict[tuple[str, int, int], int] = {}
    for name, weights in layers.items():
        place, key = _place(name)
        channels[key] = len(weights["bias"])
        if weights["kernel"].ndim != 5:
            raise _NotUsable(f"its layer {name} does not convolve volumes.")
        _add(tensors, place, weights)
    architecture = _architecture(tensors, channels, config)
    return tensors, architecture


def _network_of_2018(layers: dict[str, dict[str, Tensor]], config: dict[str, Any]) -> _Read:
    """Return the tensors by the names of `Vxm2018Network`, and its architecture."""
    strides, kinds = {}, set()
    for layer in config.get("layers", ()):
        kinds.add(layer["class_name"])
        strides[layer["name"]] = layer["config"].get("strides")
    if kinds and "VecInt" not in kinds:
        raise _NotUsable("it does not integrate a velocity by scaling and squaring.")
    numbered = sorted((n for n in layers if n.startswith("conv3d_")), key=lambda n: int(n[7:]))
    half = len(numbered) // 2  # of n + (n + 1)
    tensors: dict[str, Tensor] = {}
    for place, name in enumerate([*numbered, "flow"]):
        if name not in layers or layers[name]["kernel"].ndim != 5:
            raise _NotUsable("it does not hold the layers of exactly one network of 2018.")
        if strides and strides[name] != [2 if place < half else 1] * 3:
            raise _NotUsable(f"its layer {name} has a stride of {strides[name]}.")
        arm = f"encoder.{place}" if place < half else f"decoder.{place - half}"
        _add(tensors, "velocity" if name == "flow" else arm, layers[name])
    channels = tuple(len(layers[name]["bias"]) for name in numbered)
    try:
        architecture = Vxm2018Architecture(channels[:half], channels[half:])
    except ValueError as error:
        raise _NotUsable(str(error)) from error
    with torch.device("meta"):
        wanted = Vxm2018Network(architecture).state_dict()
    if {name: t.shape for name, t in tensors.items()} != {n: t.shape for n, t in wanted.items()}:
        raise _NotUsable("the shapes of its weights are not those of VoxelMorph's network of 2018.")
    return tensors, architecture


def _add(tensors: dict[str, Tensor], place: str, weights: dict[str, Tensor]) -> None:
    """Add a layer of Keras, whose kernel is [x, y, z, in, out], as torch has it."""
    tensors[f"{place}.weight"] = weights["kernel"].permute(4, 3, 0, 1, 2).contiguous()
    tensors[f"{place}.bias"] = weights["bias"]


def _matched(name: str) -> re.Match[str]:
    match = _CONVOLUTION.fullmatch(name)
    assert match is not None
    return match


def _place(name: str) -> tuple[str, tuple[str, int, int]]:
    """Return where a layer goes, and (arm, level, index) of it."""
    match = _matched(name)
    if match["flow"]:
        return "velocity", ("velocity", 0, 0)
    if match["final"]:
        return f"final.{int(match['final'])}", ("final", 0, int(match["final"]))
    arm = "encoder" if match["arm"] == "enc" else "decoder"
    level, index = int(match["level"]), int(match["index"])
    return f"{arm}.{level}.{index}", (arm, level, index)


def _architecture(
    tensors: dict[str, Tensor], channels: dict[tuple[str, int, int], int], config: dict[str, Any]
) -> VxmDenseArchitecture:
    """Find the architecture whose tensors have exactly these names and shapes."""
    if config.get("hyp_model") is not None:
        raise _NotUsable("its weights come from a hypernetwork.")
    if config.get("use_probs"):
        raise _NotUsable("it predicts a distribution of fields and draws from it.")
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    # older versions of VoxelMorph say "int_downsize", and newer ones keep it as None
    integration = _whole(config, "int_downsize", _whole(config, "int_resolution", 2))
    steps = _whole(config, "int_steps", 7)
    encoder, decoder = _arm(channels, "encoder"), _arm(channels, "decoder")
    for skipped in range(len(encoder)):
        velocity = 2**skipped
        try:
            architecture = VxmDenseArchitecture(
                encoder=encoder,
                decoder=decoder,
                final=(_arm(channels, "final") or ((),))[0],
                velocity_factor=velocity,
                integration_factor=max(integration, velocity),
                squaring_steps=steps,
            )
        except ValueError as error:
            raise _NotUsable(str(error)) from error
        with torch.device("meta"):
            wanted = VxmDenseNetwork(architecture).state_dict()
        if found == {name: tuple(tensor.shape) for name, tensor in wanted.items()}:
            _check_resolutions(config, velocity, integration)
            return architecture
    raise _NotUsable(
        "the names and shapes of its weights are not those of a network that registers two images "
        "of one channel and answers with a velocity at their resolution or an even part of it."
    )


def _arm(channels: dict[tuple[str, int, int], int], arm: str) -> tuple[tuple[int, ...], ...]:
    """Return the output channels by level and convolution; gaps show as missing tensors later."""
    levels = sorted({level for name, level, _ in channels if name == arm})
    return tuple(
        tuple(channels[key] for key in sorted(channels) if key[:2] == (arm, level))
        for level in levels
    )


def _check_resolutions(config: dict[str, Any], velocity: int, integration: int) -> None:
    """Refuse a configuration that contradicts the weights, or itself."""
    said = 2 if config.get("unet_half_res") else _whole(config, "svf_resolution", velocity)
    if said != velocity:
        raise _NotUsable(
            f"by its configuration the velocity has 1/{said} of the image's resolution, by its "
            f"weights 1/{velocity}."
        )
    if integration < velocity:
        raise _NotUsable("it integrates at a finer resolution than it predicts.")


def _whole(config: dict[str, Any], name: str, default: int) -> int:
    """Return a whole number of the configuration; the default where it says nothing."""
    value = config.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise _NotUsable(f"its configuration has {name} = {value!r}.")
    return int(value)
