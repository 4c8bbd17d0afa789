"""The command line: `ttauncertainty run | models | info | demo`."""

from .main import main

__all__ = ["main"]
