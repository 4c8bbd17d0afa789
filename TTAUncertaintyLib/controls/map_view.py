"""What the controls of a map show: the choices there are, their words, what is possible."""

from __future__ import annotations

from dataclasses import dataclass

from ..results import MapKind
from ..results.labels import RecordedLabels
from ..scene.layouts import Layout
from ..scene.looks import Limits, limits_of, meaning_of
from ..scene.presentation import Presentation
from ..scene.result import ResultNodes
from .option import Option, Phrase, barred

BACKGROUNDS = (
    Option("warped", "Warped", "The moving image brought onto the fixed one."),
    Option("fixed", "Fixed", "The fixed image."),
    Option("moving", "Before", "The moving image as it lay before the registration."),
)
COMPARISONS = (
    Option("none", "Off", "Show one image."),
    Option("flicker", "Flicker", "Fixed and warped image in turn."),
    Option("checkerboard", "Checker", "Fixed and warped image on alternate squares."),
    Option("difference", "Difference", "Fixed minus warped image."),
)
LAYOUTS = (
    Option("four-up", "Four-up", "Three directions and 3D."),
    Option("side-by-side", "Fixed | warped | map", "The three side by side, linked."),
)
TRANSFORMS = (
    Option("none", "Hidden", "Do not draw the transform."),
    Option("grid", "Grid", "The transform as a deformed grid on the slices."),
    Option("glyphs", "Arrows", "The transform as arrows on the slices."),
)
OUTLINES = (
    Option("none", "Off", "Draw no outlines."),
    Option("labels", "Labels", "The moving image's labels, as they were brought onto the fixed."),
    Option("bands", "Bands", "The same, and the bands where they may lie, from 5 to 95 %."),
    Option("structures", "Structures", "What was drawn on the fixed image."),
    Option("edges", "Edges", "Where the fixed image changes from dark to bright."),
)

_NO_LIMITS, _NOT_IN_3D = Limits(0.0, 1.0), Phrase("For maps in mm only")


@dataclass(frozen=True)
class MapView:
    """What is to be seen beside the views."""

    #: The map that is shown, "" for none, and those there are.
    kind: str = ""
    maps: tuple[Option, ...] = ()
    #: What it says, in plain words.
    meaning: str = ""
    #: Its colour table, and those that suit it.
    color: str = ""
    colors: tuple[str, ...] = ()
    #: Of the map, "" for none.
    unit: str = "mm"
    #: How far the sliders reach, and where they stand.
    limits: Limits = _NO_LIMITS
    window: tuple[float, float] = (0.0, 1.0)
    threshold: float = 0.0
    #: The image under the map, "" where two are in one; and those there are.
    background: str = "warped"
    backgrounds: tuple[Option, ...] = BACKGROUNDS
    #: Which of two images that take turns is on, a value of `background`; "" for none.
    turn: str = ""
    #: What is chosen ("" for none of these), and what there is.
    compare: str = "none"
    comparisons: tuple[Option, ...] = COMPARISONS
    layout: str = ""
    layouts: tuple[Option, ...] = LAYOUTS
    transform: str = "none"
    transforms: tuple[Option, ...] = TRANSFORMS
    outline: str = "none"
    outlines: tuple[Option, ...] = OUTLINES
    #: Whether high places are shown in 3D, what that means, and whether it can be chosen.
    in_3d: bool = False
    in_3d_words: Phrase = _NOT_IN_3D
    in_3d_possible: bool = False


def view_of(
    result: ResultNodes,
    shown: Presentation,
    colors: tuple[str, ...],
    compare: str,
    turn: str,
    layout: Layout | None,
    structures: bool,
) -> MapView:
    """Return what is to be seen beside a presentation.

    Parameters
    ----------
    shown
        What is on the screen, surfaces that wait for a slider to rest included.
    layout
        Of the views as they are; None for one of Slicer's others.
    structures
        Whether there are some of the fixed image.
    """
    display = shown.display
    facts = display.kind.facts
    no_fixed = "" if result.fixed else "The fixed volume is not in the scene."
    no_moving = "" if result.moving else "The moving volume is not in the scene."
    no_transform = "" if result.transform else "The transform is not in the scene."
    no_labels = "" if result.labels else "No labels of the moving image were given to the run."
    no_structures = "" if structures else "No structures of the fixed image are chosen."
    outlines = barred(OUTLINES, no_fixed, ["edges"])
    outlines = barred(outlines, no_labels or _no_bands(result), ["bands"])
    outlines = barred(outlines, no_labels, ["labels"])
    in_mm = facts.unit == "mm"
    level = Phrase("Regions above {level:.2f} mm, inside the head", {"level": shown.level_3d})
    return MapView(
        kind=display.kind.value,
        maps=tuple(Option(kind.value, titled(kind)) for kind in result.maps),
        meaning=meaning_of(result, display.kind),
        color=display.color,
        colors=colors,
        unit=facts.unit,
        limits=limits_of(result, display),
        window=display.window,
        threshold=display.threshold or 0.0,
        background=turn or (shown.background.value if compare == "none" else ""),
        backgrounds=barred(barred(BACKGROUNDS, no_fixed, ["fixed"]), no_moving, ["moving"]),
        turn=turn,
        compare=compare,
        comparisons=(COMPARISONS[0], *barred(COMPARISONS[1:], no_fixed)),
        layout=layout.value if layout else "",
        transform=shown.transform.value,
        transforms=(TRANSFORMS[0], *barred(TRANSFORMS[1:], no_transform)),
        outline=shown.outlines.value,
        outlines=barred(outlines, no_structures, ["structures"]),
        in_3d=shown.in_3d,
        in_3d_words=level if in_mm else _NOT_IN_3D,
        in_3d_possible=in_mm,
    )


def _no_bands(result: ResultNodes) -> str:
    """Return why labels have no bands; "" where they have some."""
    structures = RecordedLabels.of(result.record).structures
    if any(each.expected_surface_mm is not None for each in structures):
        return ""
    return "How far surfaces are off was not learnt for registrations such as this one."


def titled(kind: MapKind) -> str:
    """Return what a map is called, with its unit."""
    return f"{kind.facts.title} ({kind.facts.unit})" if kind.facts.unit else kind.facts.title
