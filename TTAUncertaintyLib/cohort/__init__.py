"""Many pairs: a table, checked; registered here or on a cluster; one page, the worst pair first.

Needs the extra `cohort`, but for opening a study (`study.Study`, `ratings`). As a function it
runs one: `api.cohort`.
"""

from ..lazy_imports import callable_as

callable_as(__name__, "cohort")
