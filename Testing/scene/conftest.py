"""The real scene, without the desktop, and a result to put into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("slicer", reason="NOT TESTED: slicer-core is not installed, no scene was made.")

import SimpleITK as sitk
from support.phantom import write_moving_labels, write_pair
from support.scene_results import load_bundle
from support.slicer_application import SlicerApplication

from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.perturbations import DesignRequest, Preset, Sampling
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.scene.arrays import add_volume
from TTAUncertaintyLib.scene.result import ResultNodes
from TTAUncertaintyLib.scene.stage import Stage
from TTAUncertaintyLib.worker import Job
from TTAUncertaintyLib.worker.run import Phase, Run


@pytest.fixture
def application() -> Iterator[SlicerApplication]:
    """A scene with logics and without views."""
    with SlicerApplication(views=False) as application:
        yield application


@pytest.fixture
def application_with_views() -> Iterator[SlicerApplication]:
    """A scene with three slice views and a 3D view, drawn off screen."""
    with SlicerApplication(view_size=(400, 400)) as application:
        yield application


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Stage:
    """The scene with views where the test asks for these, else without."""
    views = "application_with_views" in request.fixturenames
    application = request.getfixturevalue("application_with_views" if views else "application")
    return Stage(application.scene, application.application_logic)


@dataclass(frozen=True)
class Made:
    """A bundle that the real worker made with the bundled network, and its inputs."""

    bundle: Bundle
    fixed: Path
    moving: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A standard run on an oblique, flipped, anisotropic phantom."""
    folder = tmp_path_factory.mktemp("Ergebnis für Ärzte")
    fixed, moving = write_pair(folder / "images")
    job = Job(
        fixed,
        moving,
        folder / "result",
        design=DesignRequest(Preset.STANDARD, sampling=Sampling.RANDOM, outer=3),
        threads=1,
        keep_registrations=True,
        moving_labels=write_moving_labels(folder / "images" / "labels.seg.nrrd"),
        fixed_name="Fixed head",
        moving_name="Moving head",
    )
    with Run(job) as run:
        state = run.wait(120)
    assert state.phase is Phase.FINISHED, state
    return Made(Bundle.open(job.output), fixed, moving)


def add_file(stage: Stage, path: Path, name: str) -> Any:
    image = sitk.ReadImage(str(path))
    return add_volume(stage.scene, name, sitk.GetArrayFromImage(image), Lattice.of(image))


@pytest.fixture
def result(stage: Stage, made: Made) -> ResultNodes:
    """The bundle in the scene, with its inputs."""
    fixed = add_file(stage, made.fixed, "Fixed head")
    moving = add_file(stage, made.moving, "Moving head")
    return load_bundle(stage, made.bundle, fixed, moving)
