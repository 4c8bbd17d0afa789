"""Names that a package gives out only when they are asked for (PEP 562).

Slicer's own Python has numpy and SimpleITK, and torch only after the person agreed to install it.
The rooms that the desktop uses therefore load without torch: what computes with tensors is
imported on the first use of its name.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


def lazily(package: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package, by its `__name__`.

    Its names are those that it imports from its modules under TYPE_CHECKING, which type checkers
    follow; the package defines `__getattr__` only otherwise, so that they notice a misspelt name.
    """
    tree = ast.parse(inspect.getsource(sys.modules[package]))
    checked = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [each for node in checked for each in node.body if isinstance(each, ast.ImportFrom)]
    home = {alias.name: each.module for each in imports for alias in each.names}

    def getattr_(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return getattr_


def callable_as(package: str, function: str) -> None:
    """Let a package be called as well: as a function of `the room `api`."""

    class CallablePackage(ModuleType):
        def __call__(self, *arguments: Any, **keywords: Any) -> Any:
            api = import_module(".api", __package__)
            return getattr(api, function)(*arguments, **keywords)

    sys.modules[package].__class__ = CallablePackage
