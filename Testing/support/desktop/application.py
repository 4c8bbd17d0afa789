"""A stand-in for ``slicer.app`` over the headless application."""

# ruff: noqa: N802, N815  (Slicer's names)

from __future__ import annotations

import slicer
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Signal

from .widgets.declared import doing_nothing, returning


class qSlicerModuleFactoryManager:  # noqa: N801
    """What is asked for the loaded modules' names."""

    def __init__(self, modules):
        self._modules = modules

    def loadedModuleNames(self):
        return list(self._modules)

    def isLoaded(self, name):
        return name in self._modules


class qSlicerModuleManager(QtCore.QObject):  # noqa: N801
    """Which modules there are. Left out: loading by itself, dependencies."""

    moduleAboutToBeUnloaded = Signal(str)
    moduleLoaded = Signal(str)

    def __init__(self):
        super().__init__()
        self._modules = {}

    def module(self, name):
        return self._modules.get(name)

    def modulesNames(self):
        return list(self._modules)

    def factoryManager(self):
        return qSlicerModuleFactoryManager(self._modules)


class qSlicerCommandOptions:  # noqa: N801
    """How Slicer was started: plainly."""

    runPythonAndExit = False
    noMainWindow = False
    testingEnabled = False


class qSlicerApplication(QtCore.QObject):  # noqa: N801
    """The application object that modules ask for logics, settings, files and the layout.

    Left out: the Python console, the error log, extensions, the documentation's address, themes.
    """

    startupCompleted = Signal()
    aboutToQuit = Signal()
    lastWindowClosed = Signal()

    def __init__(self, application, layout_manager):
        super().__init__()
        self._application = application
        self._layout_manager = layout_manager
        self._modules = qSlicerModuleManager()

    applicationName = "Slicer"
    applicationVersion = slicer.vtkMRMLScene().GetVersion() or ""
    majorVersion = 5
    minorVersion = 11
    temporaryPath = property(lambda self: str(self._application.temporary_path))
    slicerHome = property(lambda self: str(self._application.temporary_path))
    extensionsInstallPath = temporaryPath
    documentationBaseUrl = "https://slicer.readthedocs.io/"

    applicationLogic = returning("_application.application_logic")
    mrmlScene = returning("_application.scene")
    coreIOManager = returning("_application.io")

    ioManager = coreIOManager

    layoutManager = returning("_layout_manager")
    moduleManager = returning("_modules")

    def settings(self):
        """Return the settings, which lie in a folder of their own here."""
        return QtCore.QSettings()

    userSettings = settings
    revisionUserSettings = settings

    def commandOptions(self):
        return qSlicerCommandOptions()

    def testingEnabled(self):
        """Say no: dialogs are recorded, as a person would see them."""
        return False

    def processEvents(self, *_):
        QtWidgets.QApplication.processEvents()

    def topLevelWidgets(self):
        return QtWidgets.QApplication.topLevelWidgets()

    def setOverrideCursor(self, cursor):
        QtWidgets.QApplication.setOverrideCursor(QtGui.QCursor(cursor))

    def restoreOverrideCursor(self):
        QtWidgets.QApplication.restoreOverrideCursor()

    def clipboard(self):
        return QtWidgets.QApplication.clipboard()

    pauseRender = doing_nothing()

    resumeRender = pauseRender

    setRenderPaused = doing_nothing()

    def translate(self, _context, text):
        """Return the text: there is no other language here."""
        return text

    def moduleDocumentationUrl(self, name):
        return f"{self.documentationBaseUrl}modules/{name}.html"

    def restart(self):
        """Refuse."""
        raise RuntimeError("The harness cannot restart.")
