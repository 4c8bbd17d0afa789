"""The models as the conformance suite sees them: one file per adapter, found by itself.

A new adapter gets a file here that exposes `CASE = Case(...)` (or `CASES`, a tuple, where one
adapter serves several models); `case.py` says what a case needs. The tests of
`Testing/models/conformance` then run for it. Nothing else has to be edited.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from .case import Case


def _found() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        contents = vars(import_module(f"{__name__}.{module}"))
        for case in (*contents.get("CASES", ()), *filter(None, [contents.get("CASE")])):
            if case.name in cases:
                raise ValueError(f"There are two cases called {case.name}.")
            cases[case.name] = case
    return cases


#: Every case, by its name.
CASES: dict[str, Case] = _found()
