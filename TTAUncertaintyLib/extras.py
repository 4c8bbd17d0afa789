"""Packages that a few commands need beyond torch, numpy and SimpleITK."""

from __future__ import annotations

import importlib.util
from enum import Enum

from .errors import MissingPackage


class Extra(Enum):
    """Groups of packages; the value is the name of the extra in pyproject.toml."""

    LAB = "lab"  #: evaluations and calibrations
    COHORT = "cohort"  #: studies of many pairs
    VIEWER = "viewer"  #: Slicer's views in the browser

    @property
    def modules(self) -> tuple[str, ...]:
        """What has to be there, by the names that are imported."""
        return {
            Extra.LAB: ("scipy", "matplotlib", "jinja2"),
            Extra.COHORT: (
                "distributed",
                "dask_jobqueue",
                "pyarrow",
                "plotly",
                "itables",
                "jinja2",
            ),
            Extra.VIEWER: ("trame_slicer", "slicer", "trame_rca", "trame_vuetify"),
        }[self]


def need(extra: Extra, what: str) -> None:
    """See that packages are there, before any work is done that would be lost without them.

    Raises
    ------
    MissingPackage
        If one is not there; the message has the command that installs them.
    """
    missing = [name for name in extra.modules if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPackage(
            f"{what} needs {', '.join(missing)}, which cannot be loaded here.",
            f"Install it: python -m pip install 'ttauncertainty[{extra.value}]'",
        )
