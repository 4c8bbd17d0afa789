"""How long a pass through a network took last time on this computer: for an estimate beforehand."""

from __future__ import annotations

from typing import Any

import qt

from .machine import PREFIX

#: A run of fewer passes says more about its beginning than about its pace.
_LEAST_PASSES = 4


class Pace:
    """Seconds per pass, remembered for each network and each way of running it.

    Parameters
    ----------
    machine
        `MachineSettings`: device, precision and threads make the pace.
    settings
        A `qt.QSettings`; Slicer's own if not given.
    """

    def __init__(self, machine: Any, settings: Any = None) -> None:
        self._machine = machine
        self._settings = qt.QSettings() if settings is None else settings

    def seconds(self, model: str, passes: int) -> float | None:
        """Return how long a run of so many passes may take; None where nothing is known."""
        try:
            each = float(self._settings.value(self._key(model), 0.0) or 0.0)
        except (TypeError, ValueError):  # a person may have edited the settings file
            return None
        return each * passes if each > 0 else None

    def note(self, model: str, passes: int, elapsed_s: float) -> None:
        """Remember how long a run took, from its start to its end."""
        if passes >= _LEAST_PASSES and elapsed_s > 0:
            self._settings.setValue(self._key(model), f"{elapsed_s / passes:.4f}")

    def _key(self, model: str) -> str:
        machine = self._machine
        way = f"{machine.device}-{machine.precision}-{machine.threads}-{machine.batchSize}"
        return f"{PREFIX}pace/{model}/{way.replace(':', '')}"
