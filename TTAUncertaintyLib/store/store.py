"""The weights on this computer: one folder a model, with a record that says what lies in it.

    <cache>/models/lapirn/LapIRN_disp_fea7.pth
    <cache>/models/lapirn/record.json
    <cache>/downloads/                  what is on its way
    <cache>/known-hashes.json           of first downloads, kept when weights are removed

A folder comes into being whole, by being renamed, so that nothing half-installed ever counts.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

from ..errors import ConsentNeeded, ModelError, OutputError
from ..geometry import sha256
from ..models.adapters.manifest_files import verified
from ..models.manifest import read_manifest
from ..models.own import is_manifest
from ..models.registry import MODELS, Entry
from ..strict_json import read_as, read_json
from ..whole_files import written_whole
from .checking import Verdict, check_contents
from .download import Download, Progress
from .folder import cache_folder
from .record import Origin, Record

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RECORD = "record.json"
_MANIFEST = "manifest.json"
_STALE_S = 24 * 3600


@dataclass(frozen=True)
class Installed:
    """Weights that are installed."""

    #: What is known of them.
    record: Record
    #: The file that is loaded.
    path: Path


class Verification(Enum):
    """What a second look at installed weights found."""

    INTACT = "intact"
    ALTERED = "altered"
    MISSING = "missing"


#: As `check_contents`: model, file, where its conversion goes, whether its code may run.
Checker = Callable[[str, Path, "Path | None", bool], Verdict]


class WeightsStore:
    """Weights, downloaded or copied from files, checked before they count.

    Parameters
    ----------
    root
        Where everything lies; None takes `cache_folder()`.
    python
        The interpreter that looks into files; None takes this one.
    check
        What looks into a file; None does it in a process of its own.
    """

    def __init__(
        self, root: Path | None = None, python: str | None = None, check: Checker | None = None
    ) -> None:
        self.root = cache_folder() if root is None else root
        self._check = check or (
            lambda model, source, converted, trust: check_contents(
                model, source, converted, trust, python
            )
        )

    # -- what there is --------------------------------------------------------------------------

    def installed(self, model: str) -> Installed | None:
        """Return what is installed for a model; None if nothing is, or not as it should be."""
        try:
            folder = self._folder(model)
            record = Record.read(folder / _RECORD)
        except (ModelError, OSError, ValueError):
            return None
        path = folder / record.file
        return Installed(record, path) if path.is_file() and record.model == model else None

    def all(self) -> list[Installed]:
        """Return all that is installed, by name."""
        return [found for name in self.names() if (found := self.installed(name)) is not None]

    def names(self) -> list[str]:
        """Return the models that something was installed for, even if it is no longer there."""
        return sorted(path.parent.name for path in self._models.glob(f"*/{_RECORD}"))

    def entries(self) -> dict[str, Entry]:
        """Return all models by name: those of this software, and the person's own installed ones.

        One of one's own whose manifest was changed after it was installed is left out: nobody
        agreed to what it says now. `verify` tells of it.
        """
        own = {}
        for each in self.all():
            name = each.record.model
            with suppress(ModelError):
                if name not in MODELS and self.intact_file(name) is not None:
                    about = read_manifest(each.path).description()
                    own[name] = Entry(about, "", manifest=each.path, trusted=each.record.trusted)
        return MODELS | own

    def entry(self, name: str) -> Entry:
        """Return a model's entry; see `models.find_entry`."""
        if name in MODELS:
            return MODELS[name]
        if is_manifest(name):
            path = Path(name)
            return Entry(read_manifest(path).description(), "", manifest=path)
        found = self.entries()
        if name not in found:
            self.intact_file(name)  # one of one's own that was altered: this says so
            raise ModelError(f"There is no model '{name}'.", f"Choose one of {', '.join(found)}.")
        return found[name]

    def verify(self, model: str) -> Verification:
        """Compare installed weights with the hash in their record.

        For a model of one's own that is its manifest, and what the manifest names.

        Raises
        ------
        ModelError
            If nothing is installed for the model, or it cannot be read.
        """
        found = self.installed(model)
        if found is None:
            if (self._folder(model) / _RECORD).exists():
                return Verification.MISSING
            raise _not_installed(model)
        if not _has_hash(found.path, found.record.sha256):
            return Verification.ALTERED
        if found.path.name == _MANIFEST:
            for name, digest in read_manifest(found.path).files.items():
                if not (found.path.parent / name).is_file():
                    return Verification.MISSING
                if not _has_hash(found.path.parent / name, digest):
                    return Verification.ALTERED
        return Verification.INTACT

    def intact_file(self, model: str) -> Path | None:
        """Return the file to load for a model; None if nothing is installed.

        What the manifest of a model of one's own names is not compared here: whatever loads it
        does.

        Raises
        ------
        ModelError
            If what is installed is not what was installed.
        """
        found = self.installed(model)
        if found is None:
            return None
        if not _has_hash(found.path, found.record.sha256):
            raise ModelError(
                f"The installed weights {found.path} were changed after they were installed.",
                f"Remove them and install them again: ttauncertainty models remove {model}.",
            )
        return found.path

    # -- what comes and goes --------------------------------------------------------------------

    def download(self, model: str) -> Download:
        """Begin to download a model's weights; returns at once.

        Raises
        ------
        ModelError
            If the model has no weights to be downloaded.
        """
        from .fetch import FetchError, fetch  # http and TLS, which every run would wait for

        entry = self.entry(model)
        published = entry.description.published
        if published is None:
            raise ModelError(
                f"There are no weights of {entry.description.title} to download.",
                "Give a file of your own." if entry.description.needs_weights else "It needs none.",
            )
        partial = self.root / "downloads" / model / f"{published.name}.partial"
        whole = self._staging()

        def bring(report: Callable[[Progress], None], stopped: Callable[[], bool]) -> bool:
            try:
                partial.parent.mkdir(parents=True, exist_ok=True)
                whole.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise self._unwritable(error) from error
            try:
                return fetch(published.url, partial, whole, published.size_bytes, report, stopped)
            except FetchError as error:
                raise ModelError(
                    f"The weights of {entry.description.title} could not be downloaded: {error}.",
                    f"Without internet: get the file {published.name} from {published.page} on "
                    "another computer and install it from the file.",
                ) from error

        def adopt() -> tuple[Record, Path]:
            try:
                return self._adopt(entry, whole, published.url, downloaded=True)
            finally:
                whole.unlink(missing_ok=True)

        return Download(bring, adopt)

    def install_file(self, model: str, file: Path) -> Installed:
        """Install a model's weights from a file; the file itself stays where it is.

        Raises
        ------
        ModelError
            If the file is missing, or is not this model's weights.
        OutputError
            If it cannot be copied to the store.
        """
        entry = self.entry(model)
        if not entry.description.needs_weights:
            raise ModelError(f"{entry.description.title} has no weights: there is nothing to do.")
        if not file.is_file():
            raise ModelError(f"The weights file {file} does not exist.", "Check the path.")
        record, path = self._adopt(entry, file, str(file.absolute()), downloaded=False)
        return Installed(record, path)

    def install_own(self, manifest: Path, trust_code: bool = False) -> Installed:
        """Install a model of one's own: its manifest, and the files that it names.

        Parameters
        ----------
        trust_code
            Whether the person agreed to run it, where it is a program. It is remembered for these
            very files.

        Raises
        ------
        ModelError
            If the manifest is not valid, has the name of a model of this software, or its files
            are missing, damaged or not what it says.
        ConsentNeeded
            If it is a program, and nobody agreed to run it; nothing of it has run.
        OutputError
            If it cannot be copied to the store.
        """
        about = read_manifest(manifest)
        if about.name in MODELS:
            raise ModelError(
                f"The manifest {manifest} names its model '{about.name}', as one of this software "
                "is called.",
                "Give it another name.",
            )
        verified(about)
        with self._new_folder(about.name) as folder:
            for name in about.files:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                self._copy(manifest.parent / name, folder / name)
            target = folder / _MANIFEST
            self._copy(manifest, target)
            verified(replace(about, path=target))  # what was copied
            verdict = self._check(str(target), target, None, trust_code)
            problem = verdict.problem.replace(str(folder), str(manifest.parent))
            if verdict.program is not None or (about.kind.is_program and not trust_code):
                raise ConsentNeeded(
                    problem or f"{about.title} is a program: {about.file}.",
                    "Agree to run it only if you trust where it comes from.",
                    manifest.parent / about.file,
                    about.sha256,
                )
            if problem:
                raise ModelError(problem, verdict.remedy)
            digest = sha256(target)
            record = Record(
                model=about.name,
                file=_MANIFEST,
                size_bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
                sha256=digest,
                source=str(manifest.absolute()),
                source_sha256=digest,
                origin=Origin.FILE,
                installed=_now(),
                checked=verdict.checked,
                trusted=trust_code,
            )
            record.write(folder / _RECORD)
        return Installed(record, self._folder(about.name) / _MANIFEST)

    def remove(self, model: str) -> int:
        """Remove a model's weights, and what came of an unfinished download.

        Returns
        -------
        int
            How many bytes that frees.

        Raises
        ------
        ModelError
            If there is nothing to remove.
        OutputError
            If it cannot be removed.
        """
        folders = [self._folder(model), self.root / "downloads" / model]
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        if not any(folder.is_dir() for folder in folders):
            raise _not_installed(model)
        freed = sum(path.stat().st_size for path in files)
        try:
            for folder in folders:
                if folder.is_dir():
                    gone = self._staging()
                    folder.rename(gone)
                    shutil.rmtree(gone)
        except OSError as error:
            raise OutputError(f"{error.filename} cannot be removed ({error.strerror}).") from error
        return freed

    # -- adopting -------------------------------------------------------------------------------

    def _adopt(
        self, entry: Entry, file: Path, source: str, downloaded: bool
    ) -> tuple[Record, Path]:
        """Check a file and put it, or what it is converted to, in its place, with a record."""
        model = entry.description.name
        published = entry.description.published
        try:
            digest = sha256(file)
            page = _is_page(file)
        except OSError as error:
            raise ModelError(f"{file} cannot be read ({error.strerror}).") from error
        if page:
            what = "What came" if downloaded else f"The file {file}"
            raise ModelError(
                f"{what} is a web page, and no weights of {entry.description.title}.",
                "A network that asks for a login answers like that: look at the address in a "
                "browser, or install from a file.",
            )
        origin = self._compare(entry, digest, downloaded)
        name = published.name if published is not None else file.name
        with self._new_folder(model) as folder:
            target = folder / (entry.converted_name(name) if entry.convert else name)
            if entry.convert:
                verdict = self._check(model, file, target, False)
            else:
                self._copy(file, target)
                if sha256(target) != digest:
                    raise OutputError(f"{target} is not what was written there: the disk may fail.")
                verdict = self._check(model, target, None, False)
            if verdict.problem:
                problem = verdict.problem.replace(str(target), str(file))
                raise ModelError(problem, verdict.remedy)
            if not verdict.checked and entry.convert:
                raise ModelError(
                    f"The weights of {entry.description.title} have to be converted, and PyTorch "
                    "is not installed to do it.",
                    "Install PyTorch first.",
                )
            record = Record(
                model=model,
                file=target.name,
                size_bytes=target.stat().st_size,
                sha256=sha256(target) if entry.convert else digest,
                source=source,
                source_sha256=digest,
                origin=origin,
                installed=_now(),
                checked=verdict.checked,
            )
            record.write(folder / _RECORD)
        if origin is Origin.FIRST_DOWNLOAD and published is not None:
            self._remember(published.url, digest)
        return record, self._folder(model) / record.file

    def _compare(self, entry: Entry, digest: str, downloaded: bool) -> Origin:
        """Hold a hash against the publisher's, or the first download's; say which it was."""
        published = entry.description.published
        if published is None:
            return Origin.FILE
        wanted = published.sha256 or self._remembered().get(published.url)
        origin = Origin.PUBLISHER if published.sha256 else Origin.FIRST_DOWNLOAD
        if wanted is None:
            return Origin.FIRST_DOWNLOAD if downloaded else Origin.FILE
        if digest != wanted:
            known = "the published file" if published.sha256 else "the one downloaded first"
            raise ModelError(
                f"This is not {known} of {entry.description.title}: its SHA-256 is {digest}, and "
                f"should be {wanted}.",
                "It came damaged, or was replaced; what there was is left as it is. To use other "
                "weights of the same network for a run, choose the file for that run.",
            )
        return origin

    @contextmanager
    def _new_folder(self, model: str) -> Iterator[Path]:
        """Give out a folder that takes the model's place when all goes well."""
        staging = self._staging()
        self._sweep(staging.parent)
        try:
            staging.mkdir(parents=True)
            yield staging
            place = self._folder(model)
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists():
                old = self._staging()
                place.rename(old)
                try:
                    staging.rename(place)
                except OSError:
                    old.rename(place)
                    raise
                shutil.rmtree(old, ignore_errors=True)
            else:
                staging.rename(place)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _copy(self, source: Path, target: Path) -> None:
        free = shutil.disk_usage(target.parent).free
        size = source.stat().st_size
        if size > free:
            raise OutputError(
                f"{target.parent} has {free / 1e6:.0f} MB left, and the weights take "
                f"{size / 1e6:.0f} MB.",
                "Make room, or set TTAUNCERTAINTY_CACHE to a folder on another disk.",
            )
        shutil.copyfile(source, target)

    # -- places ---------------------------------------------------------------------------------

    @property
    def _models(self) -> Path:
        return self.root / "models"

    def _folder(self, model: str) -> Path:
        if not _NAME.fullmatch(model):  # it may come from a command line, and is a path below
            raise _not_installed(model)
        return self._models / model

    def _staging(self) -> Path:
        return self.root / "staging" / f"{os.getpid()}-{uuid.uuid4().hex}"

    def _sweep(self, folder: Path) -> None:
        """Remove what a program that was ended in the middle left a day ago."""
        with suppress(OSError):
            for path in folder.iterdir():
                if time.time() - path.stat().st_mtime < _STALE_S:
                    continue
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def _remembered(self) -> dict[str, str]:
        """Return the hashes of first downloads by address.

        Raises
        ------
        ModelError
            If there were some and they cannot be read: not to compare would be to trust anything.
        """
        if not self._hashes.exists():
            return {}
        try:
            return read_as(dict[str, str], read_json(self._hashes))
        except ValueError as error:
            raise ModelError(
                f"{self._hashes} is damaged ({error}). It holds what earlier downloads were, and "
                "new ones are compared with it.",
                "Remove it to trust the next download of each of them as if it were the first.",
            ) from error

    def _remember(self, url: str, digest: str) -> None:
        known = self._remembered() | {url: digest}
        with written_whole(self._hashes, alone=False) as partial:
            text = json.dumps(known, indent=2, sort_keys=True) + "\n"
            partial.write_text(text, encoding="utf-8")

    @property
    def _hashes(self) -> Path:
        return self.root / "known-hashes.json"

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"The weights cannot be kept in {self.root} ({error.strerror or error}).",
            "Make room, or set TTAUNCERTAINTY_CACHE to another folder.",
        )


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _is_page(path: Path) -> bool:
    """Tell whether a file begins as web pages do; no format of weights does."""
    with path.open("rb") as file:
        return file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _has_hash(path: Path, digest: str) -> bool:
    try:
        return sha256(path) == digest
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}).") from error


def _not_installed(model: str) -> ModelError:
    return ModelError(f"No weights of '{model}' are installed.")
