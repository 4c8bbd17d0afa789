"""What is still to be done of a table: what lies on disk is held against what is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError, OutputError, TTAUncertaintyError
from .pair_task import changed_files, fingerprint
from .pairs import Pair
from .settings import Settings, differences
from .study import PAIR, Study
from .work_list import is_study

_READERS = 8
#: Pairs that a message names.
_NAMED = 3


@dataclass
class Plan:
    """What is to be done."""

    #: Pairs without a result, in the table's order.
    missing: list[Pair] = field(default_factory=list)
    #: Pairs whose inputs or settings are others than those of their result: what changed, in
    #: words, by pair.
    changed: list[tuple[Pair, str]] = field(default_factory=list)
    #: How many are done as they are asked for.
    kept: int = 0
    #: Pairs on disk that the table does not have.
    others: list[str] = field(default_factory=list)
    #: How the settings differ from those of the study so far.
    settings: list[str] = field(default_factory=list)

    def lines(self, redo: bool) -> list[str]:
        """Say it to a person."""
        said = [f"{self.kept} pairs are done already."] if self.kept else []
        if self.settings:
            said.append(f"The settings are not those of before ({'; '.join(self.settings)}).")
        if self.changed:
            named = "; ".join(f"{pair.name}: {why}" for pair, why in self.changed[:_NAMED])
            more = "; and more" if len(self.changed) > _NAMED else ""
            what = (
                "They are made again."
                if redo
                else "Their results stay as they are; --redo-changed makes them again."
            )
            said.append(
                f"{len(self.changed)} pairs were made from other inputs or settings "
                f"({named}{more}). {what}"
            )
        if self.others:
            named = ", ".join(self.others[:_NAMED])
            more = " and more" if len(self.others) > _NAMED else ""
            said.append(
                f"{len(self.others)} pairs in the study are not in this table ({named}{more}); "
                "they are left alone."
            )
        return said


def make_plan(study: Study, pairs: Sequence[Pair], settings: Settings) -> Plan:
    """Hold a study's folder against a table and settings."""
    done = study.done()
    plan = Plan()
    known = {pair.name for pair in pairs}
    plan.others = sorted(done.keys() - known)
    if is_study(study.folder):
        plan.settings = differences(study.content["settings"], settings.described)
    there = [pair for pair in pairs if pair.name in done]
    with ThreadPoolExecutor(_READERS) as readers:
        reasons = dict(
            zip(
                [pair.name for pair in there],
                readers.map(lambda pair: _changed(pair, done[pair.name], settings), there),
                strict=True,
            )
        )
    for pair in pairs:
        why = reasons.get(pair.name)
        if pair.name not in done:
            plan.missing.append(pair)
        elif why:
            plan.changed.append((pair, why))
        else:
            plan.kept += 1
    return plan


def shard_of(pairs: Sequence[Pair], text: str) -> list[Pair]:
    """Return the part of a table that one of several jobs does: "3/40" is the third of forty.

    Raises
    ------
    InputError
        If the text is none such.
    """
    number, _, of = text.partition("/")
    if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise InputError(f"'{text}' is no shard.", "Write 3/40 for the third of forty.")
    return list(pairs[int(number) - 1 :: int(of)])


def check_replaceable(study: Study, pairs: Sequence[Pair]) -> None:
    """Refuse to make pairs again that hold what a person put there: a review.

    Raises
    ------
    OutputError
        The message names them.
    """
    held = [pair.name for pair in pairs if PAIR.others(study.place(pair.name))]
    if held:
        more = f" and {len(held) - _NAMED} more" if len(held) > _NAMED else ""
        raise OutputError(
            f"{', '.join(held[:_NAMED])}{more} hold more than a result, such as a review of the "
            "maps that would be replaced.",
            "Move these files elsewhere first, or leave out --redo-changed.",
        )


def _changed(pair: Pair, row: dict[str, Any], settings: Settings) -> str:
    """Say what is not as it was; "" where all is."""
    try:
        files = changed_files(row["inputs"], fingerprint(pair, row["inputs"]))
    except TTAUncertaintyError as error:
        return error.problem.rstrip(".")
    except OSError as error:
        return f"{os.fspath(error.filename or '')} cannot be read"
    said = [f"{column} is another file" for column in files]
    if row.get("settings_sha256") != settings.sha256_of(pair):
        said.append("other settings")
    return ", ".join(said)
