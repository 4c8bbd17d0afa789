"""The rooms that the desktop uses load, and do their work, where there is no torch.

Slicer's own Python has none until the person agrees to install it. Each test runs in an
interpreter of its own that refuses to import torch.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support.records import RECORD

REPOSITORY = Path(__file__).resolve().parents[2]

_WITHOUT_TORCH = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, NoTorch())
"""


def run_without_torch(code: str, *arguments: str) -> str:
    """Run code in a Python that has no torch; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_TORCH + textwrap.dedent(code), *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules(room: str, pattern: str = "*", without: tuple[str, ...] = ()) -> list[str]:
    """Return the modules of a room by name."""
    files = (REPOSITORY / "TTAUncertaintyLib" / room.replace(".", "/")).glob(f"{pattern}.py")
    names = sorted(file.stem for file in files if not file.stem.startswith("__"))
    return [f"{room}.{name}" for name in names if name not in without]


@pytest.mark.parametrize(
    "module",
    [
        *modules("api"),
        *modules(
            "worker",
            without=(
                *("perform", "kept_network", "between_jobs"),
                *("audit", "expected", "labels", "masks"),
            ),
        ),
        *modules("review"),
        *modules("store"),
        *modules("results.review_report"),
        "worker",
        "engine",
        "geometry",
        "models",
        "perturbations",
        "results",
        "results.bundle",
        "results.maps",
        "results.registrations",
        "results.report.document",
        "results.report.words",
        "review",
        "resources",
        "sample_data",
        "errors",
    ],
)
def test_a_room_of_the_desktop_loads_without_torch(module: str) -> None:
    run_without_torch(f"import TTAUncertaintyLib.{module}")


def test_the_worker_registers_without_the_packages_of_the_lab() -> None:
    """Its imports, those of a calibration's application among them; Slicer has no matplotlib."""
    code = """
        import sys
        for name in ("scipy", "matplotlib", "jinja2"):
            sys.modules[name] = None
        import TTAUncertaintyLib.worker.perform
        from TTAUncertaintyLib.calibration import apply
        import TTAUncertaintyLib.results.writing
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_scene_s_rooms_load_without_torch() -> None:
    if importlib.util.find_spec("slicer") is None:
        pytest.skip("the package slicer-core is not installed here")
    names = [
        f"TTAUncertaintyLib.{name}" for room in ("scene", "controls") for name in modules(room)
    ]
    assert names
    run_without_torch(f"import importlib\nfor name in {names}: importlib.import_module(name)")


def test_a_job_survives_its_file_without_torch() -> None:
    run_without_torch(
        """
        from pathlib import Path
        from TTAUncertaintyLib.engine import Precision
        from TTAUncertaintyLib.geometry import Prealignment, Start
        from TTAUncertaintyLib.perturbations import DesignRequest, Family, Preset
        from TTAUncertaintyLib.worker import Job
        job = Job(Path("f"), Path("m"), Path("o"), start=Start.MASS, prealign=Prealignment.RIGID,
                  precision=Precision.BF16, design=DesignRequest(Preset.PAPER, Family.SHEAR))
        assert Job.from_json(job.to_json()) == job
        """
    )


@pytest.mark.parametrize("preset", ["quick", "standard", "thorough", "paper"])
def test_a_preset_is_resolved_drawn_and_checked_without_torch(preset: str) -> None:
    run_without_torch(
        f"""
        from TTAUncertaintyLib.errors import DesignError
        from TTAUncertaintyLib.geometry import Lattice
        from TTAUncertaintyLib.perturbations import DesignRequest, Family, Preset, Sampling
        lattice = Lattice.from_geometry((80, 96, 80), (2, 2, 2), (0, 0, 0))
        design = DesignRequest(Preset("{preset}")).resolve(lattice)
        assert design.draw(lattice).parameters.shape[0] == design.outer
        try:
            DesignRequest(outer=7, family=Family.RIGID, sampling=Sampling.HADAMARD).resolve(
                lattice).draw(lattice)
        except DesignError as error:
            assert "Take 8" in str(error)
        else:
            raise AssertionError
        """
    )


def test_the_models_are_described_without_torch() -> None:
    run_without_torch(
        """
        from TTAUncertaintyLib.models import DEFAULT_MODEL, MODELS
        entry = MODELS[DEFAULT_MODEL]
        assert entry.description.title and entry.description.purpose and entry.description.licence
        assert entry.bundled_bytes == entry.bundled().stat().st_size > 1e6
        assert MODELS["lapirn"].bundled_bytes is None
        """
    )


def test_a_bundle_is_opened_without_torch(tmp_path: Path) -> None:
    for name in RECORD["files"].values():
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "result.json").write_text(json.dumps(RECORD))
    run_without_torch(
        """
        import sys
        from TTAUncertaintyLib.results import Bundle, MapKind
        bundle = Bundle.open(sys.argv[1])
        assert bundle.map_files[MapKind.TOTAL].name == "total.nrrd"
        """,
        str(tmp_path),
    )


def test_a_lattice_and_a_linear_transform_are_used_without_torch(tmp_path: Path) -> None:
    run_without_torch(
        """
        import sys
        import numpy as np
        import SimpleITK as sitk
        from TTAUncertaintyLib.geometry import Lattice, itk_transform, read_linear_transform
        from TTAUncertaintyLib.review import hot_spot_regions
        lattice = Lattice.from_geometry((9, 8, 7), (1, 2, 3), (4, 5, 6))
        matrix = np.eye(4)
        matrix[:3, 3] = lattice.center
        sitk.WriteTransform(itk_transform(matrix), sys.argv[1])
        assert np.allclose(read_linear_transform(sys.argv[1]), matrix)
        values = np.zeros(lattice.array_shape, np.float32)
        values[2:5, 2:5, 2:5] = 3
        (spot,) = hot_spot_regions(values, values >= 0, lattice, 1.0).spots
        assert spot.peak == 3
        """,
        str(tmp_path / "start.tfm"),
    )


def test_what_needs_torch_says_so_by_name() -> None:
    run_without_torch(
        """
        import TTAUncertaintyLib.geometry as geometry
        try:
            geometry.resample_image
        except ModuleNotFoundError as error:
            assert error.name == "torch"
        else:
            raise AssertionError
        """
    )


def test_every_name_a_package_promises_is_there() -> None:
    code = """
        import ast
        from importlib import import_module
        from pathlib import Path
        rooms = ("api", "engine", "geometry", "models", "perturbations", "results")
        for room in (*rooms, "results.report"):
            package = import_module(f"TTAUncertaintyLib.{room}")
            for node in ast.walk(ast.parse(Path(package.__file__).read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.level == 1:
                    for name in node.names:
                        getattr(package, name.name)
            try:
                package.no_such_name
            except AttributeError as error:
                assert "no_such_name" in str(error)
            else:
                raise AssertionError
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
