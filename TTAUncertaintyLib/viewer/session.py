"""The private folder of one start: what the browser sends lies there, and goes at the end."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

#: What an upload may take at most, bytes: a whole-body CT of 1000 slices fits.
LARGEST_UPLOAD = 1024**3

_BEGIN_BYTES = 512


@dataclass(frozen=True)
class FileKind:
    """What a file is to be that is sent for a purpose."""

    #: As in "x.pdf is not an image that can be read here".
    words: str
    #: Ends of names that are taken, as the file is then called here.
    suffixes: tuple[str, ...]


IMAGE = FileKind("an image that can be read here", (".nii.gz", ".nii", ".nrrd", ".mha"))
LINEAR = FileKind("a transform that can be read here", (".h5", ".tfm", ".txt", ".mat"))
TRANSFORM = FileKind(LINEAR.words, (*LINEAR.suffixes, *IMAGE.suffixes))
NAMES = FileKind("a table of names", (".tsv", ".csv", ".txt", ".ctbl"))
CALIBRATION = FileKind("a calibration", (".json",))
LANDMARKS = FileKind("a file of landmarks", (".json", ".fcsv", ".csv"))


@dataclass(frozen=True)
class Upload:
    """A file that the browser sent."""

    name: str
    #: Where it lies; its name is ours.
    path: Path
    #: Bytes.
    size: int


class Session:
    """The private folder. `close` removes it with everything in it.

    Parameters
    ----------
    largest_upload
        Bytes that a file may have that is sent.
    """

    def __init__(self, largest_upload: int = LARGEST_UPLOAD) -> None:
        self.largest_upload = largest_upload
        #: Readable for this user alone.
        self.folder = Path(tempfile.mkdtemp(prefix="ttauncertainty-view-"))  # mode 0700
        self._count = 0

    def place_for(self, name: str, kind: FileKind = IMAGE) -> Path:
        """Return where a new upload is to be written.

        Parameters
        ----------
        name
            The file's name as the browser says it. Only its ending counts.

        Raises
        ------
        InputError
            If it is of a type that is not taken.
        """
        suffix = next((s for s in kind.suffixes if name.lower().endswith(s)), None)
        if suffix is None:
            raise InputError(
                f"{plain_name(name)} is not {kind.words}.",
                f"Choose one file that ends in {' or '.join(kind.suffixes)}.",
            )
        self._count += 1
        return self.folder / f"upload-{self._count}{suffix}"

    def too_large(self, name: str) -> InputError:
        """Return what is to be said of a file that is larger than may be sent."""
        return InputError(
            f"{name} is larger than {gigabytes(self.largest_upload)}.", "Choose a smaller image."
        )

    def new_folder(self, name: str) -> Path:
        """Return a folder that does not exist yet."""
        self._count += 1
        return self.folder / f"{name}-{self._count}"

    def close(self) -> None:
        """Remove everything; harmless if done before."""
        shutil.rmtree(self.folder, ignore_errors=True)


def check_content(upload: Upload) -> None:
    """See by its first bytes that a file is what its name says.

    Raises
    ------
    InputError
        If it is not.
    """
    with upload.path.open("rb") as file:
        begin = file.read(_BEGIN_BYTES)
    if begin.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(upload.path) as file:
                begin = file.read(_BEGIN_BYTES)
        except (OSError, EOFError, zlib.error):
            begin = b""
    nifti = len(begin) >= 348 and begin[344:347] in (b"n+1", b"ni1")
    nifti = nifti or begin[4:8] == b"n+2\x00"
    by_suffix = {
        ".nrrd": begin.startswith(b"NRRD"),
        ".mha": b"ObjectType" in begin or b"NDims" in begin,
    }
    if not by_suffix.get(upload.path.suffix, nifti):
        raise InputError(
            f"{upload.name} is not the kind of image that its name says.",
            "Choose the image itself: a NIfTI, NRRD or MetaImage file.",
        )


def gigabytes(size: int) -> str:
    """Write a size: "1 GB"."""
    return f"{size / 1024**3:.3g} GB"


def plain_name(name: str) -> str:
    """Return a name that can be shown: without folders and control characters, not too long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:120] or "file"
