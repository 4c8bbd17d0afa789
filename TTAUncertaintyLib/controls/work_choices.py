"""What can be set about a work list: whose it is, and what of it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from ..cohort.work_list import DONE, Listed
from .control import Line, OneOf, Place, Row, Switch, rows_of
from .option import Option

#: Values of lists that let everything through.
ALL = ""

_STATES = (
    Option(DONE, "Done"),
    Option("failed", "Failed"),
    Option("missing", "Missing"),
    Option(ALL, "All"),
)


@dataclass(frozen=True)
class WorkChoices:
    """How a person goes through a study."""

    reviewer: Annotated[
        str,
        Line(
            "Reviewer",
            "Grades, verdicts and comments go into a file of this name in the study: letters, "
            "digits and ._-.",
            Place.OWN,
        ),
    ] = ""
    text: Annotated[
        str,
        Line("Filter", "Words that name, group or flags contain; the word flag.", Place.RUN),
    ] = ""
    group: Annotated[str, OneOf("Group", "Only one group.", Place.RUN, half=True, closed=False)] = (
        ALL
    )
    state: Annotated[
        str,
        OneOf("State", "Those that are done, or failed.", Place.RUN, options=_STATES, half=True),
    ] = DONE
    ungraded: Annotated[
        bool, Switch("Only those without a grade", "Leaves out what you have graded.", Place.RUN)
    ] = False
    others: Annotated[
        bool,
        Switch(
            "Show what others say",
            "Off, you are blind to the grades and comments of other reviewers.",
            Place.RUN,
        ),
    ] = False

    def lets_through(self, one: Listed) -> bool:
        """Whether a pair is shown, grades aside."""
        return (
            (self.group == ALL or one.group == self.group[1:])
            and self.state in (ALL, one.state)
            and one.matches(self.text)
        )


def work_rows(
    choices: WorkChoices, groups: Iterable[str], places: Iterable[Place] = (Place.RUN,)
) -> tuple[Row, ...]:
    """Return the rows of a work list; without a second group there is none to choose."""
    known = sorted(set(groups))
    offered = (Option(ALL, "All"), *(Option(f"={name}", name or "(none)") for name in known))
    rows = rows_of(WorkChoices, places, choices, options={"group": offered})
    return tuple(row for row in rows if row.name != "group" or len(known) > 1)
