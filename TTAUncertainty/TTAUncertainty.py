"""Slicer module TTAUncertainty: the four classes that Slicer looks for, and no more.

What they do lies in the package TTAUncertaintyPanel beside this file. It is imported when the
module is opened or its logic is asked for, not when Slicer lists its modules.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

_HERE = str(Path(__file__).resolve().parent)


def _ensurePanel() -> None:
    """Make the package beside this file importable, wherever this file was loaded from."""
    if _HERE not in sys.path:
        sys.path.insert(0, _HERE)


class TTAUncertainty(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent) -> None:
        """Describe the module to the ``qSlicerScriptedLoadableModule`` that Slicer passes."""
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("TTA Uncertainty")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Registration")]
        self.parent.dependencies = []
        self.parent.contributors = ["The TTAUncertainty contributors"]
        self.parent.helpText = _(
            "Shows where a learned image registration is not to be trusted. The moving image is "
            "perturbed in known ways, registered again, and the perturbation undone; how much the "
            "answers scatter, in millimetres, is the uncertainty. It is a measure of variance, "
            "not of error: a mistake that every repetition makes alike leaves no trace in it. "
            "Not for clinical decisions."
        )
        self.parent.acknowledgementText = _(
            "The method is by L. Tian, X. Hu and J. E. Iglesias, Test-time Uncertainty Estimation "
            "for Medical Image Registration via Transformation Equivariance, arXiv 2509.23355."
        )
        slicer.app.connect("startupCompleted()", self.registerSampleData)

    def registerSampleData(self) -> None:
        """List the bundled images in the module Sample Data."""
        _ensurePanel()
        from TTAUncertaintyPanel.samples import register_sample_data

        register_sample_data()


class TTAUncertaintyWidget(ScriptedLoadableModuleWidget):
    """The panel. Constructing it gives the panel of `TTAUncertaintyPanel.widget`."""

    def __new__(cls, *arguments: Any) -> Any:
        """Import the panel and return one."""
        _ensurePanel()
        from TTAUncertaintyPanel.widget import TTAUncertaintyWidget as Panel

        return Panel(*arguments)


class TTAUncertaintyLogic(ScriptedLoadableModuleLogic):
    """The logic. Constructing it gives the logic of `TTAUncertaintyPanel.logic`."""

    def __new__(cls, *arguments: Any) -> Any:
        """Import the logic and return one."""
        _ensurePanel()
        from TTAUncertaintyPanel.logic import TTAUncertaintyLogic as Logic

        return Logic(*arguments)


class TTAUncertaintyTest(ScriptedLoadableModuleTest):
    """Self-test, run inside Slicer: a small registration with numbers that are known."""

    def setUp(self) -> None:
        """Begin with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Run every test."""
        _ensurePanel()
        from TTAUncertaintyPanel import self_test

        for check in self_test.CHECKS:
            self.setUp()
            self.delayDisplay(check.__doc__.partition("\n")[0])
            check(self)
