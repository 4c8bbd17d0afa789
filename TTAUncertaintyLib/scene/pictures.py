"""Pictures of views as PNG files, and views that look where they looked before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import vtk

from .slices import slice_nodes
from .stage import Stage


def png_of_window(window: Any) -> bytes:
    """Return what a vtkRenderWindow has drawn, as a PNG file."""
    grabber = vtk.vtkWindowToImageFilter()
    grabber.SetInput(window)
    grabber.SetInputBufferTypeToRGB()
    grabber.ReadFrontBufferOff()
    grabber.ShouldRerenderOff()
    writer = vtk.vtkPNGWriter()
    writer.SetCompressionLevel(3)
    writer.SetInputConnection(grabber.GetOutputPort())
    writer.WriteToMemoryOn()
    writer.Write()
    return bytes(memoryview(writer.GetResult()))


@contextmanager
def views_as_before(stage: Stage) -> Iterator[None]:
    """Put the slices, and the crosshair, back to where they were."""
    kept = []
    for node in slice_nodes(stage):
        matrix = vtk.vtkMatrix4x4()
        matrix.DeepCopy(node.GetSliceToRAS())
        kept.append((node, matrix))
    crosshair = stage.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    mark = (
        None if crosshair is None else (crosshair.GetCrosshairRAS(), crosshair.GetCrosshairMode())
    )
    try:
        yield
    finally:
        for node, matrix in kept:
            node.GetSliceToRAS().DeepCopy(matrix)
            node.UpdateMatrices()
        if crosshair is not None and mark is not None:
            crosshair.SetCrosshairRAS(*mark[0])
            crosshair.SetCrosshairMode(mark[1])
