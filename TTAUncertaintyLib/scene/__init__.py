"""A result in Slicer's scene: nodes and their display. No Qt, no torch.

The one room that imports `slicer`; shared by the desktop module and the browser viewer. Positions
are RAS here and nowhere else.
"""
