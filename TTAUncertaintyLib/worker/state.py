"""What is known about a run from outside: a snapshot that a panel or a terminal shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

from ..humanize import standard_error
from ..strict_json import OrNan


class Phase(Enum):
    """Where a run is."""

    STARTING = "starting"
    READING = "reading"
    ALIGNING = "aligning"
    REGISTERING = "registering"
    INVERSE = "inverse"
    PERTURBING = "perturbing"
    WRITING = "writing"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def title(self) -> str:
        """Words for a person."""
        return _TITLES[self]


_TITLES = {
    Phase.STARTING: "Starting",
    Phase.READING: "Reading the images",
    Phase.ALIGNING: "Aligning linearly",
    Phase.REGISTERING: "Registering",
    Phase.INVERSE: "Registering the other way round",
    Phase.PERTURBING: "Registering perturbed images",
    Phase.WRITING: "Writing the result",
    Phase.FINISHED: "Finished",
    Phase.FAILED: "Failed",
    Phase.CANCELLED: "Cancelled",
}

_ENDS = (Phase.FINISHED, Phase.FAILED, Phase.CANCELLED)

#: Nobody knows yet how long these will take.
_OPEN_ENDED = (Phase.STARTING, Phase.READING, Phase.ALIGNING)

#: Two passes that are not perturbed and two that are: before these there is nothing to keep.
_LEAST_PASSES = 4


@dataclass(frozen=True)
class Preview:
    """What can be looked at while a run goes on; the files may be replaced by newer ones."""

    folder: Path
    #: How many perturbed passes the map rests on.
    perturbed: int
    #: The provisional map, mm, float32 NRRD on the network's lattice; None before there is one.
    total: Path | None
    #: The moving image through the plain prediction, on the same lattice.
    warped: Path | None


@dataclass(frozen=True)
class StandardError:
    """How well the map is known, over the anatomy (see `engine.Convergence`)."""

    #: Of the map of total uncertainty.
    mm: Annotated[float, OrNan()]
    #: The same as a share of the map.
    fraction: Annotated[float, OrNan()]

    def __str__(self) -> str:
        """Say it in words."""
        return standard_error(self.mm, self.fraction)


@dataclass(frozen=True)
class RunState:
    """A run at one moment."""

    phase: Phase = Phase.STARTING
    done: int = 0
    total: int = 0
    #: Seconds since the start.
    elapsed_s: float = 0.0
    #: Estimated seconds until the passes are done; None before there is anything to tell from.
    left_s: float | None = None
    #: Where the network runs, for example "cuda"; empty before it does.
    device: str = ""
    #: What the person should know.
    notes: tuple[str, ...] = ()
    log: str = ""
    preview: Preview | None = None
    output: Path | None = None
    #: Whether every pass was made, or as many as the tolerance took.
    complete: bool = False
    #: How well the map is known so far; None before three perturbations are complete.
    standard_error: StandardError | None = None
    #: Whether it was asked to stop and keep, or to cancel.
    stopping: bool = False
    cancelling: bool = False
    #: What went wrong, and what to do about it; empty unless it failed.
    problem: str = ""
    remedy: str = ""
    #: As of the command line (see `errors`); None while it runs.
    exit_code: int | None = None

    @property
    def ended(self) -> bool:
        """Whether it is over: the process is gone, and nothing more will come."""
        return self.phase in _ENDS

    @property
    def open_ended(self) -> bool:
        """Whether nobody knows yet how long it will take."""
        return self.phase in _OPEN_ENDED or not self.total

    @property
    def has_map(self) -> bool:
        """Whether there would be a map to keep if it stopped now."""
        return self.phase is Phase.PERTURBING and self.done >= _LEAST_PASSES

    @property
    def converged(self) -> bool:
        """Whether it stopped by itself, since the map is known as well as was asked for."""
        return self.phase is Phase.FINISHED and self.complete and self.done < self.total

    @property
    def fraction(self) -> float:
        """Share of the passes done, 0 to 1; 1 once finished."""
        if self.phase is Phase.FINISHED:
            return 1.0
        return min(self.done / self.total, 1.0) if self.total else 0.0
