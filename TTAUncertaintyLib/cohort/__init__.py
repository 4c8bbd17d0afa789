"""Many pairs: a table, checked; registered here or on a cluster; one page, the worst pair first.

Needs the extra `cohort`, but for opening a study (`study.Study`, `ratings`).
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..api.cohorts import Cohort, File


class _CallableRoom(ModuleType):
    """`TTAUncertaintyLib.cohort` is this room, and as a function what runs a cohort."""

    def __call__(self, table: File, output: File, **choices: Any) -> Cohort:
        """Register what is missing of a table of pairs: see `api.cohorts.cohort`."""
        from ..api.cohorts import cohort

        return cohort(table, output, **choices)


sys.modules[__name__].__class__ = _CallableRoom
