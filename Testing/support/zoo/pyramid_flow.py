"""The bundled network, with its own weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from TTAUncertaintyLib.models.adapters.pyramid_flow import PyramidFlow

from .case import Case, Published, Recovery


def make(folder: Path, options: Mapping[str, str]) -> PyramidFlow:
    return PyramidFlow(None, options)


CASE = Case(
    name="pyramid-flow",
    make=make,
    published=Published(
        at="network",
        quantity="displacement",
        unit="voxel",
        components="last axis first",
        directions="SAR",
    ),
    half_precision_mm=0.4,
    restored_mm=1e-3,
    respaced_mm=0.3,
    recovery=Recovery(bound_mm=1.0, make=PyramidFlow, turn_deg=7.0),
)
