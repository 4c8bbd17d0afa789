"""What is chosen of a run in the page: its state, its rows, and the files that the browser sent.

Networks that are not here are listed with the command that brings them, and cannot be chosen.
Nothing is downloaded from the page, and no program is agreed to there.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..calibration import read_calibration
from ..controls.brains_in_files import BrainsInFiles
from ..controls.control import Node, NodeFile, Place, Row, controls_of
from ..controls.machine_choices import MachineChoices, asked_of_machine, machine_rows
from ..controls.model_options import option_rows, with_option
from ..controls.model_view import facts_here, models_here, offer
from ..controls.option import Option
from ..controls.readiness import problem_with_design
from ..controls.run_choices import RunChoices, asked_of, design_rows, design_words, preset_words
from ..controls.run_options import PRESETS
from ..errors import InputError, ModelError
from ..models import models
from ..perturbations import Preset
from ..sample_data import SamplePair, sample_pair, sample_pairs
from ..store import Weights, WeightsStore, weights_of
from .clock import ServerClock
from .forms import form, written_row
from .part import Part
from .rows import file_chooser, written
from .session import CALIBRATION, IMAGE, LINEAR, NAMES, TRANSFORM, FileKind, Upload

if TYPE_CHECKING:
    from .viewer import Viewer

#: What a run begins with here; the computer's settings are those of this start of the viewer.
_BEGIN = {
    **vars(RunChoices(preset=Preset.QUICK.value, keepRegistrations=True)),
    **vars(MachineChoices()),
}
_CONTROLS = {
    **controls_of(RunChoices),
    **{n: c for n, c in controls_of(MachineChoices).items() if c.place is Place.MACHINE},
}

#: Keys of the state: what can be set here; no nodes, and no paths.
_KEYS = {
    name: f"run_{name}"
    for name in ("customise", "modelOptions", *_CONTROLS)
    if not isinstance(_CONTROLS.get(name), Node)
}

#: What takes the place of a node of the scene: the choice, and what a job calls its file.
_SENT = {
    name: control
    for name, control in controls_of(RunChoices).items()
    if isinstance(control, Node) and control.asked
}
_KINDS = {NodeFile.LINEAR: LINEAR, NodeFile.TRANSFORM: TRANSFORM}

#: Files that may be sent: what they are for, by their names in a job.
FILES: dict[str, FileKind] = {
    **{str(control.asked): _KINDS.get(control.file, IMAGE) for control in _SENT.values()},
    "label_names": NAMES,
    "calibration": CALIBRATION,
}


class RunChoice(Part):
    """The choices of a run, and the files that it takes."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._files: dict[str, Upload] = {}
        self._calibrated = ""  # the network that the calibration is of
        self._brains = BrainsInFiles(ServerClock(viewer.state), self._show)
        state = viewer.state
        state.update({key: _BEGIN[name] for name, key in _KEYS.items()})
        state.update({f"{role}_name": "" for role in FILES})
        self.refresh()
        state.change(*_KEYS.values())(lambda **_state: self._show())
        state.change("panel")(self._on_panel)
        state.change("run_pair")(lambda **_state: self._show())

    def refresh(self) -> None:
        """List the networks that there are now: something may have been installed meanwhile."""
        self._models = models_here()
        self._show()

    # what the person does

    def choose(self, name: str, value: Any) -> None:
        """Set something of a run or of the computer, by its name."""
        changes = {name: _usable(name, value)}
        if name not in controls_of(MachineChoices):
            before = self.choices()
            changes = before.changed(**changes).differing(before)
        self._viewer.state.update({_KEYS[name]: value for name, value in changes.items()})

    def choose_option(self, option: str, value: str) -> None:
        """Choose something about the network that is chosen."""
        state = self._viewer.state
        state.run_modelOptions = with_option(state.run_modelOptions, state.run_model, option, value)

    def take_offered(self) -> None:
        """Choose the network that is offered for the images; whatever the browser says it is."""
        better = self._offer()
        if better is not None:
            self.choose("model", better.value)

    def take(self, role: str, upload: Upload) -> None:
        """Take a file that was sent, for the runs to come.

        Raises
        ------
        InputError
            If it is to be a calibration and is none.
        """
        if role == "calibration":
            self._calibrated = read_calibration(upload.path).model
        self.drop(role)
        self._files[role] = upload
        said = (
            f"{upload.name} ({upload.size / 1e6:.1f} MB)" if FILES[role] is IMAGE else upload.name
        )
        self._viewer.state[f"{role}_name"] = said
        self._show()

    def drop(self, role: str) -> None:
        """Go on without a file."""
        before = self._files.pop(role, None)
        if before is not None and not self._viewer.state.running:
            before.path.unlink(missing_ok=True)
        self._viewer.state[f"{role}_name"] = ""
        self._show()

    # what a run asks

    def choices(self) -> RunChoices:
        """Return what the page says; what makes no sense is as in the beginning.

        In place of nodes there are the files that were sent, where they count.
        """
        sent: dict[str, Any] = {
            name: self._files.get(str(control.asked)) for name, control in _SENT.items()
        }
        return RunChoices(**self._said(RunChoices), **(sent if self._own else {}))

    def asked(self) -> dict[str, Any]:
        """Return what a job is to be asked; nothing of it is a path from the browser.

        Raises
        ------
        ModelError
            If the network cannot be run.
        InputError
            If a file is missing, or is of another network.
        """
        choices, calibration = self.choices(), self._files.get("calibration")
        weights = _weights(choices.model)
        if weights.lack is not None:
            entry = models().get(choices.model)
            title = choices.model if entry is None else entry.description.title
            why = next((one.why_not for one in self._models if one.value == choices.model), "")
            raise ModelError(f"{title} cannot be run: {weights.lack.value}.", why)
        problem = problem_with_design(choices)
        if problem:
            raise InputError(problem.said())
        if calibration is not None and self._calibrated != choices.model:
            raise InputError(
                f"{calibration.name} is a calibration of {self._calibrated}, not of "
                f"{choices.model}.",
                "Choose its network, or leave the calibration out.",
            )
        missing = [role for role in ("fixed", "moving") if self._own and role not in self._files]
        if missing:
            raise InputError(f"Choose the {' and the '.join(missing)} image first.")
        many = {control.asked for control in _SENT.values() if control.many}
        files = {
            role: [upload.path] if role in many else upload.path
            for role, upload in self._files.items()
            if self._own or role == "calibration"
        }
        names = {"transform_name": choices.registration and choices.registration.name}
        return asked_of(choices) | asked_of_machine(self._machine) | files | names

    @property
    def sample(self) -> SamplePair:
        """The bundled pair that is chosen where the images are not the person's own."""
        pair = str(self._viewer.state.run_pair)
        return sample_pair(pair if pair in sample_pairs() else "reference")

    def name_of(self, role: str) -> str:
        """Return what the person calls an image that was sent."""
        return self._files[role].name.partition(".")[0] or "image"

    def as_sent(self, words: str) -> str:
        """Return words about files with the names that the person knows them by."""
        for upload in self._files.values():
            for ours in (str(upload.path), upload.path.name):
                words = words.replace(ours, upload.name)
        return words

    @property
    def _own(self) -> bool:
        """Whether images of the person's own are registered, with the files that belong to them."""
        return bool(self._viewer.state.run_pair == "own")

    @property
    def _machine(self) -> MachineChoices:
        return MachineChoices(**self._said(MachineChoices))

    def _said(self, choices: type) -> dict[str, Any]:
        state, known = self._viewer.state, {field.name for field in fields(choices)}
        return {name: _usable(name, state[key]) for name, key in _KEYS.items() if name in known}

    def _offer(self) -> Option | None:
        """Return the network that the images offer in place of the one that is chosen."""
        if self._own:
            images = {role: upload.path for role, upload in self._files.items()}
        else:
            images = {"fixed": self.sample.fixed.path, "moving": self.sample.moving.path}
        brains = self._brains.both(images.get("fixed"), images.get("moving"))
        return offer(self.choices().model, brains)

    def _on_panel(self, panel: str, **_state: Any) -> None:
        if panel == "run":
            self.refresh()

    def _show(self) -> None:
        choices = self.choices()
        entry, weights = models().get(choices.model), _weights(choices.model)
        controls, rows = controls_of(RunChoices), design_rows(choices)
        network = Row("model", controls["model"], choices.model, options=self._models)
        preset = Row("preset", controls["preset"], choices.preset, options=PRESETS)
        purpose = entry.description.purpose if entry else ""
        self._viewer.state.run_rows = {
            "model": [written_row(network, purpose)],
            "offer": written(self._offer()),
            "facts": facts_here(weights),
            "options": [
                written_row(row, row.control.about)
                for row in option_rows(choices.model, choices.modelOptions)
            ],
            "preset": [written_row(preset, preset_words(choices).said())],
            "design": [written_row(row) for row in rows],
            "design_words": design_words(choices).said(),
            "machine": [written_row(row) for row in machine_rows(self._machine, ["cpu"])],
        }

    # the page

    def build_files(self) -> None:
        """Write what may be sent beside the two images."""
        titles = {Place.INPUTS: "Labels, another registration", Place.MASKS: "Masks"}
        with v3.VExpansionPanels(variant="accordion", flat=True, classes="mt-2 tta-files"):
            for place, title in titles.items():
                with v3.VExpansionPanel(title=title), v3.VExpansionPanelText():
                    for control in _SENT.values():
                        if control.place is place:
                            self._file(str(control.asked), control.title, control.about)
                    if place is Place.INPUTS:
                        about = "Names of the moving labels: a TSV, a CSV, or a colour table."
                        self._file("label_names", "Label names", about)

    def build(self) -> None:
        """Write what can be set."""
        html.H2("Network")
        form("run_rows.model", self.choose, "run_")
        with v3.VAlert(
            v_if="run_rows.offer",
            type="info",
            variant="tonal",
            density="compact",
            classes="my-2 tta-offer",
        ):
            html.Div("{{ run_rows.offer.about }}", classes="tta-small")
            v3.VBtn(
                "{{ run_rows.offer.title }}",
                click=self.take_offered,
                size="small",
                variant="flat",
                color="primary",
                classes="mt-2 tta-take-offered",
            )
        html.P("{{ run_rows.facts }}", classes="tta-small mt-1 tta-model-facts")
        form("run_rows.options", self.choose_option, "option-")
        html.H2("Perturbations")
        form("run_rows.preset", self.choose, "run_")
        with (
            v3.VExpansionPanels(variant="accordion", flat=True, classes="mt-2 tta-advanced"),
            v3.VExpansionPanel(title="Advanced"),
            v3.VExpansionPanelText(),
        ):
            html.P("{{ run_rows.design_words }}", classes="tta-small")
            form("run_rows.design", self.choose, "run_")
            html.P("On this computer:", classes="tta-small mt-3")
            form("run_rows.machine", self.choose, "run_")
        html.H2("Expected error")
        html.P(
            "With the calibration that comes with the network and the preset, where there "
            "is one, or with one of your own.",
            classes="tta-small mb-1",
        )
        self._file("calibration", "Calibration")

    def _file(self, role: str, title: str, about: str = "") -> None:
        accept = ",".join(FILES[role].suffixes).replace(".nii.gz", ".gz")
        file_chooser(title, role, f"{role}_name", accept, about)
        v3.VBtn(
            "Without this file",
            v_if=f"{role}_name",
            click=lambda: self.drop(role),
            prepend_icon="mdi-close",
            size="small",
            variant="text",
            classes=f"mt-1 tta-drop-{role}",
        )


def _weights(model: str) -> Weights:
    return weights_of(model, WeightsStore())


def _usable(name: str, value: Any) -> Any:
    control, begin = _CONTROLS.get(name), _BEGIN[name]
    return type(begin)(value) if control is None else control.usable(value, begin)
