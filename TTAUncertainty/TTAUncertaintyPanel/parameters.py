"""The choices that belong to a study: kept in the scene, saved with it, bound to the panel.

Choices that belong to the machine (device, threads, weights files) are in `machine`.
"""

# No "from __future__ import annotations": the wrapper reads the types of the fields.

from dataclasses import fields
from typing import Annotated, Any, get_type_hints

import slicer
from slicer import vtkMRMLMarkupsFiducialNode, vtkMRMLScriptedModuleNode
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from TTAUncertaintyLib.controls.control import Node, Number, Place, controls_of
from TTAUncertaintyLib.controls.run_choices import RunChoices


def _of_a_run() -> dict[str, Any]:
    """Return the fields of `RunChoices` with their types and defaults, as a class has them."""
    types, controls = get_type_hints(RunChoices), controls_of(RunChoices)
    made: dict[str, Any] = {"__doc__": RunChoices.__doc__, "__annotations__": types}
    for field in fields(RunChoices):
        control = controls.get(field.name)
        if isinstance(control, Node):  # of several classes: of what they have in common
            kind = control.classes[0] if len(control.classes) == 1 else "vtkMRMLNode"
            types[field.name] = getattr(slicer, kind)
            continue
        made[field.name] = field.default
        if isinstance(control, Number) and control.place is Place.RUN:
            ends = WithinRange(control.low, control.high)
            types[field.name] = Annotated[types[field.name], ends]
    return made


@parameterNodeWrapper
class TTAUncertaintyParameters(type("RunFields", (), _of_a_run())):  # type: ignore[misc]
    """The parameter node of the module; each field's name is its `SlicerParameterName`.

    What decides a run stands in `RunChoices` of the library, which says what it means.
    """

    #: The result that is shown; marked by `scene.result`.
    result: vtkMRMLScriptedModuleNode
    #: The map and its views: `MapChoices` of the library says what they mean.
    mapKind: str = "total"
    mapColor: str = ""
    opacity: Annotated[float, WithinRange(0, 1)] = 0.55
    thresholdMm: float = 0.0
    windowLow: float = 0.0
    windowHigh: float = 0.0
    background: str = "warped"
    compare: str = "none"
    layout: str = ""
    gridVisible: str = "none"
    outlines: str = "none"
    map3d: bool = False

    #: The reviewer's own, 0 for none: nothing here suggests what is tolerable.
    toleranceMm: float = 0.0
    #: Regions above it are hot spots; 0 for the result's own suggestion.
    hotSpotThresholdMm: float = 0.0
    #: The one that is looked at, from 0 on; -1 for none.
    hotSpot: int = -1
    #: Pairs of points, in the same order.
    landmarksFixed: vtkMRMLMarkupsFiducialNode
    landmarksMoving: vtkMRMLMarkupsFiducialNode
