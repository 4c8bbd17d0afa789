"""The weights in the panel: from the store, by download or file; options; networks of one's own."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.manifests import write_beside

from TTAUncertaintyLib.models import MODELS
from TTAUncertaintyLib.store import Verdict, WeightsStore
from TTAUncertaintyLib.store import store as storing

pytest_plugins = ["support.module_desktop", "support.panel_desktop"]

CONTENT = bytes(range(256)) * 4000
TITLE = "LapIRN (OASIS, displacement)"


class _Publisher(BaseHTTPRequestHandler):
    go_on = threading.Event()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:100_000])
        self.wfile.flush()
        self.go_on.wait(20)
        self.wfile.write(CONTENT[100_000:])

    def log_message(self, *_):
        pass


def _looked_into(model, file, converted=None, trust_code=False, python=None):
    right = file.read_bytes() == CONTENT or file.suffix == ".json"
    return Verdict(True) if right else Verdict(True, f"{file} is not this model's.", "Get it.")


@pytest.fixture
def publisher(monkeypatch, tmp_path):
    """LapIRN's weights published on this computer, and a store of its own."""
    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(storing, "check_contents", _looked_into)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Publisher)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    entry = MODELS["lapirn"]
    published = replace(
        entry.description.published,
        url=f"http://127.0.0.1:{server.server_port}/Gewichte.pth",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size_bytes=len(CONTENT),
    )
    about = replace(entry.description, published=published)
    monkeypatch.setitem(MODELS, "lapirn", replace(entry, description=about))
    _Publisher.go_on.clear()
    yield _Publisher
    _Publisher.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def ready(publisher, desktop, panel, pair):
    """The panel with two volumes and LapIRN chosen, whose weights are not here."""
    desktop.process_events(0.05)
    panel.parameters.model = "lapirn"
    return panel


def test_a_download_is_shown_and_its_weights_are_then_there(desktop, ready, publisher):
    ui = ready.ui
    assert ui.weightsRow.visible and not ui.runButton.enabled
    assert "MIT" in ui.modelLabel.text and "Mok, Chung" in ui.modelLabel.text
    ui.downloadButton.click()
    assert ui.downloadButton.text == "Stop the download" and not ui.weightsButton.visible
    desktop.wait_until(lambda: "of 1.0 MB" in ui.weightsLabel.text, 10)
    publisher.go_on.set()
    desktop.wait_until(lambda: ui.runButton.enabled, 10)
    assert not ui.weightsRow.visible and "installed, 1.0 MB" in ui.modelLabel.text
    assert WeightsStore().installed("lapirn").path.read_bytes() == CONTENT


def test_weights_are_installed_from_a_file_without_internet(desktop, ready, tmp_path):
    file = tmp_path / "vom Stick.pth"
    file.write_bytes(CONTENT)
    desktop.answer(file)
    ready.ui.weightsButton.click()
    desktop.wait_until(lambda: ready.ui.runButton.enabled, 10)
    assert "installed" in ready.ui.modelLabel.text and file.is_file()


def test_installed_weights_are_removed_after_a_question(desktop, ready, tmp_path):
    file = tmp_path / "w.pth"
    file.write_bytes(CONTENT)
    WeightsStore().install_file("lapirn", file)
    ready.settingsChanged()
    desktop.answer(False)
    ready.ui.modelLabel.linkActivated.emit("remove")
    assert WeightsStore().installed("lapirn") is not None
    desktop.answer(True)
    ready.ui.modelLabel.linkActivated.emit("remove")
    desktop.wait_until(lambda: ready.ui.weightsRow.visible and ready.ui.weightsButton.visible, 10)
    assert WeightsStore().installed("lapirn") is None


def test_options_follow_the_model_and_reach_the_job(desktop, ready):
    import qt

    from TTAUncertaintyLib.controls.model_options import options_of

    def chosen():
        return options_of(ready.parameters.model, ready.parameters.modelOptions)

    assert ready.ui.optionsRow.visible
    combo = ready.ui.optionsRow.findChild(qt.QComboBox, "spacing")
    combo.setCurrentIndex(1)
    assert chosen() == {"spacing": "1"}
    ready.parameters.model = "pyramid-flow"
    assert ready.ui.optionsRow.findChild(qt.QComboBox, "contrast") and chosen() == {}
    ready.parameters.model = "lapirn"
    assert chosen() == {"spacing": "1"}
    combo = ready.ui.optionsRow.findChild(qt.QComboBox, "spacing")
    assert combo.currentText == "1"


def test_a_model_without_weights_needs_none(ready):
    ready.parameters.model = "sitk-demons"
    assert not ready.ui.weightsRow.visible and ready.ui.runButton.enabled
    assert "has no weights" in ready.ui.modelLabel.text


@pytest.fixture
def manifest(tmp_path):
    file = tmp_path / "my_model.py"
    file.write_text("class MyModel:\n    pass\n")
    return write_beside(file, "python", **{"class": "MyModel"})


@pytest.mark.parametrize("agrees", [False, True])
def test_a_program_of_ones_own_is_taken_only_after_a_question(desktop, ready, manifest, agrees):
    desktop.answer(manifest)
    desktop.answer(agrees)
    ready.ui.modelLabel.linkActivated.emit("add")
    if agrees:
        desktop.wait_until(lambda: ready.parameters.model == "my-model", 10)
        assert ready.ui.modelCombo.currentText == "My model" and ready.ui.runButton.enabled
    else:
        desktop.wait_until(lambda: ready.ui.weightsButton.visible, 10)
        assert WeightsStore().installed("my-model") is None
        assert ready.parameters.model == "lapirn"
