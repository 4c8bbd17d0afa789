"""Running a study: pairs go to workers as these become free, and what they say is written down."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import as_completed
from distributed.scheduler import KilledWorker

from ..errors import OutputError, ResourceError
from ..humanize import about
from .clusters import Where, Workers, workers
from .lock import StudyLock
from .pair_task import Ending, Outcome, PairTask, Register, Standing, do_pair
from .pairs import Pair
from .plan import Plan, check_replaceable, make_plan, shard_of
from .settings import Settings
from .study import Failure, Study

#: Seconds between two looks at the lock, at lost workers, and two lines of progress.
_LOOK_S, _LINE_S = 2.0, 10.0
#: Seconds to wait where nothing has ended.
_MOMENT_S = 0.005
#: So many pairs that no worker can do, and it is no pair's own fault.
_PAIRS_BEYOND_ALL = 3
#: Seconds to the first try whether a disk has room again, and to the last ones.
_FIRST_TRY_S, _LAST_TRY_S = 5.0, 300.0
#: Seconds without any worker after which that is said.
_NOBODY_S = 60.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What is asked of a study."""

    #: Of the whole table.
    pairs: Sequence[Pair]
    #: How they are registered.
    settings: Settings
    #: By whom.
    where: Where = field(default_factory=Where)
    #: Seconds that one attempt at a pair may take.
    limit_s: float | None = None
    #: See `measures.measure`.
    above_mm: float | None = None
    #: Make those again whose inputs or settings have changed.
    redo_changed: bool = False
    #: The part of the table that is to be done, as "3/40": several run beside each other. Empty
    #: for all of it.
    shard: str = ""
    #: What registers.
    register: Register = field(default_factory=Standing)


@dataclass
class Tally:
    """How far a study is."""

    #: Pairs that were to be done.
    total: int
    #: Of them.
    done: int = 0
    failed: int = 0
    #: On `time.monotonic`.
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> int:
        """How many are still to be done."""
        return self.total - self.done - self.failed

    def line(self) -> str:
        """Say it to a person."""
        ended = self.done + self.failed
        said = f"{ended} of {self.total} pairs"
        if self.failed:
            said += f", {self.failed} failed"
        seconds = time.monotonic() - self.began
        if ended and self.left and seconds > 0:
            rate = ended / seconds
            said += f", {3600 * rate:.0f} pairs an hour, about {about(self.left / rate)} left"
        return said


def run_study(folder: Path, asked: Asked, say: Say) -> Tally:
    """Do what is missing of a study.

    Parameters
    ----------
    folder
        Of the study; made where there is none.
    asked
        What is to be done.
    say
        Hears lines for a person.

    Raises
    ------
    OutputError
        If another client is at work on it, or it cannot be written.
    ResourceError
        If there are no workers, or none that can do a pair.
    """
    study = Study(folder)
    pairs = shard_of(asked.pairs, asked.shard) if asked.shard else asked.pairs
    try:
        study.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror}.") from error
    lock = study.lock
    if asked.shard:  # of each shard there may be one
        lock = lock.with_name(f"{lock.name}.{asked.shard.replace('/', '-of-')}")
    with StudyLock(lock) as held:
        plan = make_plan(study, pairs, asked.settings)
        for line in plan.lines(asked.redo_changed):
            say(line)
        again = [pair for pair, _ in plan.changed] if asked.redo_changed else []
        check_replaceable(study, again)
        study.prepare(asked.settings.described, asked.pairs, asked.above_mm)
        names = {pair.name for pair in pairs}
        study.sweep(names)
        tally = Tally(len(plan.missing) + len(again))
        if tally.total:
            with workers(asked.where, study.folder / "logs") as at_hand:
                if at_hand.dashboard:
                    say(f"Dashboard: {at_hand.dashboard}")
                _Feeding(study, asked, at_hand, held, tally, say).feed(plan, again)
            study.sweep(names)
    return tally


