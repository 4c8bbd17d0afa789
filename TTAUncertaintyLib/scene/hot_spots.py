"""Hot spots as points in the views, coloured by what was decided about them."""

from __future__ import annotations

from typing import Any

from ..review import MatchedReview, Verdict
from .result import ResultNodes, remove_with_display
from .slices import jump_to
from .stage import Stage

#: Colour of a point, by verdict: told apart by lightness too.
COLORS = {
    Verdict.OPEN: (0.98, 0.94, 0.55),
    Verdict.ACCEPT: (0.35, 0.75, 0.45),
    Verdict.CHECK: (1.00, 0.62, 0.20),
    Verdict.REJECT: (1.00, 0.42, 0.42),
}


def spots_role(verdict: Verdict) -> str:
    """Return the role of the node that holds the points with a verdict."""
    return f"hot_spots.{verdict.value}"


def show_hot_spots(stage: Stage, result: ResultNodes, matched: MatchedReview) -> None:
    """Put a point on the peak of every hot spot; points of an earlier call are replaced.

    Each has its rank beside it and no more: in the 3D view, places are close to each other.
    Points of one node share a colour, so there is a node for each verdict that occurs. They cannot
    be moved: they stand for what was found.
    """
    for verdict in Verdict:
        spots = [spot for spot in matched.spots if spot.verdict is verdict]
        node = result.reference(spots_role(verdict))
        if not spots:
            if node is not None:
                remove_with_display(node)
            continue
        if node is None:
            node = _add(stage, result, verdict)
        held = node.StartModify()
        node.RemoveAllControlPoints()
        for reviewed in spots:
            number = node.AddControlPointWorld(reviewed.spot.position_ras_mm, f"{reviewed.rank}")
            node.SetNthControlPointDescription(number, reviewed.comment)
            node.SetNthControlPointLocked(number, True)
        node.SetLocked(True)
        node.EndModify(held)


def hide_hot_spots(result: ResultNodes) -> None:
    """Remove the points."""
    for verdict in Verdict:
        node = result.reference(spots_role(verdict))
        if node is not None:
            remove_with_display(node)


def go_to_spot(stage: Stage, matched: MatchedReview, rank: int) -> None:
    """Take every slice view to a hot spot; `rank` counts from 1."""
    jump_to(stage, matched.spots[rank - 1].spot.position_ras_mm)


def _add(stage: Stage, result: ResultNodes, verdict: Verdict) -> Any:
    name = f"Hot spots, {verdict.title.lower()} - {result.title}"
    node = stage.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSelectedColor(*COLORS[verdict])
    display.SetColor(*COLORS[verdict])
    display.SetGlyphTypeFromString("CrossDot2D")
    display.SetUseGlyphScale(True)
    display.SetGlyphScale(2.5)
    display.SetTextScale(3.0)
    display.SetOccludedVisibility(True)  # the places lie inside the surface of what is high
    display.SetOccludedOpacity(0.8)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(True)
    words = display.GetTextProperty()  # on a ground of their own: the map below has every colour
    words.SetBackgroundColor(0.08, 0.08, 0.10)
    words.SetBackgroundOpacity(0.75)
    words.SetShadow(False)
    result.refer(spots_role(verdict), node)
    return node
