"""Many pairs: a table, checked; registered here or on a cluster; one page, the worst pair first.

Needs the extra `cohort`, but for opening a study (`study.Study`, `ratings`).
"""
