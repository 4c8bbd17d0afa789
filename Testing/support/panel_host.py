"""A host for single sections of the panel: what the panel offers them, and nothing else of it."""

# ruff: noqa: N802  (Slicer's names)

from __future__ import annotations

from pathlib import Path

FORM = Path(__file__).resolve().parents[2] / "TTAUncertainty/Resources/UI/TTAUncertainty.ui"


class PanelHost:
    """Holds sections and tells them what changes, as `TTAUncertaintyWidget` does.

    Parameters
    ----------
    logic
        `TTAUncertaintyLogic`.
    kinds
        Classes of the sections.
    """

    def __init__(self, logic, kinds):
        import qt
        import slicer
        import slicer.util
        from TTAUncertaintyPanel.chosen_structures import ChosenStructures

        self.logic = logic
        self.parameters = None
        self.structures = ChosenStructures(self)
        self.problems, self.busy = [], None
        self._told = None
        self._tags = []
        self.window = qt.QWidget()
        self.window.setLayout(qt.QVBoxLayout())
        self.panel = slicer.util.loadUI(str(FORM))
        self.window.layout().addWidget(self.panel)
        self.ui = slicer.util.childWidgetVariables(self.panel)
        self.panel.setMRMLScene(slicer.mrmlScene)
        self.sections = [kind(self.ui, self) for kind in kinds]
        scene = slicer.mrmlScene
        for event, slot in (
            (scene.StartCloseEvent, self._closing),
            (scene.EndCloseEvent, self.enter),
            (scene.StartImportEvent, self._importing),
            (scene.EndImportEvent, self.enter),
        ):
            self._tags.append((scene, scene.AddObserver(event, slot)))

    @property
    def stage(self):
        from TTAUncertaintyLib.scene.stage import Stage

        return Stage.current()

    @property
    def result(self):
        from TTAUncertaintyLib.scene.result import ResultNodes

        node = None if self.parameters is None else self.parameters.result
        return None if node is None else ResultNodes(node)

    def setResult(self, result):
        self.parameters.result = None if result is None else result.node
        self._tellOfResult()

    def openStudy(self, folder):
        self.tell("onStudy", folder)

    def decided(self, review):
        self.tell("onDecided", self.result, review)

    def showProblem(self, text, remedy=""):
        self.problems.append(f"{text} {remedy}".strip())

    def showBusy(self, text, cancel):
        self.busy = (text, cancel)

    def clearMessage(self):
        self.busy, self.problems = None, []

    def enter(self, *_event):
        import vtk

        self._observe(None)
        self.parameters = self.logic.getParameterNode()
        self._gui = self.parameters.connectGui(self.ui)
        self._observe(self.parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, self._modified))
        self._modified()
        self.tell("enter")

    def exit(self):
        self.tell("exit")

    def close(self):
        """Take everything down."""
        self.tell("cleanup")
        self._closing()
        for subject, tag in self._tags:
            subject.RemoveObserver(tag)
        self.panel.setMRMLScene(None)
        self.window.deleteLater()

    def tell(self, what, *arguments):
        for section in self.sections:
            method = getattr(section, what, None)
            if method is not None:
                method(*arguments)

    def _observe(self, tag):
        if self.parameters is not None and tag is None:
            self.parameters.disconnectGui(self._gui)
            self.parameters.RemoveObserver(self._tag)
        self._tag = tag

    def _modified(self, *_event):
        self.tell("onParametersChanged")
        self._tellOfResult()

    def _tellOfResult(self):
        if self.result != self._told:
            self._told = self.result
            self.tell("onResultChanged", self._told)

    def _importing(self, *_event):
        self.tell("exit")
        self._observe(None)
        self.parameters = None

    def _closing(self, *_event):
        self._observe(None)
        self.parameters = None
        self._tellOfResult()
        self.tell("onSceneClosed")
