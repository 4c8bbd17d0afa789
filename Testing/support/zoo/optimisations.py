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
    name: str,
    restored_mm: float = 0.5,
    unavailable: Callable[[], str | None] = lambda: None,
) -> Case:
    return Case(
        name=name,
        make=_at("4", name),
        published=None,
        half_precision_mm=0.0,
        restored_mm=restored_mm,
        respaced_mm=1.5,
        recovery=Recovery(
            bound_mm=1.5,
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
    _case("sitk-bspline"),
    _case("sitk-demons"),
    # local correlation in the flat surroundings of the balls amplifies what rounding leaves there:
    # 4.1 mm were measured at 4 mm
    _case("greedy", restored_mm=5.0, unavailable=_no_greedy),
)
