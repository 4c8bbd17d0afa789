"""The section Teaching: the perturbed registrations of a result that kept them."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.results.registrations import KeptRegistrations
from TTAUncertaintyLib.scene.loading import folder_of

from .player import Player
from .point_cloud import PointCloud


class TeachingSection:
    """Shown only for a result that kept its registrations, or might have; works when unfolded.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
        self._kept: KeptRegistrations | None = None
        self._trouble = ""
        self._player = Player(ui, host, self._failed)
        self._cloud = PointCloud(ui, host, lambda: self._kept)
        self._controls = (
            ui.firstPassButton,
            ui.playButton,
            ui.passSlider,
            ui.placePointButton,
            ui.cloudCheck,
            ui.ellipsoidCheck,
        )
        ui.teachingSection.contentsCollapsed.connect(lambda _folded: self._show())
        self._show()

    def enter(self) -> None:
        """Go on."""
        self._show()

    def exit(self) -> None:
        """Another module is shown: the views go back to the map."""
        self._player.end()

    def cleanup(self) -> None:
        """Let go."""
        self._player.forget()
        self._cloud.removeObservers()

    def onSceneClosed(self) -> None:
        """The result, and the nodes of the views, are gone."""
        self._player.forget()
        self.onResultChanged(None)

    def onResultChanged(self, result: Any) -> None:
        """Take the registrations of another result."""
        self._kept, self._trouble = None, ""
        if result is not None:
            self._open(result)
        self._show()

    def _open(self, result: Any) -> None:
        if not result.record.get("files", {}).get("registrations"):
            return
        folder = folder_of(result)
        if folder is None:
            self._trouble = _(
                "The registrations of this result lie in its folder, which is not on this computer."
            )
            return
        try:
            self._kept = KeptRegistrations.open(Bundle.open(folder))
        except TTAUncertaintyError as error:
            self._trouble = str(error)

    def _show(self) -> None:
        ui, result = self._ui, self._host.result
        for widget in self._controls:
            widget.enabled = self._kept is not None
        ui.teachingLabel.text = self._words(result)
        ui.teachingLabel.visible = bool(ui.teachingLabel.text)
        self._player.show(self._kept)
        if ui.teachingSection.collapsed or self._kept is None:
            self._cloud.hide()
        else:
            self._cloud.show()

    def _words(self, result: Any) -> str:
        if result is None:
            return _("There is nothing to play before there is a result.")
        if self._trouble:
            return self._trouble
        if self._kept is None:
            return _(
                "This result did not keep its perturbed registrations. Ask for that under Advanced "
                "before the next run."
            )
        return _("Each registration answers another perturbation, which has been undone again.")

    def _failed(self, error: Exception) -> None:
        remedy = error.remedy if isinstance(error, TTAUncertaintyError) else ""
        problem = error.problem if isinstance(error, TTAUncertaintyError) else str(error)
        self._host.showProblem(problem, remedy)
