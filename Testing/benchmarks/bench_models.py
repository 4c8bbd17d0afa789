"""What each model costs: parameters, one pass, what the engine adds, memory, reduced precision.

One row per model, device and precision. The ratios are of things that took turns in one run, so
that they hold on a noisy machine; seconds are for orientation. Models whose weights are not at
hand run with seeded random ones, which cost the same; the table says so, and the correlation of
their maps is not that of the published network. The table is Markdown, for the documents.

    python Testing/benchmarks/bench_models.py                        every model, its own lattice
    python Testing/benchmarks/bench_models.py lapirn --cube 64       one, on 64 x 64 x 64 voxels
    python Testing/benchmarks/bench_models.py lapirn --weights lapirn=LapIRN_disp_fea7.pth
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from bench_engine import resident_peak, timed
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.predictors import pair_on
from support.zoo import CASES
from support.zoo.case import Case

from TTAUncertaintyLib.engine import Engine, Execution, Precision
from TTAUncertaintyLib.engine.execution import numerics
from TTAUncertaintyLib.errors import ModelError, ResourceError, TTAUncertaintyError
from TTAUncertaintyLib.geometry import Lattice, read_image
from TTAUncertaintyLib.models import MODELS, RegistrationModel, load_model
from TTAUncertaintyLib.models.contract import PreparedPair
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family, Sampling
from TTAUncertaintyLib.sample_data import sample_pairs

HEADINGS = (
    "model",
    "weights",
    "parameters",
    "voxels",
    "device",
    "precision",
    "one bare pass, s",
    "/ f32 pass",
    "engine / bare passes",
    "peak memory, MB",
    "map's correlation with f32",
)
#: By the names of models and of kinds of manifest.
CASE_OF = {name: case for case in CASES.values() for name in (case.name, *case.covers)}


@dataclass(frozen=True)
class Loaded:
    """A model, and where its weights come from in a word."""

    model: RegistrationModel
    weights: str


def load(name: str, given: Path | None, folder: Path) -> Loaded:
    """Return a model as its users have it, with real weights where they are at hand.

    Parameters
    ----------
    name
        Of a model in the registry, or of a case of the conformance suite.
    given
        A weights file from the command line.
    folder
        Where seeded random weights are written.
    """
    model = _with_real_weights(name, given)
    if model is None:
        return Loaded(_with_random_weights(CASE_OF[name], folder), "random")
    if model.weights is None:
        return Loaded(model, "none")
    if model.weights.published:
        return Loaded(model, "published")
    return Loaded(model, "given" if given else "bundled")


def _with_real_weights(name: str, given: Path | None) -> RegistrationModel | None:
    if given is not None:
        return load_model(name, given)
    if name in MODELS:
        try:
            return load_model(name)
        except ModelError:
            pass  # not installed
    case = CASES.get(name)
    if case is not None and case.recovery is not None:
        try:
            return case.recovery.make()
        except pytest.skip.Exception:
            pass  # not at hand
    return None


def _with_random_weights(case: Case, folder: Path) -> RegistrationModel:
    if case.as_published is not None:
        return case.as_published(folder)
    small = case.make(folder, {})
    if case.name in MODELS and small.weights is not None:
        return load_model(case.name, small.weights.path)
    return small


def parameters(model: RegistrationModel) -> int:
    """Count the parameters of the torch modules that an adapter holds."""
    modules = [value for value in vars(model).values() if isinstance(value, nn.Module)]
    return sum(p.numel() for p in {id(p): p for m in modules for p in m.parameters()}.values())


def prepared(model: RegistrationModel, cube: int | None) -> PreparedPair:
    """Return the sample pair as the model prepares it, or two smooth cubes of some voxels."""
    if cube is not None:
        lattice = Lattice.from_geometry((cube, cube, cube), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0))
        return pair_on(lattice, lattice)
    pair = sample_pairs()["reference"]
    fixed, moving = read_image(pair.fixed.path)[0], read_image(pair.moving.path)[0]
    return model.prepare(fixed, moving, np.eye(4))  # both lie in the same space


def engine_of(
    model: RegistrationModel, pair: PreparedPair, passes: int, device: str, precision: Precision
) -> Engine:
    """Return an engine that makes single passes."""
    design = Design(Family.AFFINE, Amplitudes(), Sampling.RANDOM, outer=passes)
    how = Execution(device, precision, batch_size=1)
    return Engine(model, pair, design, how, reverse_pass=False)


@dataclass
class Measured:
    """Seconds of the passes in one precision, and the map that they gave."""

    bare: list[float]
    engine: list[float]
    total_mm: np.ndarray


@torch.inference_mode()
def bare(model: RegistrationModel, tensors: tuple[torch.Tensor, ...], precision: Precision) -> None:
    """Make one pass and nothing else."""
    with numerics(tensors[1].device, precision):
        model.predict(*tensors)


def measure(
    model: RegistrationModel,
    pair: PreparedPair,
    passes: int,
    device: str,
    precisions: list[Precision],
) -> dict[Precision, Measured]:
    """Let bare passes and the engine's take turns, one by one, in all precisions."""
    engines = {p: engine_of(model, pair, passes, device, p) for p in precisions}
    where = next(iter(engines.values())).device
    tensors = pair.moving.to(where), pair.fixed.to(where)
    steps: dict[Precision, Iterator[object]] = {p: iter(e) for p, e in engines.items()}
    for precision in precisions:
        next(steps[precision])  # the unperturbed pass warms up
    times: dict[Precision, tuple[list[float], list[float]]] = {p: ([], []) for p in precisions}
    for _ in range(passes):
        for precision in precisions:
            alone, inside = times[precision]
            alone.append(timed(partial(bare, model, tensors, precision), where))
            inside.append(timed(partial(next, steps[precision], None), where))
    shown = pair.fixed[0, 0]
    foreground = (shown > shown.min() + 0.05 * (shown.max() - shown.min())).numpy()
    found = {}
    for precision in precisions:
        estimate = engines[precision].outcome().variance
        assert estimate is not None
        total = estimate.total.clamp(min=0).sqrt().numpy()[foreground]
        found[precision] = Measured(*times[precision], total)
    return found


