"""The exported review: where it goes, with pictures of the views, and opening it."""

from __future__ import annotations

import html
import itertools
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.background_work import BackgroundWork
from TTAUncertaintyLib.controls.review_controls import ReviewControls
from TTAUncertaintyLib.errors import TTAUncertaintyError
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.results.bundle import NO_REPORT
from TTAUncertaintyLib.results.review_report import REVIEW_PAGE
from TTAUncertaintyLib.scene.loading import folder_of

from .result_chooser import free_folder
from .section import Section
from .steps import Steps, Work
from .view_pictures import pictures_of_places, pictures_of_views


class ReviewExport(Section):
    """The buttons Export review and Open report."""

    def __init__(self, ui: Any, host: Any, controls: ReviewControls) -> None:
        super().__init__(ui, host)
        self._controls = controls
        self._steps = Steps(self._failed)
        ui.exportButton.clicked.connect(lambda _checked=False: self.export())
        ui.openReportButton.clicked.connect(lambda _checked=False: self.openReport())
        ui.exportLabel.linkActivated.connect(self._onLink)

    def refresh(self) -> None:
        """Follow another result."""
        self.cancel()
        self._say("")
        there = self._folder() is not None
        button = self._ui.openReportButton
        button.enabled = there
        gone = _("The files of this result are not on this computer any more.")
        button.toolTip = _("Open the report of the run in a web browser.") if there else gone

    def export(self) -> None:
        """Ask for a folder and write the review there, picture by picture."""
        result = self._controls.result
        if result is None:
            return
        title = _("Export the review to")
        chosen = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
        if not chosen:
            return
        folder = Path(chosen)
        if not (folder / REVIEW_PAGE).exists():  # an earlier review is replaced where it lies
            folder = free_folder(folder, _("Review of {title}").format(title=result.title))
        self._host.clearMessage()
        self._ui.exportButton.enabled = False
        self._steps.begin(self._writing(folder), self._written)

    def cancel(self) -> None:
        """End an export that goes on; before its last step, nothing has been written."""
        if self._steps.busy:
            self._steps.cancel()
            self._ui.exportButton.enabled = True
            self._say("")

    def _written(self, page: Path) -> None:
        self._ui.exportButton.enabled = True
        link = f'<a href="{page.absolute().as_uri()}">{html.escape(str(page))}</a>'
        self._say(_("Written: {link}").format(link=link))

    def _failed(self, error: TTAUncertaintyError) -> None:
        self._ui.exportButton.enabled = True
        self._say("")
        self._host.showProblem(error.problem, error.remedy)

    def _say(self, text: str) -> None:
        """Show a line under the buttons; an empty one takes no room."""
        self._ui.exportLabel.text = text
        self._ui.exportLabel.visible = bool(text)

    def openReport(self) -> None:
        """Open the report of the run."""
        report = self._report()
        if report is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(report)))
        else:  # it is written after the result
            self._say(html.escape(NO_REPORT.format(folder=self._folder())))

    def _writing(self, folder: Path) -> Work:
        pictures = []
        views = pictures_of_views(self.stage, _(self._controls.map_title))
        places = pictures_of_places(self.stage, self._controls.places)
        for picture in itertools.chain(views, places):
            pictures.append(picture)
            said = _('Taking pictures ({n}); <a href="cancel">cancel</a>.')
            self._say(said.format(n=len(pictures)))
            yield
        writing = BackgroundWork(self._controls.writing(folder, pictures))
        self._say(_('Writing; <a href="cancel">cancel</a>.'))
        yield writing
        return writing.take()

    def _onLink(self, link: str) -> None:
        if link == "cancel":
            self.cancel()
        else:
            qt.QDesktopServices.openUrl(qt.QUrl(link))

    def _folder(self) -> Path | None:
        return None if self._host.result is None else folder_of(self._host.result)

    def _report(self) -> Path | None:
        folder = self._folder()
        if folder is None:
            return None
        try:
            report = Bundle.open(folder).report
        except (TTAUncertaintyError, KeyError):
            return None
        return report if report.is_file() else None
