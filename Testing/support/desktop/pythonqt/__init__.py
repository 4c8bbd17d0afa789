"""The modules ``qt`` and ``ctk`` as PythonQt gives them, over PySide6.

Slicer embeds Python with PythonQt, whose habits differ from PySide6's: properties are attributes,
signals can be named by a string. What stands here bends PySide6 to those habits for as long as the
process lives. PythonQt itself is not here, so whatever only PythonQt does stays unseen.
"""