def peak_memory(arguments: list[str]) -> float:
    """Return the peak memory, MB, of this script doing one thing in a process of its own."""
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise ResourceError(f"its process ended with {(done.stderr.splitlines() or ['?'])[-1]}")
    return float(json.loads(done.stdout.splitlines()[-1])["MB"])


def use_memory(options: argparse.Namespace) -> None:
    """Make two perturbed passes, or nothing, and print this process's peak memory.

    On a GPU: what torch held there. Otherwise the resident memory.
    """
    on_gpu = options.memory_of != "nothing" and options.devices[0].startswith("cuda")
    if options.memory_of != "nothing":
        with tempfile.TemporaryDirectory() as folder:
            loaded = load(options.memory_of, _given(options).get(options.memory_of), Path(folder))
            pair = prepared(loaded.model, options.cube)
            precision = Precision(options.precisions[0])
            engine_of(loaded.model, pair, 2, options.devices[0], precision).run()
    peak = resident_peak()
    if on_gpu:
        peak = torch.cuda.max_memory_allocated() / 2**20
    print(json.dumps({"MB": peak}))


def rows(name: str, options: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """Measure a model; yield a row of text for each device and precision."""
    given = _given(options).get(name)
    with tempfile.TemporaryDirectory() as folder:
        loaded = load(name, given, Path(folder))
        model = loaded.model
        count = parameters(model)
        pair = prepared(model, options.cube)
        shape = " x ".join(map(str, pair.fixed_lattice.size))
        precisions = [Precision(p) for p in options.precisions if count or p == "f32"]
        for device in options.devices:
            found = measure(model, pair, options.passes, device, precisions)
            first = found[precisions[0]]
            for precision in precisions:
                mine = found[precision]
                command = [f"--memory-of={name}", "--devices", device]
                command += ["--precisions", precision.value]
                command += [f"--cube={options.cube}"] if options.cube else []
                command += [f"--weights={name}={given}"] if given else []
                second = statistics.median(mine.bare)
                correlation = np.corrcoef(first.total_mm, mine.total_mm)[0, 1]
                yield (
                    name,
                    loaded.weights,
                    f"{count:,}" if count else "none",
                    shape,
                    device,
                    precision.value,
                    f"{second:.3g}",
                    f"{second / statistics.median(first.bare):.2f}",
                    f"{statistics.median(mine.engine) / second:.3f}",
                    f"{peak_memory(command):.0f}",
                    "" if mine is first else f"{correlation:.4f}",
                )


def _given(options: argparse.Namespace) -> dict[str, Path]:
    return {name: Path(path) for name, _, path in (w.partition("=") for w in options.weights)}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = list(dict.fromkeys([*MODELS, *CASES]))
    everywhere = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    parser.add_argument("models", nargs="*", help=f"some of {', '.join(known)}; all by default")
    parser.add_argument("--cube", type=int, metavar="N", help="N x N x N voxels for every model")
    parser.add_argument("--passes", type=int, default=6, help="perturbed passes of each")
    parser.add_argument("--devices", nargs="+", default=everywhere)
    parser.add_argument("--precisions", nargs="+", default=["f32", "bf16"], help="f32 first")
    parser.add_argument("--weights", action="append", default=[], metavar="MODEL=FILE")
    parser.add_argument("--threads", type=int, help="of torch; its own choice by default")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    if unknown := set(options.models) - set(known):
        parser.error(f"there is no model {', '.join(sorted(unknown))}; there are {known}")
    if options.memory_of:
        use_memory(options)
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads", end="; ")
    if torch.cuda.is_available():
        print(torch.cuda.get_device_name(), end="; ")
    print(f"a process with torch and nothing to do: {peak_memory(['--memory-of=nothing']):.0f} MB")
    print("\n| " + " | ".join(HEADINGS) + " |\n|" + "---|" * len(HEADINGS))
    for name in options.models or known:
        if name in CASE_OF and (reason := CASE_OF[name].unavailable()):
            print(f"| {name} | not measured: {reason} |" + " |" * (len(HEADINGS) - 2))
            continue
        try:
            for row in rows(name, options):
                print("| " + " | ".join(row) + " |", flush=True)
        except TTAUncertaintyError as error:
            print(f"| {name} | not measured: {error} |" + " |" * (len(HEADINGS) - 2))


if __name__ == "__main__":
    main()
