"""Landmarks on the images of a result: those of a bundled pair, or two files that were sent."""

from __future__ import annotations

from ..errors import InputError
from ..geometry.lattice import Lattice
from ..review.landmark_files import PairedLandmarks, check_inside, pair_points, read_points
from ..sample_data import sample_pairs
from ..scene.result import ResultNodes
from .part import Part
from .session import Upload

_SIDES = ("fixed", "moving")


class LandmarksSent(Part):
    """Keeps the files, whose names the page shows."""

    _result: ResultNodes | None = None
    _paired: PairedLandmarks | None = None
    _sent: dict[str, Upload] = {}  # noqa: RUF012  (never changed in place)

    def on_result(self, result: ResultNodes | None) -> None:
        """Take the landmarks that come with the images of another result, where there are any."""
        for upload in self._sent.values():
            upload.path.unlink(missing_ok=True)
        self._result, self._paired, self._sent = result, None, {}
        self._say(dict.fromkeys(_SIDES, ""))
        if result is None:
            return
        known = tuple(result.record["inputs"][side].get("sha256") for side in _SIDES)
        for pair in sample_pairs().values():
            files = pair.fixed_landmarks, pair.moving_landmarks
            is_pair = known == (pair.fixed.sha256, pair.moving.sha256)
            if is_pair and all(file.path.is_file() for file in files):
                self._paired = pair_points(*(read_points(file.path) for file in files))
                self._say(dict(zip(_SIDES, (file.title for file in files), strict=True)))
                return

    def pairs(self) -> PairedLandmarks | None:
        """Return the pairs; None as long as the points of one image are missing."""
        return self._paired

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
            paired = _paired(self._result, sent)
        except InputError:
            if len(self._sent) < len(_SIDES):
                raise
            sent, paired = {side: upload}, None
        self._sent, self._paired = sent, paired
        self._say({side: sent[side].name if side in sent else "" for side in _SIDES})
        self._viewer.review.controls.refresh()

    def _say(self, names: dict[str, str]) -> None:
        self._viewer.state.update({f"landmarks_{side}_name": names[side] for side in _SIDES})


def _paired(result: ResultNodes, sent: dict[str, Upload]) -> PairedLandmarks | None:
    if len(sent) < len(_SIDES):
        return None
    paired = pair_points(*(read_points(sent[side].path) for side in _SIDES))
    inputs = result.record["inputs"]
    check_inside(paired.pairs, *(Lattice.from_dict(inputs[s]["lattice"]) for s in _SIDES))
    return paired
