"""Compare TransMorph as restated here with its publisher's code, on seeded random weights.

    .oracles/transmorph/bin/python Testing/oracles/compare_transmorph.py --source REPOSITORY

REPOSITORY is a clone, bare or not, of
https://github.com/junyuchen245/TransMorph_Transformer_for_Medical_Image_Registration (MIT);
this was written against its commit 6357a1d. Its model files are unpacked into
.oracles/transmorph/source and run from there; nothing of them is part of this project. The
environment is made of requirements-transmorph.txt.

Each line compares one configuration: the displacements in voxels, the images that they warp, and
the names and shapes of the state dict. Ends with status 1 above the bounds.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "Testing")]

from support.drawn_network import draw_images, draw_weights  # noqa: E402

from TTAUncertaintyLib.models.networks.transmorph import TransMorphNetwork  # noqa: E402
from TTAUncertaintyLib.models.networks.transmorph_architecture import (  # noqa: E402
    TransMorphArchitecture,
)
from TTAUncertaintyLib.models.weights.transmorph_checkpoint import (  # noqa: E402
    without_wrapping,
)

SOURCE = ROOT / ".oracles" / "transmorph" / "source"
FOLDERS = ("IXI/TransMorph", "OASIS/TransMorph")

#: Voxels, in double precision. Single precision may be as far from that as the publisher's own.
BOUND = 1e-9

#: Voxels (array indices) at which the answers are written down.
PLACES = ((0, 0, 0), (31, 63, 95), (5, 40, 71), (16, 31, 48), (30, 2, 90), (11, 58, 3))

CONSTANTS = ("relative_position_index", "spatial_trans.grid")


@dataclass(frozen=True)
class Case:
    """A publisher's configuration, with what is changed about it."""

    name: str
    shape: tuple[int, int, int] = (32, 32, 64)
    folder: str = "IXI/TransMorph"
    module: str = "TransMorph"
    changed: dict[str, Any] = field(default_factory=dict)
    dropout: bool = False


SMALL = {"embed_dim": 24, "num_heads": (2, 2, 4, 4)}

#: The networks whose answers, by the publisher's code, are written down in test_transmorph.py.
WRITTEN_DOWN = {
    "default": {},
    "oasis": {},
    "sinusoids": {"spe": True, "qkv_bias": True, "patch_norm": False, "if_convskip": False},
    "learned": {"ape": True, "rpe": False, "if_transskip": False},
}
WRITTEN_DOWN_SIZE = {
    "embed_dim": 8,
    "depths": (2, 2, 2, 2),
    "num_heads": (2, 2, 4, 4),
    "window_size": (2, 3, 4),
    "reg_head_chan": 4,
}

CASES = (
    Case("TransMorph"),
    Case("TransMorph-Tiny"),
    Case("TransMorph-Small"),
    Case("TransMorph-Large"),
    Case("TransMorph-No-Conv-Skip", changed=SMALL),
    Case("TransMorph-No-Trans-Skip", changed=SMALL),
    Case("TransMorph-No-Skip", changed=SMALL),
    Case("TransMorph-Lrn", changed=SMALL),
    Case("TransMorph-Sin", changed=SMALL),
    Case("TransMorph-No-RelPosEmbed", changed=SMALL),
    Case("TransMorph", changed={**SMALL, "qkv_bias": True, "patch_norm": False, "mlp_ratio": 2}),
    Case("TransMorph", changed={**SMALL, "window_size": (1, 4, 2)}),
    Case("TransMorph", (32, 96, 64), changed={**SMALL, "window_size": (4, 3, 8)}),
    Case("TransMorph", changed={**SMALL, "drop_rate": 0.2}, dropout=True),
    Case("TransMorph", folder="OASIS/TransMorph"),
    Case("TransMorphBayes", module="TransMorph_Bayes", changed=SMALL, dropout=True),
)


