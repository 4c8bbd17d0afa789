"""The place of a result: a folder that is complete or absent.

It is written under a temporary name beside its place and renamed when everything is in it. An older
result in that place is moved aside first and removed last, so that one of the two is always there
whole; and nothing is ever removed but files that a result wrote.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import InputError, OutputError
from ..processes import HOST, is_running
from .layout import RESULT, Layout

#: Files of a person that are named in a message, at most.
_NAMED = 3


def check_output(folder: Path, overwrite: bool = False, layout: Layout = RESULT) -> None:
    """Make sure, before a long run, that its result will have a place.

    Parameters
    ----------
    layout
        What is written there: an older one is known by it, and nothing else is ever replaced.

    Raises
    ------
    OutputError
        If the folder exists with content (of another kind, with a person's files in it, or without
        `overwrite`), is a link, or cannot be written.
    """
    try:
        _check_place(folder.absolute(), overwrite, layout)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written to: {error.strerror or error}.", "Choose another place."
        ) from error


def _check_place(folder: Path, overwrite: bool, layout: Layout) -> None:
    if folder.name in ("", ".."):
        raise OutputError(f"{folder} is no new folder.", "Name a folder for the result.")
    if folder.is_symlink():
        raise OutputError(
            f"{folder} is a link, and a result takes the place of what it names.",
            f"Name the folder itself: {os.path.realpath(folder)}.",
        )
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        partial_folder(folder, os.getpid()).lstat()  # a name that is too long is told here
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file.", "Name a folder for the result.")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / layout.record).is_file():
            raise OutputError(
                f"{folder} exists and holds other things.", "Name a new folder for the result."
            )
        if not overwrite:
            raise OutputError(
                f"{folder} already holds a result.",
                "Name another folder, or replace it with --overwrite.",
            )
        _check_nothing_else(folder, folder, layout)
    existing = next(p for p in (folder.parent, *folder.parents) if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"{existing} cannot be written to.", "Choose another place.")


def _check_nothing_else(folder: Path, named: Path, layout: Layout) -> None:
    """Refuse to replace a folder that holds what no result wrote.

    A review stops it too: it is somebody's decision about these maps, and would be lost without
    them or, kept in their place, be taken for one about the new ones.
    """
    others = layout.others(folder)
    if not others:
        return
    names = ", ".join(others[:_NAMED]) + (" and more" if len(others) > _NAMED else "")
    review = layout.review in others
    raise OutputError(
        f"{named} holds more than a result wrote: {names}."
        + (" A review holds decisions about the maps beside it." if review else ""),
        "Name another folder for the new result, or move these files elsewhere first.",
    )


def check_apart(folder: Path, files: Mapping[str, Path | None]) -> None:
    """Refuse a result's place that something needed lies in: it would be replaced with the folder.

    Parameters
    ----------
    files
        What must not lie in it, by what it is called; None for what is not there.

    Raises
    ------
    InputError
        The message names the first.
    """
    place = os.path.realpath(folder)
    for what, path in files.items():
        if path is not None and Path(os.path.realpath(path)).is_relative_to(place):
            raise InputError(
                f"{what} {path} lies inside the folder of the result, {folder}, which is replaced "
                "as a whole.",
                "Name another folder for the result.",
            )


@contextlib.contextmanager
def new_folder(
    folder: Path, overwrite: bool = False, layout: Layout = RESULT, clear_up: bool = True
) -> Iterator[Path]:
    """Give a temporary folder that takes its place only if everything went well.

    Parameters
    ----------
    folder, overwrite, layout
        As in `check_output`.
    clear_up
        Look through the folder around it for what processes that are gone have left there.

    Raises
    ------
    OutputError
        If writing failed: nothing is left behind then. If the place was taken meanwhile: the result
        is kept beside it, and the message says where.
    """
    folder = folder.absolute()
    partial = partial_folder(folder, os.getpid())
    try:
        if clear_up:
            _clear_up(folder, layout)
        check_output(folder, overwrite, layout)
        partial.mkdir(parents=True)
    except OSError as error:
        raise _unwritten(folder, error) from error
    try:
        yield partial
        _take_place(partial, folder, overwrite, layout)
    except OSError as error:
        raise _unwritten(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unwritten(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"The result could not be written to {folder}: {error.strerror or error}.",
        "Free some space or choose another place; nothing was left behind.",
    )


def _take_place(partial: Path, folder: Path, overwrite: bool, layout: Layout) -> None:
    """Move a whole new result into its place; where that fails, keep it beside what is there."""
    aside = aside_folder(folder, os.getpid())
    try:
        # time has passed: somebody may have put something there
        check_output(folder, overwrite, layout)
        if folder.exists():
            folder.rename(aside)
        try:
            if aside.exists():
                _check_nothing_else(aside, folder, layout)
            partial.rename(folder)
        except BaseException:
            if aside.exists():
                aside.rename(folder)
            raise
    except (OSError, OutputError) as error:
        why = error.problem if isinstance(error, OutputError) else f"{error.strerror or error}."
        kept = _kept_beside(partial, folder)
        raise OutputError(
            f"The new result could not take its place: {why}",
            f"What was there is as it was; the new result is in {kept}.",
        ) from error
    if aside.exists():
        layout.remove(aside)


def _kept_beside(partial: Path, folder: Path) -> Path:
    """Rename a whole result to a free name beside the one that was asked for."""
    number, kept = 1, folder.with_name(f"{folder.name}-new")
    while os.path.lexists(kept):
        number += 1
        kept = folder.with_name(f"{folder.name}-new-{number}")
    partial.rename(kept)
    return kept


def partial_folder(folder: Path, process: int) -> Path:
    """Return the temporary name under which a process of this computer writes a bundle."""
    return _beside(folder, process, "partial")


def aside_folder(folder: Path, process: int) -> Path:
    """Return the name that an older result has while a process replaces it."""
    return _beside(folder, process, "aside")


def _beside(folder: Path, process: int, what: str) -> Path:
    return folder.absolute().with_name(f"{folder.name}.{HOST}-{process}.{what}")


def clear_up_after(process: int, folder: Path, layout: Layout = RESULT) -> None:
    """Undo what a process of this computer left beside a place when it was killed.

    A half-written result is removed; an older one that was moved aside comes back where nothing
    has taken its place, and is removed otherwise.
    """
    shutil.rmtree(partial_folder(folder, process), ignore_errors=True)
    aside = aside_folder(folder, process)
    with contextlib.suppress(OSError):
        if aside.is_dir() and not os.path.lexists(folder):
            aside.rename(folder)
        elif aside.is_dir():
            layout.remove(aside)


def _clear_up(folder: Path, layout: Layout) -> None:
    """Undo what processes that are gone left beside a place."""
    known = re.compile(rf"{re.escape(folder.name)}\.{HOST}-(\d+)\.(partial|aside)")
    if not folder.parent.is_dir():
        return
    for path in list(folder.parent.iterdir()):
        found = known.fullmatch(path.name)
        if found is None or path.is_symlink() or not path.is_dir():
            continue
        process = int(found[1])
        if process == os.getpid() or not is_running(process):
            clear_up_after(process, folder, layout)
