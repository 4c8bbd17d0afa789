"""A result's files copied to where the person wants them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.results import Bundle, new_folder
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
    source = folder_of(result)
    if source is None:
        raise InputError(
            _("The files of this result are not on this computer any more."),
            _("Save the scene instead: it holds the maps, the transform and the review."),
        )
    Bundle.open(source)  # what is damaged is not passed on
    folder = folder.absolute()
    with new_folder(folder) as partial:
        shutil.copytree(source, partial, dirs_exist_ok=True)
    return folder
