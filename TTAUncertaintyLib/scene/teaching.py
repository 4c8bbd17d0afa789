"""The perturbed registrations, to be played one after another: a sequence and its browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import StoredImage
from ..results import MapKind
from ..results.registrations import KeptRegistrations
from .arrays import add_volume, fill
from .as_seen import resampled
from .bundle_arrays import read_part
from .colors import own_colors
from .display import MapDisplay, apply
from .result import ResultNodes, remove_with_display
from .stage import Stage

SEQUENCE, BROWSER, PLAYED = "sequence", "browser", "played"
BUILD_UP = "build_up"


def read_registrations(kept: KeptRegistrations) -> list[StoredImage]:
    """Read the warped images of all passes: the slow half of loading, fit for a thread.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    return [read_part(path) for path in kept.warped_files]


def played_registrations(result: ResultNodes) -> Any:
    """Return the volume that is played; None where nothing is loaded."""
    return None if result.reference(BROWSER) is None else result.reference(PLAYED)


def load_registrations(
    stage: Stage,
    result: ResultNodes,
    kept: KeptRegistrations,
    images: Sequence[StoredImage] | None = None,
) -> Any:
    """Load the warped images of all passes as a sequence; returns the volume that is played.

    At a second call, nothing is loaded again. `images` is what `read_registrations` returned, where
    that was done before.

    Raises
    ------
    InputError
        If a file cannot be read; the scene is as before then.
    """
    played = played_registrations(result)
    if played is not None:
        return played
    if images is None:
        images = read_registrations(kept)
    scene = stage.scene
    with stage.batch():
        sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", f"Registrations - {result.title}")
        sequence.SetIndexName("pass")
        sequence.SetIndexUnit("")
        sequence.SetIndexTypeFromString("numeric")
        for number, image in enumerate(images):
            volume = add_volume(scene, "pass", image.values, image.lattice)
            sequence.SetDataNodeAtValue(volume, str(number + 1))
            remove_with_display(volume)
        browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"Player - {result.title}")
        browser.AddSynchronizedSequenceNodeID(sequence.GetID())
        browser.SetPlaybackRateFps(2.0)
        result.refer(SEQUENCE, sequence)
        result.refer(BROWSER, browser)
    stage.logic("Sequences").UpdateProxyNodesFromSequences(browser)
    played = browser.GetProxyNode(sequence)
    played.SetName(f"Registration played - {result.title}")
    _look_like(played, result.warped)
    result.refer(PLAYED, played)
    show_pass(stage, result, 0)
    return played


def show_pass(stage: Stage, result: ResultNodes, number: int) -> None:
    """Go to a pass, from 0 on."""
    browser = result.reference(BROWSER)
    if browser is not None:
        browser.SetSelectedItemNumber(number)
        stage.logic("Sequences").UpdateProxyNodesFromSequences(browser)


def current_pass(result: ResultNodes) -> int:
    """Return which pass is shown, from 0 on; -1 where none is loaded."""
    browser = result.reference(BROWSER)
    return -1 if browser is None else int(browser.GetSelectedItemNumber())


def _look_like(volume: Any, other: Any) -> None:
    """Show a volume with the grey window of another."""
    if volume.GetDisplayNode() is None:
        volume.CreateDefaultDisplayNodes()
    node, model = volume.GetDisplayNode(), None if other is None else other.GetDisplayNode()
    if model is not None:
        node.AutoWindowLevelOff()
        node.SetWindowLevelMinMax(model.GetWindowLevelMin(), model.GetWindowLevelMax())


def show_build_up(
    stage: Stage,
    result: ResultNodes,
    kept: KeptRegistrations,
    values: NDArray[np.float32],
    window: tuple[float, float],
) -> Any:
    """Put the map of the passes so far into a volume of its own, and return the volume.

    Parameters
    ----------
    kept
        Says the lattice.
    values
        Total uncertainty, mm, axes (k, j, i), on the network's lattice; not changed.
    window
        The values at both ends of the colours, mm.
    """
    region = resampled(result.region, kept.lattice, nearest=True) > 0
    shown = np.where(region, values, np.float32(np.nan))
    node = result.reference(BUILD_UP)
    if node is None:
        node = add_volume(stage.scene, f"So far - {result.title}", shown, kept.lattice)
        node.SetSaveWithScene(False)
        result.refer(BUILD_UP, node)
    else:
        fill(node, shown, kept.lattice)
    kind = MapKind.TOTAL
    apply(stage, node, MapDisplay(kind, own_colors(kind), 1.0, None, window))
    return node
