"""What networks with a known architecture and a checkpoint of one's own have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from ...errors import ModelError
from ...geometry import Image, Matrix
from ..contract import NO_OPTIONS, PreparedPair
from ..manifest import FORWARD, InputSpec, Manifest, OutputSpec, PassedAs, Quantity, Unit
from .conventions import InVoxels
from .manifest_files import verified
from .manifest_lattice import prepare_as_specified
from .network_model import NetworkModel


class OwnCheckpoint(NetworkModel):
    """A network that this software builds, with weights that a manifest names.

    Component n of its displacement, in voxels, runs along axis n of its arrays.

    Parameters
    ----------
    manifest
        Of this network's kind, with the section `input`.

    Raises
    ------
    ModelError
        If the manifest contradicts itself, or the weights are missing, damaged, or another
        network's.
    """

    def __init__(self, manifest: Manifest, options: Mapping[str, str] = NO_OPTIONS) -> None:
        if manifest.input is None:
            raise ValueError("The manifest has no section 'input'.")
        weights = verified(manifest)
        try:
            architecture = self.architecture_of(manifest.architecture, weights.path)
        except ValueError as error:
            raise ModelError(f"The manifest {manifest.path}: 'architecture': {error}") from error
        self.input = self.fitting(manifest.input, architecture, manifest.path)
        answer = OutputSpec(Quantity.DISPLACEMENT, Unit.VOXEL, self.input.array_order, FORWARD)
        network = self.read(architecture, weights.path)
        passed = replace(self.input, passed_as=PassedAs.ARGUMENTS)
        converted = InVoxels(network, passed, answer)
        super().__init__(converted, manifest.description(), weights, options)

    @staticmethod
    @abstractmethod
    def architecture_of(section: Mapping[str, Any], weights: Path, /) -> Any:
        """Return the architecture of a manifest's section, or of its file; ValueError if none."""

    @staticmethod
    @abstractmethod
    def fitting(spec: InputSpec, architecture: Any, path: Path) -> InputSpec:
        """Return the section `input` of the manifest at a path, with sizes that the network takes.

        Raises
        ------
        ModelError
            If it has others.
        """

    @staticmethod
    @abstractmethod
    def read(architecture: Any, weights: Path, /) -> nn.Module:
        """Return the network with its weights; ModelError if they are another's."""

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        """Prepare as the manifest's input section says; see `RegistrationModel.prepare`."""
        return prepare_as_specified(self.input, fixed, moving, initial)


def in_multiples(spec: InputSpec, multiple: int, path: Path) -> InputSpec:
    """Return a section with sizes that a network can halve until `multiple` voxels are one.

    Raises
    ------
    ModelError
        If the manifest at a path gives others.
    """
    halvings = multiple.bit_length() - 1
    if spec.shape is not None:
        if any(n % multiple for n in spec.shape):
            raise ModelError(
                f"The manifest {path}: 'input.shape' is {list(spec.shape)}, but the network halves "
                f"its images {halvings} times.",
                f"Give multiples of {multiple}.",
            )
        return spec
    if spec.multiple == 1:
        return replace(spec, multiple=multiple)
    if spec.multiple % multiple:
        raise ModelError(
            f"The manifest {path}: 'input.multiple' is {spec.multiple}, but the network halves its "
            f"images {halvings} times.",
            f"Leave it out, or give a multiple of {multiple}.",
        )
    return spec
