"""The choices that belong to a study: kept in the scene, saved with it, bound to the panel.

Choices that belong to the machine (device, threads, weights files) are in `machine`.
"""

# No "from __future__ import annotations": the wrapper reads the types of the fields.

from typing import Annotated

from slicer import (
    vtkMRMLMarkupsFiducialNode,
    vtkMRMLNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLScriptedModuleNode,
    vtkMRMLTransformNode,
)
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper


@parameterNodeWrapper
class TTAUncertaintyParameters:
    """The parameter node of the module; each field's name is its `SlicerParameterName`.

    Enums of the library stand here as their values (strings), lengths are in mm.

    Attributes
    ----------
    fixedVolume, movingVolume
        The pair to register.
    model
        Name in the library's registry.
    modelOptions
        What was chosen of the models' options: JSON, by model and by option.
    initialTransform
        Linear; the one that brings the moving volume onto the fixed one when it is applied to it.
    structures
        A segmentation or label map on the fixed volume.
    preset
        "quick", "standard", "thorough" or "paper".
    customise
        Whether the fields from `family` to `elasticSpacingMm` replace the preset's own values.
        With "paper", `family` counts in any case.
    family, sampling, noise
        Values of the library's enums of these names.
    outer, replicates
        K perturbations, each R times.
    seed
        Of everything random.
    stopBelowMm
        A run stops by itself when the standard error of its map is below; 0 makes all passes.
    translationMm, rotationDeg, scalePercent, shear, elasticMm, elasticSpacingMm
        Amplitudes.
    start
        "header", "center" or "mass"; without effect where there is an initial transform.
    keepRegistrations
        Keep every perturbed registration, for teaching.
    result
        The result that is shown; marked by `scene.result`.
    mapKind, mapColor, opacity, thresholdMm, windowLow, windowHigh, background, compare, layout,
    gridVisible, map3d
        The map and its views: `MapChoices` of the library says what they mean.
    toleranceMm
        The reviewer's own, 0 for none: nothing here suggests what is tolerable.
    hotSpotThresholdMm
        Regions above it are hot spots; 0 for the result's own suggestion.
    hotSpot
        The one that is looked at, from 0 on; -1 for none.
    landmarksFixed, landmarksMoving
        Pairs of points, in the same order.
    """

    fixedVolume: vtkMRMLScalarVolumeNode
    movingVolume: vtkMRMLScalarVolumeNode
    model: str = "pyramid-flow"
    modelOptions: str = "{}"
    initialTransform: vtkMRMLTransformNode
    structures: vtkMRMLNode
    preset: str = "standard"
    customise: bool = False
    family: str = "rigid"
    sampling: str = "hadamard"
    noise: str = "discretisation"
    outer: int = 8
    replicates: int = 2
    seed: Annotated[int, WithinRange(0, 2**31 - 1)] = 0
    stopBelowMm: Annotated[float, WithinRange(0, 10)] = 0.0
    translationMm: float = 1.0
    rotationDeg: float = 1.0
    scalePercent: float = 2.0
    shear: float = 0.01
    elasticMm: float = 5.0
    elasticSpacingMm: float = 20.0
    start: str = "header"
    keepRegistrations: bool = False

    result: vtkMRMLScriptedModuleNode
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
    map3d: bool = False

    toleranceMm: float = 0.0
    hotSpotThresholdMm: float = 0.0
    hotSpot: int = -1
    landmarksFixed: vtkMRMLMarkupsFiducialNode
    landmarksMoving: vtkMRMLMarkupsFiducialNode
