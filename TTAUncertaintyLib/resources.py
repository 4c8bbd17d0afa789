"""Where the files that come with the library lie: images, weights, calibrations, colour tables."""

from __future__ import annotations

from pathlib import Path

_MARKER = Path("SampleData") / "sample_data.json"
"""A file that only our own resources hold. An installed Slicer extension has, beside the library,
the ``Resources`` folder of every module: its name alone proves nothing."""


def resources_folder() -> Path:
    """Folder that holds ``SampleData``, ``Models``, ``Calibrations`` and ``ColorTables``.

    It lies beside the library in a source checkout, and inside it once installed, whether by pip
    or as a Slicer extension.

    Returns
    -------
    Path
        Absolute path of the folder.

    Raises
    ------
    FileNotFoundError
        If it is in neither place, which means that the installation is incomplete.
    """
    library = Path(__file__).resolve().parent
    candidates = (library.parent / "Resources", library / "Resources")
    for folder in candidates:
        if (folder / _MARKER).is_file():
            return folder
    places = " or ".join(str(folder) for folder in candidates)
    raise FileNotFoundError(
        f"The files that come with TTAUncertainty were not found in {places}. "
        "The installation is incomplete: install TTAUncertainty again."
    )
