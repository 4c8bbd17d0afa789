"""The controls of each section, said once: choices, words, what is possible, what a click does.

No Qt and no trame: the panel in Slicer and the page in the browser bind these to their widgets. A
section is a class with the methods that a person's doing comes to; it asks its screen for the
choices, and gives it a frozen view to be shown.
"""
