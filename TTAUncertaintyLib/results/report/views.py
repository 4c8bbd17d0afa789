"""The slices that the sections of the report show, and the scales that paint them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from ...geometry import NO_WEIGHT, Image, Matrix, Warping
from ..findings import Findings
from ..maps import MapKind
from .colors import DIVERGING, ERROR, SEQUENTIAL, ColorTable, color_table
from .legends import legend
from .pictures import FOLD_COLOR, LEFT_OUT_COLOR, OUTSIDE_SWATCH, Gallery, Layer
from .scales import LinearScale, LogScale, Scale
from .slices import FieldOfView, Section
from .words import percent

#: Black and white of the grey pictures, percentiles of the foreground.
_WINDOW_PERCENTILES = (0.5, 99.5)
_LARGEST_SAMPLE = 400_000


class Views:
    """What sections need to show findings."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.gallery = Gallery()
        self.field_of_view = FieldOfView.around(findings.region, findings.fixed.lattice)

    @cached_property
    def focus(self) -> Matrix:
        """The place that the overview shows, shape (3,), LPS mm: the worst one if there is one."""
        if self.findings.numbers.hot_spots:
            return np.array(self.findings.numbers.hot_spots[0].position_lps_mm)
        return np.asarray(
            self.field_of_view.axes @ ((self.field_of_view.low + self.field_of_view.high) / 2)
        )

    @cached_property
    def widest_gap(self) -> Matrix:
        """Where the inverse-consistency gap is highest, shape (3,), LPS mm; else the focus."""
        gap = self.findings.maps.get(MapKind.INVERSE_CONSISTENCY)
        if gap is None or not self.values(MapKind.INVERSE_CONSISTENCY).size:
            return self.focus
        known = self.findings.inside & np.isfinite(gap)
        k, j, i = np.unravel_index(int(np.argmax(np.where(known, gap, -1))), gap.shape)
        return self.findings.lattice.to_world([i, j, k])

    def fixed(self, section: Section) -> str:
        """Store a slice of the fixed image; return its identity."""
        values = _sample(section, self.findings.fixed)
        return self.gallery.add_grey(section, values, self.fixed_window)

    def before(self, section: Section) -> str:
        """Store a slice of the moving image as the initial alignment places it."""
        values = _sample(section, self.findings.moving, self.findings.transform.initial)
        return self.gallery.add_grey(section, values, self.moving_window)

    def warped(self, section: Section) -> str:
        """Store a slice of the warped moving image."""
        values = self.warping.onto(section.lattice).intensities[0].numpy()
        return self.gallery.add_grey(section, values, self.moving_window)

    def map(self, section: Section, kind: MapKind, scale: Scale | None = None) -> str:
        """Store a slice of a map within the region; `scale` in place of the map's own.

        Beside the anatomy a network's answer means nothing, and would only draw the eye.
        """
        values = section.sample(
            torch.from_numpy(self.findings.maps[kind]),
            self.findings.lattice,
            outside=float("nan"),
        )
        values = np.where(self._inside(section), values, np.float32("nan"))
        jacobian = kind is MapKind.JACOBIAN
        return self.gallery.add_map(
            section, values, scale or self.scale(kind), table_of(kind), folds=jacobian
        )

    def colors(self, section: Section, kind: MapKind) -> list[Layer]:
        """Return the layers of a map: its colours, and where a calibration does not reach."""
        layers = [Layer(self.map(section, kind), "colors")]
        if kind.is_error:
            layers += [Layer(marks, "colors") for marks in self.outside(section)]
        return [*layers, *(Layer(marks) for marks in self.left_out(section))]

    def left_out(self, section: Section) -> list[str]:
        """Store a slice's hatching of what masks leave out of the statistics, if anything."""
        marked = self.findings.left_out
        if marked is None:
            return []
        values = torch.from_numpy(marked.astype(np.float32))
        here = section.sample(values, self.findings.fixed.lattice, outside=0.0) > 0.5
        return [self.gallery.add_hatching(section, here, LEFT_OUT_COLOR)] if here.any() else []

    def outside(self, section: Section) -> list[str]:
        """Store a slice's hatching of what lies outside the calibration; none where nothing does.

        Within the region.
        """
        if self.findings.outside is None:
            return []
        marks = torch.from_numpy(self.findings.outside)
        marked = section.sample(marks, self.findings.lattice, outside=0.0) > NO_WEIGHT
        marked &= self._inside(section)
        return [self.gallery.add_hatching(section, marked)] if marked.any() else []

    def scale(self, kind: MapKind) -> Scale:
        """Return the scale of a map, from its own values in the region."""
        if kind not in self._scales:
            values = self.values(kind)
            made = LogScale.of(values) if kind is MapKind.JACOBIAN else LinearScale.of(values)
            self._scales[kind] = made
        return self._scales[kind]

    def values(self, kind: MapKind) -> NDArray[np.float32]:
        """Return a map's finite values in the region, shape (n,)."""
        if kind not in self._values:
            self._values[kind] = self.findings.values(kind)
        return self._values[kind]

    def legend(
        self, kind: MapKind, title: str = "", scale: Scale | None = None, width: int = 360
    ) -> str:
        """Return a map's legend; the map's distribution is drawn where the scale is its own."""
        facts = kind.facts
        jacobian = kind is MapKind.JACOBIAN
        return legend(
            table_of(kind),
            scale or self.scale(kind),
            title or facts.title,
            facts.unit,
            self.values(kind) if scale is None else None,
            open_ended=not jacobian,
            key=self._key(kind),
            width=width,
        )

    def _key(self, kind: MapKind) -> str:
        """Return, as HTML, what a map shows besides its colours."""
        if kind is MapKind.JACOBIAN:
            return f'<i style="background:{FOLD_COLOR}"></i>fold (≤ 0)'
        if kind.is_error:
            share = percent(self.findings.numbers.beyond_calibration)
            return f"{OUTSIDE_SWATCH}outside the calibrated range: {share} of the region"
        return ""

    def _inside(self, section: Section) -> NDArray[np.bool_]:
        """Return where a section shows the region, axes (row, column)."""
        region = torch.from_numpy(self.findings.region)
        return section.sample(region, self.findings.fixed.lattice, outside=0.0) > 0.5

    @cached_property
    def warping(self) -> Warping:
        """The moving image on any lattice, by the answer."""
        return Warping(self.findings.transform, self.findings.moving)

    @cached_property
    def _scales(self) -> dict[MapKind, Scale]:
        return {}

    @cached_property
    def _values(self) -> dict[MapKind, NDArray[np.float32]]:
        return {}

    @cached_property
    def fixed_window(self) -> tuple[float, float]:
        """Black and white of the fixed image."""
        fixed = self.findings.fixed
        return _window(fixed.intensities.numpy()[self.findings.region], fixed)

    @cached_property
    def moving_window(self) -> tuple[float, float]:
        """Black and white of the moving image, before and after."""
        warped = self.warping.onto(self.findings.lattice).intensities.numpy()
        return _window(warped[self.findings.inside], self.findings.moving)


def _window(inside: NDArray[np.float32], image: Image) -> tuple[float, float]:
    """Return black and white for an image of which these intensities lie in the region."""
    thin = inside[:: max(1, inside.size // _LARGEST_SAMPLE)]
    if not thin.size:
        return image.background, image.background + 1
    low, high = np.percentile(thin, _WINDOW_PERCENTILES).tolist()
    # never cut off the darkest tissue: black is the background
    return min(low, image.background), high


def table_of(kind: MapKind) -> ColorTable:
    """Return the colours of a map."""
    if kind is MapKind.JACOBIAN:
        return color_table(DIVERGING)
    return color_table(ERROR if kind.is_error else SEQUENTIAL)


def _sample(section: Section, image: Image, world: Matrix | None = None) -> NDArray[np.float32]:
    return section.sample(image.intensities, image.lattice, image.background, world)
