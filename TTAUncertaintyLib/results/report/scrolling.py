"""The volumes of a result in the page itself: slices to scroll through, in the reader's browser.

It holds numbers and words of ours: nothing that a person wrote, and no name of a file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch

from ...geometry import Lattice, Matrix, resample_array
from ..maps import MapKind
from .niivue import NiiVue
from .overview import MOST_PLACES, go_button
from .pictures import FOLD_COLOR, OUTSIDE_COLOR
from .scales import LinearScale, LogScale
from .views import Views, table_of
from .volumes import LEVELS, grey_file, grid, map_file, mark_file
from .words import text

#: The program that shows them.
PROGRAM = "scrolling.js"

#: Most voxels of an image and of a map.
_IMAGE_VOXELS, _MAP_VOXELS = 1_000_000, 600_000
#: Volumes are made and compressed side by side.
_THREADS = 2

_IMAGES = {
    "warped": "Moving, warped",
    "fixed": "Fixed",
    "before": "Moving, before",
}
_CONTROLS = """
<div class="controls">
<label>Image <select id="look-image"></select></label>
<label>Map <select id="look-map"></select></label>
<label>Opacity <input id="look-opacity" type="range" min="0" max="100" value="100"><output></output>
</label>
<label>Show from <input id="look-threshold" type="range" min="0" max="100" value="0">
<output></output></label>
</div>
<div class="stage">
<canvas tabindex="0" aria-label="Axial, coronal and sagittal slices"></canvas></div>
"""


def scrolling_section(views: Views, niivue: NiiVue) -> str:
    """Return the volumes and the controls of the program, which shows this section when it runs."""
    kinds = list(views.findings.maps)
    images = _grid(views, views.findings.fixed.lattice, _IMAGE_VOXELS)
    maps = _grid(views, views.findings.lattice, _MAP_VOXELS)
    facts = {
        "levels": LEVELS,
        "images": _IMAGES,
        "maps": {kind.value: _map_facts(views, kind) for kind in kinds},
        "tables": {table.name: table.rgba.tolist() for table in map(table_of, kinds)},
        "first": views.findings.foremost.value,
        "focus": _ras(views.focus),
    }
    makers = _makers(views, images, maps)
    with ThreadPoolExecutor(_THREADS) as threads:
        files = threads.map(lambda make: make(), makers.values())
        volumes = "".join(map(_data, (f"look-volume-{name}" for name in makers), files))
    legends = "".join(
        f'<div data-map="{kind.value}" hidden>{views.legend(kind)}</div>' for kind in kinds
    )
    return (
        '<section id="look" class="alive"><h2>Look around</h2>'
        '<p class="lead">Drag in a slice to move the crosshair; click it, and the wheel turns '
        f"through the slices. Images every {images.spacing[0]:.1f} mm, maps every "
        f"{maps.spacing[0]:.1f} mm; the files beside this page are as fine as they come.</p>"
        f'{_CONTROLS}<div class="looked"><div>'
        '<p>Crosshair at <output id="look-crosshair"></output></p>'
        '<p>Pointer at <output id="look-pointer"></output></p>'
        f"{_places(views)}</div><div>{legends}</div></div>"
        "<details><summary>Drawn by NiiVue (BSD-2-Clause)</summary>"
        f'<p class="hint licence">{text(niivue.licence)}</p></details>'
        f'<script type="application/json" id="look-facts">{_json(facts)}</script>'
        f"{volumes}{_data('look-niivue', niivue.module)}</section>"
    )


def _grid(views: Views, source: Lattice, most_voxels: int) -> Lattice:
    return grid(views.field_of_view, float(source.spacing.min()), most_voxels)


def _map_facts(views: Views, kind: MapKind) -> dict[str, Any]:
    """Return what the program needs to know of a map: how a level is a value, and what marks it."""
    scale = views.scale(kind)
    mark = None
    if kind is MapKind.JACOBIAN:
        mark = {"name": "folds", "rgba": _opaque(FOLD_COLOR)}
    elif kind.is_error and views.findings.outside is not None:
        mark = {"name": "outside", "rgba": _opaque(OUTSIDE_COLOR)}
    return {
        "title": kind.facts.title,
        "unit": kind.facts.unit,
        "table": table_of(kind).name,
        "top": scale.top if isinstance(scale, LinearScale) else None,
        "factor": scale.factor if isinstance(scale, LogScale) else None,
        "mark": mark,
    }


def _makers(views: Views, images: Lattice, maps: Lattice) -> Mapping[str, Callable[[], bytes]]:
    """Return what makes the file of each volume, by the name that the program knows it by."""
    found, windows = views.findings, (views.fixed_window, views.moving_window)
    source, there = found.lattice, torch.from_numpy(found.region.astype(np.float32))[None]
    inside = resample_array(there, found.fixed.lattice, maps, outside=0.0)[0].numpy() > 0.5
    warped = views.warping.onto(images)
    makers = {
        "warped": partial(grey_file, warped, images, windows[1]),
        "fixed": partial(grey_file, found.fixed, images, windows[0]),
        "before": partial(grey_file, found.moving, images, windows[1], found.transform.initial),
    }
    for kind, values in found.maps.items():
        makers[kind.value] = partial(map_file, values, source, inside, maps, views.scale(kind))
    if found.outside is not None:
        makers["outside"] = partial(mark_file, found.outside, source, inside, maps, hatched=True)
    if MapKind.JACOBIAN in found.maps:
        folded = found.maps[MapKind.JACOBIAN] <= 0
        makers["folds"] = partial(mark_file, folded, source, inside, maps)
    return makers


def _opaque(color: str) -> list[int]:
    """Return "#rrggbb" as red, green, blue and opacity, 0 to 255."""
    return [*bytes.fromhex(color[1:]), 255]


def _places(views: Views) -> str:
    """Return a button for each of the worst places."""
    spots = views.findings.numbers.hot_spots[:MOST_PLACES]
    buttons = "".join(go_button(spot, f"{n}", "rank") for n, spot in enumerate(spots, start=1))
    return f"<p>Worst places {buttons}</p>" if buttons else ""


def _ras(point: Matrix) -> list[float]:
    """Return a place of the world (LPS mm) in RAS mm."""
    x, y, z = point.tolist()
    return [-x, -y, z]


def _json(value: object) -> str:
    """Return JSON that ends no element of the page, whatever is in it."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


def _data(identity: str, content: bytes) -> str:
    encoded = base64.b64encode(content).decode("ascii")
    return f'<script type="text/plain" id="{identity}">{encoded}</script>'
