"""Looking into zip archives of torch without running, or unpacking, what should not be there."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ...errors import ModelError

#: Program text of a network is some hundred kilobytes; nobody's is larger than this.
_MOST_TEXT_BYTES = 64_000_000
_MOST_MEMBERS = 100_000


def read_members(path: Path) -> dict[str, bytes]:
    """Return what is in a torch archive, by the names below its one top folder.

    Tensors are stored in such archives as they are; only program text may be compressed.

    Raises
    ------
    ModelError
        If it is no such archive, is damaged, holds a name twice or outside the top folder, or
        would unpack to more than it should.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            _check(path, infos)
            return {
                info.filename.partition("/")[2]: archive.read(info)
                for info in infos
                if not info.is_dir()
            }
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}).", "Check the path.") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ModelError(
            f"{path} is damaged or is no file that torch saved ({error}).",
            "Get it again from where it came from.",
        ) from error


def check_archive(path: Path) -> None:
    """Refuse a zip archive that torch would not have written; other files pass.

    Raises
    ------
    ModelError
        If it is damaged, or would unpack to more than it should.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                _check(path, archive.infolist())
    except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ModelError(
            f"{path} is damaged ({error}).", "Get it again from where it came from."
        ) from error


def _check(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive by its table of contents, before anything in it is unpacked."""
    names = [info.filename for info in infos]
    tops = {name.partition("/")[0] for name in names}
    if len(infos) > _MOST_MEMBERS or len(tops) != 1 or len(set(names)) != len(names):
        raise ModelError(
            f"{path} is not laid out as torch lays out a file.", "It may be hostile: do not use it."
        )
    text = 0
    for info in infos:
        parts = info.filename.split("/")
        if ".." in parts or "\\" in info.filename or len(parts) < 2:
            raise ModelError(
                f"{path} holds a file called '{info.filename}', which torch never writes.",
                "It may be hostile: do not use it.",
            )
        if info.compress_type != zipfile.ZIP_STORED:
            text += info.file_size
            if parts[1] != "code" or text > _MOST_TEXT_BYTES:
                raise ModelError(
                    f"{path} holds compressed data ('{info.filename}'), which torch never writes.",
                    "It may be a bomb that fills the memory: do not use it.",
                )
    stored = sum(i.file_size for i in infos if i.compress_type == zipfile.ZIP_STORED)
    if stored > path.stat().st_size:
        raise ModelError(
            f"{path} says that it holds more than it does.", "It may be hostile: do not use it."
        )
