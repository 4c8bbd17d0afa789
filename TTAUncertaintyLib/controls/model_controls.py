"""The controls of a model and its weights, and what of it takes seconds: in the background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from ..background_work import BackgroundWork
from ..errors import ConsentNeeded
from ..models import models
from ..models.offers import offered
from ..store import Download, DownloadPhase, Verification, Weights, WeightsStore
from .clock import Clock
from .model_view import (
    DOWNLOAD,
    ModelView,
    buttons_for,
    citation_of,
    download_words,
    lines_of,
    offer_lines,
)
from .option import Option, Phrase

#: Milliseconds between two looks at what goes on in the background.
_INTERVAL_MS = 200

_PUBLISHED = "*.safetensors *.pth *.pt *.trch *.h5"
_READABLE = "*.safetensors *.pth *.pt *.trch"


class ModelScreen(Protocol):
    """Where a model is chosen, and where questions are asked."""

    @property
    def model(self) -> str:
        """The model that is chosen."""

    @property
    def store(self) -> WeightsStore:
        """The weights on this computer."""

    def brains(self) -> bool | None:
        """Return whether both images show a brain alone; None as long as there are no two."""

    def weights(self) -> Weights:
        """Return the weights of the model that is chosen."""

    def download(self) -> Download:
        """Begin to download them."""

    def show(self, view: ModelView) -> None:
        """Show the controls."""

    def file(self, title: Phrase, what: str, kinds: str) -> Path | None:
        """Ask for a file; None if the person does not choose one."""

    def agrees(self, question: Phrase) -> bool:
        """Ask, and return whether the person agrees."""

    def inform(self, said: Phrase) -> None:
        """Say something that the person waits for."""

    def say_problem(self, problem: Phrase, remedy: Phrase) -> None:
        """Say what went wrong and what to do."""

    def clear(self) -> None:
        """Take away what was said of an earlier attempt."""

    def use_file(self, file: Path | None) -> None:
        """Take a file instead of the model's own weights; None goes back to those."""

    def take(self, model: str) -> None:
        """Choose a model, which may be new."""

    def follow(self) -> None:
        """Something changed on this computer: bring everything in line with it."""


