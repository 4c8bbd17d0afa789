"""A result bundle in the scene, at once."""

from __future__ import annotations

from typing import Any

from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.scene.as_seen import seen
from TTAUncertaintyLib.scene.bundle_arrays import BundleArrays
from TTAUncertaintyLib.scene.result import ResultNodes, add_result
from TTAUncertaintyLib.scene.stage import Stage


def load_bundle(stage: Stage, bundle: Bundle, fixed: Any = None, moving: Any = None) -> ResultNodes:
    """Read and show, which the module does in steps."""
    intensities = None if fixed is None else seen(fixed)[0]
    return add_result(stage, BundleArrays.read(bundle, intensities), fixed, moving)
