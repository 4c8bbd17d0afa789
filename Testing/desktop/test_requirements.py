"""What has to be there before a run, and where it is remembered; torch is not loaded here."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import urllib.request
from types import ModuleType, SimpleNamespace

import pytest
import slicer

from TTAUncertaintyLib.errors import ResourceError
from TTAUncertaintyLib.store import Source

pytest_plugins = ["support.module_desktop"]


@pytest.fixture
def requirements(logic):
    from TTAUncertaintyPanel import requirements

    requirements.TorchCheck._answers.clear()
    yield requirements
    requirements.TorchCheck._answers.clear()


def test_torch_is_found_in_the_workers_python_in_the_background(logic, requirements):
    check = logic.torchCheck
    assert check.answer.state is requirements.TorchState.UNKNOWN
    check.start()
    assert check.answer.state is requirements.TorchState.CHECKING
    answer = check.wait()
    assert answer.state is requirements.TorchState.PRESENT
    assert answer.version[0].isdigit()
    assert answer.devices[0] == "cpu"
    # a second logic knows it already
    assert requirements.TorchCheck(logic.machine).answer == answer


def test_a_python_without_torch_is_told_from_one_that_is_broken(
    logic,
    requirements,
    tmp_path,
):
    bare = tmp_path / "without packages"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    logic.machine.python = bare
    answer = logic.torchCheck.wait()
    assert answer.state is requirements.TorchState.BROKEN  # numpy is missing first
    assert "numpy" in answer.problem

    logic.machine.python = tmp_path / "nothing here"
    answer = logic.torchCheck.wait()
    assert answer.state is requirements.TorchState.BROKEN
    assert str(tmp_path) in answer.problem

    saying = tmp_path / "says so"
    saying.write_text(
        f"#!{sys.executable}\n"
        "import json; print('a warning')\n"
        "print(json.dumps({'torch': '', 'devices': ['cpu'], 'problem': 'x', 'missing': 'torch'}))\n"
    )
    saying.chmod(0o755)
    logic.machine.python = saying
    assert logic.torchCheck.wait().state is requirements.TorchState.MISSING


def test_a_check_that_is_no_longer_wanted_leaves_no_process(logic, requirements, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text(f"#!{sys.executable}\nimport time; time.sleep(60)\n")
    slow.chmod(0o755)
    logic.machine.python = slow
    logic.torchCheck.start()
    process = logic.torchCheck._process
    logic.close()
    assert process.poll() is not None
    assert logic.torchCheck.answer.state is requirements.TorchState.UNKNOWN


def test_without_the_pytorch_extension_the_person_is_told_where_to_get_it(logic, requirements):
    with pytest.raises(ResourceError, match="Extensions Manager"):
        logic.installTorch()


@pytest.mark.parametrize(("answer", "installed"), [(SimpleNamespace(), True), (None, False)])
def test_torch_is_installed_only_through_the_extension_which_asks_first(
    logic,
    requirements,
    monkeypatch,
    answer,
    installed,
):
    asked = []

    class PyTorchUtilsLogic:
        def installTorch(self, **keywords):  # noqa: N802
            asked.append(keywords)
            return answer

    extension = ModuleType("PyTorchUtils")
    extension.PyTorchUtilsLogic = PyTorchUtilsLogic
    monkeypatch.setitem(sys.modules, "PyTorchUtils", extension)
    assert logic.installTorch() is installed
    assert asked == [{"askConfirmation": True}]
    assert logic.torchCheck.answer.state is requirements.TorchState.UNKNOWN


def test_bundled_weights_are_there_and_others_need_a_file(logic, monkeypatch, tmp_path):
    from TTAUncertaintyLib.controls.readiness import problem_with_weights

    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path / "cache"))
    bundled = logic.weights("pyramid-flow")
    assert bundled.installed and bundled.source is Source.BUNDLED
    assert bundled.size_mb == pytest.approx(bundled.file.stat().st_size / 1e6)

    missing = logic.weights("lapirn")
    assert not missing.installed and missing.source is Source.ABSENT
    assert "install them from a file" in problem_with_weights("lapirn", missing).said()

    chosen = tmp_path / "Gewichte für LapIRN.pth"
    chosen.write_bytes(b"x" * 2_000_000)
    logic.machine.setWeightsFile("lapirn", chosen)
    assert logic.weights("lapirn").file == chosen
    assert logic.weights("lapirn").installed
    assert logic.weights("lapirn").size_mb == 2.0
    chosen.unlink()
    assert str(chosen) in problem_with_weights("lapirn", logic.weights("lapirn")).said()
    logic.machine.setWeightsFile("lapirn", None)
    assert logic.weights("lapirn").file is None


def test_settings_of_the_machine_are_remembered_and_survive_nonsense(logic, desktop, tmp_path):
    import qt
    from TTAUncertaintyPanel.machine import MachineSettings

    machine = MachineSettings()
    assert (machine.device, machine.precision, machine.batchSize) == ("auto", "f32", 0)
    machine.device, machine.precision, machine.threads, machine.batchSize = "cuda:1", "bf16", 3, 4
    machine.resultsFolder = tmp_path / "Ergebnisse"
    again = MachineSettings()
    assert (again.device, again.precision, again.threads) == ("cuda:1", "bf16", 3)
    assert again.batchSize == 4
    assert again.resultsFolder == tmp_path / "Ergebnisse"

    for key in ("threads", "precision"):
        qt.QSettings().setValue(f"TTAUncertainty/{key}", "many")
    assert (again.threads, again.precision) == (0, "f32")


def test_sample_images_are_registered_with_checksums_and_need_no_network(desktop, module, tmp_path):
    import SampleData

    desktop.start_up()
    sources = SampleData.SampleDataLogic.sources
    assert len(sources) >= 3
    for source in sources:
        lists = [source[key] for key in ("uris", "fileNames", "nodeNames", "checksums")]
        assert len({len(entries) for entries in lists}) == 1
        for uri, name, _, checksum in zip(*lists, strict=True):
            assert uri.startswith("file:")
            urllib.request.urlretrieve(uri, tmp_path / name)
            digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
            assert checksum == f"SHA256:{digest}"
    # labels and points are loaded by functions of ours: one names them, the other locks them
    ours = [source["sampleName"] for source in sources if source.get("customDownloader")]
    points = ["MNI152 landmarks", "Colin27 landmarks"]
    lung = [f"Lung CT, {time} time: landmarks" for time in ("first", "second")]
    labels = ["MNI152 tissues", "Lung CT, first time: lung"]
    assert sorted(ours) == sorted([*labels, *points, *lung])


def test_a_loaded_sample_pair_cannot_be_written_back_over_the_extensions_files(module):
    from TTAUncertaintyPanel.samples import load_sample_pair

    fixed, moving = load_sample_pair()
    assert (fixed.GetName(), moving.GetName()) == ("MNI152 T1", "Colin27 T1")
    for node in (fixed, moving):
        assert node.GetImageData() is not None
        assert node.GetStorageNode() is None


def test_the_workers_python_is_slicers_own_where_there_is_one(logic, tmp_path, monkeypatch):
    from TTAUncertaintyPanel.python import worker_environment, worker_python

    logic.machine.python = ""
    home = tmp_path / "Slicer 5"
    monkeypatch.setattr(slicer, "app", SimpleNamespace(slicerHome=str(home)))
    assert worker_python(logic.machine) == (shutil.which("PythonSlicer") or sys.executable)
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "PythonSlicer").touch()
    assert worker_python(logic.machine) == str(home / "bin" / "PythonSlicer")
    assert worker_environment(logic.machine) is None

    logic.machine.python = sys.executable
    monkeypatch.setattr(slicer.app, "startupEnvironment", None, raising=False)
    monkeypatch.setattr(slicer.util, "startupEnvironment", lambda: {"HOME": "/"})
    assert worker_python(logic.machine) == sys.executable
    assert worker_environment(logic.machine) == {"HOME": "/"}


@pytest.mark.stand_ins
def test_nothing_here_loads_torch():
    program = (
        "import sys; sys.path[:0] = ['Testing', 'TTAUncertainty']\n"
        "from support.desktop import Desktop\n"
        "from support.module_desktop import MODULE\n"
        "with Desktop(views=False) as desktop:\n"
        "    desktop.load_module(MODULE)\n"
        "    from TTAUncertainty import TTAUncertaintyLogic\n"
        "    logic = TTAUncertaintyLogic()\n"
        "    logic.getParameterNode(); logic.weights('lapirn')\n"
        "    from TTAUncertaintyLib.controls.run_choices import RunChoices\n"
        "    logic.reasonNotToRun(RunChoices())\n"
        "    logic.close()\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=100)
