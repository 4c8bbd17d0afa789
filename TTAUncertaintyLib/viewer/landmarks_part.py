"""Landmarks in the panel Review: pairs of points, and how far the registration misses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from trame.widgets import html

from ..errors import InputError
from ..geometry.lattice import Lattice
from ..results import MapKind
from ..review import LandmarkFinding
from ..review.landmark_files import PairedLandmarks, check_inside, pair_points, read_points
from ..sample_data import sample_pairs
from ..scene.landmarks import go_to_landmark, measure_pairs
from ..scene.result import ResultNodes
from .rows import file_chooser
from .session import Upload

if TYPE_CHECKING:
    from .viewer import Viewer

_SIDES = ("fixed", "moving")


class LandmarksPart:
    """Shows landmark pairs: those of a bundled pair of images, or two files that were sent.

    Parameters
    ----------
    viewer
        The host.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._result: ResultNodes | None = None
        self._paired = PairedLandmarks((), "")
        self._sent: dict[str, Upload] = {}
        self.findings: list[LandmarkFinding] = []
        viewer.state.update(
            {
                "landmarks": [],
                "landmark": -1,
                "landmarks_words": "",
                "landmarks_map": "",
                "landmarks_fixed_name": "",
                "landmarks_moving_name": "",
            }
        )

    def on_result(self, result: ResultNodes | None) -> None:
        """Take the landmarks that come with the images of another result, where there are any."""
        self._result, self._paired = result, PairedLandmarks((), "")
        self._forget_files()
        self.findings = []
        self._viewer.state.update({"landmarks": [], "landmark": -1, "landmarks_words": ""})
        if result is None:
            return
        known = tuple(result.record["inputs"][side].get("sha256") for side in _SIDES)
        for pair in sample_pairs().values():
            files = pair.fixed_landmarks, pair.moving_landmarks
            is_pair = known == (pair.fixed.sha256, pair.moving.sha256)
            if is_pair and all(file.path.is_file() for file in files):
                self._paired = pair_points(*(read_points(file.path) for file in files))
                names = (file.title for file in files)
                state = self._viewer.state
                state.landmarks_fixed_name, state.landmarks_moving_name = names
                return

    def take(self, side: str, upload: Upload) -> None:
        """Take a file of points that was sent for the "fixed" or the "moving" image.

        Where two files are there already and it does not go with the other one, it is the first of
        another pair.

        Raises
        ------
        InputError
            If it holds no points, or does not go with the other file or the images.
        """
        if self._result is None:
            raise InputError("There is no result yet that landmarks could lie on.")
        read_points(upload.path)
        sent = self._sent | {side: upload}
        try:
            paired = self._pair(self._result, sent)
        except InputError:
            if len(self._sent) < len(_SIDES):
                raise
            sent, paired = {side: upload}, PairedLandmarks((), "")
        self._sent, self._paired, self.findings = sent, paired, []
        names = {f"landmarks_{one}_name": sent[one].name if one in sent else "" for one in _SIDES}
        self._viewer.state.update(names | {"landmarks": [], "landmark": -1})
        self._viewer.review.refresh()

    @staticmethod
    def _pair(result: ResultNodes, sent: dict[str, Upload]) -> PairedLandmarks:
        """Return the pairs of two files; none as long as there is but one."""
        if len(sent) < len(_SIDES):
            return PairedLandmarks((), "")
        paired = pair_points(*(read_points(sent[side].path) for side in _SIDES))
        inputs = result.record["inputs"]
        check_inside(paired.pairs, *(Lattice.from_dict(inputs[s]["lattice"]) for s in _SIDES))
        return paired

    def show(self, kind: MapKind) -> None:
        """Measure them, and write them into the page beside a map.

        Raises
        ------
        InputError
            If the result has no transform any more.
        """
        if self._result is None or not self._paired.pairs:
            return
        self.findings = measure_pairs(self._result, self._paired.pairs)
        state = self._viewer.state
        state.landmarks_map = kind.facts.title
        state.landmarks = [_row(found, kind) for found in self.findings]
        state.landmarks_words = _words(self.findings, self._paired.how)

    def select(self, number: int) -> None:
        """Look at a landmark on the fixed image, from 0 on."""
        if 0 <= number < len(self.findings):
            self._viewer.state.landmark = number
            go_to_landmark(self._viewer.stage, self.findings[number])

    def build(self) -> None:
        """Write the section into the page."""
        html.H2("Landmarks")
        html.P("{{ landmarks_words }}", v_if="landmarks.length", classes="tta-small")
        html.P(
            "The same places on both images give the error of the registration there.",
            v_else=True,
            classes="tta-small",
        )
        with (
            html.Div(v_if="landmarks.length", classes="tta-scrolled mb-2"),
            html.Table(classes="tta-table tta-landmarks"),
        ):
            with html.Thead(), html.Tr():
                html.Th("Landmark", classes="words")
                for title in ("Before", "After", "{{ landmarks_map }}"):
                    html.Th(f"{title} (mm)")
            with (
                html.Tbody(),
                html.Tr(
                    v_for="(row, n) in landmarks",
                    key="n",
                    classes=("'choosable' + (n === landmark ? ' chosen' : '')",),
                    click=(self.select, "[n]"),
                ),
            ):
                html.Td("{{ row.name }}", classes="words")
                for name in ("before", "after", "map"):
                    html.Td(f"{{{{ row.{name} }}}}")
        for side in _SIDES:
            file_chooser(
                side.capitalize(),
                f"{side}-landmarks",
                f"landmarks_{side}_name",
                ".json,.fcsv,.csv",
            )

    def _forget_files(self) -> None:
        for upload in self._sent.values():
            upload.path.unlink(missing_ok=True)
        self._sent = {}
        self._viewer.state.landmarks_fixed_name = self._viewer.state.landmarks_moving_name = ""


def _row(found: LandmarkFinding, kind: MapKind) -> dict[str, Any]:
    value = found.at_fixed.get(kind.value, float("nan"))
    return {
        "name": found.pair.name,
        "before": f"{found.before_mm:.2f}",
        "after": f"{found.after_mm:.2f}",
        "map": f"{value:.2f}" if np.isfinite(value) else "–",
    }


def _words(findings: list[LandmarkFinding], how: str) -> str:
    before = np.median([found.before_mm for found in findings])
    after = np.median([found.after_mm for found in findings])
    words = (
        f"{len(findings)} landmarks, paired {how}: half of them are met within {after:.1f} mm "
        f"({before:.1f} before), the worst within {max(f.after_mm for f in findings):.1f} mm."
    )
    key = MapKind.ERROR_BOUND.value
    bounded = [f for f in findings if np.isfinite(f.at_fixed.get(key, float("nan")))]
    if bounded:
        held = sum(found.after_mm <= found.at_fixed[key] for found in bounded)
        words += f" The error bound holds at {held} of {len(bounded)}."
    return words
