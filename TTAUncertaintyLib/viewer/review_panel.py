"""The panel Review: hot spots one by one, structures, the decision, and the report."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..errors import InputError, OutputError
from ..reading import Unreadable, read_text
from ..results import MapKind
from ..results.files import REVIEW_FILE
from ..results.report.scales import tidy_above
from ..results.review_report import write_review
from ..review import (
    MatchedReview,
    ReviewedSpot,
    Table,
    Verdict,
    review_from_json,
    review_to_json,
    structure_tables,
    write_whole,
)
from ..review.tables import verdict_counts
from ..scene.hot_spots import go_to_spot
from ..scene.loading import folder_of
from ..scene.result import ResultNodes
from ..scene.review_content import review_content
from ..scene.review_desk import ReviewDesk
from ..scene.review_state import keep_review
from ..scene.structures import Structures
from .landmarks_part import LandmarksPart
from .rows import (
    file_chooser,
    number,
    remark_field,
    slider,
    text_field,
    verdict_buttons,
)
from .session import Upload
from .structures_of_fixed import StructuresOfFixed

if TYPE_CHECKING:
    from .viewer import Viewer


#: Columns that the export has and the page has no room for.
_LEFT_OUT = ("Map", "Voxels", "With estimate", "Mean")


class ReviewPanel:
    """Brings together the review of the shown result and the page.

    What is decided is kept in the result's folder at once, where that can be written.

    Parameters
    ----------
    viewer
        The host.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._desk: ReviewDesk | None = None
        self._matched = MatchedReview(())
        self._selected = -1
        self._kept: bytes | None = None  # what of this review lies in the result's folder
        self._changed = False  # since it was read: nothing is written that nobody decided
        self._structures: Structures | None = None
        self._fixed_structures = StructuresOfFixed(viewer)
        self.landmarks = LandmarksPart(viewer)
        state = viewer.state
        state.update(
            {
                "spots": [],
                "spot": -1,
                "spot_comment": "",
                "spot_place": "",
                "spot_words": "",
                "spot_threshold": 0.0,
                "spot_highest": 1.0,
                "spots_words": "",
                "overall": "",
                "overall_comment": "",
                "reviewer": "",
                "tolerance": "",
                "tables": [],
                "structures_name": "",
                "review_kept": "",
                "review_of": "",
            }
        )
        state.change("spot_threshold")(self._on_threshold)
        state.change("reviewer")(self._on_reviewer)
        state.change("tolerance")(self._on_tolerance)

    def on_result(self, result: ResultNodes | None) -> None:
        """Open the review of another result."""
        if self._desk is not None:
            self._desk.leave()
        self._desk, self._matched, self._selected = None, MatchedReview(()), -1
        self._changed = False
        self._kept = None
        self._structures = None
        self.landmarks.on_result(result)
        state = self._viewer.state
        state.update({"spots": [], "spot": -1, "spot_comment": "", "tables": []})
        state.update({"structures_name": "", "review_kept": ""})
        if result is None:
            return
        try:
            self._take_kept(result)
            self._desk = ReviewDesk(self._viewer.stage, result)
        except InputError as error:
            self._viewer.say_problem(error)
            return
        review = self._desk.review
        state.update(
            {
                "overall": "" if review.verdict is Verdict.OPEN else review.verdict.value,
                "overall_comment": review.comment,
                "review_of": str(self._folder()),
                "reviewer": review.reviewer or state.reviewer,
                "tolerance": "" if review.tolerance_mm is None else f"{review.tolerance_mm:g}",
            }
        )
        found = self._fixed_structures.bundled(result)
        if found is not None:
            self._structures, state.structures_name = found
        if self._desk.kind not in result.maps:
            state.spots_words = "This result has no map that could be reviewed."
            self._desk = None
            return
        self.refresh()
        self._viewer.work.on_review(self._folder(), review)

    def on_map(self, kind: MapKind) -> None:
        """Review the map that is shown, where it is one in mm."""
        if self._desk is not None and kind.facts.unit == "mm" and kind is not self._desk.kind:
            self._desk.choose_map(kind)
            self._selected = -1
            self.refresh()

    def refresh(self) -> None:
        """Find what is to be seen, and write it into the page."""
        desk = self._desk
        if desk is None:
            return
        state = self._viewer.state
        self._show(desk.spots(self._structures))
        state.spot_highest = tidy_above(max(desk.highest, desk.threshold))
        state.spot_threshold = round(desk.threshold, 2)
        if self._structures is not None:
            title = desk.kind.facts.title
            every = desk.statistics(self._structures)
            found = [one for one in every if one.map_title == title or one.unit != "mm"]
            tables = structure_tables(found, desk.review.tolerance_mm)
            state.tables = [_table(table, title) for table in tables]
        self.landmarks.show(desk.kind)

    def suspend(self) -> None:
        """Leave the views to something else; `refresh` brings the places back."""
        if self._desk is not None:
            self._desk.hide_spots()

    def step(self, by: int) -> None:
        """Go to the next hot spot or the one before; the list is a ring."""
        count = len(self._matched.spots)
        if count:
            first = 0 if by > 0 else count - 1
            self.select((self._selected + by) % count if self._selected >= 0 else first)

    def select(self, number: int) -> None:
        """Look at a hot spot, from 0 on."""
        if self._desk is not None and 0 <= number < len(self._matched.spots):
            self._selected = number
            go_to_spot(self._viewer.stage, self._matched, number + 1)
            self._say_selected()

    def decide(self, verdict: str) -> None:
        """Give the chosen hot spot a verdict; the same one again takes it back."""
        spot = self._spot
        if spot is not None and verdict in [one.value for one in Verdict]:
            wanted = Verdict(verdict)
            self._decide(spot, Verdict.OPEN if spot.verdict is wanted else wanted, None)

    def decide_overall(self, verdict: str) -> None:
        """Decide on the registration as a whole; the same verdict again takes it back."""
        if self._desk is not None and verdict in [one.value for one in Verdict]:
            wanted = Verdict(verdict)
            taken_back = self._desk.review.verdict is wanted
            self._desk.decide_overall(Verdict.OPEN if taken_back else wanted, None)
            self._viewer.state.overall = "" if taken_back else verdict
            self._after_decision()

    def use_structures(self, upload: Upload) -> None:
        """Take a label map that was sent as structures of the fixed image.

        Raises
        ------
        InputError
            If nothing of it lies on the result.
        """
        if self._desk is None:
            raise InputError("There is no result yet that structures could lie on.")
        result, name = self._desk.result, upload.name
        self._structures = self._fixed_structures.of_file(result, upload.path, name)
        self._viewer.state.structures_name = name
        self.refresh()

    def keep(self) -> None:
        """Write the review beside its result."""
        desk, folder = self._desk, self._folder()
        if desk is None or folder == Path() or not self._changed:
            return
        content = review_to_json(desk.review).encode()
        if self._on_disk(folder) not in (self._kept, content):
            self._viewer.state.review_kept = (
                "Another program has changed the review in the result's folder, and it was left as "
                "it is: export this one, then open the result again."
            )
            return
        try:
            write_whole(folder / REVIEW_FILE, content)
            self._kept = content
            self._viewer.state.review_kept = "Kept in the result's folder."
        except OutputError:
            said = "The result's folder cannot be written: export the report to keep this review."
            self._viewer.state.review_kept = said

    def export(self) -> bytes:
        """Return the review as a ZIP file: one page, the tables, the review itself.

        Raises
        ------
        TTAUncertaintyError
            If there is nothing to export, or no room for it.
        """
        desk = self._desk
        if desk is None:
            raise InputError("There is no review to export.")
        views, title = self._viewer.views, desk.kind.facts.title
        pictures = views.pictures(title)
        places = {spot.rank: spot.spot.position_ras_mm for spot in self._matched.spots}
        pictures += views.pictures_of_places(places)
        folder = self._viewer.session.new_folder("review")
        found = self.landmarks.findings
        write_review(folder, review_content(desk.result, self._structures, found, pictures))
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, file.name)
                file.unlink()
        folder.rmdir()
        return packed.getvalue()

    @property
    def _spot(self) -> ReviewedSpot | None:
        spots = self._matched.spots
        return spots[self._selected] if 0 <= self._selected < len(spots) else None

    def _folder(self) -> Path:
        result = self._viewer.result
        return (None if result is None else folder_of(result)) or Path()

    def _take_kept(self, result: ResultNodes) -> None:
        """Go on from the review that lies in the result's folder."""
        folder = folder_of(result)
        if folder is None:
            return
        self._kept = self._on_disk(folder)
        if self._kept is not None:
            keep_review(result, review_from_json(self._kept))

    @staticmethod
    def _on_disk(folder: Path) -> bytes | None:
        """Return the review that lies in a result's folder; None where none can be read."""
        with contextlib.suppress(Unreadable):
            return read_text(folder / REVIEW_FILE).encode()
        return None

    def _decide(
        self, spot: ReviewedSpot | None, verdict: Verdict | None, comment: str | None
    ) -> None:
        desk = self._desk
        if spot is not None and desk is not None:
            self._show(desk.decide_spot(spot, verdict, comment))
            self._after_decision()

    def _after_decision(self) -> None:
        self._changed = True
        self.keep()
        if self._desk is not None:
            self._viewer.work.on_review(self._folder(), self._desk.review)

    def _show(self, matched: MatchedReview) -> None:
        desk = self._desk
        assert desk is not None
        self._matched = matched
        if not self._viewer.map.controls.suspended:  # else the views show something else
            desk.show_spots(matched)
        facts, state = desk.kind.facts, self._viewer.state
        state.spots = [_row(reviewed) for reviewed in matched.spots]
        words = verdict_counts(matched)
        state.spots_words = f"{facts.title}: {words}."
        self._say_selected()

    def _say_selected(self) -> None:
        state, spot = self._viewer.state, self._spot
        state.spot = self._selected if spot is not None else -1
        state.spot_comment = "" if spot is None else spot.comment
        state.spot_place = "" if spot is None else _place_of(spot)
        if spot is None:
            state.spot_words = ""
            return
        unit = self._desk.kind.facts.unit if self._desk is not None else ""
        where = ", ".join(f"{value:.0f}" for value in spot.spot.position_ras_mm)
        state.spot_words = (
            f"Peak {spot.spot.peak:.2f} {unit}, {spot.spot.volume_cm3:.1f} cm³, at {where} mm (RAS)"
        )

    def _on_threshold(self, spot_threshold: Any, **_state: Any) -> None:
        desk, value = self._desk, number(spot_threshold)
        if desk is None or value is None or abs(value - desk.threshold) < 0.006:
            return
        desk.set_threshold(value)
        self._selected = -1
        self._show(desk.spots(self._structures))

    def comment_on_spot(self, place: str, before: str, text: str) -> None:
        """Take what a tab wrote about a hot spot; `before` is what it saw there when it began."""
        if text == before:
            return
        spot = next((s for s in self._matched.spots if _place_of(s) == place), None)
        if spot is None:
            gone = InputError("The place is not in the list any more.", f"You wrote: {text}")
            self._viewer.say_problem(gone)
            return
        self._decide(spot, None, _both(spot.comment, before, text))

    def comment_on_all(self, place: str, before: str, text: str) -> None:
        """Take what a tab wrote about the registration of a result, named by its folder."""
        desk = self._desk
        if text == before:
            return
        if desk is None or place != str(self._folder()):
            gone = InputError("Another result is shown by now.", f"You wrote: {text}")
            self._viewer.say_problem(gone)
            return
        desk.decide_overall(None, _both(desk.review.comment, before, text))
        self._viewer.state.overall_comment = desk.review.comment
        self._after_decision()

    def _on_reviewer(self, reviewer: Any, **_state: Any) -> None:
        if self._desk is not None and str(reviewer or "") != self._desk.review.reviewer:
            self._desk.set_reviewer(str(reviewer or ""))
            self._changed = True
            self.keep()

    def _on_tolerance(self, tolerance: Any, **_state: Any) -> None:
        value = number(tolerance)
        if self._desk is not None and value != self._desk.review.tolerance_mm:
            self._desk.set_tolerance(value)
            self._changed = True
            self.keep()
            self.refresh()

    def build(self) -> None:
        """Write the panel into the page."""
        with html.Div(classes="tta-panel"):
            html.H2("Hot spots")
            html.P("{{ spots_words }}", classes="tta-small mb-1 tta-spots-words")
            slider(
                "spot-threshold",
                "Places above",
                "{{ spot_threshold.toFixed(2) }} mm",
                0,
                ("spot_highest",),
                0.05,
                bound="spot_threshold",
            )
            self._build_spots()
            self._build_structures()
            self.landmarks.build()
            self._build_overall()

    def _build_spots(self) -> None:
        with html.Div(classes="d-flex ga-2 my-1"):
            for title, by, icon in (("Previous", -1, "left"), ("Next", 1, "right")):
                v3.VBtn(
                    title,
                    click=(self.step, f"[{by}]"),
                    disabled=("!spots.length",),
                    size="small",
                    variant="tonal",
                    classes=f"flex-grow-1 tta-step-{title.lower()}",
                    **{f"{'prepend' if by < 0 else 'append'}_icon": f"mdi-chevron-{icon}"},
                )
        with html.Table(classes="tta-table tta-spots", v_if="spots.length"):
            with html.Thead(), html.Tr():
                for title in ("#", "Peak", "Mean", "cm³"):
                    html.Th(title)
                html.Th("Structure", classes="words")
                html.Th("")
            with (
                html.Tbody(),
                html.Tr(
                    v_for="(row, n) in spots",
                    key="n",
                    classes=("'choosable' + (n === spot ? ' chosen' : '')",),
                    click=(self.select, "[n]"),
                ),
            ):
                for name in ("rank", "peak", "mean", "volume"):
                    html.Td(f"{{{{ row.{name} }}}}")
                html.Td("{{ row.structure }}", classes="words")
                with html.Td():
                    html.Span(
                        "{{ row.verdict }}",
                        v_if="row.verdict",
                        classes=("'tta-chip tta-' + row.verdict",),
                        title=("row.comment",),
                    )
        with html.Div(v_if="spot >= 0", classes="mt-2"):
            html.P("{{ spot_words }}", classes="tta-small mb-2")
            verdict_buttons("spots[spot] ? spots[spot].verdict : ''", self.decide, "spot")
            remark_field(
                self._viewer.server,
                "spot_comment",
                "Comment on this place",
                "spot_place",
                self.comment_on_spot,
            )

    def _build_structures(self) -> None:
        html.H2("Structures")
        with html.Div(v_if="tables.length"):
            html.P("{{ structures_name }}", classes="tta-small")
            with html.Div(v_for="(table, t) in tables", key="t", classes="mb-3"):
                html.Div("{{ table.title }}", classes="tta-small font-weight-bold")
                with (
                    html.Div(style="overflow-x: auto"),
                    html.Table(classes="tta-table tta-structures"),
                ):
                    with html.Thead(), html.Tr():
                        html.Th(
                            "{{ title }}",
                            v_for="(title, n) in table.titles",
                            key="n",
                            classes=("n < 1 ? 'words' : ''",),
                        )
                    with (
                        html.Tbody(),
                        html.Tr(v_for="(row, r) in table.rows", key="r"),
                    ):
                        html.Td(
                            "{{ cell }}",
                            v_for="(cell, n) in row",
                            key="n",
                            classes=("n < 1 ? 'words' : ''",),
                        )
        html.P(
            "A label map of the fixed image gives the uncertainty per structure.",
            v_if="!tables.length",
            classes="tta-small",
        )
        file_chooser("Labels", "structures", "structures_name")
        text_field(
            "tolerance",
            "Your tolerance, mm (none is built in)",
            type="number",
            min="0",
            step="0.1",
        )

    def _build_overall(self) -> None:
        html.H2("Decision on the whole")
        verdict_buttons("overall", self.decide_overall, "overall")
        remark_field(
            self._viewer.server,
            "overall_comment",
            "Comment",
            "review_of",
            self.comment_on_all,
        )
        text_field("reviewer", "Reviewer")
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