class _Feeding:
    """Gives pairs to workers and takes what comes back; holds no more than is under way."""

    def __init__(
        self,
        study: Study,
        asked: Asked,
        at_hand: Workers,
        held: StudyLock,
        tally: Tally,
        say: Say,
    ) -> None:
        self._study = study
        self._asked = asked
        self._workers = at_hand
        self._held = held
        self._tally = tally
        self._say = say
        self._queue: deque[Pair] = deque()
        self._replaced: set[str] = set()
        self._running: dict[str, tuple[Any, Pair]] = {}  # by the key of its future
        self._settings = asked.settings.to_json()
        self._submitted = 0
        self._unfit: dict[str, set[str]] = {}  # workers that lack something, by the model asked for
        self._lack: dict[str, str] = {}  # what they lack, in words
        self._fit: set[tuple[str, str]] = set()  # a model, and a worker that has done it
        self._beyond_all: Counter[str] = Counter()  # pairs that no worker could do, by model
        self._try_again_at: float | None = None  # while a disk is full
        self._trying = ""  # the key of the pair that tries whether there is room again
        self._wait_s = _FIRST_TRY_S
        self._said_at = time.monotonic()
        self._seen_at = time.monotonic()

    def feed(self, plan: Plan, again: Sequence[Pair]) -> None:
        """Do all pairs."""
        self._queue.extend([*plan.missing, *again])
        self._replaced = {pair.name for pair in again}
        ended = as_completed([], loop=self._workers.client.loop)
        looked = 0.0
        slots = self._workers.slots
        try:
            while self._queue or self._running:
                now = time.monotonic()
                if now - looked > _LOOK_S:
                    looked, slots = now, self._workers.slots
                    self._look(now)
                while self._queue and len(self._running) < self._most(slots, now):
                    self._submit(self._queue.popleft(), ended)
                self._take(ended)
        finally:
            self._workers.client.cancel([future for future, _ in self._running.values()])
        self._say(self._tally.line())

    def _most(self, slots: int, now: float) -> int:
        """Return how many pairs may be under way."""
        if self._try_again_at is None:
            return slots
        return 1 if now >= self._try_again_at and not self._trying else 0

    def _submit(self, pair: Pair, ended: Any) -> None:
        client = self._workers.client
        unfit = self._unfit.get(pair.model, set())
        there = set(client.nthreads()) if unfit else set()
        if there and there <= unfit:
            self._fail(Failure(pair.name, f"No worker can do it. {self._lack[pair.model]}"))
            self._beyond_all[pair.model] += 1
            if self._beyond_all[pair.model] < _PAIRS_BEYOND_ALL:
                unfit.clear()  # it may be that pair's own fault
            return
        task = PairTask(
            pair,
            self._settings,
            self._asked.settings.sha256_of(pair),
            self._study.folder,
            self._workers.cores,
            self._asked.limit_s,
            self._asked.above_mm,
            replaces=pair.name in self._replaced,
        )
        self._submitted += 1
        future = client.submit(
            do_pair,
            task,
            self._asked.register,
            key=f"{pair.name}-{self._submitted}",
            pure=False,
            workers=sorted(there - unfit) or None,
        )
        if self._try_again_at is not None:
            self._trying = future.key
        self._running[future.key] = future, pair
        ended.add(future)

    def _take(self, ended: Any) -> None:
        """Take what has ended, or wait for a moment."""
        if ended.is_empty() or not ended.has_ready():
            time.sleep(_MOMENT_S)
            return
        for future in ended.next_batch(block=False):
            known = self._running.pop(future.key, None)
            if known is None:
                continue
            tried = future.key == self._trying
            if tried:
                self._trying = ""
            if future.status == "finished":
                self._hear(known[1], future.result(), tried)
            elif future.status == "error":
                self._lost(known[1], future.exception())
            else:  # its worker, or the scheduler's memory of it, is gone
                self._queue.appendleft(known[1])
            future.release()

    def _hear(self, pair: Pair, outcome: Outcome, tried: bool) -> None:
        failure = outcome.failure
        if failure is None:
            self._tally.done += 1
            self._fit.add((pair.model, outcome.worker))
        elif outcome.ending is Ending.NO_ROOM:
            self._no_room(pair, failure)
            return
        elif (
            outcome.ending is Ending.UNFIT
            and outcome.worker
            and (pair.model, outcome.worker) not in self._fit
        ):
            self._is_unfit(pair, outcome.worker, failure)
        else:
            self._fail(failure)
        if tried:
            self._say("There is room again: the study goes on.")
            self._try_again_at, self._wait_s = None, _FIRST_TRY_S
        self._progress()

    def _is_unfit(self, pair: Pair, worker: str, failure: Failure) -> None:
        """Let others do it: a worker that lacks something would fail pair after pair."""
        unfit = self._unfit.setdefault(pair.model, set())
        if worker not in unfit:
            unfit.add(worker)
            what = f"pairs with the model {pair.model}" if pair.model else "pairs"
            self._say(f"{failure.computer} gets no more {what}: {failure.reason} {failure.remedy}")
        self._lack[pair.model] = f"{failure.reason} {failure.remedy}".strip()
        self._queue.appendleft(pair)

    def _lost(self, pair: Pair, error: BaseException) -> None:
        if isinstance(error, KilledWorker):
            said = "Each worker that was at work on it died: most likely it takes too much memory."
            self._fail(Failure(pair.name, said, "Give each worker more --memory."))
        else:
            said = f"Something went wrong inside ({type(error).__name__}: {error})."
            self._fail(Failure(pair.name, said, "This is a mistake in the software."))
        self._progress()

    def _fail(self, failure: Failure) -> None:
        self._tally.failed += 1
        self._say(f"{failure.pair} failed: {failure.reason}")
        self._study.has_failed(failure)

    def _no_room(self, pair: Pair, failure: Failure) -> None:
        """Begin no new pairs until one that tries finds room."""
        self._queue.appendleft(pair)
        if self._try_again_at is None:
            self._say(
                f"There is no room for {pair.name}: {failure.reason} No new pairs are begun "
                "until there is; Ctrl-C ends, and the same command goes on later."
            )
        self._try_again_at = time.monotonic() + self._wait_s
        self._wait_s = min(2 * self._wait_s, _LAST_TRY_S)

    def _look(self, now: float) -> None:
        if self._held.lost.is_set():
            raise OutputError(
                "Another client has taken over this study: this one was thought to be dead.",
                "Nothing is lost; what was under way here is done there.",
            )
        self._workers.replace_lost()
        if self._workers.client.nthreads():
            self._seen_at = now
        elif now - self._seen_at > _NOBODY_S:
            self._say("Waiting for workers: there is none at the moment.")
            self._seen_at = now
        if self._workers.client.status != "running":
            raise ResourceError(
                "The scheduler is gone.", "Nothing is lost; the same command goes on."
            )

    def _progress(self) -> None:
        now = time.monotonic()
        if now - self._said_at > _LINE_S and self._tally.left:
            self._said_at = now
            self._say(self._tally.line())
