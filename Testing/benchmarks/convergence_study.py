"""How well is the map known? The standard error that a run states, and what seeds differ by.

    python Testing/benchmarks/convergence_study.py --seeds 8

The same pair is run with one design and several seeds. Over the foreground's voxels, root mean
squares in mm: the map; what it differs by from seed to seed (standard deviation); the standard
error that the runs state; and the one that takes the perturbations for independent draws.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from TTAUncertaintyLib.engine import Engine, Execution, place, prepare
from TTAUncertaintyLib.geometry import read_image
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.review import foreground_of
from TTAUncertaintyLib.sample_data import sample_pair


def main() -> None:
    """Run the seeds and print a line of the table for each preset."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="pyramid-flow")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--presets", nargs="+", default=["quick", "standard"])
    parser.add_argument("--seeds", type=int, default=8)
    options = parser.parse_args()
    pair = sample_pair()
    fixed, _ = read_image(pair.fixed.path)
    moving, _ = read_image(pair.moving.path)
    model = load_model(options.model, options.weights)
    prepared = prepare(fixed, moving, model, place(fixed, moving, model))
    inside = torch.from_numpy(foreground_of(prepared.fixed[0, 0].numpy()))
    print("| preset | map | between seeds | stated | as independent draws |")
    print("|---|---|---|---|---|")
    for preset in options.presets:
        totals, stated, independent = [], [], []
        for seed in range(options.seeds):
            request = DesignRequest(Preset(preset), seed=seed)
            design = request.resolve(prepared.moving_lattice)
            outcome = Engine(model, prepared, design, Execution(), reverse_pass=False).run()
            estimate, known = outcome.variance, outcome.convergence
            assert estimate is not None and estimate.standard_error is not None
            assert known is not None
            totals.append(estimate.total.clamp(min=0).sqrt()[inside])
            stated.append(known.standard_error_mm)
            independent.append(estimate.standard_error[inside].square().mean())
        roots = torch.stack(totals)
        cells = (
            roots.square().mean().sqrt(),
            roots.var(0).mean().sqrt(),
            torch.tensor(stated).square().mean().sqrt(),
            torch.stack(independent).mean().sqrt(),
        )
        print(f"| {preset} | " + " | ".join(f"{float(cell):.3f}" for cell in cells) + " |")


if __name__ == "__main__":
    main()
