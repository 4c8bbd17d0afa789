"""The command line: `ttauncertainty run | models | info | demo`."""

from __future__ import annotations


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status.

    Everything is imported inside: Ctrl-C in the first second is a cancel too.
    """
    try:
        from .command_line import main

        return main(arguments)
    except KeyboardInterrupt:  # before there was anybody to take it
        return 130
