"""The group page of a study: one file that opens offline, the worst pair first.

Table (DataTables, of the package `itables`) and plots (`plotly`) are those packages' own scripts,
put into the page as they are installed. Pictures and reports are the files of the study beside it.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..errors import MissingPackage
from ..evaluation.page.templates import render
from .columns import describe, title
from .layout import BUNDLE, PAGE_FILE, PICTURE_FILE
from .outliers import MEASURES
from .pairs import beside
from .study import Failure, Study
from .work_list import RANKED_BY

_ASSETS = Path(__file__).with_name("assets")

#: Measures of the table and the plots, the most telling first; what no pair has is left out.
SHOWN = (
    "expected_error_p95",
    "expected_error_mean",
    "error_bound_p95",
    "total_median",
    "total_p95",
    "total_maximum",
    "inverse_consistency_p95",
    "above_share",
    "folded_share",
    "covered_share",
    "outside_calibration_share",
    "landmark_error_mean_mm",
    "dice_mean",
    "seconds",
)
#: The page is sorted by the first of these that there is.
_WORST_BY = (*RANKED_BY, "total_median", "seconds")
#: Digits after the point that tell pairs apart.
_DIGITS = 5


def write_page(
    study: Study, rows: Sequence[Mapping[str, Any]], failures: Mapping[str, Failure]
) -> None:
    """Write the page of a study, beside its place first.

    Parameters
    ----------
    study
        Whose.
    rows
        Of the table of pairs.
    failures
        By the name of the pair: their logs.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path = study.folder / PAGE_FILE
    partial = beside(path)
    partial.write_text(make_page(study.folder.name, rows, failures), encoding="utf-8")
    partial.replace(path)


def make_page(name: str, rows: Sequence[Mapping[str, Any]], failures: Mapping[str, Failure]) -> str:
    """Return the page as one HTML document."""
    shown = [column for column in SHOWN if any(row.get(column) is not None for row in rows)]
    states = {state: sum(row["state"] == state for row in rows) for state in _STATES}
    worst = next((column for column in _WORST_BY if column in shown), "")
    content = {
        "columns": {
            "pair": [row["pair"] for row in rows],
            "group": [row.get("group") or "" for row in rows],
            "state": [row["state"] for row in rows],
            "flags": [_in_words(row.get("flags") or "") for row in rows],
            **{column: [_number(row.get(column)) for row in rows] for column in shown},
        },
        "measures": [
            {
                "key": column,
                "title": title(column),
                "meaning": " ".join(describe(column)).strip(),
                "sign": MEASURES.get(column, 1),
            }
            for column in shown
        ],
        "worst": worst,
        "bundle": BUNDLE,
        "picture": PICTURE_FILE,
        "failures": {
            one.pair: {
                "reason": f"{one.reason} {one.remedy}".strip(),
                "log": one.log,
                "computer": one.computer,
                "attempts": one.attempts,
            }
            for one in failures.values()
        },
    }
    return render(
        "study.html",
        _ASSETS,
        title=f"Study {name}",
        kicker="A cohort of registrations",
        facts=[(what.capitalize(), count) for what, count in states.items() if count],
        flagged=sum(bool(row.get("flags")) for row in rows),
        worst=title(worst) if worst else "",
        content=Markup(_script_safe(json.dumps(content, separators=(",", ":")))),
        own_style=Markup((_ASSETS / "study.css").read_text(encoding="utf-8")),
        own_script=Markup((_ASSETS / "study.js").read_text(encoding="utf-8")),
        table_style=Markup(_packaged("itables", "html/dt_bundle.css")),
        table_script=_encoded("itables", "html/dt_bundle.js"),
        plot_script=Markup(_script_safe(_packaged("plotly", "package_data/plotly.min.js"))),
    )


_STATES = ("done", "failed", "missing")


def _number(value: Any) -> float | int | None:
    if value is None or isinstance(value, bool | str) or not math.isfinite(value):
        return None
    return value if isinstance(value, int) else round(value, _DIGITS)


def _in_words(flags: str) -> str:
    """Return flags with the titles of their measures."""
    said = []
    for one in filter(None, flags.split("; ")):
        column, _, z = one.rpartition(" z=")
        said.append(f"{title(column)}: robust z {z}")
    return "; ".join(said)


def _script_safe(text: str) -> str:
    """Return a script, or JSON in one, that does not end the element it stands in."""
    return text.replace("</", "<\\/").replace("<!--", "<\\!--")


@cache
def _packaged(package: str, file: str) -> str:
    """Return a file of an installed package.

    Raises
    ------
    MissingPackage
        If it is not there.
    """
    found = find_spec(package)
    path = None if found is None or found.origin is None else Path(found.origin).parent / file
    if path is None or not path.is_file():
        raise MissingPackage(
            f"The page of a study needs {file} of the package {package}.",
            "Install it: python -m pip install 'ttauncertainty[cohort]'",
        )
    return path.read_text(encoding="utf-8")


@cache
def _encoded(package: str, file: str) -> str:
    return base64.b64encode(_packaged(package, file).encode()).decode("ascii")
