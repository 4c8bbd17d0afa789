"""What the review leaves alone while the views show something else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.review import MatchedReview

pytest.importorskip("trame_slicer", reason="NOT TESTED: trame-slicer is not installed.")


@pytest.mark.parametrize("suspended", [False, True])
def test_places_are_drawn_only_where_the_map_is_shown(suspended: bool) -> None:
    from TTAUncertaintyLib.viewer.review_panel import ReviewPanel

    drawn: list[Any] = []
    panel: Any = object.__new__(ReviewPanel)
    panel._desk = SimpleNamespace(kind=MapKind.TOTAL, show_spots=drawn.append)
    panel._viewer = SimpleNamespace(
        map=SimpleNamespace(controls=SimpleNamespace(suspended=suspended)),
        state=SimpleNamespace(),
    )
    panel._selected, matched = -1, MatchedReview(())
    panel._show(matched)
    assert drawn == ([] if suspended else [matched])
    assert panel._viewer.state.spots == []
