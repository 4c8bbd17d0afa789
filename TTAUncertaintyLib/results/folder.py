"""The place of a result: a folder that is complete or absent.

It is written under a temporary name beside its place and renamed when everything is in it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..errors import OutputError
from .files import RECORD_FILE


def check_output(folder: Path, overwrite: bool = False, known_by: str = RECORD_FILE) -> None:
    """Make sure, before a long run, that its result will have a place.

    Parameters
    ----------
    folder
        The place.
    overwrite
        Whether an older result may be replaced.
    known_by
        The file by which an older one is known: nothing else is ever replaced.

    Raises
    ------
    OutputError
        If the folder exists with content (of another kind, or without `overwrite`), or cannot
        be written.
    """
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file.", "Name a folder for the result.")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / known_by).is_file():
            raise OutputError(
                f"{folder} exists and holds other things.", "Name a new folder for the result."
            )
        if not overwrite:
            raise OutputError(
                f"{folder} already holds a result.",
                "Name another folder, or replace it with --overwrite.",
            )
    existing = next(p for p in (folder.parent, *folder.parents) if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"{existing} cannot be written to.", "Choose another place.")


@contextlib.contextmanager
def new_folder(
    folder: Path, overwrite: bool = False, known_by: str = RECORD_FILE
) -> Iterator[Path]:
    """Give a temporary folder that takes its place only if everything went well.

    Parameters
    ----------
    folder, overwrite, known_by
        As in `check_output`.

    Raises
    ------
    OutputError
        If writing failed; nothing is left behind then.
    """
    folder = folder.absolute()
    check_output(folder, overwrite, known_by)
    partial = partial_folder(folder, os.getpid())
    try:
        partial.mkdir(parents=True)
        yield partial
        check_output(
            folder, overwrite, known_by
        )  # time has passed: somebody may have put something there
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    except OSError as error:
        raise OutputError(
            f"The result could not be written to {folder}: {error.strerror or error}.",
            "Free some space or choose another place; nothing was left behind.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def partial_folder(folder: Path, process: int) -> Path:
    """Return the temporary name under which a process writes a bundle."""
    return folder.absolute().with_name(f"{folder.name}.{process}.partial")
