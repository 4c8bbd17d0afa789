"""The panel Run: two images, a network, a preset; and the run while it goes on."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..api.choices import job_of
from ..controls.option import Phrase
from ..controls.run_view import run_view
from ..errors import InputError, TTAUncertaintyError
from ..results.naming import new_result_folder
from ..scene.live_map import LiveMap
from ..scene.live_preview import LivePreview
from ..worker import Job, Worker
from ..worker.run import Phase, Run, RunState
from .part import Part
from .rows import button, file_chooser, select
from .run_choice import RunChoice
from .session import Upload, gigabytes, plain_name

if TYPE_CHECKING:
    from .viewer import Viewer

#: Seconds between two looks at the background process.
_LOOK_S = 0.15

_ROLES = ("fixed", "moving")


class RunPanel(Part):
    """Starts a run, shows it, ends it. There is one run at a time, whatever number of tabs."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._names: dict[str, str] = {}
        self._worker = Worker()
        self._run: Run | None = None
        self._watching: asyncio.Task[None] | None = None
        viewer.state.update(
            {
                "run_pair": "reference",
                "pair_choices": [
                    {"value": "reference", "title": "Bundled: Colin 27 on MNI 152"},
                    {"value": "lesion", "title": "Bundled: Colin 27 with a lesion on MNI 152"},
                    {"value": "lung", "title": "Bundled: a lung CT of two times"},
                    {"value": "own", "title": "Two images of your own"},
                ],
                "upload_limit": viewer.session.largest_upload,
                "running": False,
                "run_view": {},
                "run_end": "",
                "live": "",
            }
        )
        #: What is chosen.
        self.choice = RunChoice(viewer)
        viewer.server.trigger("tta_upload_failed")(self._on_upload_failed)
        viewer.server.trigger("tta_upload_too_large")(self._on_upload_too_large)

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None

    def take(self, role: str, upload: Upload) -> None:
        """Take a file that was sent."""
        self.choice.take(role, upload)
        if role in _ROLES:
            self._viewer.state.run_pair = "own"

    def start(self) -> None:
        """Begin with what the page says."""
        if self.running:
            return
        state = self._viewer.state
        state.problem = state.remedy = state.run_end = ""
        try:
            job = self._job()
        except TTAUncertaintyError as error:
            self._viewer.say_problem(error)
            return
        self._run = self._worker.run(job)
        state.running, state.run_view = True, {}
        self._watching = asyncio.get_running_loop().create_task(self._watch(self._run))

    def start_bundled(self) -> None:
        """Begin with the bundled pair."""
        self._viewer.state.run_pair = "reference"
        self._viewer.state.panel = "run"
        self.start()

    def cancel(self) -> None:
        """End the run and keep nothing."""
        if self._run is not None:
            self._run.cancel()

    def stop(self) -> None:
        """End the run early and keep what there is."""
        if self._run is not None:
            self._run.stop_and_keep()

    def close(self) -> None:
        """End it whatever it takes; blocks for at most five seconds."""
        if self._watching is not None:
            self._watching.cancel()
        if self._run is not None:
            self._run.close()
            self._run = None
        self._worker.close()

    def _job(self) -> Job:
        """Return the job of what is chosen, and note what its images are called."""
        viewer = self._viewer
        asked = self.choice.asked()
        if viewer.state.run_pair == "own":
            self._names = {role: self.choice.name_of(role) for role in _ROLES}
        else:
            sample = self.choice.sample
            images = {"fixed": sample.fixed, "moving": sample.moving}
            asked |= {role: image.path for role, image in images.items()}
            self._names = {role: image.name for role, image in images.items()}
        folder = new_result_folder(viewer.results, self._names["moving"], self._names["fixed"])
        return job_of(asked | {"output": folder, "previews": viewer.session.new_folder("previews")})

    async def _watch(self, run: Run) -> None:
        viewer = self._viewer
        live = LivePreview(viewer.stage)
        shown = LiveMap(viewer.stage, viewer.map.opacity)
        try:
            state = run.poll()
            while not state.ended:
                with viewer.state:
                    self._say(state)
                    if not state.cancelling:
                        live.offer(state.preview)
                        if live.due:
                            self._show_live(live, shown)
                await asyncio.sleep(_LOOK_S)
                state = run.poll()
        finally:
            self._run = None
            run.close()
        with viewer.state:
            self._end(state, live, shown)

    def _show_live(self, live: LivePreview, shown: LiveMap) -> None:
        viewer = self._viewer
        first = not shown.shown
        if first:
            viewer.teaching.stop()
            viewer.map.controls.leave()
            viewer.review.suspend()
        nodes = live.show()
        viewer.state.has_result = True  # there is something to look at
        shown.show(nodes)
        if first and nodes.warped is not None:
            viewer.views.look_at(nodes.warped)
        passes = live.perturbed
        viewer.state.live = (
            f"Provisional: {passes} perturbed passes, sharper with each"
            if nodes.total is not None
            else "Registered; the map comes with the perturbed passes"
        )

    def _end(self, run: RunState, live: LivePreview, shown: LiveMap) -> None:
        viewer, state = self._viewer, self._viewer.state
        state.running, state.live = False, ""
        self._say(run)
        if shown.shown:
            shown.restore()
        live.remove()
        if viewer.result is None:
            state.has_result = False
        else:
            viewer.map.controls.show_again()
            viewer.review.refresh()
            viewer.views.look_at(viewer.result.warped)
        if run.phase is Phase.FINISHED and run.output is not None:
            said = run_view(run)
            ended = f"{said.phase.said()}. {_words(*said.times)} {said.known.said()}"
            state.run_end = f"{ended} The result lies in {run.output}."
            viewer.work.controls.add(run.output)
            viewer.open(run.output, self._names)
        elif run.phase is Phase.CANCELLED:
            state.run_end = f"{run.phase.title}. {_words(*run_view(run).times)}"
        else:
            state.problem = self.choice.as_sent(run.problem)
            state.remedy = self.choice.as_sent(run.remedy)

    def _say(self, run: RunState) -> None:
        state, view = self._viewer.state, run_view(run)
        state.run_view = asdict(view) | {
            "phase": view.phase.said(),
            "words": _words(view.passes, *view.times),
            "known": view.known.said(),
            "notes": run.notes,
        }

    def _on_upload_failed(self, _role: str) -> None:
        self._viewer.say_problem(
            InputError(
                "The file could not be transferred.", "See that the viewer still runs; try again."
            )
        )

    def _on_upload_too_large(self, name: str) -> None:
        self._viewer.say_problem(self._viewer.session.too_large(plain_name(name)))

    def build(self) -> None:
        """Write the panel into the page."""
        with html.Div(classes="tta-panel"):
            with html.Div(v_if="!running"):
                html.H2("Images")
                select("run_pair", "pair_choices", "")
                with html.Div(v_if="run_pair === 'own'", classes="mt-2"):
                    file_chooser("Fixed", "fixed", "fixed_name")
                    file_chooser("Moving", "moving", "moving_name")
                    html.P(
                        "NIfTI, NRRD or MetaImage, one file each, up to "
                        f"{gigabytes(self._viewer.session.largest_upload)}. They stay on this "
                        "computer, unless a cluster is named, in a private folder that is removed "
                        "when the viewer ends.",
                        classes="tta-small",
                    )
                    self.choice.build_files()
                self.choice.build()
                button("Run", self.start, "mdi-play", "mt-3 tta-run", size="large")
                html.P("{{ run_end }}", v_if="run_end", classes="tta-small mt-3 tta-run-end")
            with html.Div(v_if="running", classes="tta-running"):
                html.H2("Running")
                html.Div("{{ run_view.phase }}", classes="text-body-1 tta-phase")
                v3.VProgressLinear(
                    model_value=("100 * run_view.fraction",),
                    indeterminate=("run_view.fraction === null",),
                    height=8,
                    rounded=True,
                    color="primary",
                    classes="my-3",
                )
                html.Div("{{ run_view.words }}", classes="tta-small tta-run-words")
                html.Div("{{ run_view.known }}", classes="tta-small")
                with html.Div(classes="d-flex ga-2 mt-4"):
                    for name, do, icon, color in (
                        ("stop", self.stop, "mdi-stop", "primary"),
                        ("cancel", self.cancel, "mdi-close", "error"),
                    ):
                        button(
                            f"{{{{ run_view.{name}?.title }}}}",
                            do,
                            icon,
                            f"flex-grow-1 tta-{name}",
                            color,
                            disabled=(f"!!run_view.{name}?.why_not",),
                            variant="tonal",
                        )
                html.P("{{ run_view.stop?.why_not }}", classes="tta-small mt-2")
            with html.Ul(v_if="run_view.notes?.length", classes="tta-small mt-3 pl-4"):
                html.Li("{{ note }}", v_for="(note, n) in run_view.notes", key="n")


def _words(*phrases: Phrase) -> str:
    """Return phrases in a line; those without words are left out."""
    return ", ".join(phrase.said() for phrase in phrases if phrase.words)
