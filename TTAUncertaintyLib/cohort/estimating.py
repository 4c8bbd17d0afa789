"""How long a study will take and how large it will be, from what a first pair took."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ..errors import WorkerError
from ..humanize import about
from .clusters import Where, planned_workers
from .pair_task import PairTask, Register, Standing, do_pair
from .pairs import Pair
from .settings import Settings
from .study import Study


def estimate(
    pairs: Sequence[Pair], settings: Settings, register: Register | None = None
) -> list[str]:
    """Register the first pair twice over on this computer, and say what all of them will take.

    The first time is the start of a process and the loading of a network, which a study pays once.

    Raises
    ------
    WorkerError
        If the pair fails.
    """
    workers, cores = planned_workers(Where())
    standing = register or Standing()
    seconds = []
    with tempfile.TemporaryDirectory(prefix="ttauncertainty-") as folder:
        for attempt in ("first", "second"):
            study = Study(Path(folder) / attempt)
            study.pairs.mkdir(parents=True)
            task = PairTask(pairs[0], settings.to_json(), "", study.folder, cores)
            began = time.monotonic()
            outcome = do_pair(task, standing)
            seconds.append(time.monotonic() - began)
            if outcome.failure is not None:
                raise WorkerError(
                    f"The first pair, {pairs[0].name}, failed: {outcome.failure.reason}",
                    outcome.failure.remedy,
                )
        free = shutil.disk_usage(Path.cwd()).free
    total = seconds[0] + seconds[1] * (len(pairs) - 1) / workers
    size = outcome.bytes_written * len(pairs)
    return [
        f"{pairs[0].name} took {seconds[0]:.1f} s at first and {seconds[1]:.1f} s with the network "
        f"loaded, and {outcome.bytes_written / 1e6:.1f} MB.",
        f"{len(pairs)} pairs: about {about(total)} on this computer "
        f"({workers} {'worker' if workers == 1 else 'workers'}), {size / 1e9:.2g} GB "
        f"({free / 1e9:.0f} GB are free here).",
    ]
