"""Slicer module TTAUncertainty. For now it says what the extension does and how to run it."""

from __future__ import annotations

from pathlib import Path

import qt
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


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


class TTAUncertaintyWidget(ScriptedLoadableModuleWidget):
    """The panel."""

    def setup(self) -> None:
        """Fill the panel."""
        ScriptedLoadableModuleWidget.setup(self)
        folder = TTAUncertaintyLogic().libraryParent()
        label = qt.QLabel(
            _(
                "The uncertainty of a registration is computed from a terminal for now: in the "
                "folder {folder}, type PythonSlicer -m TTAUncertaintyLib --help. "
                "This panel will do the same with a few clicks; it is not written yet."
            ).format(folder=folder)
        )
        label.wordWrap = True
        label.textInteractionFlags = qt.Qt.TextSelectableByMouse
        self.layout.addWidget(label)
        self.layout.addStretch(1)


class TTAUncertaintyLogic(ScriptedLoadableModuleLogic):
    """What the module knows without its panel."""

    def libraryParent(self) -> Path:
        """Folder that holds the library TTAUncertaintyLib.

        It lies beside this file in an installed extension, and one level up in a source checkout.

        Raises
        ------
        FileNotFoundError
            If it is in neither place.
        """
        here = Path(__file__).resolve().parent
        for folder in (here, here.parent):
            if (folder / "TTAUncertaintyLib" / "__init__.py").is_file():
                return folder
        raise FileNotFoundError(
            _("The library TTAUncertaintyLib was not found beside the module in {folder}.").format(
                folder=here
            )
        )


class TTAUncertaintyTest(ScriptedLoadableModuleTest):
    """Self-test, run inside Slicer."""

    def runTest(self) -> None:
        """Run every test."""
        self.setUp()
        self.test_library_is_installed_whole()

    def test_library_is_installed_whole(self) -> None:
        """The library and the files it comes with are where the module looks for them."""
        library = TTAUncertaintyLogic().libraryParent() / "TTAUncertaintyLib"
        resources = [library / "Resources", library.parent / "Resources"]
        listed = [folder / "SampleData" / "sample_data.json" for folder in resources]
        self.assertTrue(any(path.is_file() for path in listed))