def _place_of(reviewed: ReviewedSpot) -> str:
    """Return what names a hot spot whatever its rank is by now."""
    return ", ".join(f"{x:.3f}" for x in reviewed.spot.position_lps_mm)


def _both(now: str, before: str, text: str) -> str:
    """Return what one tab wrote, behind what another one has said since the writing began."""
    return text if now in (before, text) else f"{now} / {text}"


def _row(reviewed: ReviewedSpot) -> dict[str, Any]:
    spot, verdict = reviewed.spot, reviewed.verdict
    return {
        "rank": reviewed.rank,
        "peak": f"{spot.peak:.2f}",
        "mean": f"{spot.mean:.2f}",
        "volume": f"{spot.volume_cm3:.1f}",
        "structure": spot.structure or "–",
        "verdict": "" if verdict is Verdict.OPEN else verdict.value,
        "comment": reviewed.comment,
    }


def _table(table: Table, title: str) -> dict[str, Any]:
    """Return a table of one map as the page shows it: what fits beside the views."""
    shown = [
        n
        for n, column in enumerate(table.columns)
        if column.title not in _LEFT_OUT and any(row[n] is not None for row in table.rows)
    ]
    return {
        "title": f"{title} per structure" if table.key == "structures" else table.title,
        "titles": [table.columns[n].heading.replace("cm3", "cm³") for n in shown],
        "rows": [[table.columns[n].shown(row[n]) for n in shown] for row in table.rows],
    }
