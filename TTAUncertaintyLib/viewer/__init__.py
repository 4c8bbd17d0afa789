"""Slicer in the browser: the rooms `scene`, `review` and `worker`, wired for a page.

Needs the extra `viewer` (trame-slicer). The page is served to this computer alone, to whoever has
the address with its token; see `guard`.
"""
