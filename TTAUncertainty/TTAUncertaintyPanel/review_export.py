"""The exported review: where it goes, with pictures of the views, and opening it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.results.review_report import REVIEW_PAGE
from TTAUncertaintyLib.review import MatchedReview
from TTAUncertaintyLib.scene.loading import folder_of

from .result_chooser import free_folder
from .view_pictures import pictures_of_places, pictures_of_views


class ReviewExport:
    """The buttons Export review and Open report.

    Parameters
    ----------
    ui, host
        See `widget`.
    """

    def __init__(self, ui: Any, host: Any) -> None:
        self._ui = ui
        self._host = host
        ui.openReportButton.clicked.connect(lambda _checked=False: self.openReport())
        ui.exportLabel.linkActivated.connect(show_file)

    def refresh(self) -> None:
        """Follow another result."""
        self._say("")
        there = self._report() is not None
        button = self._ui.openReportButton
        button.enabled = there
        gone = _("The files of this result are not on this computer any more.")
        button.toolTip = _("Open the report of the run in a web browser.") if there else gone

    def export(self, matched: MatchedReview, map_title: str) -> Path | None:
        """Ask for a folder and write the review there; return its page, None if it was not."""
        result = self._host.result
        title = _("Export the review to")
        chosen = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
        if not chosen:
            return None
        folder = Path(chosen)
        if not (folder / REVIEW_PAGE).exists():  # an earlier review is replaced where it lies
            folder = free_folder(folder, _("Review of {title}").format(title=result.title))
        try:
            with slicer.util.WaitCursor():
                page = self._write(folder, matched, map_title)
        except TTAUncertaintyError as error:
            self._host.showProblem(error.problem, error.remedy)
            return None
        link = f'<a href="{page.absolute().as_uri()}">{_escaped(str(page))}</a>'
        self._say(_("Written: {link}").format(link=link))
        return page

    def _say(self, text: str) -> None:
        """Show a line under the buttons; an empty one takes no room."""
        self._ui.exportLabel.text = text
        self._ui.exportLabel.visible = bool(text)

    def openReport(self) -> None:
        """Open the report of the run."""
        report = self._report()
        if report is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(report)))

    def _write(self, folder: Path, matched: MatchedReview, map_title: str) -> Path:
        host = self._host
        pictures = pictures_of_views(host.stage, _(map_title))
        places = {spot.rank: spot.spot.position_ras_mm for spot in matched.spots}
        pictures += pictures_of_places(host.stage, places)
        return Path(host.logic.exportReview(host.result, folder, pictures, host.parameters))

    def _report(self) -> Path | None:
        folder = None if self._host.result is None else folder_of(self._host.result)
        if folder is None:
            return None
        try:
            report = Bundle.open(folder).report
        except (TTAUncertaintyError, KeyError):
            return None
        return report if report.is_file() else None


def show_file(link: str) -> None:
    """Open a link to a file in the program that the person uses for it."""
    qt.QDesktopServices.openUrl(qt.QUrl(link))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
