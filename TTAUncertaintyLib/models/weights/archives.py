"""Looking into zip archives of torch without running, or unpacking, what should not be there."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import ModelError

#: Program text of a network is some hundred kilobytes; nobody's is larger than this.
_MOST_TEXT_BYTES = 64_000_000
_MOST_MEMBERS = 100_000

_AGAIN = "Get it again from where it came from."


def read_members(path: Path) -> dict[str, bytes]:
    """Return what is in a torch archive, by the names below its one top folder.

    Tensors are stored in such archives as they are; only program text may be compressed.

    Raises
    ------
    ModelError
        If it is no such archive, is damaged, holds a name twice or outside the top folder, or
        would unpack to more than it should.
    """
    with _told(path), zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        _check(path, infos, path.stat().st_size)
        # reading a member compares it with its checksum
        return {_below(info): archive.read(info) for info in infos if not info.is_dir()}


def check_weights(path: Path) -> None:
    """Refuse a file that torch must not be asked to read weights from; others pass.

    That is an archive which torch would not have written or whose checksums do not fit, a
    TorchScript program, and the tar file of torch's first versions: before 2.6, torch runs either
    even where it is asked for weights only (CVE-2025-32434).

    Raises
    ------
    ModelError
        The message says which.
    """
    with _told(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = _check_whole(path, archive, path.stat().st_size)
            if _is_program(names):
                raise ModelError(
                    f"{path} is a TorchScript program, and no weights.",
                    "It goes with a manifest of the kind 'torchscript'; or save the state dict "
                    "alone: torch.save(network.state_dict(), path).",
                )
        elif tarfile.is_tarfile(path):
            raise ModelError(
                f"{path} is a tar file, as the first versions of torch wrote them.",
                "Save it again with a torch of today: torch.save(network.state_dict(), path).",
            )


def check_program(path: Path, data: bytes) -> None:
    """Refuse bytes that are no whole TorchScript archive.

    Raises
    ------
    ModelError
        If it is damaged, would unpack to more than it should, or brings no code.
    """
    with _told(path), zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = _check_whole(path, archive, len(data))
    if not _is_program(names):
        raise ModelError(
            f"{path} is no TorchScript file: it brings no code.",
            "Save it with torch.jit.save; a state dict goes with a manifest of another kind.",
        )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what damaged archives bring about into a message."""
    try:
        yield
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}).", "Check the path.") from error
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
    ) as error:
        raise ModelError(
            f"{path} is damaged or is no file that torch saved ({error}).", _AGAIN
        ) from error


def _check_whole(path: Path, archive: zipfile.ZipFile, size: int) -> set[str]:
    """Check the table of contents, then every checksum; returns the names below the top folder."""
    infos = archive.infolist()
    _check(path, infos, size)
    damaged = archive.testzip()
    if damaged is not None:
        raise ModelError(
            f"{path} is damaged: '{damaged}' in it does not fit its checksum.",
            f"{_AGAIN} If it was saved without checksums (set_crc32_options), save it with them.",
        )
    return {_below(info) for info in infos}


def _is_program(names: set[str]) -> bool:
    """Tell whether torch takes an archive for TorchScript."""
    return "constants.pkl" in names or any(name.startswith("code/") for name in names)


def _below(info: zipfile.ZipInfo) -> str:
    return info.filename.partition("/")[2]


def _check(path: Path, infos: list[zipfile.ZipInfo], size: int) -> None:
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
    if stored > size:
        raise ModelError(
            f"{path} says that it holds more than it does.", "It may be hostile: do not use it."
        )
