"""The module's self-test passes in the harness, with the real process and the bundled network."""

from __future__ import annotations

import pytest
import slicer

pytest_plugins = ["support.module_desktop"]


@pytest.mark.slow
def test_the_self_test_of_the_module_passes(module, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    slicer.selfTests["TTAUncertainty"]()


def test_the_self_test_notices_a_transform_that_is_off(module):
    """Its checks are not empty: they fail for a result that misses the shift."""
    import unittest
    from types import SimpleNamespace

    from TTAUncertaintyPanel import self_test

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    with pytest.raises(AssertionError, match="missed"):
        self_test._check_shift(unittest.TestCase(), SimpleNamespace(transform=transform))
    phantom = self_test.make_phantom("phantom")
    moved = self_test.make_phantom("moved", self_test.SHIFT_MM)
    with pytest.raises(AssertionError):
        self_test._check_transform(
            unittest.TestCase(),
            SimpleNamespace(transform=transform, warped=phantom),
            phantom,
            moved,
        )
