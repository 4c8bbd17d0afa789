"""The panel Review: the result's folder, what was sent, and the controls written into the page."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..controls.review_controls import ReviewControls
from ..controls.review_view import ReviewView
from ..errors import InputError, OutputError
from ..review import Review, review_from_json, review_to_json, write_whole
from ..review.landmark_files import PairedLandmarks
from ..scene.loading import folder_of
from ..scene.result import ResultNodes
from ..scene.review_state import keep_review
from ..scene.stage import Stage
from ..scene.structures import Structures
from ..strict_json import Unreadable, read_text
from .clock import ServerClock
from .landmarks_sent import LandmarksSent
from .part import Part
from .rows import (
    file_chooser,
    number,
    remark_field,
    slider,
    table,
    text_field,
    verdict_buttons,
    written,
)
from .session import Upload
from .structures_of_fixed import StructuresOfFixed

if TYPE_CHECKING:
    from .viewer import Viewer

_ALL = frozenset({"spots", "structures", "landmarks"})


class ReviewPanel(Part):
    """The `ReviewScreen` of the page.

    What is decided is kept in the result's folder at once, where that can be written.
    """

    hints: ClassVar[dict[str, str]] = {}  # what is to be done is plain to see on the page

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self.selected = -1
        self._structures: Structures | None = None
        self._reviewer = ""  # who reviewed last
        self._kept: bytes | None = None  # what of this review lies in the result's folder
        self._decided: Review | None = None  # nothing is written that nobody decided
        self._fixed_structures = StructuresOfFixed(viewer)
        self.landmarks = LandmarksSent(viewer)
        viewer.state.update(
            {
                "review": written(ReviewView()),
                "review_of": "",
                "review_kept": "",
                "spot_threshold": 0.0,
                "structures_name": "",
                "landmarks_fixed_name": "",
                "landmarks_moving_name": "",
            }
        )
        self.controls = ReviewControls(self, ServerClock(viewer.state))
        viewer.state.change("spot_threshold")(self._on_threshold)

    def on_result(self, result: ResultNodes | None) -> None:
        """Open the review of another result, as it lies in the result's folder."""
        self.selected, self._structures, self._kept, self._decided = -1, None, None, None
        self.landmarks.on_result(result)
        state = self._viewer.state
        state.structures_name = state.review_kept = ""
        try:
            found = None if result is None else self._fixed_structures.bundled(result)
            if found is not None:
                self._structures, state.structures_name = found
            if result is not None:
                self._take_kept(result)
            self.controls.on_result(result)
        except InputError as error:
            self.controls.on_result(None)
            self._viewer.say_problem(error)
        if self.controls.review is not None:
            state.review_of = str(self._folder())
            self._viewer.work.controls.on_review(self._folder(), self.controls.review)

    def suspend(self) -> None:
        """Leave the views to something else."""
        self.controls.suspend()

    def refresh(self) -> None:
        """The views are free again."""
        self.controls.show_again()

    def use_structures(self, upload: Upload) -> None:
        """Take a label map that was sent as structures of the fixed image.

        Raises
        ------
        InputError
            If nothing of it lies on the result.
        """
        result = self.controls.result
        if result is None:
            raise InputError("There is no result yet that structures could lie on.")
        self._structures = self._fixed_structures.of_file(result, upload.path, upload.name)
        self._viewer.state.structures_name = upload.name
        self.controls.refresh()
        self._viewer.map.controls.follow()

    def comment_on_spot(self, place: str, before: str, text: str) -> None:
        """Take what a tab wrote about a hot spot; `before` is what it saw there when it began."""
        try:
            self.controls.comment_on_spot(text, place, before)
        except InputError as error:
            self._viewer.say_problem(error)

    def comment_on_all(self, place: str, before: str, text: str) -> None:
        """Take what a tab wrote about the registration of a result, named by its folder."""
        if place == str(self._folder()):
            self.controls.comment_on_all(text, before)
        elif text != before:
            gone = InputError("Another result is shown by now.", f"You wrote: {text}")
            self._viewer.say_problem(gone)

    def keep(self) -> None:
        """Write the review beside its result."""
        folder, state = self._folder(), self._viewer.state
        if self._decided is None or folder == Path():
            return
        content = review_to_json(self._decided).encode()
        file = self._viewer.work.review_file(folder)
        if _on_disk(file) not in (self._kept, content):
            state.review_kept = (
                "Another program has changed the review in the result's folder, and it was left as "
                "it is: export this one, then open the result again."
            )
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, content)
            self._kept = content
            state.review_kept = "Kept in the result's folder."
        except OutputError:
            said = "The result's folder cannot be written: export the report to keep this review."
            state.review_kept = said

    def export(self) -> bytes:
        """Return the review as a ZIP file: one page, the tables, the review itself.

        Raises
        ------
        TTAUncertaintyError
            If there is nothing to export, or no room for it.
        """
        views, controls = self._viewer.views, self.controls
        pictures = views.pictures(controls.map_title) + views.pictures_of_places(controls.places)
        folder = self._viewer.session.new_folder("review")
        controls.writing(folder, pictures)()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, file.name)
                file.unlink()
        folder.rmdir()
        return packed.getvalue()

    # what the controls ask

    @property
    def stage(self) -> Stage:
        """The scene and what surrounds it."""
        return self._viewer.stage

    def begin(self) -> Review:
        """Return who reviewed last."""
        return Review(self._reviewer)

    def in_sight(self) -> frozenset[str]:
        """Return all: one tab may show what another does not."""
        return _ALL

    def structures(self) -> Structures | None:
        """Return those that were sent, or come with the fixed image."""
        return self._structures

    def pairs(self) -> PairedLandmarks | None:
        """Return those that were sent, or come with the images."""
        return self.landmarks.pairs()

    def show(self, view: ReviewView) -> None:
        """Write into the page."""
        self._viewer.state.review = written(view)
        self._viewer.state.spot_threshold = round(view.spots.threshold, 2)

    def decided(self, review: Review, _before: Review) -> None:
        """Keep it beside the result."""
        self._decided, self._reviewer = review, review.reviewer
        self.keep()
        self._viewer.work.controls.on_review(self._folder(), review)

    # how it is done

    def _folder(self) -> Path:
        result = self._viewer.result
        return (None if result is None else folder_of(result)) or Path()

    def _take_kept(self, result: ResultNodes) -> None:
        """Go on from the review that lies in the result's folder."""
        folder = folder_of(result)
        file = None if folder is None else self._viewer.work.review_file(folder)
        self._kept = None if file is None else _on_disk(file)
        if self._kept is not None:
            keep_review(result, review_from_json(self._kept))

    def _on_threshold(self, spot_threshold: Any, **_state: Any) -> None:
        value = number(spot_threshold)
        if value is not None and abs(value - self.controls.view.spots.threshold) >= 0.006:
            self.controls.set_threshold(value)

    def build(self) -> None:
        """Write the panel into the page."""
        with html.Div(classes="tta-panel"):
            html.P("{{ review.nothing }}", v_if="review.nothing", classes="tta-small")
            self._build_spots()
            self._build_found()
            self._build_overall()

    def _build_spots(self) -> None:
        controls = self.controls
        html.H2("Hot spots")
        html.P("{{ review.spots.words }}", classes="tta-small mb-1 tta-spots-words")
        slider(
            "spot-threshold",
            "Places above",
            "{{ spot_threshold.toFixed(2) }} {{ review.spots.unit }}",
            0,
            ("review.spots.highest",),
            0.05,
            bound="spot_threshold",
        )
        with html.Div(classes="d-flex ga-2 my-1"):
            for title, by, icon in (("Previous", -1, "left"), ("Next", 1, "right")):
                v3.VBtn(
                    title,
                    click=(controls.step, f"[{by}]"),
                    disabled=("!review.spots.table.rows.length",),
                    size="small",
                    variant="tonal",
                    classes=f"flex-grow-1 tta-step-{title.lower()}",
                    **{f"{'prepend' if by < 0 else 'append'}_icon": f"mdi-chevron-{icon}"},
                )
        table("spots", "review.spots.table", controls.select, "review.spots.selected")
        with html.Div(v_if="review.spots.selected >= 0", classes="mt-2"):
            html.P("{{ review.spots.facts }}", classes="tta-small mb-2")
            verdict_buttons(
                "spot", "review.spots.verdict", "review.spots.verdicts", controls.decide
            )
            remark_field(
                self._viewer.server,
                "spot_comment",
                "Comment on this place",
                "review.spots.comment",
                "review.spots.key",
                self.comment_on_spot,
            )

    def _build_found(self) -> None:
        """Write structures and landmarks."""
        controls = self.controls
        with html.Div(v_if="review.carried.tables.length", classes="mt-5"):
            html.H2("Labels of the moving image")
            html.P("{{ review.carried.words }}", classes="tta-small mb-1")
            with html.Div(classes="tta-scrolled mb-2"):
                table(
                    "carried",
                    "review.carried.tables[0]",
                    controls.select_structure,
                    "review.structure",
                )
        html.H2("Structures")
        html.P("{{ structures_name }}", v_if="structures_name", classes="tta-small")
        none = "!review.structures.tables.length"  # else their titles say it
        html.P("{{ review.structures.words }}", v_if=none, classes="tta-small")
        with html.Div(v_for="(table, t) in review.structures.tables", key="t", classes="mb-3"):
            html.Div("{{ table.title }}", classes="tta-small font-weight-bold")
            table("structures", "table")
        file_chooser("Labels", "structures", "structures_name")
        text_field(
            "tolerance",
            "review.said.tolerance_mm",
            "Your tolerance, mm (none is built in)",
            lambda text: controls.set_tolerance(number(text)),
            type="number",
            min="0",
            step="0.1",
        )
        html.H2("Landmarks")
        html.P("{{ review.landmarks.words }}", classes="tta-small")
        found = "(table, t) in review.landmarks.tables"
        with html.Div(v_for=found, key="t", classes="tta-scrolled mb-2"):
            table("landmarks", "table", controls.select_landmark, "review.landmark")
        for side in ("fixed", "moving"):
            file_chooser(
                side.capitalize(),
                f"{side}-landmarks",
                f"landmarks_{side}_name",
                ".json,.fcsv,.csv",
            )

    def _build_overall(self) -> None:
        controls = self.controls
        html.H2("Decision on the whole")
        verdict_buttons(
            "overall", "review.said.verdict", "review.overalls", controls.decide_overall
        )
        remark_field(
            self._viewer.server,
            "overall_comment",
            "Comment",
            "review.said.comment",
            "review_of",
            self.comment_on_all,
        )
        text_field("reviewer", "review.said.reviewer", "Reviewer", controls.set_reviewer)
        html.P("{{ review_kept }}", v_if="review_kept", classes="tta-small mt-2")
        v3.VBtn(
            "Export the review",
            click="utils.tta.download('/tta/review.zip', 'review.zip')",
            block=True,
            color="primary",
            prepend_icon="mdi-download",
            classes="mt-3 tta-export",
        )
        v3.VBtn(
            "Report of the run",
            href="/tta/report.html",
            target="_blank",
            block=True,
            variant="text",
            classes="mt-1",
        )


def _on_disk(file: Path) -> bytes | None:
    """Return the review that lies in a file; None where none can be read."""
    with contextlib.suppress(Unreadable):
        return read_text(file).encode()
    return None
