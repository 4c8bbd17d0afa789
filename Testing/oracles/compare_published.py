"""Compare published networks, with their real weights, with their publishers' own code.

    make oracle NAME=published ARGS='CLONES [NAME ...] [--write-down]'

CLONES is a folder with clones of the publishers' repositories, each by its own name (`RUNS` below
has them). Nothing of them is here. Weights and images are those of the reference folder (see
Testing/support/reference.py). Both codes are shown the same arrays: what our adapter makes of the
two images. Ends with status 1 above a bound; --write-down keeps every 16th voxel of the publisher's
field, for the tests that do without the publisher's code.
"""

from __future__ import annotations

import argparse
import importlib
import io
import sys
import types
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "Testing")]

from support.published import (  # noqa: E402
    BOUND_VOXELS,
    PAIRS,
    STORED,
    Stored,
    displacement,
    every_nth,
)

from TTAUncertaintyLib.geometry import Prealignment, Start, prealign, read_image, start_transform  # noqa: E402  # noqa: E402


@dataclass
class Publisher:
    """A clone, with its folders of modules on the path while they are imported."""

    folder: Path

    @contextmanager
    def importing(self, *below: str) -> Iterator[None]:
        """Import the publisher's modules; what only its training needs is stood in for."""
        before, cuda = dict(sys.modules), (nn.Module.cuda, Tensor.cuda)
        for name in ("nibabel", "matplotlib", "matplotlib.pyplot", "medpy", "medpy.io", "scipy"):
            sys.modules[name] = types.ModuleType(name)
        sys.modules["medpy.io"].load = None  # type: ignore[attr-defined]
        for name in ("scipy.ndimage", "scipy.ndimage.interpolation"):
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].zoom = sys.modules[name].map_coordinates = None  # type: ignore
        nn.Module.cuda = Tensor.cuda = lambda self, *_: self  # type: ignore[assignment]
        paths = [str(self.folder / name) for name in below]
        sys.path[:0] = paths
        try:
            yield
        finally:
            del sys.path[: len(paths)]
            nn.Module.cuda, Tensor.cuda = cuda  # type: ignore[method-assign,assignment]
            for name in set(sys.modules) - set(before):
                del sys.modules[name]
            sys.modules.update(before)


def in_voxels(field: Tensor) -> Tensor:
    """Turn [-1, 1] units, component 0 along the last axis, into voxels along the array's axes."""
    lengths = torch.tensor(field.shape[2:]).view(1, 3, 1, 1, 1) - 1
    return field.flip(1) * lengths / 2


