"""What the Slicer module TTAUncertainty is made of: panel, logic, runs.

Qt and Slicer are at home here; the arithmetic is in the library TTAUncertaintyLib, which this
package makes importable, and the scene in the library's room ``scene``. Nothing here is imported
before the module is opened or its logic is asked for.
"""

from .library import ensure_library

ensure_library()
