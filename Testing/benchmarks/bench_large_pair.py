"""What a large pair takes beyond the passes through the network: memory and time.

    .venv/bin/python Testing/benchmarks/bench_large_pair.py                 # 512 x 512 x 300
    .venv/bin/python Testing/benchmarks/bench_large_pair.py --keep all

On a machine that others use, the processor's seconds (of all threads) are what can be compared.
A pair of 16-bit images goes through the whole job, in a process of its own, with a stand-in for the
network that costs next to nothing. The table is Markdown, for the documents.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.predictors import StandIn

from TTAUncertaintyLib.geometry import Image, Lattice, Matrix, identity_map
from TTAUncertaintyLib.models.adapters.common_lattice import prepare_on_common_lattice
from TTAUncertaintyLib.models.contract import PreparedPair
from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.results import Keep
from TTAUncertaintyLib.worker import Job
from TTAUncertaintyLib.worker.messages import Voice
from TTAUncertaintyLib.worker.perform import carry_out

#: mm: of the images, along (i, j, k), and of the network.
SPACING, NETWORK = (0.7, 0.7, 1.0), 2.0


class Cheap(StandIn):
    """Shifts everything by what the images' means say: not constant, and nearly free."""

    def prepare(self, fixed: Image, moving: Image, initial: Matrix) -> PreparedPair:
        lattice = fixed.lattice.resampled(NETWORK, 16)
        return prepare_on_common_lattice(fixed, moving, initial, lattice)

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        identity = identity_map(moving.shape[2:])[None]
        bend = torch.sin(identity / 9) * (0.5 + moving.mean((1, 2, 3, 4)).view(-1, 1, 1, 1, 1))
        return identity + bend


class Listener(Voice):
    """Notes when each phase began, and the most memory that was held until then."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.seen: list[tuple[str, float, float, float]] = []

    def say(self, kind: str, **content: Any) -> None:
        """Note a phase."""
        if kind == "phase":
            self.note(str(content["phase"]))

    def note(self, name: str) -> None:
        """Note a moment by its name."""
        print(f"{name}: {peak_mb():.0f} MB so far", file=sys.stderr, flush=True)
        self.seen.append((name, time.monotonic(), time.process_time(), peak_mb()))


def peak_mb() -> float:
    """Return the most resident memory that this process has held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**10


def write_pair(folder: Path, size: tuple[int, int, int]) -> tuple[Path, Path]:
    """Write a bright, noisy ellipsoid, twice, and return the files."""
    lattice = Lattice.from_geometry(size, SPACING, (0, 0, 0))
    paths = folder / "fixed.nrrd", folder / "moving.nrrd"
    k, j, i = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in lattice.array_shape)]
    for seed, path in enumerate(paths):
        noise = np.random.default_rng(seed).integers(0, 60, lattice.array_shape, np.int16)
        body = (i / 0.8) ** 2 + (j / 0.7) ** 2 + (k / 0.9) ** 2 < 1 - seed * 0.05
        noise += np.int16(900) * body
        sitk.WriteImage(lattice.stamp(sitk.GetImageFromArray(noise)), str(path))
    return paths


def do(fixed: Path, moving: Path, output: Path, keep: Keep) -> None:
    """Carry out the job here, and print what it took."""
    design = DesignRequest(Preset.QUICK)
    job = Job(fixed, moving, output, keep=keep, design=design, device="cpu")
    voice = Listener()
    voice.note("start")
    done = carry_out(job, voice, load=lambda *_: Cheap())
    voice.note("result there")
    done.write_report()
    voice.note("report there")
    titles = {
        "reading": "torch loaded",
        "aligning": "images read",
        "registering": "aligned",
        "writing": "last pass",
    }
    print("| until | seconds | of the processor | peak memory, MB |\n|---|---|---|---|")
    _, began, used, _ = voice.seen[0]
    for name, at, cpu, peak in voice.seen[1:]:
        print(f"| {titles.get(name, name)} | {at - began:.1f} | {cpu - used:.1f} | {peak:.0f} |")
    files = [path for path in output.rglob("*") if path.is_file()]
    print(f"\n{sum(path.stat().st_size for path in files) / 1e6:.0f} MB on disk")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, nargs=3, default=(512, 512, 300), metavar="N")
    parser.add_argument("--keep", type=Keep, default=Keep.COMPACT)
    parser.add_argument("--pair", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.pair is not None:
            do(*options.pair, Path(folder) / "result", options.keep)
            return
        pair = write_pair(Path(folder), tuple(options.size))
        own = [sys.executable, __file__, "--keep", options.keep.value, "--pair", *map(str, pair)]
        subprocess.run(own, check=True)


if __name__ == "__main__":
    main()
