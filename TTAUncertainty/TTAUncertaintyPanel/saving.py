"""A result's files copied to where the person wants them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.results import Bundle, new_folder
from TTAUncertaintyLib.results.files import NOT_COPIED
from TTAUncertaintyLib.scene.loading import folder_of


def save_result(result: Any, folder: Path) -> Path:
    """Copy the folder of a result; it is complete at the new place or absent.

    Parameters
    ----------
    result
        `ResultNodes`.
    folder
        New or empty.

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    InputError
        If the result's files are gone, as in a scene that was opened on another computer.
    OutputError
        If they cannot be written there whole; nothing is left behind then.
    """
    return copying_of(result, folder)()


def copying_of(result: Any, folder: Path) -> Callable[[], Path]:
    """Gather what `save_result` needs, and return the rest, which is fit for a thread."""
    source = folder_of(result)
    if source is None:
        raise InputError(
            _("The files of this result are not on this computer any more."),
            _("Save the scene instead: it holds the maps, the transform and the review."),
        )
    there, wanted = source, folder.absolute()

    def copy() -> Path:
        Bundle.open(there)  # what is damaged is not passed on
        with new_folder(wanted) as partial:
            shutil.copytree(there, partial, ignore=NOT_COPIED, dirs_exist_ok=True)
        return wanted

    return copy
