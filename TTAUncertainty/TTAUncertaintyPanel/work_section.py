"""The section Work list: a study, opened from its table, gone through pair by pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from TTAUncertaintyLib.cohort.ratings import GRADES
from TTAUncertaintyLib.cohort.reviewing import StudyReview
from TTAUncertaintyLib.controls.control import Place
from TTAUncertaintyLib.controls.work_choices import work_rows
from TTAUncertaintyLib.controls.work_controls import WorkControls, WorkView
from TTAUncertaintyLib.errors import InputError, TTAUncertaintyError
from TTAUncertaintyLib.review import Review
from TTAUncertaintyLib.scene.loading import folder_of
from TTAUncertaintyLib.scene.result import remove_with_display
from TTAUncertaintyLib.scene.review_state import keep_review

from . import active
from .bindings import Segments
from .forms import Form
from .keys import Keys
from .look import small_print
from .opening import Opening
from .section import Section
from .steps import Steps, Work
from .tables import Table

#: In the settings of this machine: whose file grades went into last.
_REVIEWER = "TTAUncertainty/studyReviewer"


class WorkSection(Section):
    """The `WorkScreen` of the panel; in sight while a study is open."""

    def __init__(self, ui: Any, host: Any) -> None:
        super().__init__(ui, host)
        self._steps = Steps(self.say_problem)
        self._prepared: Opening | None = None
        self._own: list[Any] = []  # what was loaded for the pair that is shown, and goes with it
        self._controls = WorkControls(self)
        self._reviewer = Form(ui.workReviewerRow, self._controls.choose, ui)
        self._settings = Form(ui.workRows, self._controls.choose, ui)
        self._grades = Segments(
            ui.workGradeButtons, "grade", lambda _name, value: self._controls.grade(int(value))
        )
        self._table = Table(ui.workTable, self._controls.go, most_rows=6, lines=2)
        for label in (ui.workLabel, ui.workOthersLabel):
            small_print(label)
        for button, by in ((ui.workPreviousButton, -1), (ui.workNextButton, 1)):
            button.clicked.connect(lambda _checked=False, by=by: self._controls.step(by))
        ui.workCloseButton.clicked.connect(lambda _checked=False: self._take(None))
        doing = {"]": lambda: self._controls.step(1), "[": lambda: self._controls.step(-1)}
        doing |= {str(n): lambda n=n: self._controls.grade(n) for n in GRADES}
        self._keys = Keys(ui.workSection, doing)
        self._take(None)

    # what the host tells

    def enter(self) -> None:
        """Keys are the panel's."""
        self._keys.enable(True)

    def exit(self) -> None:
        """Another module is shown."""
        self._keys.enable(False)

    def cleanup(self) -> None:
        """Let go."""
        self._steps.cancel()
        self._keys.close()

    def onSceneClosed(self) -> None:
        """What was loaded is gone, and so is what was being opened; the list stays."""
        self._steps.cancel()
        self._own = []

    def onStudy(self, folder: Path) -> None:
        """Open a study, and its worst pair."""
        try:
            name = str(qt.QSettings().value(_REVIEWER) or "")
            try:
                study = StudyReview(folder, name)
            except InputError:
                study = StudyReview(folder)
        except TTAUncertaintyError as error:
            self.say_problem(error)
            return
        self._take(study)
        self._ui.workSection.collapsed = False
        self._controls.begin()

    def onDecided(self, result: Any, review: Review) -> None:
        """Keep what was decided in the reviewer's own files."""
        folder, study = folder_of(result), self._controls.study
        if study is None or folder is None:
            return
        try:
            study.keep(folder, review)
        except TTAUncertaintyError as error:
            self.say_problem(error)
        self._controls.on_review(folder, review)

    # what the controls ask

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return active.running() is not None

    def open_result(self, folder: Path) -> None:
        """Show a pair in place of the one before."""
        prepared, self._prepared = self._prepared, None
        known = prepared is not None and prepared.folder == folder
        opening = prepared if prepared is not None and known else Opening(folder)
        self._host.showBusy(_("Opening the result…"), self._cancel)
        self._steps.begin(self._opening(opening), self._opened)

    def prepare(self, folder: Path) -> None:
        """Begin to read a pair."""
        if self._prepared is None or self._prepared.folder != folder:
            self._prepared = Opening(folder)

    def say_problem(self, error: Exception) -> None:
        """Say what went wrong."""
        self._host.showProblem(getattr(error, "problem", str(error)), getattr(error, "remedy", ""))

    def show(self, view: WorkView) -> None:
        """Write into the widgets."""
        ui, study = self._ui, self._controls.study
        ui.workSection.visible = study is not None
        if study is None:
            return
        if study.reviewer != str(qt.QSettings().value(_REVIEWER) or ""):
            qt.QSettings().setValue(_REVIEWER, study.reviewer)
        self._reviewer.show(work_rows(self._controls.choices, (), (Place.OWN,)))
        self._settings.show(view.settings)
        self._table.show(view.table, view.row)
        self._grades.offer(view.grades, str(view.grade))
        ui.workGradeButtons.enabled = view.row >= 0
        ui.workPlaceLabel.text = view.place.said(_)
        ui.workLabel.text = view.words.said(_)
        ui.workOthersLabel.text = view.others.said(_)
        ui.workOthersLabel.visible = bool(view.others)

    # how it is done

    def _take(self, study: StudyReview | None) -> None:
        self._steps.cancel()
        self._prepared = None
        self._controls.take((), study)

    def _cancel(self) -> None:
        self._steps.cancel()
        self._host.clearMessage()

    def _opening(self, opening: Opening) -> Work:
        scene = slicer.mrmlScene
        there = set(_volumes(scene))
        result = yield from opening.steps(self.stage)
        study = self._controls.study
        kept = None if study is None else study.kept(opening.folder)
        if kept is not None:
            keep_review(result, kept)
        own = [node for node in (result.fixed, result.moving) if node is not None]
        return result, [node for node in own if node.GetID() not in there], opening.folder

    def _opened(self, made: tuple[Any, list[Any], Path]) -> None:
        result, own, folder = made
        self._host.clearMessage()
        before, last = self._host.result, self._own
        of_study = before is not None and folder_of(before) in self._folders()
        self._host.setResult(result)
        self._own = own
        if of_study and before != result:  # others of the scene are left alone
            before.remove()
        for node in last:
            if node in (result.fixed, result.moving):
                self._own.append(node)  # the template of all of them
            elif slicer.mrmlScene.IsNodePresent(node):
                remove_with_display(node)
        self._controls.on_opened(folder)

    def _folders(self) -> set[Path]:
        study = self._controls.study
        return set() if study is None else {one.folder for one in study.listed}


def _volumes(scene: Any) -> list[str]:
    kind = "vtkMRMLScalarVolumeNode"
    count = scene.GetNumberOfNodesByClass(kind)
    return [scene.GetNthNodeByClass(n, kind).GetID() for n in range(count)]
