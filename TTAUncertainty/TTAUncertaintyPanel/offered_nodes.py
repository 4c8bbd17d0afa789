"""What the node selectors offer: the person's own nodes, and not those that runs have made."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.util import VTKObservationMixin

from TTAUncertaintyLib.controls.control import Node, controls_of
from TTAUncertaintyLib.controls.run_choices import RunChoices
from TTAUncertaintyLib.scene.made_by_runs import made_by_runs
from TTAUncertaintyLib.scene.result import WARPED

from .timers import after

#: Selectors that the form has; those that the sections make are named after their fields.
_SELECTORS = {
    "fixedVolume": "fixedSelector",
    "movingVolume": "movingSelector",
    "landmarksFixed": "landmarksFixedSelector",
    "landmarksMoving": "landmarksMovingSelector",
}

_FIELDS = (
    *(name for name, control in controls_of(RunChoices).items() if isinstance(control, Node)),
    "landmarksFixed",
    "landmarksMoving",
)


class OfferedNodes(VTKObservationMixin):
    """Keeps maps, hot spots and label maps of results out of the lists of inputs.

    A warped image may be registered once more: it is offered as a volume. What is chosen already
    stays in its list.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        VTKObservationMixin.__init__(self)
        self._host = host
        self._ui = ui
        # a node is there before it is known whose it is
        self._later = after(0, self._follow)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.NodeAddedEvent, lambda *_: self._later.start())

    def enter(self) -> None:
        """Follow what was added meanwhile."""
        self._follow()

    def onParametersChanged(self) -> None:
        """Offer what a script, or an older scene, has chosen."""
        self._follow()

    def cleanup(self) -> None:
        """Let go of the scene."""
        self._later.stop()
        self.removeObservers()

    def _follow(self) -> None:
        parameters = self._host.parameters
        if parameters is None:
            return
        made = made_by_runs(slicer.mrmlScene, except_roles=(WARPED,))
        for field in _FIELDS:
            selector = getattr(self._ui, _SELECTORS.get(field, field))
            chosen = getattr(parameters, field)
            hidden = sorted(made - {"" if chosen is None else chosen.GetID()})
            model = selector.sortFilterProxyModel()
            if list(model.hiddenNodeIDs) != hidden:
                model.hiddenNodeIDs = hidden
