"""The bundled network behind the contract: weights and architecture come from one file."""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelError
from ..geometry import Image, Matrix
from .common_lattice import anatomical_lattice, prepare_on_common_lattice
from .contract import PreparedPair
from .descriptions import PYRAMID_FLOW as DESCRIPTION
from .descriptions import bundled_weights
from .network_model import NetworkModel
from .pyramid_flow_network import PyramidFlowArchitecture, PyramidFlowNetwork
from .safetensors_io import read_safetensors
from .weights import identify, load_strictly

#: Fewest voxels of field of view along an axis: one voxel of the coarsest level.
_LEAST_VOXELS = 16


class PyramidFlow(NetworkModel):
    """The bundled network.

    Parameters
    ----------
    weights
        A safetensors file whose metadata hold the architecture; None takes the bundled one.

    Raises
    ------
    ModelError
        If the file is missing, damaged or another network's.
    """

    def __init__(self, weights: Path | None = None) -> None:
        path = weights or bundled_weights()
        try:
            tensors, metadata = read_safetensors(path)
            architecture = PyramidFlowArchitecture.from_json(metadata["architecture"])
        except FileNotFoundError as error:
            raise ModelError(f"The weights file {path} does not exist.", "Check the path.") from (
                error
            )
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"The weights file {path} cannot be used: {error}",
                "Install the extension again, or give another file.",
            ) from error
        network = PyramidFlowNetwork(architecture)
        load_strictly(network, {k: v.float() for k, v in tensors.items()}, path)
        super().__init__(network, DESCRIPTION, identify(path, DESCRIPTION))
        self._multiple = architecture.shape_multiple

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Resample both images onto a 2 mm lattice over the fixed image's field of view."""
        lattice = anatomical_lattice(
            fixed, DESCRIPTION.spacing_mm, self._multiple, minimum=_LEAST_VOXELS
        )
        return prepare_on_common_lattice(fixed, moving, initial, lattice)