def unpack(repository: Path) -> None:
    """Put the publisher's model files where they can be imported from."""

    def git(*arguments: str) -> str:
        command = ["git", "-c", "safe.directory=*", "-C", str(repository), *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    for name in git("ls-tree", "-r", "--name-only", "HEAD", *FOLDERS).splitlines():
        if Path(name).parent.name == "models" and name.endswith(".py"):
            path = SOURCE / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(git("show", f"HEAD:{name}"))
    print(f"publisher's code at {git('rev-parse', 'HEAD').strip()}, torch {torch.__version__}")


def stand_in_for_timm() -> None:
    """Stand in for the three functions of timm that the model files import."""

    class DropPath(nn.Identity):
        """Outside training; the tests train nothing but dropout layers."""

        def __init__(self, probability: float) -> None:
            super().__init__()

    layers = types.ModuleType("timm.models.layers")
    layers.DropPath = DropPath  # type: ignore[attr-defined]
    layers.trunc_normal_ = nn.init.trunc_normal_  # type: ignore[attr-defined]
    layers.to_3tuple = lambda n: n if isinstance(n, tuple) else (n,) * 3  # type: ignore[attr-defined]
    for name in ("timm", "timm.models"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules[layers.__name__] = layers


@contextmanager
def imported(case: Case) -> Iterator[types.ModuleType]:
    """Import a model file of the publisher's; each folder has a package `models` of its own."""
    sys.path.insert(0, str(SOURCE / case.folder))
    try:
        yield importlib.import_module(f"models.{case.module}")
    finally:
        sys.path.pop(0)
        for name in [name for name in sys.modules if name.split(".")[0] == "models"]:
            del sys.modules[name]


def dropout_on(network: nn.Module, seed: int) -> None:
    for layer in network.modules():
        if isinstance(layer, (nn.Dropout, nn.Dropout3d)):
            layer.train()
    torch.manual_seed(seed)


def compare(case: Case) -> bool:
    """Print and judge one configuration."""
    with imported(case) as module, on_the_cpu():
        config = module.CONFIGS[case.name]
        with config.ignore_type():
            config.update(case.changed, img_size=case.shape)
        bayes = case.module == "TransMorph_Bayes"
        theirs = (module.TransMorphBayes if bayes else module.TransMorph)(config).eval()
    draw_weights(theirs, last="reg_head")
    told = {name: config[name] for name in config}
    if case.folder.startswith("OASIS"):
        told["oasis"] = True
    ours = TransMorphNetwork(TransMorphArchitecture.from_config(told)).eval()
    state = without_wrapping(theirs.state_dict())
    learned = {name: value for name, value in state.items() if not name.endswith(CONSTANTS)}
    ours.load_state_dict(learned, strict=True)
    for name in state.keys() - learned.keys() - {"spatial_trans.grid"}:
        assert torch.equal(state[name], ours.get_buffer(name)), name
    pair = draw_images(case.shape)
    rounded = answer(theirs, pair.float(), case), answer(ours, pair.float(), case)
    warped, exact = answer(theirs.double(), pair, case)
    found = answer(ours.double(), pair, case)
    if case.folder.startswith("OASIS"):
        exact = as_sampled(exact)
    double = float((found - exact).abs().max())
    image = float((sample(pair[0], found) - warped).abs().max())
    their_rounding = float((rounded[0][1] - answer(theirs, pair, case)[1]).abs().max())
    our_rounding = float((rounded[1] - found).abs().max())
    large = float(found.std())
    good = max(double, image) < BOUND and our_rounding < 2 * their_rounding and large > 0.3
    where, shape = case.folder.split("/")[0], "x".join(map(str, case.shape))
    print(
        f"{'ok ' if good else 'BAD'} {case.name:25s} {where:5s} {shape:11s}"
        f" {sum(p.numel() for p in ours.parameters()):>11,d} parameters; displacements of"
        f" {large:.1f} voxels differ by {double:.0e} at most, the warped images by {image:.0e};"
        f" rounded to f32, ours move by {our_rounding:.0e} and theirs by {their_rounding:.0e}"
        + (f"; {case.changed}" if case.changed and case.changed is not SMALL else "")
        + ("; dropout on" if case.dropout else ""),
        flush=True,
    )
    return good


@contextmanager
def on_the_cpu() -> Iterator[None]:
    """Leave where they are the modules that the publisher's constructors send to a GPU."""
    before = nn.Module.cuda
    nn.Module.cuda = lambda module, device=None: module  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        nn.Module.cuda = before  # type: ignore[method-assign]


def answer(network: nn.Module, pair: Tensor, case: Case) -> Any:
    """Return what a network says of a pair; the publisher's also returns the warped image."""
    if case.dropout:
        dropout_on(network, 1)
    with torch.inference_mode():
        ours = isinstance(network, TransMorphNetwork)
        return network(*pair) if ours else network(torch.cat((*pair,), 1))


def as_sampled(field: Tensor) -> Tensor:
    """Return where the publisher's code for OASIS samples, as a displacement in voxels.

    Voxel p of N goes to 2 p / (N - 1) - 1; `grid_sample` then takes voxel ((g + 1) N - 1) / 2.
    """
    own = torch.stack(
        torch.meshgrid([torch.arange(n) for n in field.shape[2:]], indexing="ij")
    ).double()
    size = torch.tensor(field.shape[2:]).view(3, 1, 1, 1).double()
    coordinate = 2 * (own + field) / (size - 1) - 1
    return ((coordinate + 1) * size - 1) / 2 - own


def sample(image: Tensor, displacement: Tensor) -> Tensor:
    """Warp an image by a displacement in voxels, component n along array axis n."""
    own = torch.meshgrid([torch.arange(n) for n in image.shape[2:]], indexing="ij")
    points = torch.stack(own) + displacement
    size = torch.tensor(image.shape[2:]).view(3, 1, 1, 1)
    grid = (2 * points / (size - 1) - 1).flip(1).movedim(1, -1)
    return nn.functional.grid_sample(image, grid, align_corners=True)


def write_down(name: str) -> None:
    """Print what the publisher's code answers to the images of test_transmorph.py."""
    case = Case("TransMorph", (32, 64, 96), f"{'OASIS' if name == 'oasis' else 'IXI'}/TransMorph")
    with imported(case) as module, on_the_cpu():
        config = module.CONFIGS[case.name]
        config.update({**WRITTEN_DOWN_SIZE, **WRITTEN_DOWN[name]}, img_size=case.shape)
        network = module.TransMorph(config).eval()
    draw_weights(network, last="reg_head")  # in single precision, as the test does
    field = answer(network.double(), draw_images(case.shape), case)[1]
    if name == "oasis":
        field = as_sampled(field)
    print(f'    "{name}": {{')
    for place in PLACES:
        values = ", ".join(f"{value:.12f}" for value in field[(0, slice(None), *place)].tolist())
        print(f"        {place}: ({values}),")
    print("    },")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--source",
        type=Path,
        help="a clone of junyuchen245/TransMorph_Transformer_for_Medical_Image_Registration; left "
        "out, the files of an earlier run",
    )
    parser.add_argument(
        "--write-down", action="store_true", help="print the answers that the tests compare with"
    )
    arguments = parser.parse_args()
    if arguments.source is not None:
        unpack(arguments.source)
    elif not SOURCE.is_dir():
        print(
            "The publisher's code is not here. Clone https://github.com/junyuchen245/"
            "TransMorph_Transformer_for_Medical_Image_Registration and give its folder with "
            "--source.",
            file=sys.stderr,
        )
        return 2
    stand_in_for_timm()
    if arguments.write_down:
        for name in WRITTEN_DOWN:
            write_down(name)
        return 0
    judged = [compare(case) for case in CASES]
    return 0 if all(judged) else 1


if __name__ == "__main__":
    sys.exit(main())
