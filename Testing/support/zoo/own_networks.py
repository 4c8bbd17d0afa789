"""Networks of one's own behind a manifest, each with other conventions than the last."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import torch
from torch import Tensor, nn

from TTAUncertaintyLib.models import RegistrationModel, load_model

from ..manifests import write_manifest
from ..predictors import SmallNetwork
from .case import Case, Published, channels, fixed_first

#: What the export is made with: array axes i, j, k of 30 x 34 x 32 voxels.
SHAPE = (30, 34, 32)


class InHalfLengths(nn.Module):
    """Both images as channels, the fixed one first; small numbers, since half lengths are long."""

    def __init__(self) -> None:
        super().__init__()
        self.network = SmallNetwork(seed=4)

    def forward(self, both: Tensor) -> Tensor:
        field: Tensor = self.network(both[:, 1:], both[:, :1])
        return field * 0.05


def make_exported(folder: Path, options: Mapping[str, str]) -> RegistrationModel:
    path = folder / "exported.pt2"
    program = torch.export.export(InHalfLengths().eval(), (torch.rand(1, 2, *SHAPE),))
    torch.export.save(program, str(path))
    manifest = write_manifest(
        folder,
        path,
        kind="torch-export",
        input__shape=list(SHAPE),
        input__multiple=1,
        input__orientation="LPI",
        input__array_order="ijk",
        input__normalisation={"kind": "percentile", "low": 0.5, "high": 99.9, "to": [-1, 1]},
        input__images=["fixed", "moving"],
        input__passed_as="channels",
        output__unit="grid_sample",
        output__align_corners=False,
        output__components="ijk",
    )
    return load_model(str(manifest), options=options)


def make_script(folder: Path, options: Mapping[str, str]) -> RegistrationModel:
    path = folder / "script.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather have it exported
        torch.jit.script(SmallNetwork(seed=5).eval()).save(str(path))
    manifest = write_manifest(folder, path, input__orientation="RAS", output__components="kji")
    return load_model(str(manifest), options=options, trust_code=True)


PYTHON = """
    import torch
    from support.predictors import SmallNetwork

    class Net(torch.nn.Module):
        def __init__(self, manifest):
            super().__init__()
            self.network = SmallNetwork(seed=6)

        def forward(self, fixed, moving):
            sizes = moving.shape[2:]
            axes = [torch.linspace(0, 1, n, device=moving.device) for n in sizes]
            place = torch.stack(torch.meshgrid(*axes, indexing="ij")).flip(0)
            return place[None] + 0.03 * self.network(moving, fixed)
"""


def make_python(folder: Path, options: Mapping[str, str]) -> RegistrationModel:
    path = folder / "own.py"
    path.write_text(dedent(PYTHON), encoding="utf-8")
    changes: dict[str, Any] = {"class": "Net"}
    manifest = write_manifest(
        folder,
        path,
        kind="python",
        input__lattice="own",
        input__shape=[36, 40, 44],
        input__multiple=1,
        input__spacing_mm=None,
        input__orientation=None,
        input__images=["fixed", "moving"],
        output__quantity="map",
        output__unit="unit",
        output__align_corners=True,
        output__components="ijk",
        **changes,
    )
    return load_model(str(manifest), options=options, trust_code=True)


CASES = (
    Case(
        name="torch-export",
        make=make_exported,
        published=Published(
            at="network.network",
            quantity="displacement",
            unit="grid_sample",
            components="first axis first",
            align_corners=False,
            directions="LPI",
            receive=channels("fixed"),
        ),
        half_precision_mm=1.0,
        restored_mm=1.0,
        respaced_mm=1.0,
    ),
    Case(
        name="torchscript",
        make=make_script,
        published=Published(
            at="network.network",
            quantity="displacement",
            unit="voxel",
            components="first axis first",
            directions="SAR",
        ),
        half_precision_mm=1.0,
        restored_mm=1.0,
        respaced_mm=1.0,
    ),
    Case(
        name="python",
        make=make_python,
        published=Published(
            at="network.network",
            quantity="map",
            unit="unit",
            components="last axis first",
            receive=fixed_first,
        ),
        half_precision_mm=1.0,
        restored_mm=None,
        respaced_mm=None,
    ),
)
