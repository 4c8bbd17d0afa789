"""Stand-ins for the widgets of CTK and of Slicer that a module's panel is made of."""
