"""MultiPropReg's published archive, a state dict in a zip file, into safetensors."""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from pathlib import Path

from ...errors import ModelError
from ...geometry import sha256
from ..networks.multipropreg import MultiPropRegNetwork
from .safetensors_io import write_safetensors
from .state_dicts import load_strictly, read_state_dict

#: The published checkpoints unpack to 71 MB, of which all but one are grids of voxel indices.
_MOST_BYTES = 100_000_000

_AGAIN = "Give the zip file that its publisher offers."


def convert_multipropreg(source: Path, target: Path) -> None:
    """Keep what belongs to the network; its pickle is read as data alone.

    Parameters
    ----------
    source
        The zip file, which holds one checkpoint.
    target
        Where the safetensors file is written.

    Raises
    ------
    ModelError
        If it is missing, damaged, holds more than one file or more than such a checkpoint takes,
        or another network's weights; nothing is written then.
    """
    with tempfile.TemporaryDirectory(prefix="ttauncertainty-weights-") as folder:
        checkpoint = Path(folder) / "checkpoint.ckpt"
        try:
            with zipfile.ZipFile(source) as archive:
                (member,) = archive.infolist()
                # what the table of contents says is not trusted: no more is unpacked than this
                with archive.open(member) as packed:
                    content = packed.read(_MOST_BYTES + 1)
        except (
            OSError,
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            ValueError,
            RuntimeError,
        ) as error:
            raise ModelError(
                f"The weights file {source} is no zip file with one checkpoint in it ({error}).",
                _AGAIN,
            ) from error
        if len(content) > _MOST_BYTES:
            raise ModelError(
                f"{source} unpacks to more than {_MOST_BYTES / 1e6:.0f} MB.",
                "It may be a bomb that fills the disk: do not use it.",
            )
        checkpoint.write_bytes(content)
        state = read_state_dict(checkpoint)
    network = MultiPropRegNetwork()
    wanted = network.state_dict().keys()
    # layers are there under two names, beside grids and what only its training needs
    tensors = {name: tensor for name, tensor in state.items() if name in wanted}
    load_strictly(network, tensors, source)
    write_safetensors(target, tensors, {"converted_from_sha256": sha256(source)})
