"""How much the engine adds to the passes of the network, in time and in memory.

Every figure is a ratio of two things measured alternately in one run, so that it holds on a noisy
machine; seconds are printed for orientation only. The table is Markdown, for the documents.

    make bench                                     the bundled network
    make bench BENCH='--lapirn LapIRN_disp_fea7.pth'   and LapIRN, from its published weights
"""

from __future__ import annotations

import argparse
import functools
import gc
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor

from TTAUncertaintyLib.engine import Engine, Execution, Precision, place, prepare
from TTAUncertaintyLib.engine.execution import numerics
from TTAUncertaintyLib.geometry import read_image
from TTAUncertaintyLib.models import RegistrationModel, load_model
from TTAUncertaintyLib.models.contract import PreparedPair
from TTAUncertaintyLib.perturbations import (
    Amplitudes,
    Design,
    DesignRequest,
    Family,
    Preset,
    Sampling,
    preset_design,
)
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.sample_data import sample_pairs
from TTAUncertaintyLib.worker import Job, Run

FAMILIES = (
    (Family.TRANSLATION, Sampling.HADAMARD),
    (Family.RIGID, Sampling.HADAMARD),
    (Family.AFFINE, Sampling.RANDOM),
    (Family.ELASTIC, Sampling.RANDOM),
)


def load_pair(model: RegistrationModel) -> PreparedPair:
    """Return the sample pair as a model wants it."""
    pair = sample_pairs()["reference"]
    fixed, moving = read_image(pair.fixed.path)[0], read_image(pair.moving.path)[0]
    return prepare(fixed, moving, model, place(fixed, moving, model))


def design(family: Family, sampling: Sampling, count: int = 8) -> Design:
    """Return a small design of a family."""
    return Design(family, Amplitudes(elastic_mm=4.0), sampling, outer=count)


def overhead(
    model: RegistrationModel, pair: PreparedPair, what: Design, how: Execution, rounds: int
) -> tuple[float, float]:
    """Return (median engine pass / median bare pass, seconds of a median bare pass).

    Bare passes and the engine's passes take turns, one by one, so that both see the same machine.
    """
    engine = Engine(model, pair, what, how, reverse_pass=False)
    device = engine.device
    moving, fixed = pair.moving.to(device), pair.fixed.to(device)

    @torch.inference_mode()
    def bare() -> None:
        with numerics(device, how.precision):
            model.predict(moving, fixed)

    bare()
    inside, outside = [], []
    for _ in range(rounds):
        engine = Engine(model, pair, what, how, reverse_pass=False)
        steps = iter(engine)
        next(steps)  # the unperturbed pass
        for _ in range(what.passes):
            outside.append(timed(bare, device))
            inside.append(timed(functools.partial(next, steps, None), device))
    return statistics.median(inside) / statistics.median(outside), statistics.median(outside)


def timed(do: Callable[[], object], device: torch.device) -> float:
    """Return how long something takes, the device's queue included."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    do()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def straightforward(model: RegistrationModel, pair: PreparedPair, what: Design) -> Tensor:
    """Do the same job the obvious way: SimpleITK warps, every field kept. Returns the map, mm."""
    draws = what.draw(pair.moving_lattice)
    lattice = pair.moving_lattice
    image = sitk.GetImageFromArray(pair.moving[0, 0].numpy())  # its world is its voxels
    kept = []
    for k in range(what.outer):
        action = draws.action(k)
        matrix = action.matrix.numpy()  # type: ignore[attr-defined]
        transform = sitk.AffineTransform(3)
        transform.SetMatrix(matrix[:3, :3].ravel().tolist())
        transform.SetTranslation(matrix[:3, 3].tolist())
        warped = sitk.Resample(image, image, transform, sitk.sitkLinear, 0.0)
        moving = torch.from_numpy(sitk.GetArrayFromImage(warped))[None, None]
        with torch.inference_mode():
            predicted = model.predict(moving, pair.fixed)[0].numpy().astype(np.float64)
        compensated = np.moveaxis(predicted, 0, -1) @ matrix[:3, :3].T + matrix[:3, 3]
        kept.append(lattice.to_world(compensated))
    return torch.from_numpy(np.sqrt(np.stack(kept).var(0, ddof=1).sum(-1)))


def reduced_precision(model: RegistrationModel, pair: PreparedPair) -> tuple[float, ...]:
    """Return (mean, 99th percentile) |phi difference| in mm, and the maps' correlation."""
    what = preset_design(Preset.QUICK, pair.moving_lattice)
    outcomes = [
        Engine(model, pair, what, Execution(precision=p), reverse_pass=False).run()
        for p in (Precision.F32, Precision.BF16)
    ]
    inside = pair.fixed[0, 0] > 0.05
    step = torch.tensor(pair.moving_lattice.spacing, dtype=torch.float32).view(3, 1, 1, 1)
    gap = ((outcomes[0].prediction - outcomes[1].prediction) * step).norm(dim=0)[inside]
    maps = [o.variance.total.sqrt()[inside].numpy() for o in outcomes if o.variance]
    return (
        float(gap.mean()),
        float(gap.quantile(0.99)) if gap.numel() < 16_000_000 else float("nan"),
        float(np.corrcoef(maps[0], maps[1])[0, 1]),
    )


