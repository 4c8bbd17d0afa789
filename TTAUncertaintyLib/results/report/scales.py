"""From a map's values to positions on a colour legend.

The ends of a legend come from the data: they say what this result holds, not what is acceptable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: A legend ends at this percentile of the map, rounded up to a tidy number.
TOP_PERCENTILE = 99.5
#: A linear one reaches to half of this percentile at least: where a registration is wrong in one
#: small place, that place stands out, and not the noise of all the others.
_PEAK_PERCENTILE = 99.95
_TIDY = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_TIDY_FACTORS = (1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 8.0, 10.0)
#: The tick between 1 and the end of a logarithmic legend.
_BETWEEN = {1.25: 1.1, 1.5: 1.25, 2.0: 1.5}
_LARGEST_SAMPLE = 400_000

Floats = NDArray[np.floating]


class Scale(Protocol):
    """Places values on a legend."""

    def position(self, values: Floats) -> Floats:
        """Return where values lie, 0 to 1; NaN stays NaN."""
        ...

    def unlimited(self, values: Floats) -> Floats:
        """Return where values lie, beyond 0 and 1 too."""
        ...

    def ticks(self) -> list[tuple[float, str]]:
        """Return positions on the legend, 0 to 1, and what to print there."""
        ...


@dataclass(frozen=True)
class LinearScale:
    """From zero to a top."""

    #: In the map's unit (mm); what lies above is painted like the top.
    top: float

    @classmethod
    def of(cls, values: Floats) -> LinearScale:
        """Return the scale of a map's finite values, shape (n,), not negative."""
        sample = _thin(values)
        if not sample.size:
            return cls(tidy_above(0.0))
        high, peak = np.percentile(sample, (TOP_PERCENTILE, _PEAK_PERCENTILE)).tolist()
        return cls(tidy_above(max(high, peak / 2)))

    def position(self, values: Floats) -> Floats:
        """Return where values lie, 0 to 1; NaN stays NaN."""
        return np.asarray(np.clip(self.unlimited(values), 0, 1))

    def unlimited(self, values: Floats) -> Floats:
        """Return where values lie, beyond 1 too."""
        return np.asarray(values / self.top)

    def ticks(self) -> list[tuple[float, str]]:
        """Return positions and labels; the last one also stands for everything above."""
        steps = next(n for n in (4, 5, 3, 2) if _is_short(self.top / n) or n == 2)
        return [(n / steps, f"{self.top * n / steps:.12g}") for n in range(steps + 1)]


@dataclass(frozen=True)
class LogScale:
    """Around one, with the same distance for twice and for half."""

    #: The legend goes from 1/factor to factor.
    factor: float

    @classmethod
    def of(cls, values: Floats) -> LogScale:
        """Return the scale of a map's finite values, shape (n,), around 1."""
        sample = _thin(values)
        sample = sample[sample > 0]
        if not sample.size:
            return cls(_TIDY_FACTORS[0])
        far = float(np.exp(np.percentile(np.abs(np.log(sample)), TOP_PERCENTILE)))
        return cls(next((f for f in _TIDY_FACTORS if f >= far), _TIDY_FACTORS[-1]))

    def position(self, values: Floats) -> Floats:
        """Return where values lie, 0 to 1; NaN stays NaN, and folds (0 or less) go to 0."""
        return np.asarray(np.clip(self.unlimited(values), 0, 1))

    def unlimited(self, values: Floats) -> Floats:
        """Return where values lie, beyond 0 and 1 too."""
        away = np.log(np.maximum(values, 1e-6)) / np.log(self.factor)
        return np.asarray((away + 1) / 2)

    def ticks(self) -> list[tuple[float, str]]:
        """Return positions and labels."""
        between = _BETWEEN.get(self.factor, 2.0)
        values = (1 / self.factor, 1 / between, 1.0, between, self.factor)
        labels = (f"{value:.2f}".rstrip("0").rstrip(".") for value in values)
        return list(zip(self.position(np.array(values)).tolist(), labels, strict=True))


def tidy_above(value: float) -> float:
    """Return the next tidy number, such as 0.8, 1.2 or 3; 1 for nothing."""
    if not np.isfinite(value) or value <= 0:
        return 1.0
    unit = 10.0 ** np.floor(np.log10(value))
    digits = value / unit
    step = next((n for n in _TIDY if n >= digits - 1e-6), _TIDY[-1])
    return float(f"{step * unit:.6g}")


def _is_short(value: float) -> bool:
    return len(f"{value:.12g}".replace(".", "").strip("0")) <= 2


def _thin(values: Floats) -> Floats:
    """Return the finite values, or every n-th of very many."""
    sample = values[:: max(1, values.size // _LARGEST_SAMPLE)]
    return np.asarray(sample[np.isfinite(sample)])