class ModelControls:
    """What can be done about the chosen model's weights. One thing at a time."""

    def __init__(self, screen: ModelScreen, clock: Clock) -> None:
        self._screen = screen
        self._download: Download | None = None
        self._work: BackgroundWork[Any] | None = None
        self._when_done: Callable[[Any], None] = lambda _made: None
        self._busy_with = ""  # the model that it is for
        self._doing = Phrase()
        self._timer = clock.every(_INTERVAL_MS, self._look)
        self._deeds: dict[str, Callable[[], None]] = {
            "choose": self._choose_file,
            "own": lambda: self._screen.use_file(None),
            "verify": self._verify,
            "remove": self._remove,
            "add": self._add,
            "offer": self._take_offered,
            "install": self._install_file,
            "download": self._download_or_stop,
        }

    def do(self, what: str) -> None:
        """Do what a link or a button says, by its name."""
        deed = self._deeds.get(what)
        stops = what == "download" and self._download is not None
        if deed is None:
            return
        if self._busy and not stops and what not in ("choose", "own", "offer"):
            self._say("Something else goes on.", "Wait for its end.")
        else:
            deed()

    def show(self) -> None:
        """Show the model that is chosen, and what goes on."""
        weights = self._screen.weights()
        buttons = buttons_for(weights)
        if self._busy and self._busy_with == weights.model:
            buttons = (self._stop,) if self._download is not None else ()
        elif self._busy:
            buttons = tuple(replace(one, why_not="Something else goes on.") for one in buttons)
        else:
            self._doing = self._doing if self._busy_with == weights.model else Phrase()
        doing = self._doing if self._busy_with == weights.model else Phrase()
        lines = offer_lines(weights.model, self._screen.brains()) + lines_of(weights)
        self._screen.show(ModelView(lines, citation_of(weights), buttons, doing))

    def close(self) -> None:
        """Stop a download; what has come is kept."""
        self._timer.stop()
        if self._download is not None:
            self._download.cancel()
        self._download = self._work = None

    @property
    def _busy(self) -> bool:
        return self._download is not None or self._work is not None

    @property
    def _stop(self) -> Option:
        ends = self._download is None or self._download.state.phase is not DownloadPhase.DOWNLOADING
        return replace(DOWNLOAD, title="Stop the download", why_not="It ends." if ends else "")

    # what a person does

    def _choose_file(self) -> None:
        file = self._weights_file(_READABLE)
        if file is not None:
            self._screen.use_file(file)

    def _install_file(self) -> None:
        model, store = self._screen.model, self._screen.store
        file = self._weights_file(_PUBLISHED)
        if file is not None:
            work = lambda: store.install_file(model, file)  # noqa: E731
            self._begin(Phrase("Checking the file…"), work, lambda _made: self._screen.follow())

    def _weights_file(self, kinds: str) -> Path | None:
        return self._screen.file(Phrase("Weights of {title}", self._title), "Weights", kinds)

    @property
    def _title(self) -> dict[str, str]:
        entry = models().get(self._screen.model)
        return {"title": entry.description.title if entry else ""}

    def _take_offered(self) -> None:
        better = offered(self._screen.model, self._screen.brains())
        if better:
            self._screen.take(better)

    def _verify(self) -> None:
        model, store = self._screen.model, self._screen.store
        self._begin(Phrase("Verifying…"), lambda: store.verify(model), self._on_verified)

    def _on_verified(self, found: Verification) -> None:
        if found is Verification.INTACT:
            self._screen.inform(Phrase("The installed weights are what was installed."))
            return
        self._screen.say_problem(
            Phrase(
                "The installed weights are not what was installed: {found}.",
                {"found": found.value},
            ),
            Phrase("Remove them and install them again."),
        )

    def _remove(self) -> None:
        model, store = self._screen.model, self._screen.store
        if self._screen.agrees(Phrase("Remove the installed weights of {title}?", self._title)):
            work = lambda: store.remove(model)  # noqa: E731
            self._begin(Phrase("Removing…"), work, lambda _freed: self._screen.follow())

    def _add(self) -> None:
        """Ask for the manifest of a network of the person's own, and install it."""
        manifest = self._screen.file(Phrase("A network of your own"), "Manifests", "*.json")
        if manifest is not None:
            self._install(manifest, agreed=False)

    def _install(self, manifest: Path, agreed: bool) -> None:
        store = self._screen.store

        def work() -> Any:
            try:
                return store.install_own(manifest, agreed)
            except ConsentNeeded as question:
                return question

        def when_done(found: Any) -> None:
            if not isinstance(found, ConsentNeeded):
                self._screen.take(found.record.model)
                return
            question = Phrase(
                "{file} is a program. It runs with all that you may do on this computer, and "
                "nobody has checked it. SHA-256: {sha256}\n\nInstall it, and run it when the "
                "network is used?",
                {"file": found.file, "sha256": found.sha256},
            )
            if self._screen.agrees(question):
                self._install(manifest, agreed=True)

        self._begin(Phrase("Checking the network…"), work, when_done)

    def _download_or_stop(self) -> None:
        if self._download is not None:
            self._download.cancel()
            return
        self._screen.clear()
        self._busy_with, self._download = self._screen.model, self._screen.download()
        self._timer.start()
        self._look()

    # what takes seconds

    def _begin(
        self, said: Phrase, work: Callable[[], Any], when_done: Callable[[Any], None]
    ) -> None:
        self._screen.clear()
        self._busy_with, self._doing = self._screen.model, said
        self._when_done = when_done
        self._work = BackgroundWork(work)
        self._timer.start()
        self.show()

    def _look(self) -> None:
        """See how far it is."""
        if self._work is not None and self._work.ended:
            self._end(self._work)
        elif self._download is not None:
            self._look_at_download(self._download)

    def _end(self, work: BackgroundWork[Any]) -> None:
        self._timer.stop()
        self._work, self._doing = None, Phrase()
        if work.error is not None:
            self._say(work.error.problem, work.error.remedy)
            self._screen.follow()
        else:
            self._when_done(work.result)
        self.show()

    def _look_at_download(self, download: Download) -> None:
        state = download.state
        self._doing = download_words(state)
        if state.phase.is_end:
            self._timer.stop()
            self._download, self._doing = None, Phrase()
            if state.phase is DownloadPhase.STOPPED and state.done_bytes:
                self._doing = Phrase("Stopped; the next download goes on from there.")
            if state.phase is DownloadPhase.FAILED:
                self._say(state.problem, state.remedy)
            self._screen.follow()
        self.show()

    def _say(self, problem: str, remedy: str) -> None:
        said = {"problem": problem, "remedy": remedy}
        self._screen.say_problem(Phrase("{problem}", said), Phrase("{remedy}", said))
