"""A result folder into the scene, with the memory of where its files lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.scene.result import load_bundle

#: Key of the text on the result's node.
FOLDER_KEY = "bundle_folder"


def load_result(stage: Any, folder: Path | str, fixed: Any = None, moving: Any = None) -> Any:
    """Load a result folder and return its `ResultNodes`.

    Parameters
    ----------
    stage
        `Stage`.
    folder
        The result bundle.
    fixed, moving
        The volumes that it belongs to; left out if they are not in the scene (any more).

    Raises
    ------
    InputError
        If it is not a result folder, or is damaged; nothing is left half loaded.
    """
    bundle = Bundle.open(folder)
    result = load_bundle(stage, bundle, _present(stage, fixed), _present(stage, moving))
    result.set_text(FOLDER_KEY, str(Path(folder).absolute()))
    return result


def folder_of(result: Any) -> Path | None:
    """Return where the files of a result lie on this machine; None if they are gone."""
    text = result.text(FOLDER_KEY)
    folder = Path(text) if text else None
    return folder if folder is not None and folder.is_dir() else None


def _present(stage: Any, node: Any) -> Any:
    return node if node is not None and stage.scene.IsNodePresent(node) else None
