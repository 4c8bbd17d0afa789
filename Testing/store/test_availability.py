"""Which weights a run would read, and what is missing, by the state of the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.own_program import NAME, install_program

from TTAUncertaintyLib.models import MODELS, models
from TTAUncertaintyLib.store import Lack, Source, WeightsStore, weights_of


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightsStore:
    monkeypatch.setenv("TTAUNCERTAINTY_CACHE", str(tmp_path / "cache"))
    return WeightsStore()


def test_a_model_without_weights_and_one_with_bundled_ones_can_begin(store: WeightsStore) -> None:
    assert weights_of("sitk-demons", store).source is Source.NONE
    assert weights_of("sitk-demons", store, Path("/nowhere")).installed
    assert weights_of("pyramid-flow", store).source is Source.BUNDLED


def test_bundled_weights_that_are_gone_are_a_damaged_installation(
    store: WeightsStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entry = replace(MODELS["pyramid-flow"], bundled=lambda: tmp_path / "gone")
    monkeypatch.setitem(MODELS, "pyramid-flow", entry)
    assert weights_of("pyramid-flow", store).lack is Lack.BUNDLED_FILE


def test_what_is_not_installed_lacks_its_weights_and_no_model_lacks_itself(
    store: WeightsStore,
) -> None:
    assert weights_of("lapirn", store).lack is Lack.WEIGHTS
    assert weights_of("other", store).lack is Lack.MODEL


def test_a_chosen_file_goes_before_all_others_while_it_is_there(
    store: WeightsStore, tmp_path: Path
) -> None:
    file = tmp_path / "x.pth"
    assert weights_of("pyramid-flow", store, file).lack is Lack.CHOSEN_FILE
    file.write_bytes(bytes(1_500_000))
    found = weights_of("pyramid-flow", store, file)
    assert (found.source, found.file, found.installed) == (Source.CHOSEN, file, True)
    assert found.size_mb == 1.5


@pytest.mark.parametrize(("trusted", "lack"), [(False, Lack.CONSENT), (True, None)])
def test_a_program_of_ones_own_needs_consent(
    store: WeightsStore, tmp_path: Path, trusted: bool, lack: Lack | None
) -> None:
    install_program(tmp_path / "mine", store.root, trusted)
    found = weights_of(NAME, store, tmp_path / "ignored.pth")
    assert found.source is Source.OWN and found.program
    assert found.lack is lack
    assert models()[NAME].trusted is trusted
