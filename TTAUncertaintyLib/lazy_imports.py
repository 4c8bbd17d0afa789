"""Names that a package gives out only when they are asked for (PEP 562).

Slicer's own Python has numpy and SimpleITK, and torch only after the person agreed to install it.
The rooms that the desktop uses therefore load without torch: what computes with tensors is
imported on the first use of its name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazily(package: str, **modules: tuple[str, ...]) -> Callable[[str], Any]:
    """Return a package's `__getattr__` that imports a module when one of its names is needed.

    Parameters
    ----------
    package
        The package's `__name__`.
    modules
        Names that each module of the package provides.

    Notes
    -----
    Type checkers do not follow this: the package also imports the names under TYPE_CHECKING, and
    defines `__getattr__` only otherwise, so that a misspelt name is still noticed.
    """
    home = {name: module for module, names in modules.items() for name in names}

    def getattr_(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return getattr_
