"""`ttauncertainty demo`: the main job on the sample images that come with the software."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..perturbations import DesignRequest, Preset
from ..sample_data import sample_pair, sample_pairs
from ..worker import Job
from .run import watch

#: The pairs that are shown where nobody says which.
_SHOWN = ("reference", "lesion")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "demo", help="register the bundled images with the bundled network"
    )
    parser.add_argument(
        "--sample",
        action="append",
        choices=list(sample_pairs()),
        help="which pair; may be given several times; the two of brains where it is not",
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("demo-output"))
    parser.add_argument(
        "--preset", choices=[p.value for p in Preset], default=Preset.STANDARD.value
    )
    parser.set_defaults(do=do)


def do(options: argparse.Namespace) -> int:
    """Carry out the command."""
    for name in options.sample or _SHOWN:
        pair = sample_pair(name)
        print(f"\n=== {pair.description}")
        job = Job(
            fixed=pair.fixed.path,
            moving=pair.moving.path,
            output=options.output / name,
            overwrite=True,
            design=DesignRequest(Preset(options.preset)),
        )
        watch(job)
    print(f"\nLook at them in the browser:\n  ttauncertainty view {options.output}/*")
    return 0
