"""The panel as a whole: it builds the sections, and tells them what changes.

A section is a class that is constructed with the form's widgets and with this panel, its host. It
may have any of the methods that `TTAUncertaintyWidget` names in `_tell`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from TTAUncertaintyLib.controls.run_choices import RunChoices
from TTAUncertaintyLib.review import Review
from TTAUncertaintyLib.scene.result import ATTRIBUTE, ResultNodes
from TTAUncertaintyLib.scene.stage import Stage

from . import look
from .advanced_section import AdvancedSection
from .chosen_structures import ChosenStructures
from .inputs_section import InputsSection
from .library import reload_library
from .logic import TTAUncertaintyLogic
from .map_section import MapSection
from .offered_nodes import OfferedNodes
from .review_section import ReviewSection
from .run_section import RunSection
from .teaching_section import TeachingSection
from .work_section import WorkSection

#: In place of the result that is shown: whichever it is, every section is to be told.
_UNTOLD = object()

#: From top to bottom; before them what they all rely on.
_SECTIONS = (
    OfferedNodes,
    InputsSection,
    AdvancedSection,
    RunSection,
    WorkSection,
    MapSection,
    ReviewSection,
    TeachingSection,
)


class TTAUncertaintyWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel, and the host of its sections.

    What a section may ask of its host: `logic`, `parameters`, `structures`, `entered`, `stage`,
    `result`, `setResult`, `openStudy`, `decided`, `choose`, `settingsChanged`, `showProblem`,
    `showBusy`, `clearMessage`. What the host calls of a section, where it is defined:
    ``enter()``, ``exit()``, ``onParametersChanged()``, ``onResultChanged(result)``,
    ``onStudy(folder)``, ``onDecided(result, review)``, ``onSceneClosed()``, ``cleanup()``.
    """

    def __init__(self, parent: Any = None) -> None:
        #: `TTAUncertaintyLogic`.
        self.logic: Any = None
        #: `ChosenStructures`.
        self.structures = ChosenStructures(self)
        #: `TTAUncertaintyParameters`; None before the panel is shown, and while a scene closes or
        #: is imported. No section does anything while it is None.
        self.parameters: Any = None
        #: Whether the panel is the one that is shown.
        self.entered = False
        self._sections: list[Any] = []
        self._fitting: look.Fitting | None = None
        self._growing: Any = None
        self._guiTag: Any = None
        self._shownResult: Any = None
        self._tellings = 0
        self._choicesUntold = False
        VTKObservationMixin.__init__(self)
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self) -> None:
        """Make the panel. Nothing is loaded, installed or asked here."""
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/TTAUncertainty.ui"))
        self.layout.addWidget(panel)
        self.layout.addStretch(1)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self._fitting = look.Fitting(panel)
        ui = self.ui
        pages = (ui.hotSpotsTabBody, ui.structuresTabBody, ui.landmarksTabBody)
        self._growing = look.fitting_tabs(ui.reviewTabs, pages)
        self.logic = TTAUncertaintyLogic()
        self._sections = [kind(self.ui, self) for kind in _SECTIONS]
        scene = slicer.mrmlScene
        for event, slot in (
            (slicer.vtkMRMLScene.StartCloseEvent, self._onSceneStartClose),
            (slicer.vtkMRMLScene.EndCloseEvent, self._onSceneChanged),
            (slicer.vtkMRMLScene.StartImportEvent, self._onSceneStartImport),
            (slicer.vtkMRMLScene.EndImportEvent, self._onSceneChanged),
            (slicer.vtkMRMLScene.NodeRemovedEvent, self._onNodeRemoved),
        ):
            self.addObserver(scene, event, slot)
        if getattr(self.parent, "isEntered", False):
            self.enter()  # Slicer's Reload makes the panel that is shown, and does not enter it

    def enter(self) -> None:
        """Show the study's choices."""
        self.entered = True
        self._setParameters(self.logic.getParameterNode())
        self._tell("enter")

    def exit(self) -> None:
        """Another module is shown; a run goes on."""
        self.entered = False
        self._tell("exit")

    def cleanup(self) -> None:
        """Let go of everything; a run ends."""
        self.entered = False
        self._tell("cleanup")
        self._setParameters(None)
        self.removeObservers()
        if self.logic is not None:
            self.logic.close()
        self._sections = []
        if self._fitting is not None:
            self._fitting.close()

    def onReload(self) -> None:
        """Read the module, this package and the library again."""
        reload_library()
        ScriptedLoadableModuleWidget.onReload(self)

    # what sections ask of their host

    @property
    def stage(self) -> Stage:
        """The scene and what surrounds it."""
        return Stage.current()

    @property
    def result(self) -> ResultNodes | None:
        """The result that is shown; None if there is none."""
        node = None if self.parameters is None else self.parameters.result
        present = node is not None and node.GetAttribute(ATTRIBUTE)
        return ResultNodes(node) if present and slicer.mrmlScene.IsNodePresent(node) else None

    def setResult(self, result: ResultNodes | None) -> None:
        """Show a result, or none; every section is told."""
        if self.parameters is not None:
            self.parameters.result = None if result is None else result.node
            self._tellOfResult()

    def openStudy(self, folder: Path) -> None:
        """Go through a study pair by pair."""
        self._tell("onStudy", folder)

    def decided(self, review: Review) -> None:
        """A person has decided something about the result that is shown."""
        self._tell("onDecided", self.result, review)

    def choose(self, **changes: Any) -> None:
        """Change choices of a run, with what that brings along; every section is told at once."""
        if self.parameters is None:
            return
        changed = RunChoices.of(self.parameters).changed(**changes).differing(self.parameters)
        before = self.parameters.StartModify()
        try:
            for name, value in changed.items():
                setattr(self.parameters, name, value)
        finally:
            self.parameters.EndModify(before)

    def settingsChanged(self) -> None:
        """Tell every section that something changed that is not in the parameter node."""
        if self.parameters is not None:
            self._tellOfChoices()

    def showProblem(self, text: str, remedy: str = "") -> None:
        """Say in the panel what went wrong and what to do, until it is dismissed or tried again."""
        self._tell("showProblem", text, remedy)

    def showBusy(self, text: str, cancel: Callable[[], None]) -> None:
        """Say what goes on, with a button that ends it."""
        self._tell("showBusy", text, cancel)

    def clearMessage(self) -> None:
        """Take away what was said of an earlier attempt, or of what went on until now."""
        self._tell("clearMessage")

    # what happens to the scene

    def _setParameters(self, parameters: Any) -> None:
        """Tie the panel to the study's choices, or to none."""
        if self.parameters is not None:
            self.parameters.disconnectGui(self._guiTag)
            self.removeObserver(
                self.parameters, vtk.vtkCommand.ModifiedEvent, self._onParametersModified
            )
        self.parameters = parameters
        if parameters is not None:
            self._guiTag = parameters.connectGui(self.ui)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self._onParametersModified)
            self._onParametersModified()

    def _onParametersModified(self, *_event: object) -> None:
        self._tellOfChoices()
        self._tellOfResult()

    def _tellOfChoices(self) -> None:
        """Tell the sections of the choices, after what they are being told now.

        Slicer may handle events whenever a section adds a node: told in the middle of showing a
        map, a section would begin to show it once more, and so on.
        """
        self._choicesUntold = True
        while self._choicesUntold and not self._tellings:
            self._choicesUntold = False
            self._tell("onParametersChanged")

    def _tellOfResult(self) -> None:
        """Tell the sections which result is shown, if it is another one than before."""
        result = self.result
        if result != self._shownResult:
            self._shownResult = result
            self._tell("onResultChanged", result)

    def _onSceneStartClose(self, *_event: object) -> None:
        self._setParameters(None)
        self._tellOfResult()
        self._tell("onSceneClosed")

    def _onSceneStartImport(self, *_event: object) -> None:
        """Hold still: Slicer handles events meanwhile, and nodes refer to others to come."""
        self._tell("exit")
        self._setParameters(None)
        self._shownResult = _UNTOLD

    def _onSceneChanged(self, *_event: object) -> None:
        """Begin anew with the scene as it is now: it was closed, or another was opened."""
        if self.entered:
            self.enter()

    def _onNodeRemoved(self, *_event: object) -> None:
        if self.parameters is not None:
            self._tellOfResult()

    def _tell(self, what: str, *arguments: Any) -> None:
        self._tellings += 1
        try:
            for section in self._sections:
                method = getattr(section, what, None)
                if method is not None:
                    method(*arguments)
        finally:
            self._tellings -= 1
        if self._choicesUntold:
            self._tellOfChoices()
