"""Stand-in registration models whose right answers are known exactly.

The contract gives a model two tensors and nothing else; some stand-ins have to know more than a
network can: which perturbation is being made. `tell` opens that seam.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from TTAUncertaintyLib.engine import Engine
from TTAUncertaintyLib.geometry import Image, Lattice, Matrix, affine_map
from TTAUncertaintyLib.models.adapters.common_lattice import prepare_on_common_lattice
from TTAUncertaintyLib.models.adapters.network_model import NetworkModel
from TTAUncertaintyLib.models.contract import ModelDescription, PreparedPair, WeightsFile
from TTAUncertaintyLib.perturbations import Action, Draws
from TTAUncertaintyLib.perturbations.actions import AffineAction

from .images import waves

DESCRIPTION = ModelDescription(
    name="stand-in",
    title="A stand-in for tests",
    purpose="Tests.",
    licence="Apache-2.0",
    citation="",
    spacing_mm=2.0,
    expects_affine_alignment=False,
)


class StandIn:
    """A model without weights; subclasses say what it predicts."""

    description = DESCRIPTION
    weights: WeightsFile | None = None
    options: ClassVar[dict[str, str]] = {}
    has_dropout = False

    def __init__(self) -> None:
        #: Index of the first pass of the batch in hand, and its actions; None if unperturbed.
        self.told: tuple[int, list[Action]] | None = None
        self.device = torch.device("cpu")

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        return prepare_on_common_lattice(fixed, moving, initial, fixed.lattice)

    def place(self, device: torch.device, channels_last: bool = False) -> None:
        self.device = device

    def set_dropout(self, active: bool) -> None:
        raise AssertionError("a model without dropout layers is not asked to switch them")

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        raise NotImplementedError


class _ToldDraws:
    """Draws that tell a stand-in which actions it is about to see."""

    def __init__(self, draws: Draws, model: StandIn) -> None:
        self._draws = draws
        self._model = model

    def __getattr__(self, name: str) -> object:
        return getattr(self._draws, name)

    def passes(self, first: int, last: int, device: torch.device | str = "cpu") -> list[Action]:
        actions = self._draws.passes(first, last, device)
        self._model.told = (first, actions)
        return actions


def tell(engine: Engine, model: StandIn) -> Engine:
    """Let a stand-in know of each perturbation before it predicts; returns the engine."""
    engine.draws = _ToldDraws(engine.draws, model)  # type: ignore[assignment]
    return engine


class Fixed(StandIn):
    """A predictor that ignores its images: phi_0 whatever it is shown."""

    def __init__(self, phi: Tensor) -> None:
        super().__init__()
        self.phi = phi

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        return self.phi.to(self.device).expand(moving.shape[0], -1, -1, -1, -1).clone()


def inverse_points(action: Action, points: Tensor) -> Tensor:
    """Return the inverse of tau at points [3, d, h, w], voxels to voxels, to 1e-4 voxel."""
    if isinstance(action, AffineAction):
        return affine_map(torch.linalg.inv(action.matrix), points)
    found, step, previous, worst = points.clone(), 1.0, float("inf"), 0.0
    for _ in range(200):  # damped fixed-point iteration
        residual = action.points(found) - points
        worst = float(residual.abs().max())
        if worst < 1e-4:
            return found
        step = max(step * 0.7, 0.1) if worst > previous else step
        previous = worst
        found -= step * residual
    raise AssertionError(f"The inverse did not converge ({worst:.2g} voxels are left).")


class Equivariant(Fixed):
    """An exactly equivariant predictor: tau^-1∘phi* for A∘tau."""

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        if self.told is None:
            return super().predict(moving, fixed)
        phi = self.phi.to(self.device)
        return torch.stack([inverse_points(action, phi) for action in self.told[1]])


class KnownError(Equivariant):
    """An equivariant predictor with an error: tau^-1∘phi* + bias_k + noise_kr.

    Parameters
    ----------
    phi
        phi*, [3, D, H, W], voxels of the moving lattice.
    biases
        Shape (K, 3), voxels: the same at every voxel.
    noise_std
        Shape (3,), voxels: independent and normal at every voxel and in every pass.
    replicates, seed
        R, and where the noise comes from.
    """

    def __init__(
        self,
        phi: Tensor,
        biases: NDArray[np.float64],
        noise_std: NDArray[np.float64],
        replicates: int,
        seed: int,
    ) -> None:
        super().__init__(phi)
        self.biases = torch.from_numpy(biases).float()
        self.noise_std = torch.from_numpy(noise_std).float().view(3, 1, 1, 1)
        self.replicates = replicates
        self.seed = seed

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        exact = super().predict(moving, fixed)
        if self.told is None:
            return exact
        for n in range(len(exact)):
            index = self.told[0] + n
            generator = torch.Generator().manual_seed(1000 * self.seed + index)
            noise = torch.randn(self.phi.shape, generator=generator) * self.noise_std
            bias = self.biases[index // self.replicates].view(3, 1, 1, 1)
            exact[n] += (bias + noise).to(exact)
        return exact


class Landmarks(StandIn):
    """A registration that does look at its images: an affine fit of eight landmarks.

    Each octant of an image holds one blob; its centre of mass is the landmark. Nobody tells this
    model anything, so that it ties what happens to the image to what is done to the prediction.
    """

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        answers = []
        for one, other in zip(moving, fixed, strict=True):
            here, there = _octant_centers(other[0]), _octant_centers(one[0])
            design = np.hstack((here, np.ones((8, 1))))
            fit = np.linalg.lstsq(design, there, rcond=None)[0]
            k, j, i = np.meshgrid(*(np.arange(n) for n in other.shape[1:]), indexing="ij")
            points = np.stack((i, j, k, np.ones_like(i)), -1) @ fit
            answers.append(torch.from_numpy(np.moveaxis(points, -1, 0).astype(np.float32)))
        return torch.stack(answers).to(self.device)


def _octant_centers(volume: Tensor) -> NDArray[np.float64]:
    """Return the centre of mass of each octant, shape (8, 3), voxels, order (i, j, k)."""
    values = volume.double().cpu().numpy()
    halves = [(slice(0, n // 2), slice(n // 2, n)) for n in values.shape]
    centers = []
    for a in halves[0]:
        for b in halves[1]:
            for c in halves[2]:
                part = values[a, b, c]
                k, j, i = np.meshgrid(
                    *(np.arange(s.start, s.stop) for s in (a, b, c)), indexing="ij"
                )
                centers.append([(x * part).sum() / part.sum() for x in (i, j, k)])
    return np.array(centers)


class Hungry(StandIn):
    """A wrapper that runs out of memory above a batch size."""

    def __init__(self, model: NetworkModel, largest: int, error: Callable[[], Exception]) -> None:
        super().__init__()
        self._model = model
        self.largest = largest
        self._error = error
        self.batches: list[int] = []

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        if moving.shape[0] > self.largest:
            raise self._error()
        self.batches.append(moving.shape[0])
        return self._model.predict(moving, fixed)


class SmallNetwork(nn.Module):
    """Three convolutions with fixed random weights: displacements of about a voxel."""

    def __init__(self, seed: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = nn.Conv3d(2, 8, 3, padding=1)
        self.second = nn.Conv3d(8, 8, 3, padding=1)
        self.dropout = nn.Dropout3d(dropout)
        self.last = nn.Conv3d(8, 3, 3, padding=1)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.parameters():
                scale = 1 / np.sqrt(max(1, parameter[0].numel()))
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        x = torch.relu(self.first(torch.cat((moving, fixed), 1)))
        x = self.dropout(torch.relu(self.second(x)))
        displacement: Tensor = self.last(x)
        return displacement


def network_model(seed: int = 0, dropout: float = 0.0) -> NetworkModel:
    """Return a `SmallNetwork` behind the contract."""
    return NetworkModel(SmallNetwork(seed, dropout), DESCRIPTION, None)


def pair_on(fixed: Lattice, moving: Lattice) -> PreparedPair:
    """Return two smooth images in [0, 1] on their lattices, as a network is given them."""

    def tensor(lattice: Lattice, seed: int) -> Tensor:
        values = waves(lattice, seed).intensities
        return ((values - values.min()) / (values.max() - values.min()))[None, None]

    return PreparedPair(tensor(moving, 1), tensor(fixed, 2), moving, fixed)


def smooth_map(fixed: Lattice, moving: Lattice, size_voxels: float = 1.5) -> Tensor:
    """Return a smooth map: middle to middle, axes to axes, plus waves; [3, D, H, W], voxels."""
    axes = np.meshgrid(*(np.arange(n) for n in fixed.array_shape), indexing="ij")
    ratio = (np.array(moving.size) - 1) / (np.array(fixed.size) - 1)
    rest = [axis * r for axis, r in zip(reversed(axes), ratio, strict=True)]
    bent = []
    for component, base in enumerate(rest):
        wave = waves(fixed, 10 + component).intensities.numpy() - 100
        bent.append(base + size_voxels * wave / np.abs(wave).max())
    return torch.from_numpy(np.stack(bent).astype(np.float32))


@dataclass(frozen=True)
class Blobs:
    """Eight compact blobs, one in the middle of each octant and a little beside it."""

    seed: int

    def on(self, shape: Sequence[int]) -> Tensor:
        """Return [1, 1, D, H, W]; the blobs have a radius of 5 voxels and smooth edges."""
        generator = np.random.default_rng(self.seed)
        grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1)
        values = np.zeros(tuple(shape))
        for corner in np.ndindex(2, 2, 2):
            middle = (np.array(corner) + 0.5) * np.array(shape) / 2 - 0.5
            middle = middle + generator.uniform(-0.7, 0.7, 3)
            squared = ((grid - middle) ** 2).sum(-1) / 25
            values += np.clip(1 - squared, 0, None) ** 3
        return torch.from_numpy(values.astype(np.float32))[None, None]
