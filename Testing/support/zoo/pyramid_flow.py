"""The bundled networks, with their own weights."""

from __future__ import annotations

from functools import partial

from TTAUncertaintyLib.models import load_model

from .case import Case, Published, Recovery

CASES = tuple(
    Case(
        name=name,
        make=lambda folder, options, name=name: load_model(name, None, options),
        published=Published(
            at="network",
            quantity="displacement",
            unit="voxel",
            components="last axis first",
            directions="SAR",
        ),
        # on the finer lattice of small images a small ball may tip towards its neighbour
        half_precision_mm=0.5 if name == "pyramid-flow-any" else 0.1,
        restored_mm=1e-3,
        # demons follow what resampling changes, and inside a ball nothing holds them; of a brain
        # the map moves by 0.10 mm in place of 0.07
        respaced_mm=0.4 if name == "pyramid-flow-any" else 0.3,
        recovery=Recovery(bound_mm=1.0, make=partial(load_model, name), turn_deg=7.0),
    )
    for name in ("pyramid-flow", "pyramid-flow-any", "pyramid-flow-dropout")
)
