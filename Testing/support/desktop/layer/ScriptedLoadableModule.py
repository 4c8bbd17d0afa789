"""Stand-ins for the four classes that a scripted module derives from.

They keep what a module relies on: where its resources are, its parameter node, its self-test.
Left out: the developer's section of the panel, the link to the documentation, screenshots.
"""

# ruff: noqa: N802, N803  (Slicer's names)

import unittest
from pathlib import Path

import qt
import slicer

__all__ = [
    "ScriptedLoadableModule",
    "ScriptedLoadableModuleLogic",
    "ScriptedLoadableModuleTest",
    "ScriptedLoadableModuleWidget",
]


def _resource(module_file, name):
    return str(Path(module_file).parent / "Resources" / name)


class ScriptedLoadableModule:
    """What is known of a module before it is opened."""

    def __init__(self, parent):
        super().__init__()  # another base may stand behind this one, VTKObservationMixin for one
        self.parent = parent
        self.moduleName = type(self).__name__
        for ending in ("svg", "png"):
            icon = self.resourcePath(f"Icons/{self.moduleName}.{ending}")
            if Path(icon).is_file():
                parent.icon = qt.QIcon(icon)
                break
        if not hasattr(slicer, "selfTests"):
            slicer.selfTests = {}
        slicer.selfTests[self.moduleName] = self.runTest

    def resourcePath(self, filename):
        return _resource(self.parent.path, filename)

    def runTest(self, msec=100, **keywords):
        import sys

        cls = getattr(sys.modules[type(self).__module__], f"{self.moduleName}Test")
        test = cls()
        test.messageDelay = msec
        test.runTest(**keywords)


class ScriptedLoadableModuleWidget:
    """A module's panel."""

    def __init__(self, parent=None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        self.parent = parent or slicer.qMRMLWidget()
        if parent is None:
            self.parent.setLayout(qt.QVBoxLayout())
            self.parent.setMRMLScene(slicer.mrmlScene)
        self.layout = self.parent.layout()
        if parent is None:
            self.setup()
            self.parent.show()
        manager = slicer.app.moduleManager()
        manager.connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename):
        return _resource(slicer.util.modulePath(self.moduleName), filename)

    def setup(self):
        """Fill the panel; for the module to extend."""

    def cleanup(self):
        """Let go of everything; for the module to replace."""

    def onReload(self):
        """Read the module's file again and make its panel anew."""
        slicer.util.reloadScriptedModule(self.moduleName)

    def _onModuleAboutToBeUnloaded(self, name):
        if name == self.moduleName:
            self.cleanup()
            manager = slicer.app.moduleManager()
            manager.disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)


class ScriptedLoadableModuleLogic:
    """What a module does without its panel."""

    def __init__(self, parent=None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getAllParameterNodes(self):
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def getParameterNode(self):
        scene, kind = slicer.mrmlScene, "vtkMRMLScriptedModuleNode"
        if self.isSingletonParameterNode:
            node = scene.GetSingletonNode(self.moduleName, kind)
            if node is not None:
                node.SetAttribute("ModuleName", self.moduleName)  # closing a scene takes it
        else:
            node = next(iter(self.getAllParameterNodes()), None)
        return node or scene.AddNode(self.createParameterNode())

    def createParameterNode(self):
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """A module's self-test: every method with "test" in its name, unless `runTest` is replaced."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        super(unittest.TestCase, self).__init__()
        names = (name for name in dir(self) if name.startswith("test"))
        self.moduleTestNames = [name for name in names if callable(getattr(self, name))]

    def delayDisplay(self, message, requestedDelay=None, msec=None):
        """Say how far the test is, and let the panel catch up."""
        slicer.util.delayDisplay(message, 0)

    def runTest(self):
        for name in self.moduleTestNames:
            self.setUp()
            getattr(self, name)()
            self.tearDown()
