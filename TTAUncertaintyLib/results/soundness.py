"""Is what a run found a registration at all? What is not is refused, what is doubtful is said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..engine import Outcome
from ..errors import ModelError
from ..geometry import Image, outliers
from .findings import Findings
from .maps import MapKind

#: Beyond the moving image's edge by more than this share of its width is far outside.
_MARGIN = 0.25
#: Shares of the region that are sent there: worth a sentence, and no registration any more.
_TOLD, _REFUSED = 0.01, 0.5
#: A foreground below this share of the image is hardly anatomy.
_SMALL_REGION = 0.005
_LOOKED_AT = 100_000

_CHECK = "Check that the weights are this network's, and that it knows images of this kind."


def remarks_on_images(fixed: Image, moving: Image) -> list[str]:
    """Return what a person should know of the images before they are registered."""
    found = []
    for image in (fixed, moving):
        beyond = outliers(image.intensities.numpy())
        if beyond.size:
            extreme = float(beyond[np.argmax(np.abs(beyond))])
            found.append(
                f"{image.name} has {_counted(beyond.size)} far beyond the intensities of all "
                f"others (up to {extreme:.4g}). A network that scales an image by its extremes "
                "sees little else of it: look at them, and clip them if they are a defect."
            )
    return found


def remarks_on_findings(findings: Findings, outcome: Outcome, masked: bool) -> list[str]:
    """Return what is doubtful about a result, for its notes.

    Parameters
    ----------
    masked
        Whether the person said where statistics are taken.

    Raises
    ------
    ModelError
        If there is no estimate at all, or it is no registration: most of the anatomy is sent far
        out of the moving image, or the answers lie further apart than that is wide.
    """
    foremost = findings.maps.get(MapKind.TOTAL, findings.maps[MapKind.JACOBIAN])
    if not np.isfinite(foremost).any():
        raise ModelError(
            "There is not one estimate: what the network sees has no voxel in common with the "
            "fixed image, or its answers are beyond all numbers.",
            _CHECK,
        )
    found = [*_far_out(findings, outcome), *_far_apart(findings)]
    size = findings.numbers.region_voxels
    if findings.numbers.covered == 0.0:
        where = "the mask" if masked else "what was taken for anatomy"
        found.append(
            f"There is no estimate in {where}: it lies outside what the network sees. The maps "
            "have numbers elsewhere, the statistics have none."
        )
    elif not masked and size < _SMALL_REGION * findings.region.size:
        found.append(
            f"Only {_counted(size)} ({size / findings.region.size:.2%} of the fixed image) were "
            "taken for anatomy, and all statistics rest on them. Give a mask if there is more."
        )
    return found


def _far_out(findings: Findings, outcome: Outcome) -> list[str]:
    """Look at where the region is sent, of that part of it that begins inside the moving image."""
    moving = findings.moving.lattice
    places = _sampled(findings)
    if places.shape[1] == 0:
        return []
    k, j, i = places
    index = np.stack((i, j, k), -1).astype(float)
    ends = outcome.prediction[:, k, j, i].numpy().T.astype(float)
    rest = findings.transform.initial  # where a network that does nothing sends them
    begins = outcome.fixed_lattice.to_world(index) @ rest[:3, :3].T + rest[:3, 3]
    inside = _beyond(moving.to_voxel(begins), moving.size) <= 0
    end = _beyond(moving.to_voxel(outcome.moving_lattice.to_world(ends)), moving.size)
    if not inside.any():
        return []
    share = float((end[inside] > _MARGIN).mean())
    if share < _TOLD:
        return []
    said = f"{share:.0%} of what was taken for anatomy is sent far outside the moving image"
    if share > _REFUSED:
        raise ModelError(f"This is no registration: {said}.", _CHECK)
    return [f"{said}: the registration has failed there, at least."]


def _far_apart(findings: Findings) -> list[str]:
    """Look at whether the answers lie further apart than the moving image is wide."""
    statistics = findings.numbers.statistics.get(MapKind.TOTAL)
    width = float(np.linalg.norm(findings.moving.lattice.extent))
    if statistics is None or statistics.p95 < width:
        return []
    said = (
        f"the answers to the perturbed images lie further apart (95th percentile "
        f"{statistics.p95:.4g} mm) than the moving image is wide ({width:.0f} mm)"
    )
    if statistics.median > width:
        raise ModelError(f"This is no registration: {said}.", _CHECK)
    return [f"{said[0].upper()}{said[1:]}: do not rely on this network here."]


def _sampled(findings: Findings) -> NDArray[np.int64]:
    """Return voxels (k, j, i) of the network's lattice that lie in the region, [3, N]."""
    inside = findings.inside
    step = max(1, round((inside.size / _LOOKED_AT) ** (1 / 3)))
    start = step // 2
    return np.stack(np.nonzero(inside[start::step, start::step, start::step])) * step + start


def _beyond(voxels: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
    """Return how far voxels lie beyond an image's edge, in its widths along the worst axis."""
    beyond = np.maximum(-0.5 - voxels, voxels - (np.array(size) - 0.5)) / np.array(size)
    return np.asarray(beyond.max(-1))


def _counted(number: int) -> str:
    return f"{number} voxel" + ("" if number == 1 else "s")
