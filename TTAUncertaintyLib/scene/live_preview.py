"""The provisional map into the scene, without holding Slicer up.

Where there is anatomy has to be found once in the warped image, which takes longer than Slicer
may stand still: a thread does that, and previews wait for it.
"""

from __future__ import annotations

import threading
from typing import Any

from . import preview as scene_preview


class LivePreview:
    """Shows the newest preview of one run as soon as it can be shown quickly.

    Parameters
    ----------
    stage
        `Stage`.
    """

    def __init__(self, stage: Any) -> None:
        self._stage = stage
        self._latest: Any = None
        self._shown: Any = None
        self._thread: threading.Thread | None = None

    def offer(self, latest: Any) -> None:
        """Take the newest `worker.run.Preview`; None or the one that it has already is fine."""
        self._latest = latest
        if self._thread is None and latest is not None and latest.warped is not None:
            self._thread = threading.Thread(
                target=scene_preview.look_ahead, args=(latest,), daemon=True
            )
            self._thread.start()

    @property
    def due(self) -> bool:
        """Whether there is something new that can be shown."""
        return (
            self._latest is not None
            and self._latest != self._shown
            and self._thread is not None
            and not self._thread.is_alive()
        )

    @property
    def perturbed(self) -> int:
        """How many perturbed passes the map on the screen rests on."""
        return 0 if self._shown is None else int(self._shown.perturbed)

    def show(self) -> Any:
        """Show it and return the `PreviewNodes`."""
        self._shown = self._latest
        return scene_preview.show_preview(self._stage, self._latest)

    def remove(self) -> None:
        """Take what was shown out of the scene."""
        if self._thread is not None:
            self._thread.join()
        scene_preview.remove_preview(self._stage)
