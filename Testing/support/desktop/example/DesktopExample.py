"""A small module for the harness's own tests: two volumes, a few choices, a process that counts."""

# ruff: noqa: N802, N815  (Slicer's names)

from typing import Annotated

import qt
import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLTransformNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


@parameterNodeWrapper
class DesktopExampleParameters:
    """What is chosen."""

    fixedVolume: vtkMRMLScalarVolumeNode
    initialTransform: vtkMRMLTransformNode
    opacity: Annotated[float, WithinRange(0, 1)] = 0.7
    passes: Annotated[int, WithinRange(1, 50)] = 8
    keep: bool = False
    note: str = "nothing"


class DesktopExample(ScriptedLoadableModule):
    """What is known of the module before it is opened."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Desktop example")
        parent.categories = ["Testing"]
        slicer.app.connect("startupCompleted()", self.registerSampleData)

    def registerSampleData(self):
        import SampleData

        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="Example", sampleName="One", uris="file:///nowhere", nodeNames="One"
        )


class DesktopExampleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.parameters = None
        self.tag = None
        self.seen = []
        self.cleaned = False
        self.entered = 0

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/DesktopExample.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = DesktopExampleLogic()
        self.ui.runButton.connect("clicked(bool)", self.onRun)
        self.ui.fixedSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.seen.append)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, lambda *_: self.setParameters(None))
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndChange)
        # Node references are not followed while a scene is opened, only after it.
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndChange)
        self.timer = qt.QTimer()
        self.timer.interval = 10
        self.timer.connect("timeout()", self.onTick)
        if self.parent.isEntered:
            self.enter()  # Reload makes a panel that is shown and does not say so

    def enter(self):
        self.entered += 1
        self.setParameters(self.logic.getParameterNode())

    def exit(self):
        self.setParameters(None)

    def cleanup(self):
        self.timer.stop()
        self.setParameters(None)
        self.removeObservers()
        self.cleaned = True

    def onSceneEndChange(self, *_event):
        """Start anew with the scene as it is now."""
        if self.parent.isEntered:
            self.enter()

    def setParameters(self, parameters):
        """Tie the panel to parameters, or to none."""
        if self.parameters is not None:
            self.parameters.disconnectGui(self.tag)
            self.removeObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self.update)
        self.parameters = parameters
        if parameters is not None:
            self.tag = parameters.connectGui(self.ui)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self.update)
            self.update()

    def update(self, *_event):
        """Say why the button does not work."""
        ready = self.parameters.fixedVolume is not None
        self.ui.runButton.enabled = ready
        self.ui.runButton.toolTip = "" if ready else _("Choose a fixed volume")

    def onRun(self):
        """Count up to the number of passes."""
        if not slicer.util.confirmOkCancelDisplay(_("Start?")):
            return
        self.ui.progress.value = 0
        self.ui.progress.maximum = self.parameters.passes
        self.timer.start()

    def onTick(self):
        """Count one pass."""
        self.ui.progress.value = self.ui.progress.value + 1
        if self.ui.progress.value == self.ui.progress.maximum:
            self.timer.stop()
            slicer.util.infoDisplay(_("Done"))


class DesktopExampleLogic(ScriptedLoadableModuleLogic):
    """What the module does without its panel."""

    def getParameterNode(self):
        return DesktopExampleParameters(super().getParameterNode())


class DesktopExampleTest(ScriptedLoadableModuleTest):
    """Self-test."""

    ran: list = []  # noqa: RUF012

    def runTest(self):
        self.delayDisplay("Running")
        self.ran.append(slicer.mrmlScene.GetNumberOfNodes())
