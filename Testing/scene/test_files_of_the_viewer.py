"""What the viewer reads comes in by the door of all images, and is what was registered."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import image_sha256, read_stored
from TTAUncertaintyLib.scene.result import ResultNodes
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.viewer.opening import _image
from TTAUncertaintyLib.viewer.structures_of_fixed import StructuresOfFixed


@pytest.mark.parametrize("ending", ["nrrd", "mha", "nii.gz"])
def test_a_label_map_that_was_cut_short_is_refused(
    ending: str, stage: Stage, result: ResultNodes, made: Any, tmp_path: Path
) -> None:
    fixed = read_stored(made.fixed)
    labels = np.random.default_rng(0).integers(0, 4, fixed.values.shape).astype(np.uint8)
    path = tmp_path / f"labels.{ending}"
    sitk.WriteImage(fixed.lattice.stamp(sitk.GetImageFromArray(labels)), str(path))
    viewer: Any = SimpleNamespace(stage=stage)
    structures = StructuresOfFixed(viewer)
    assert set(np.unique(structures.of_file(result, path, "mine").labels)) == {0, 1, 2, 3}
    before = stage.scene.GetNumberOfNodes()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="truncated or damaged"):
        structures.of_file(result, path, "mine")
    assert stage.scene.GetNumberOfNodes() == before


def test_an_image_that_was_replaced_since_the_run_is_not_shown_with_it(
    made: Any, tmp_path: Path
) -> None:
    """As the voxels of another patient on the very same lattice would be."""
    path = tmp_path / made.moving.name
    shutil.copy(made.moving, path)
    stored = read_stored(path)
    recorded = {"path": str(path), "sha256": image_sha256(path), "lattice": {}}
    shown = _image(recorded, None)
    assert shown is not None and np.array_equal(shown.values, stored.values)
    other = stored.lattice.stamp(sitk.GetImageFromArray(stored.values + 1))
    sitk.WriteImage(other, str(path))
    assert _image(recorded, None) is None
