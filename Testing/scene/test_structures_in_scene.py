"""Structures land on a result's voxels, by name, whatever lattice they were drawn on."""

from __future__ import annotations

import numpy as np
import pytest
from support.lattices import FLIPPED, OBLIQUE, rotation
from support.lattices import affine as matrix

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.scene.arrays import LPS_RAS, add_volume, to_matrix
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.scene.structures import structures_on

CENTERS = {1: np.array([8.0, -20.0, 40.0]), 2: np.array([20.0, -10.0, 52.0])}
DRAWN_ON = Lattice.from_geometry(
    (70, 66, 60), (1.1, 1.0, 1.2), (-20, -55, 10), rotation((1, 0, 1), 15) @ np.diag([1, 1, -1.0])
).centered((70, 66, 60), (1.1, 1.0, 1.2), (14, -15, 46))


def balls(lattice: Lattice) -> np.ndarray:
    """Return labels: two balls of 8 mm."""
    k, j, i = np.meshgrid(*[np.arange(n) for n in lattice.array_shape], indexing="ij")
    world = lattice.to_world(np.stack((i, j, k), -1))
    labels = np.zeros(lattice.array_shape, np.int16)
    for label, center in CENTERS.items():
        labels[np.linalg.norm(world - center, axis=-1) < 8] = label
    return labels


@pytest.mark.parametrize("kind", ["label map", "segmentation"])
@pytest.mark.parametrize("moved", [False, True], ids=["at rest", "moved"])
@pytest.mark.parametrize("target", [OBLIQUE, FLIPPED], ids=["oblique", "flipped"])
def test_structures_land_where_they_were_drawn(
    stage: Stage, kind: str, moved: bool, target: Lattice
) -> None:
    target = target.centered((40, 44, 38), (1.5, 1.2, 1.8), (14, -15, 46))
    volume = add_volume(stage.scene, "warped", np.zeros(target.array_shape), target)
    shift = matrix(rotation((0, 0, 1), 0.0), (30.0, -12.0, 7.0))
    drawn_on = DRAWN_ON.transformed(np.linalg.inv(shift)) if moved else DRAWN_ON
    node = add_volume(stage.scene, "labels", balls(DRAWN_ON), drawn_on, labels=True)
    if kind == "segmentation":
        segmentation = stage.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "organs")
        segmentation.CreateDefaultDisplayNodes()
        assert stage.logic("Segmentations").ImportLabelmapToSegmentationNode(node, segmentation)
        for index, name in enumerate(("Thalamus", "Hirnkammer für Ärzte")):
            segmentation.GetSegmentation().GetNthSegment(index).SetName(name)
        node = segmentation
    if moved:
        transform = stage.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        transform.SetMatrixTransformToParent(to_matrix(LPS_RAS @ shift @ LPS_RAS))
        node.SetAndObserveTransformNodeID(transform.GetID())
    before = stage.scene.GetNumberOfNodes()
    found = structures_on(stage, node, volume)
    expected = balls(target)
    for label in CENTERS:
        ours, truth = found.labels == label, expected == label
        dice = 2 * (ours & truth).sum() / (ours.sum() + truth.sum())
        assert dice > 0.9, label
    if kind == "segmentation":
        assert found.names == {1: "Thalamus", 2: "Hirnkammer für Ärzte"}
    else:
        assert list(found.names) == [1, 2]
    assert stage.scene.GetNumberOfNodes() == before


def test_structures_elsewhere_are_refused(stage: Stage) -> None:
    volume = add_volume(stage.scene, "warped", np.zeros((9, 9, 9)), FLIPPED)
    far = FLIPPED.centered((9, 9, 9), (1, 1, 1), (900, 900, 900))
    labels = add_volume(stage.scene, "labels", np.ones((9, 9, 9), np.int16), far, labels=True)
    with pytest.raises(InputError, match="Nothing of labels lies on warped"):
        structures_on(stage, labels, volume)
    with pytest.raises(InputError, match="neither"):
        structures_on(stage, volume, volume)


def test_labels_are_not_called_after_colours_that_every_label_map_gets(stage: Stage) -> None:
    """Slicer's own first table would call a brain's tissues "jake", "Peach" and "Brain"."""
    lattice = FLIPPED.centered((9, 9, 9), FLIPPED.spacing, FLIPPED.center)
    volume = add_volume(stage.scene, "warped", np.zeros((9, 9, 9)), lattice)
    labels = add_volume(stage.scene, "l", np.full((9, 9, 9), 2, np.int16), lattice, labels=True)
    assert labels.GetDisplayNode().GetColorNode().GetColorName(2) == "Peach"
    assert structures_on(stage, labels, volume).names == {2: "Label 2"}
    own = stage.scene.AddNewNodeByClass("vtkMRMLColorTableNode", "My tissues")
    own.SetTypeToUser()
    own.SetNumberOfColors(3)
    own.SetColor(2, "Grey matter", 0.5, 0.5, 0.5, 1.0)
    labels.GetDisplayNode().SetAndObserveColorNodeID(own.GetID())
    assert structures_on(stage, labels, volume).names == {2: "Grey matter"}