def quarters(network: Any, shape: tuple[int, ...], module: Any, name: str, *channels: Any) -> Any:
    """Build one of T. C. W. Mok's networks of three levels from its classes lvl1, lvl2, lvl3."""
    model = None
    for level, part in ((1, 4), (2, 2), (3, 1)):
        below = {} if model is None else {f"model_lvl{level - 1}": model}
        model = getattr(module, f"{name}_lvl{level}")(
            *channels,
            is_train=level < 3,
            imgshape=tuple(n // part for n in shape),
            range_flow=0.4,
            **below,
        )
    return model


def conditional(module: str, name: str, channel: int, code: float) -> Any:
    """Return what runs cLapIRN's or DIRAC's code."""

    def run(clone: Publisher, weights: Path, moving: Tensor, fixed: Tensor) -> Tensor:
        with clone.importing("Code"):
            made = quarters(
                None, tuple(fixed.shape[2:]), importlib.import_module(module), name, 2, 3, channel
            )
            made.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        with torch.inference_mode():
            return in_voxels(made.eval()(moving, fixed, torch.tensor([[code]])))

    return run


def symnet(clone: Publisher, weights: Path, moving: Tensor, fixed: Tensor) -> Tensor:
    """Run SYMNet's code as its test script does."""
    with clone.importing("Code"):
        theirs = importlib.import_module("Models")
        grid = importlib.import_module("Functions").generate_grid(tuple(fixed.shape[2:]))
        network = theirs.SYMNet(2, 3, 7)
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        places = torch.from_numpy(grid[None].copy()).float()
        integrate, compose = theirs.DiffeomorphicTransform(7), theirs.CompositionTransform()
    with torch.inference_mode():
        towards_moving, towards_fixed = network.eval()(fixed, moving)
        half = integrate(towards_fixed, places, 100)
        back = integrate(-towards_moving, places, 100)
        return (compose(half, back, places, 100) * 100).flip(1)


def multipropreg(clone: Publisher, weights: Path, moving: Tensor, fixed: Tensor) -> Tensor:
    """Run MultiPropReg's code as its test script does."""
    with zipfile.ZipFile(weights) as archive, clone.importing("MultiModal"):
        (member,) = archive.namelist()
        state = torch.load(io.BytesIO(archive.read(member)), map_location="cpu", weights_only=True)
        importlib.import_module("layers").shape = tuple(fixed.shape[2:])
        network = importlib.import_module("models").MPR_net_Tr(None)
        network.load_state_dict({n: t for n, t in state.items() if not n.startswith("criterion.")})
    with torch.inference_mode():
        field = network.eval()(moving, fixed)[1]
    # its warp divides by N - 1 and samples with align_corners=False
    size = torch.tensor(field.shape[2:]).view(1, 3, 1, 1, 1).float()
    place = torch.stack(torch.meshgrid([torch.arange(n) for n in field.shape[2:]], indexing="ij"))
    return (place + field) * size / (size - 1) - 0.5 - place


_MOK = "Miccai2021_LDR_"
RUNS: dict[str, tuple[str, Any]] = {
    "clapirn-lite": (
        "Conditional_LapIRN",
        conditional("miccai2021_model_lite", f"{_MOK}conditional_laplacian_unit_disp_add", 4, 0.1),
    ),
    "symnet": (
        "Fast-Symmetric-Diffeomorphic-Image-Registration-with-Convolutional-Neural-Networks",
        symnet,
    ),
    "dirac": (
        "DIRAC",
        conditional("bratsreg_model_stage", f"{_MOK}laplacian_unit_disp_add_AdaIn", 6, 0.3),
    ),
    "multipropreg-t2-t1": ("MultiPropReg", multipropreg),
}


def compare(name: str, clones: Path, write: bool) -> bool:
    """Print and judge one network."""
    about = PAIRS[name]
    model = about.model()
    fixed, moving = (read_image(path)[0] for path in about.images())
    start = start_transform(fixed, moving, Start.MASS if about.aligned else Start.HEADER)
    initial = prealign(
        fixed, moving, start, Prealignment.AFFINE if about.aligned else Prealignment.NONE
    )
    pair = model.prepare(fixed, moving, initial)
    clone, run = RUNS[name]
    # the publishers' arrays have axes (i, j, k)
    arrays = [tensor.transpose(2, 4).contiguous() for tensor in (pair.moving, pair.fixed)]
    theirs = run(Publisher(clones / clone), about.weights(), *arrays)[0].transpose(1, 3).numpy()
    ours = displacement(model, pair)
    farthest = float(np.abs(ours - theirs).max())
    length = float(np.linalg.norm(theirs, axis=0).max())
    good = farthest < BOUND_VOXELS and length > 2
    print(
        f"{'ok ' if good else 'BAD'} {name}: {' x '.join(map(str, arrays[0].shape[2:]))}, "
        f"displacements of up to {length:.1f} voxels differ by {farthest:.1e} at most",
        flush=True,
    )
    if write and good:
        Stored(initial, every_nth(theirs)).write(STORED / f"{name}.npz")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clones", type=Path, help="folder with the clones")
    parser.add_argument("names", nargs="*", help="which networks; all where left out")
    parser.add_argument(
        "--write-down", action="store_true", help="keep what the tests compare with"
    )
    arguments = parser.parse_args()
    names = arguments.names or list(RUNS)
    judged = [compare(name, arguments.clones, arguments.write_down) for name in names]
    return 0 if all(judged) else 1


if __name__ == "__main__":
    sys.exit(main())
