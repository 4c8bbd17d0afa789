"""What stands behind the page: one scene, the panels, and the result that is shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trame.app import get_server
from trame_slicer import module as trame_slicer_module

from ..cohort.reviewing import StudyReview
from ..errors import TTAUncertaintyError
from ..humanize import passes_made
from ..results import MapKind
from ..results.calibration_status import calibration_words
from ..results.naming import judged, suspicions
from ..scene.result import ResultNodes
from ..scene.stage import Stage
from .application import ViewerApplication
from .keys import KEYS, Keys
from .map_panel import MapPanel
from .opening import Opening, remove_with_inputs
from .page import Page
from .review_panel import ReviewPanel
from .run_panel import RunPanel
from .session import Session
from .teaching_panel import TeachingPanel
from .views import Views
from .work_list import WorkList

_ASSETS = Path(__file__).with_name("assets")

#: Seconds between two looks at a thread that reads files.
_LOOK_S = 0.03


class Viewer:
    """The host of the panels.

    Parameters
    ----------
    session
        Where uploads and exports lie.
    study
        A study to go through; None for none.
    """

    def __init__(
        self,
        bundles: Sequence[Path],
        session: Session,
        results: Path,
        study: StudyReview | None = None,
    ) -> None:
        #: trame's; all tabs share one state and see the same.
        self.server = get_server("ttauncertainty", client_type="vue3")
        self.server.enable_module(trame_slicer_module)
        self.server.enable_module(
            {
                "serve": {"__tta": str(_ASSETS)},
                "scripts": ["__tta/viewer.js"],
                "styles": ["__tta/viewer.css"],
            }
        )
        self.state = self.server.state
        self.session = session
        self.results = results
        #: What is shown; None before there is one.
        self.result: ResultNodes | None = None
        self.state.update(
            {
                "trame__title": "TTAUncertainty",
                "panel": "map" if bundles or study is not None else "run",
                "dark": True,
                "drawer": True,
                "has_result": False,
                "result_title": "",
                "result_facts": "",
                "busy": "",
                "problem": "",
                "remedy": "",
                "keys_shown": False,
                "keys": [{"key": key, "does": does} for key, does in KEYS],
                "sending": "",
                "writing": False,
            }
        )
        # what one tab waits for is nothing to the others, nor to be left behind when it is closed
        self.state.client_only("sending", "writing")
        self.application = ViewerApplication(session.folder)
        #: The scene and its views.
        self.stage: Stage = self.application.stage
        self.views = Views(self.server, self.application)
        self.map = MapPanel(self)
        self.review = ReviewPanel(self)
        self.teaching = TeachingPanel(self)
        self.run = RunPanel(self)
        self.work = WorkList(self, bundles, study)
        self._keys = Keys(self)
        self._page = Page(self)
        self._opening: asyncio.Task[None] | None = None
        self._prepared: Opening | None = None

    def begin(self) -> None:
        """Show the first result of the work list; called once the server listens."""
        self.work.controls.begin()

    def open(self, folder: Path, names: dict[str, str] | None = None) -> None:
        """Show a result folder, in place of the one that is shown; returns at once."""
        if self._opening is not None:
            self._opening.cancel()
        self._opening = asyncio.get_running_loop().create_task(self._open(folder, names))

    def prepare(self, folder: Path) -> None:
        """Begin to read a result that is likely to be the next one."""
        if self._prepared is None or self._prepared.folder != folder:
            self._prepared = Opening(folder)

    def holds(self, result: ResultNodes) -> bool:
        """Whether a result is still in the scene."""
        return bool(self.stage.scene.IsNodePresent(result.node))

    def on_map(self, kind: MapKind) -> None:
        """Another map is chosen."""
        self.review.controls.on_map(kind)

    def say_problem(self, error: Exception) -> None:
        """Show what went wrong until it is dismissed."""
        if isinstance(error, TTAUncertaintyError):
            self.state.problem, self.state.remedy = error.problem, error.remedy
            return
        logging.error("TTAUncertainty viewer", exc_info=error)
        self.state.problem = f"Something went wrong inside ({type(error).__name__}: {error})."
        self.state.remedy = "This is a mistake in the software; please report it."

    def close(self) -> None:
        """End a run, and let go of the scene."""
        self.run.close()
        self.review.keep()

    async def _open(self, folder: Path, names: dict[str, str] | None) -> None:
        with self.state:
            self.state.busy = "Opening the result…"
            self.state.problem = self.state.remedy = ""
        prepared, self._prepared = self._prepared, None
        ahead = prepared is not None and prepared.folder == folder and names is None
        opening = prepared if prepared is not None and ahead else Opening(folder, names)
        while not opening.ended:
            await asyncio.sleep(_LOOK_S)
        with self.state:
            try:
                self._show(opening)
            except Exception as error:
                self.say_problem(error)
            finally:
                self.state.busy = ""

    def _show(self, opening: Opening) -> None:
        result = opening.load(self.stage)
        before, self.result = self.result, result
        self.review.on_result(None)
        self.teaching.on_result(None)
        self.map.on_result(None)
        if before is not None and self.holds(before):
            remove_with_inputs(before)
        self.state.result_title = result.title
        self.state.result_facts = facts_of(result.record)
        self.map.controls.suspended = self.review.controls.suspended = False
        self.state.has_result = True
        self.map.on_result(result)
        self.review.on_result(result)
        self.teaching.on_result(result)
        self.work.controls.on_opened(opening.folder)
        if self.state.panel == "run":
            self.state.panel = "map"


def facts_of(record: dict[str, Any]) -> str:
    """Return in a line how a result was made."""
    words = f"{judged(record)} · {record['design']['name']} · "
    words += passes_made(record)
    return f"{words} · {calibration_words(record)} {suspicions(record)}".strip()
