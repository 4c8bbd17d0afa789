"""Which pairs stand out from their group: a flag that says where to look, and no verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

#: Beyond this robust z a pair is flagged: Iglewicz and Hoaglin, How to Detect and Handle Outliers
#: (1993), section 3.
LIMIT = 3.5
#: Makes the median absolute deviation of normal values their standard deviation.
_NORMAL = 0.6745
#: In a smaller group nothing stands out.
_FEWEST = 8

#: What is looked at, and which way is worse: 1 upwards, -1 downwards.
MEASURES: Mapping[str, int] = {
    "expected_error_mean": 1,
    "error_bound_p95": 1,
    "total_median": 1,
    "total_p95": 1,
    "inverse_consistency_p95": 1,
    "folded_share": 1,
    "covered_share": -1,
    "landmark_error_mean_mm": 1,
    "dice_mean": -1,
}


def robust_z(values: Iterable[float | None]) -> list[float | None]:
    """Return 0.6745 (x - median) / MAD for each value; None where that says nothing.

    Parameters
    ----------
    values
        Of one group; None where a pair has none.
    """
    listed = [float("nan") if value is None else float(value) for value in values]
    x = np.array(listed, dtype=float)
    known = x[np.isfinite(x)]
    if known.size < _FEWEST:
        return [None] * len(listed)
    middle = float(np.median(known))
    spread = float(np.median(np.abs(known - middle)))
    if spread == 0:
        return [None] * len(listed)
    z = _NORMAL * (x - middle) / spread
    return [float(one) if np.isfinite(one) else None for one in z]


def flags(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return for each row in what it stands out from its group, in words; "" in nothing.

    Parameters
    ----------
    rows
        Of the table of pairs, with the column "group".
    """
    said: list[list[str]] = [[] for _ in rows]
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(str(row.get("group") or ""), []).append(number)
    for members in groups.values():
        for column, sign in MEASURES.items():
            z = robust_z(rows[n].get(column) for n in members)
            for number, one in zip(members, z, strict=True):
                if one is not None and sign * one > LIMIT:
                    said[number].append(f"{column} z={one:+.1f}")
    return ["; ".join(each) for each in said]
