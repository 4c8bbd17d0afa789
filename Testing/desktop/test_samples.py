"""The sample images in Slicer: loaded without network, labels with their names."""

from __future__ import annotations

import pytest
import slicer

pytest_plugins = ["support.module_desktop"]


@pytest.fixture
def samples(module, desktop):
    desktop.start_up()
    import SampleData
    from TTAUncertaintyPanel import samples

    return {s["sampleName"]: s for s in SampleData.SampleDataLogic.sources}, samples


def test_pairs_and_tissues_are_listed_with_checksums(samples):
    sources, ours = samples
    assert "Colin27 T1 on MNI152 T1" in sources
    assert "MNI152 tissues" in sources
    for source in sources.values():
        assert source["category"] == ours.CATEGORY
        assert all(uri.startswith("file://") for uri in source["uris"])
        assert all(checksum.startswith("SHA256:") for checksum in source["checksums"])


def test_tissues_come_with_their_names(samples):
    from TTAUncertaintyLib.scene.stage import Stage
    from TTAUncertaintyLib.scene.structures import structures_on

    sources, ours = samples
    source = sources["MNI152 tissues"]
    (node,) = source["customDownloader"](source)
    fixed, _moving = ours.load_sample_pair()
    found = structures_on(Stage(slicer.mrmlScene, slicer.app.applicationLogic()), node, fixed)
    assert found.names == {1: "Cerebrospinal fluid", 2: "Grey matter", 3: "White matter"}


def test_landmarks_of_both_brains_are_the_same_places(samples):
    sources, _ = samples
    nodes = []
    for name in ("MNI152 landmarks", "Colin27 landmarks"):
        nodes += sources[name]["customDownloader"](sources[name])
    names = [[n.GetNthControlPointLabel(k) for k in range(32)] for n in nodes]
    assert names[0] == names[1] and "pineal gland" in names[0]
    assert [n.GetName() for n in nodes] == ["MNI152 landmarks", "Colin27 landmarks"]
    position = [0.0, 0.0, 0.0]
    nodes[0].GetNthControlPointPositionWorld(names[0].index("R MB"), position)
    assert position[0] > 0  # right is positive in Slicer's world
    for node in nodes:
        assert node.GetLocked()
        assert node.GetStorageNode() is None


def test_loaded_samples_do_not_know_their_files(samples):
    """Saving the scene must not write over the extension's own images."""
    _, ours = samples
    for node in ours.load_sample_pair("lesion"):
        assert node.GetStorageNode() is None
