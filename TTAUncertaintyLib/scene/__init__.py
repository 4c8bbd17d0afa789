"""A result in Slicer's scene: nodes and their display. No Qt, no torch.

Shared by the desktop module and the browser viewer, which reach most of it through `controls`.
Positions are RAS here and nowhere else.
"""