def resident_peak() -> float:
    """Return the peak resident memory of this process, MB.

    On Linux from /proc: `ru_maxrss` there also counts what the process that started this one held.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return float(line.split()[1]) / 2**10
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def peak_memory(arguments: list[str]) -> float:
    """Return the peak resident memory, MB, of this script doing one thing in its own process."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def run_one(model: RegistrationModel, passes: int, obvious: bool) -> None:
    """Make some passes and print this process's peak memory in MB."""
    pair = load_pair(model)
    what = Design(Family.AFFINE, Amplitudes(), Sampling.RANDOM, outer=passes)
    if obvious:
        straightforward(model, pair, what)
    else:
        Engine(model, pair, what, Execution(), reverse_pass=False).run()
    print(resident_peak())


def whole_job(name: str, weights: Path | None) -> dict[str, float]:
    """Run Quick on the sample pair in a worker; return the seconds of each phase."""
    pair = sample_pairs()["reference"]
    with tempfile.TemporaryDirectory() as folder:
        job = Job(
            fixed=pair.fixed.path,
            moving=pair.moving.path,
            output=Path(folder) / "result",
            model=name,
            weights=weights,
            design=DesignRequest(Preset.QUICK),
        )
        began = time.perf_counter()
        with Run(job) as run:
            end = run.wait()
        if end.output is None:
            raise SystemExit(f"The job failed: {end.problem}")
        seconds = dict(Bundle.open(job.output).record["seconds"])
        seconds["all, from start of the process to its end"] = time.perf_counter() - began
    return seconds


def report(name: str, weights: Path | None, rounds: int, memory_passes: list[int]) -> None:
    """Measure one model and print its tables."""
    model = load_model(name, weights)
    pair = load_pair(model)
    shape = " x ".join(map(str, pair.fixed_lattice.size))
    print(f"\n### {model.description.title}, {shape} voxels\n")
    print("| family | precision | engine / bare passes | one bare pass, s |\n|---|---|---|---|")
    for precision in (Precision.F32, Precision.BF16):
        for family, sampling in FAMILIES:
            how = Execution(precision=precision)
            ratio, second = overhead(model, pair, design(family, sampling), how, rounds)
            print(
                f"| {family.value} | {precision.value} | {ratio:.3f} | {second:.2f} |", flush=True
            )
    mean, high, correlation = reduced_precision(model, pair)
    print(
        f"\nbf16 against f32: the answer moves by {mean:.3f} mm on average, {high:.3f} mm at the "
        f"99th percentile; Quick's total maps correlate {correlation:.4f}.\n"
    )
    base = [f"--model={name}", *([f"--weights={weights}"] if weights else [])]
    print("| passes | peak memory, MB | obvious implementation, MB |\n|---|---|---|")
    for passes in memory_passes:
        mine = peak_memory([*base, f"--memory={passes}"])
        theirs = "not run"
        if passes <= 32:
            theirs = f"{peak_memory([*base, f'--memory={passes}', '--obvious']):.0f}"
        print(f"| {passes} | {mine:.0f} | {theirs} |", flush=True)
    what = design(Family.RIGID, Sampling.HADAMARD)
    engine_s = timed(
        lambda: Engine(model, pair, what, Execution(), reverse_pass=False).run(),
        torch.device("cpu"),
    )
    mine_map = Engine(model, pair, what, Execution(), reverse_pass=False).run().variance
    gc.collect()
    obvious_s = timed(lambda: straightforward(model, pair, what), torch.device("cpu"))
    gap = (mine_map.total.sqrt() - straightforward(model, pair, what)).abs().mean()
    print(f"\nTime of the obvious implementation / the engine's: {obvious_s / engine_s:.2f};")
    print(f"their maps differ by {gap:.1e} mm on average\n")
    print("Quick on the sample pair, seconds of each phase:", whole_job(name, weights))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lapirn", type=Path, metavar="FILE", help="LapIRN's weights")
    parser.add_argument("--only-lapirn", action="store_true", help="leave out the bundled network")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-passes", type=int, nargs="+", default=[8, 32, 128])
    for hidden in ("--model", "--weights", "--memory"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    parser.add_argument("--obvious", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        weights = Path(options.weights) if options.weights else None
        run_one(load_model(options.model, weights), int(options.memory), options.obvious)
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    if not options.only_lapirn:
        report("pyramid-flow", None, options.rounds, options.memory_passes)
    if options.lapirn:
        report("lapirn", options.lapirn, options.rounds, options.memory_passes)


if __name__ == "__main__":
    main()
