"""Files that are there whole or not at all: written beside their place, then moved there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path, alone: bool = True) -> Iterator[Path]:
    """Give out a name beside a file; what is written there takes its place when all goes well.

    Otherwise the file is as it was.

    Parameters
    ----------
    path
        The file. The name ends as its does.
    alone
        Whether no other process writes it at the same time: what one left that was killed is
        overwritten then.
    """
    own = "" if alone else f".{os.getpid()}"
    partial = path.with_name(f"{path.stem}{own}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
