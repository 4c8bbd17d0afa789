"""The transform in the slice views, as a bent grid or as arrows."""

from __future__ import annotations

from enum import Enum

from .result import ResultNodes


class TransformView(Enum):
    """How the transform is drawn."""

    NONE = "none"
    GRID = "grid"
    GLYPHS = "glyphs"


def show_transform(result: ResultNodes, how: TransformView, spacing_mm: float = 12.0) -> None:
    """Draw the transform over the slice views, or take it away.

    Parameters
    ----------
    how
        Grid: lines of the fixed space as the transform bends them. Glyphs: an arrow from each
        point to where it goes.
    spacing_mm
        Between lines or arrows.
    """
    transform = result.transform
    if transform is None:
        return
    node = transform.GetDisplayNode()
    if node is None:
        if how is TransformView.NONE:
            return
        transform.CreateDefaultDisplayNodes()
        node = transform.GetDisplayNode()
    held = node.StartModify()
    shown = how is not TransformView.NONE
    node.SetVisibility(shown)
    node.SetVisibility2D(shown)
    node.SetVisibility3D(False)
    node.SetEditorVisibility(False)
    if how is TransformView.GRID:
        node.SetVisualizationMode(node.VIS_MODE_GRID)
        node.SetGridSpacingMm(spacing_mm)
        node.SetGridResolutionMm(min(3.0, spacing_mm / 3))
        node.SetGridLineDiameterMm(0.6)
        node.SetGridShowNonWarped(False)
    elif how is TransformView.GLYPHS:
        node.SetVisualizationMode(node.VIS_MODE_GLYPH)
        node.SetGlyphSpacingMm(spacing_mm)
        node.SetGlyphScalePercent(100)
    node.EndModify(held)
