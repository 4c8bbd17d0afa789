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
    coarse,
    displacement,
    every_nth,
)

from TTAUncertaintyLib.geometry import (  # noqa: E402
    Prealignment,
    Start,
    prealign,
    read_image,
    start_transform,
)
from TTAUncertaintyLib.models.networks.pdd_net import STAGES  # noqa: E402


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
                file = getattr(sys.modules[name], "__file__", None)
                if file is None or Path(file).is_relative_to(self.folder):
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


def _pdd_stages(fixed: Tensor) -> Any:
    """Return the stages at the published size, and those of `coarse` at another."""
    if fixed.shape[2] == 192:
        return STAGES
    return [stage._replace(points=points) for stage, points in zip(STAGES, (9, 13), strict=True)]


def pdd_net(
    clone: Publisher, weights: Path, moving: Tensor, fixed: Tensor, moved: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Run PDD-Net's code in the order of its script.

    Returns its field, and what its first stage answers before a field is fitted to it; `moved` is
    how far the starts of its two fits are moved at random.
    """
    affine_grid, stages = torch.nn.functional.affine_grid, _pdd_stages(fixed)
    eye, draw, answers = torch.eye(3, 4)[None], torch.Generator().manual_seed(0), []
    with clone.importing("."):
        theirs = importlib.import_module("pdd_abdomen_unsupervised_2warps")
        shape = tuple(fixed.shape[2:])
        features_of = tuple(n // 3 for n in shape)
        theirs.o_m, theirs.o_n, theirs.o_o = features_of
        theirs.ogrid_xyz = affine_grid(eye, (1, 1, *features_of), align_corners=False)
        theirs.ogrid_xyz = theirs.ogrid_xyz.view(1, 1, -1, 1, 3)
        network = theirs.OBELISK()
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        network.eval()
        regularise = theirs.deeds()
        regularise.alpha.data = theirs.alpha_data
        images = [image / 500 for image in (fixed, moving)]

        def stage(image: Tensor, reach: float, points: int) -> Tensor:
            width = 11
            tried = affine_grid(reach * eye, (1, 1, width, width, width), align_corners=True)
            cubes = affine_grid(eye, (1, 1, points, points, points), align_corners=True)
            cubes, tried = cubes.view(1, -1, 1, 1, 3), tried.view(1, 1, -1, 1, 3)
            features = network(images[0]), network(image)
            odds, free = regularise(*features, cubes, points, width, tried)
            free = free.view(1, points, points, points, 3)
            answers.append(free[0].permute(3, 0, 1, 2))
            free = free + moved * torch.randn(free.shape, generator=draw)
            return theirs.fit_sparse2dense(free, cubes, odds, *shape, reach, width, 1.5)

        with torch.no_grad():
            first = stage(images[1], *stages[0])
            second = stage(theirs.warpImageFloat(images[1], first), *stages[1])
            return in_voxels(theirs.warpImageFloat(first, second) + second), answers[0]


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
    "pdd-net": ("pdd_net", pdd_net),
    "multipropreg-t2-t1": ("MultiPropReg", multipropreg),
}


def compare(name: str, clones: Path, write: bool, full: bool) -> bool:
    """Print and judge one network."""
    about = PAIRS[name]
    model = about.model() if full or name != "pdd-net" else coarse(about.model({"spacing": "4"}))
    fixed, moving = (read_image(path)[0] for path in about.images())
    start = start_transform(fixed, moving, Start.MASS if about.aligned else Start.HEADER)
    initial = prealign(
        fixed, moving, start, Prealignment.AFFINE if about.aligned else Prealignment.NONE
    )
    pair = model.prepare(fixed, moving, initial)
    clone, run = RUNS[name]
    # the publishers' arrays have axes (i, j, k)
    arrays = [tensor.transpose(2, 4).contiguous() for tensor in (pair.moving, pair.fixed)]
    clone, run = Publisher(clones / RUNS[name][0]), RUNS[name][1]
    answer = run(clone, about.weights(), *arrays)
    field = answer[0] if name == "pdd-net" else answer
    theirs = field[0].transpose(1, 3).numpy()
    apart = np.abs(displacement(model, pair) - theirs)
    length = float(np.linalg.norm(theirs, axis=0).max())
    said = f"displacements of up to {length:.1f} voxels differ by {apart.max():.1e} at most"
    kept = every_nth(theirs)
    if name == "pdd-net":
        # where its images say nothing, rounding decides: by as much as its own code from itself
        again = run(clone, about.weights(), *arrays, moved=1e-7)[0][0].transpose(1, 3).numpy()
        levels = (50, 90, 99)
        ours, own = (np.percentile(one, levels) for one in (apart, np.abs(again - theirs)))
        good = bool((ours < 1.5 * own).all())
        said += (
            f"; percentiles {levels} {ours.round(3)}, of its own code moved by 1e-7 {own.round(3)}"
        )
        kept = answer[1].numpy()
    else:
        good = float(apart.max()) < BOUND_VOXELS and length > 2
    size = " x ".join(map(str, arrays[0].shape[2:]))
    print(f"{'ok ' if good else 'BAD'} {name}: {size}, {said}", flush=True)
    if write and good:
        Stored(initial, kept).write(STORED / f"{name}.npz")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clones", type=Path, help="folder with the clones")
    parser.add_argument("names", nargs="*", help="which networks; all where left out")
    parser.add_argument(
        "--write-down", action="store_true", help="keep what the tests compare with"
    )
    parser.add_argument(
        "--full", action="store_true", help="PDD-Net at its own size: minutes, and 10 GB"
    )
    arguments = parser.parse_args()
    names = arguments.names or list(RUNS)
    judged = [
        compare(name, arguments.clones, arguments.write_down, arguments.full) for name in names
    ]
    return 0 if all(judged) else 1


if __name__ == "__main__":
    sys.exit(main())
