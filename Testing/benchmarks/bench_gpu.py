"""What a graphics card makes of it, in five minutes: one figure a line, none left out in silence.

For the bundled network and for uniGradICON's architecture (random weights where the published ones
are not installed, which cost the same; 175 x 175 x 175 voxels): what the engine adds to a pass,
which batch fills the device, what reduced precision, compilation and a CUDA graph bring and how far
they move the answer, and Quick against ten bare passes. A figure that could not be measured says
why. The table is Markdown, for the documents; the JSON is for comparing machines.

    python Testing/benchmarks/bench_gpu.py --json gpu.json
    python Testing/benchmarks/bench_gpu.py --device cpu --small      a rehearsal without a GPU
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from bench_engine import timed
from bench_models import CASE_OF, Loaded, bare, load, measure, prepared
from torch import Tensor

from TTAUncertaintyLib.engine import Engine, Execution, Precision
from TTAUncertaintyLib.engine.execution import is_out_of_memory, numerics
from TTAUncertaintyLib.models.contract import encode_fixed
from TTAUncertaintyLib.perturbations import Preset, preset_design

MODELS = ("pyramid-flow", "unigradicon")
BATCHES = (2, 4, 8, 16)
REDUCED = (Precision.BF16, Precision.F16)
#: Voxels of a side in a rehearsal.
SMALL = 32


@dataclass(frozen=True)
class Figure:
    """One figure."""

    #: In words, with the unit.
    what: str
    #: None where it is missing.
    value: float | None
    #: It should be at most this; None where there is no aim.
    aim: float | None = None
    #: Why there is no value.
    missing: str = ""

    @property
    def row(self) -> str:
        """A row of the table."""
        aim = "" if self.aim is None else f"at most {self.aim:g}"
        if self.value is None:
            return f"| {self.what} | not measured: {self.missing} | {aim} |"
        verdict = "" if self.aim is None else (", met" if self.value <= self.aim else ", NOT met")
        return f"| {self.what} | {self.value:.3g} | {aim}{verdict} |"


class Bench:
    """A model on a device.

    Parameters
    ----------
    loaded
        The model.
    device
        Name of the device.
    cube
        Voxels of a side of the images; None takes the sample pair on the model's own lattice.
    rounds
        How often each thing is timed; medians count.
    """

    def __init__(self, loaded: Loaded, device: str, cube: int | None, rounds: int) -> None:
        self.model = loaded.model
        self.pair = prepared(self.model, cube)
        self.device = Execution(device).resolve_device()
        self.rounds = rounds
        # the engine places the model on the device, in the layout that it uses
        design = preset_design(Preset.QUICK, self.pair.moving_lattice)
        self.design = design
        self.engine = partial(Engine, self.model, self.pair, design, Execution(str(self.device)))
        self.engine()
        self.moving, self.fixed = self.pair.moving.to(self.device), self.pair.fixed.to(self.device)

    def predict(self, precision: Precision = Precision.F32, batch: int = 1) -> Tensor:
        """Make passes with the fixed image encoded beforehand, as in a run."""
        fixed = self.encoded[precision]
        if isinstance(fixed, Tensor):
            fixed = fixed.expand(batch, -1, -1, -1, -1)
        with torch.inference_mode(), numerics(self.device, precision):
            return self.model.predict(self.moving.expand(batch, -1, -1, -1, -1), fixed)

    @cached_property
    def encoded(self) -> dict[Precision, Any]:
        """The fixed image, in every precision."""
        found = {}
        for precision in Precision:
            with torch.inference_mode(), numerics(self.device, precision):
                found[precision] = encode_fixed(self.model, self.fixed)
        return found

    def seconds(self, do: Callable[[], object]) -> float:
        """Return the median time of something, after one time for warming up."""
        do()
        return statistics.median(timed(do, self.device) for _ in range(self.rounds))

    @cached_property
    def one_pass(self) -> float:
        """Seconds of a pass in float32 as a run makes it."""
        return self.seconds(self.predict)

    @cached_property
    def bare_pass(self) -> float:
        """Seconds of the network alone, both images encoded."""
        tensors = self.moving, self.fixed
        return self.seconds(partial(bare, self.model, tensors, Precision.F32))

    def gap(self, answer: Tensor) -> float:
        """Return how far an answer lies from that of a plain pass at most, mm."""
        step = torch.tensor(self.pair.moving_lattice.spacing, dtype=torch.float32)
        apart = (answer.float() - self.predict().float()).cpu() * step.view(1, 3, 1, 1, 1)
        return float(apart.norm(dim=1).max())

    def overhead(self) -> float:
        """Return an engine's pass over a bare one, taking turns."""
        precisions = [Precision.F32]
        found = measure(self.model, self.pair, 2 * self.rounds, str(self.device), precisions)
        times = found[Precision.F32]
        return statistics.median(times.engine) / statistics.median(times.bare)

    def quick(self) -> float:
        """Return a whole Quick over as many bare passes."""
        engine = self.engine()
        return timed(engine.run, self.device) / (engine.total * self.bare_pass)

    def reduced(self, precision: Precision) -> float:
        """Return a pass in a reduced precision over one in float32."""
        return self.seconds(partial(self.predict, precision)) / self.one_pass

    def batched(self, batch: int) -> float:
        """Return the time of a pass in a batch over that of one alone."""
        return self.seconds(partial(self.predict, batch=batch)) / batch / self.one_pass

    def memory(self) -> float:
        """Return what torch held on the device at most in one pass, GiB."""
        self._need_cuda()
        torch.cuda.reset_peak_memory_stats(self.device)
        self.predict()
        return torch.cuda.max_memory_allocated(self.device) / 2**30

    @cached_property
    def compiled(self) -> Callable[[], Tensor]:
        """A compiled pass; without a GPU by the compiler that only traces."""
        backend = "inductor" if self.device.type == "cuda" else "eager"
        return torch.compile(self.predict, backend=backend)

    @cached_property
    def graphed(self) -> Callable[[], Tensor]:
        """A pass that is recorded once and replayed."""
        self._need_cuda()
        side = torch.cuda.Stream(self.device)
        with torch.cuda.stream(side):
            self.predict()
        torch.cuda.current_stream(self.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            answer = self.predict()

        def replay() -> Tensor:
            graph.replay()
            return answer

        return replay

    def _need_cuda(self) -> None:
        if self.device.type != "cuda":
            raise RuntimeError("there is no CUDA device here")

    def plan(self) -> list[tuple[str, float | None, Callable[[], float]]]:
        """Return what is measured, the most telling first: words, aim, and how."""
        shape = " x ".join(map(str, self.pair.fixed_lattice.size))
        whole: list[tuple[str, float | None, Callable[[], float]]] = [
            (f"one bare pass of {shape} voxels, s", None, lambda: self.bare_pass),
            (f"Quick / {2 + self.design.passes} bare passes", 1.2, self.quick),
            ("engine's pass / bare pass", 1.03, self.overhead),
            ("fixed image encoded once / bare pass", None, lambda: self.one_pass / self.bare_pass),
            ("memory of one pass, GiB", None, self.memory),
        ]
        for batch in BATCHES:
            whole.append(
                (f"a pass in a batch of {batch} / one alone", None, partial(self.batched, batch))
            )
        for one in REDUCED:
            whole += [
                (f"{one.value} / f32, time", None, partial(self.reduced, one)),
                (f"{one.value}, answers differ, mm", None, lambda p=one: self.gap(self.predict(p))),
            ]
        for name, made in (
            ("CUDA graph", lambda: self.graphed),
            ("compiled", lambda: self.compiled),
        ):
            whole += [
                (f"{name}, answers differ, mm", 0.02, lambda m=made: self.gap(m()())),
                (f"{name} / plain, time", None, lambda m=made: self.seconds(m()) / self.one_pass),
            ]
        return whole


def chosen(name: str, small: bool, folder: Path) -> Loaded:
    """Return a model; for a rehearsal in the size that the tests use, where there is one."""
    case = CASE_OF[name]
    if small and case.as_published is not None:
        return Loaded(case.make(folder, {}), "random, few")
    return load(name, None, folder)


def measured(what: str, aim: float | None, how: Callable[[], float], until: float) -> Figure:
    """Measure one figure, or say why it is missing."""
    if time.monotonic() > until:
        return Figure(what, None, aim, "the time was over")
    try:
        return Figure(what, how(), aim)
    except Exception as error:  # one figure must not cost the others
        if is_out_of_memory(error):
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            return Figure(what, None, aim, "it does not fit into memory")
        said = (str(error).splitlines() or [""])[0]
        return Figure(what, None, aim, f"{type(error).__name__}: {said}"[:160])


def main() -> None:
    """Measure, print a table, and write the JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help=f"cubes of {SMALL} voxels")
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="MODEL")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=300, help="what has not begun is left out")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    until = time.monotonic() + options.seconds
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("there is no CUDA device here; rehearse with --device cpu --small")
    card = torch.cuda.get_device_name() if options.device.startswith("cuda") else "the processor"
    print(f"torch {torch.__version__}, {card}\n\n| | figure | aim |\n|---|---|---|")
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for place, name in enumerate(options.models):
            # each model has its share of the time, so that the last one is not left with nothing
            share = (until - time.monotonic()) / (len(options.models) - place)
            end = time.monotonic() + share
            loaded = chosen(name, options.small, Path(folder))
            cube = SMALL if options.small else None
            bench = Bench(loaded, options.device, cube, options.rounds)
            for what, aim, how in bench.plan():
                title = f"{name} ({loaded.weights} weights): {what}"
                figures.append(measured(title, aim, how, end))
                print(figures[-1].row, flush=True)
    missing = sum(figure.value is None for figure in figures)
    print(f"\n{len(figures)} figures, {missing} of them not measured")
    if options.json is not None:
        facts = {"torch": torch.__version__, "device": card, "small": options.small}
        found = {**facts, "figures": [asdict(figure) for figure in figures]}
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
