"""Registrations by optimisation: no network, and so what they recover is what counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from TTAUncertaintyLib.models.contract import RegistrationModel
from TTAUncertaintyLib.models.registry import MODELS

from .case import Case, Recovery


def _at(spacing: str, name: str) -> Callable[[Path, Mapping[str, str]], RegistrationModel]:
    def make(folder: Path, options: Mapping[str, str]) -> RegistrationModel:
        return MODELS[name].load(None, {"spacing": spacing, **options})

    return make


def _case(
    name: str, bound_mm: float, respaced_mm: float, unavailable: Callable[[], str | None]
) -> Case:
    return Case(
        name=name,
        make=_at("4", name),
        published=None,
        half_precision_mm=0.0,
        restored_mm=0.5,
        respaced_mm=respaced_mm,
        recovery=Recovery(
            bound_mm=bound_mm,
            shift_mm=5.0,
            turn_deg=10.0,
            make=lambda: MODELS[name].load(None, {"spacing": "3"}),
        ),
        unavailable=unavailable,
    )


def _no_greedy() -> str | None:
    if find_spec("picsl_greedy") is not None:
        return None
    return "NOT TESTED: picsl-greedy is not installed (see Testing/oracles/requirements-greedy.txt)"


CASES = (
    _case("sitk-bspline", 1.5, 1.5, lambda: None),
    _case("sitk-demons", 1.5, 1.5, lambda: None),
    _case("greedy", 1.5, 1.5, _no_greedy),
)
