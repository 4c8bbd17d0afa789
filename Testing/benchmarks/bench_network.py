"""The bundled network's pass beside its plain form, and beside what the machine can do.

The plain form (Testing/support/plain_pyramid_flow.py) and the fast one take turns in one process,
so that their ratio holds on a noisy machine, and so does the network for any anatomy. The floor is
what the pass's arithmetic takes at the rate of this machine's best convolution, and its traffic at
the rate of a copy.

    .venv/bin/python Testing/benchmarks/bench_network.py [--rounds 9] [--threads 2]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.plain_pyramid_flow import plain_pyramid_flow

from TTAUncertaintyLib.engine import place, prepare
from TTAUncertaintyLib.geometry import identity_map, read_image
from TTAUncertaintyLib.models import RegistrationModel, load_model
from TTAUncertaintyLib.models.adapters.pyramid_flow import PyramidFlow
from TTAUncertaintyLib.models.contract import encode_fixed
from TTAUncertaintyLib.models.networks.pyramid_flow import PyramidFlowNetwork
from TTAUncertaintyLib.sample_data import sample_pairs


class Work(TorchDispatchMode):
    """Counts multiplications and additions of convolutions and products, and bytes of all."""

    operations = 0
    bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do an operation and count it; views move nothing."""
        result = func(*args, **(kwargs or {}))
        name = func.__name__
        if name.startswith(("conv", "mkldnn_conv")):
            transposed = "transpose" in name
            places = (args[0] if transposed else result).numel() // args[1].shape[0]
            self.operations += 2 * places * args[1].numel()
        elif name.startswith("matmul"):
            self.operations += 2 * result.numel() * args[0].shape[-1]
        if not func.is_view:
            tensors = [x for x in tree_leaves((args, kwargs, result)) if isinstance(x, Tensor)]
            self.bytes += sum(x.numel() * x.element_size() for x in tensors)
        return result


#: What torch's kernels do, by what their names hold; the rest is arithmetic voxel by voxel.
KINDS = {
    "convolutions": ("conv",),
    "sampling": ("grid_sampler", "embedding_bag"),
    "matrix products": ("mm", "matmul"),
    "copying, padding and joining": ("copy_", "pad", "cat", "stack", "upsample", "fill_"),
    "sums and means": ("sum", "mean", "norm"),
}


def time_by_kind(do: Callable[[], object]) -> dict[str, float]:
    """Return the seconds that the kinds of kernels take on the calling thread, most first."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        do()
    found: dict[str, float] = {}
    for event in profile.key_averages():
        name = event.key.removeprefix("aten::")
        kind = next(
            (k for k, parts in KINDS.items() if any(p in name for p in parts)), "arithmetic"
        )
        found[kind] = found.get(kind, 0.0) + event.self_cpu_time_total / 1e6
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def seconds(do: Callable[[], object]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def best_rates(rounds: int) -> tuple[float, float]:
    """Return the most that was seen of this machine: operations and bytes per second."""
    image = torch.rand(1, 32, 48, 48, 48).contiguous(memory_format=torch.channels_last_3d)
    weight = torch.rand(32, 32, 3, 3, 3)
    one, other = torch.rand(2, 25_000_000)
    convolve = min(
        seconds(lambda: torch.nn.functional.conv3d(image, weight, padding=1))
        for _ in range(4 * rounds)
    )
    copy = min(seconds(lambda: one.copy_(other)) for _ in range(4 * rounds))
    return 2 * image.numel() * weight[0].numel() / convolve, 8 * one.numel() / copy


@torch.inference_mode()
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = load_model("pyramid-flow", None)
    assert isinstance(model, PyramidFlow) and isinstance(model.network, PyramidFlowNetwork)
    network = model.network
    images = sample_pairs()["reference"]
    fixed, moving = read_image(images.fixed.path)[0], read_image(images.moving.path)[0]
    pair = prepare(fixed, moving, model, place(fixed, moving, model))
    model.place(torch.device("cpu"), channels_last=True)
    moving_last, fixed_last = (
        x.contiguous(memory_format=torch.channels_last_3d) for x in (pair.moving, pair.fixed)
    )
    encoded = encode_fixed(model, pair.fixed)

    def plain() -> Tensor:
        return plain_pyramid_flow(network, moving_last, fixed_last)

    def fast() -> Tensor:
        return model.predict(pair.moving, encoded)

    step = torch.tensor(pair.moving_lattice.spacing, dtype=torch.float32).view(3, 1, 1, 1)
    gap = fast()[0] - identity_map(pair.fixed.shape[2:]) - plain()[0]
    print(f"torch {torch.__version__}, {options.threads} thread(s), {tuple(pair.fixed.shape[2:])}")
    print(f"the answers differ by at most {float((gap * step).norm(dim=0).max()):.1e} mm")
    took = [(seconds(plain), seconds(fast)) for _ in range(options.rounds)]
    before, after = (statistics.median(side) for side in zip(*took, strict=True))
    ratio = statistics.median(b / a for a, b in took)
    print(f"plain {before:.3f} s, fast {after:.3f} s, fast / plain {ratio:.2f}")
    with Work() as work:
        fast()
    with Work() as plain_work:
        plain()
    rate, bandwidth = best_rates(options.rounds)
    print(
        f"operations: plain {plain_work.operations / 1e9:.1f}e9, "
        f"fast {work.operations / 1e9:.1f}e9; "
        f"fast reads and writes {work.bytes / 1e9:.1f}e9 bytes"
    )
    arithmetic, traffic = work.operations / rate, work.bytes / bandwidth
    print(
        f"best convolution here {rate / 1e9:.0f}e9 operations/s, best copy {bandwidth / 1e9:.1f}e9 "
        f"bytes/s: a pass takes at least {arithmetic:.3f} s of arithmetic, and {traffic:.3f} s of "
        f"traffic if nothing stays in a cache.\nReached: {arithmetic / after:.0%} of the former."
    )
    kinds = time_by_kind(fast)
    whole = sum(kinds.values())
    print("a pass is", ", ".join(f"{kind} {part / whole:.0%}" for kind, part in kinds.items()))
    for spacing in ("2", "1.5", "1"):
        any_anatomy = pass_of(load_model("pyramid-flow-any", None, {"spacing": spacing}))
        times = [seconds(any_anatomy) / seconds(fast) for _ in range(options.rounds)]
        print(f"for any anatomy at {spacing} mm / fast {statistics.median(times):.2f}")


def pass_of(model: RegistrationModel) -> Callable[[], object]:
    """Return what makes one pass of the sample pair."""
    images = sample_pairs()["reference"]
    fixed, moving = read_image(images.fixed.path)[0], read_image(images.moving.path)[0]
    pair = prepare(fixed, moving, model, place(fixed, moving, model))
    model.place(torch.device("cpu"), channels_last=True)
    encoded = encode_fixed(model, pair.fixed)
    return lambda: model.predict(pair.moving, encoded)


if __name__ == "__main__":
    main()
