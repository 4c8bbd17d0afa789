"""Names of files that can be handed to ITK: others end the whole process, or are cut off."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError


def checked_path(path: Path | str, what: str = "image") -> Path:
    """Return a path that exists and that ITK can be given.

    ITK takes UTF-8 only: on the bytes of another encoding SimpleITK ends the process.

    Parameters
    ----------
    what
        What it should be, for the message.

    Raises
    ------
    InputError
        If it does not exist, or its name is too long or not UTF-8.
    """
    path = Path(path)
    shown = printable(path)
    if "\0" in str(path) or shown != str(path):
        raise InputError(
            f"The name of {shown} is not written in UTF-8, which the readers of images need.",
            "Rename it: letters of any script will do, and what is escaped here has to go.",
        )
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path} does not exist.", f"Check the path of the {what}.") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read.", "Check its permissions.") from error
    except OSError as error:  # too long a name above all
        raise InputError(
            f"{path} cannot be opened ({error.strerror or error}).", "Give it a shorter name."
        ) from error
    return path


def printable(path: Path) -> str:
    """Return a path with the bytes escaped that no UTF-8 console can show."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
