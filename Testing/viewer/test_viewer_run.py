"""Runs that are started in the page: to the end, cancelled, and seen from a page opened later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.calibrations import made_up
from support.own_program import NAME, install_program
from support.viewer_page import PATIENCE_MS, Study, colorfulness, drawn, open_page
from support.viewer_process import ViewerProcess

from TTAUncertaintyLib.calibration import write_calibration
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.sample_data import sample_pair


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def viewer(browser: Any, folder: Path) -> Iterator[ViewerProcess]:
    install_program(folder / "mine", folder / "cache", trusted=False)
    arguments = ("--results", folder / "results", "--largest-upload", "0.02")
    with ViewerProcess(folder, *arguments, cache=folder / "cache") as viewer:
        yield viewer


@pytest.fixture
def page(viewer: ViewerProcess, browser: Any) -> Iterator[Any]:
    page = open_page(browser, viewer.address, ".tta-tab-run")
    page.click(".tta-tab-run")
    yield page
    page.context.close()


def choose_own_images(page: Any) -> None:
    page.click(".tta-run_pair")
    row(page, "Two images of your own").click()
    page.wait_for_selector(".tta-file-fixed")


def results_in(folder: Path) -> set[Path]:
    made = folder / "results"
    return set(made.iterdir()) if made.is_dir() else set()


def send(page: Any, role: str, path: Path) -> None:
    page.set_input_files(f".tta-file-{role} input", str(path))


def test_without_a_result_the_page_invites(browser: Any, tmp_path: Path) -> None:
    with ViewerProcess(tmp_path) as viewer:
        page = open_page(browser, viewer.address, ".tta-try")
        assert "not to be trusted" in page.locator(".tta-welcome").inner_text()
        page.click(".tta-own")
        page.wait_for_selector(".tta-file-fixed")
        page.context.close()


def test_a_page_whose_viewer_has_ended_says_so(browser: Any, tmp_path: Path) -> None:
    with ViewerProcess(tmp_path) as viewer:
        page = open_page(browser, viewer.address, ".tta-try")
        viewer.end()
        page.wait_for_selector(".tta-lost:has-text('reviews are kept')")
        page.context.close()


def test_a_file_that_is_no_image_is_refused_in_words(page: Any, tmp_path: Path) -> None:
    choose_own_images(page)
    false = tmp_path / "letter.nii.gz"
    false.write_bytes(b"Dear Sir or Madam")
    send(page, "fixed", false)
    page.wait_for_selector(".tta-problem")
    assert "letter.nii.gz is not the kind of image" in page.locator(".tta-problem").inner_text()


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(page: Any, tmp_path: Path) -> None:
    choose_own_images(page)
    large = tmp_path / "whole-body.nii"
    with large.open("wb") as file:
        file.truncate(25 * 2**20)
    send(page, "fixed", large)
    page.wait_for_selector("text=whole-body.nii is larger than 0.02 GB")


def row(page: Any, title: str) -> Any:
    """Return the row of an open list."""
    return page.locator(".v-overlay--active .v-list-item", has_text=title)


def test_a_calibration_is_taken_for_its_own_network_alone(page: Any, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"schema": "something else"}')
    page.set_input_files(".tta-file-calibration input", str(wrong))
    page.wait_for_selector(".tta-problem:has-text('wrong.json: This is not a calibration')")
    own = tmp_path / "of another.json"
    record = {
        "model": {"name": "lapirn", "weights": {"sha256": "ab" * 32}, "options": {}},
        "design": {"name": "quick", "family": "rigid", "outer_K": 8, "replicates_R": 1},
        "network_lattices": {"fixed": {"spacing_mm": [2.0, 2.0, 2.0]}},
    }
    write_calibration(own, made_up(record))
    page.set_input_files(".tta-file-calibration input", str(own))
    page.wait_for_selector(".tta-file-calibration:has-text('of another.json')")
    assert page.locator(".tta-problem").count() == 0
    page.click(".tta-run")
    page.wait_for_selector(
        ".tta-problem:has-text('of another.json is a calibration of lapirn, not of pyramid-flow')"
    )
    page.click(".tta-drop-calibration")
    page.wait_for_selector(".tta-file-calibration:has-text('Choose a file')")


def test_what_is_not_here_is_listed_with_its_command_and_cannot_be_chosen(page: Any) -> None:
    page.click(".tta-run_model")
    command = "ttauncertainty models install"
    for title, words in (
        ("LapIRN (OASIS, displacement)", f"Not installed: {command} lapirn"),
        ("My program", "A program; to agree to run it"),
    ):
        row(page, title).wait_for()
        assert words in row(page, title).inner_text()
        assert "v-list-item--disabled" in (row(page, title).get_attribute("class") or "")
    page.keyboard.press("Escape")


def test_a_program_that_nobody_agreed_to_is_not_run_even_if_the_page_asks(
    page: Any, folder: Path
) -> None:
    before, results = page.locator(".tta-run_model").inner_text(), results_in(folder)
    chosen = page.evaluate("window.trame.state.get('run_model')")
    page.evaluate(f"window.trame.state.set('run_model', '{NAME}')")
    page.wait_for_selector(".tta-model-facts:has-text('A program of your own')")
    page.click(".tta-run")
    page.wait_for_selector("text=nobody agreed to run it")
    assert page.locator(".tta-running").count() == 0
    assert results_in(folder) == results
    page.evaluate(f"window.trame.state.set('run_model', '{chosen}')")
    page.wait_for_function(
        "(before) => document.querySelector('.tta-run_model')?.innerText === before", arg=before
    )


def set_number(page: Any, name: str, value: str) -> None:
    field = page.locator(f".tta-{name} input")
    field.fill(value)
    field.press("Tab")


def test_a_design_of_ones_own_is_set_number_by_number(page: Any) -> None:
    page.click(".tta-advanced .v-expansion-panel-title")
    page.wait_for_selector(".tta-advanced:has-text('As in the preset Quick')")
    assert page.locator(".tta-run_noise.v-input--disabled").count() == 1  # R is 1
    set_number(page, "run_outer", "9")
    page.wait_for_selector(".tta-advanced:has-text('Changed from Quick')")
    page.wait_for_selector("text=Quick, changed under Advanced. 11 passes.")
    page.click(".tta-run")
    page.wait_for_selector(".tta-problem:has-text('9')")  # there is no two-level design of 9
    page.click(".tta-run_family")
    row(page, "Shear").click()
    page.wait_for_selector(".tta-run_shear:not(.v-input--disabled)")
    assert page.locator(".tta-run_translationMm.v-input--disabled").count() == 1
    set_number(page, "run_threads", "1")
    page.click(".tta-run_preset")
    row(page, "Standard").click()
    page.wait_for_selector(".tta-advanced:has-text('As in the preset Standard')")
    assert page.locator(".tta-run_outer input").input_value() == "8"
    page.click(".tta-run_preset")
    row(page, "Quick").click()
    page.wait_for_selector("text=10 passes.")


def test_two_images_are_sent_and_run_to_the_end_with_an_option(
    page: Any, viewer: ViewerProcess, study: Study, folder: Path
) -> None:
    before = results_in(folder)
    choose_own_images(page)
    for role, path in (("fixed", study.fixed), ("moving", study.moving)):
        send(page, role, path)
        page.wait_for_function(
            f"() => document.querySelector('.tta-file-{role}')?.innerText.includes('{path.name}')"
        )
    page.click(".tta-run_model")
    row(page, "Diffeomorphic demons").click()
    page.click(".tta-option-spacing")
    row(page, "4").click()
    page.wait_for_selector(".tta-option-spacing:has-text('4')")
    page.click(".tta-run")
    page.wait_for_selector(".tta-running")
    page.wait_for_selector(".tta-map-select", timeout=4 * PATIENCE_MS)
    assert page.locator(".tta-title").inner_text() == "moving on fixed"
    drawn(page, lambda now: colorfulness(now) > 3, "a map")
    (made,) = results_in(folder) - before
    record = Bundle.open(made).record
    assert record["complete"]
    assert record["model"]["name"] == "sitk-demons"
    assert record["model"]["options"] == {"spacing": "4"}
    assert len(list(viewer.private_folders[0].glob("upload-*"))) >= 2


def test_a_run_outlives_a_reload_and_can_be_cancelled(page: Any, folder: Path) -> None:
    before, title = results_in(folder), page.locator(".tta-title").inner_text()
    page.click(".tta-run_pair")
    row(page, "Bundled: Colin 27 on MNI 152").click()
    page.click(".tta-run")
    page.wait_for_selector(".tta-running")
    page.reload()
    page.wait_for_selector(".tta-running")  # the run and its page are two things
    page.click(".tta-cancel")
    page.wait_for_selector(".tta-run-end")
    assert "Nothing was kept" in page.locator(".tta-run-end").inner_text()
    assert results_in(folder) == before
    assert page.locator(".tta-title").inner_text() == title


def test_the_sample_pair_is_sent_and_run_to_the_end_and_again_until_it_is_stopped(
    page: Any, folder: Path
) -> None:
    before, pair = results_in(folder), sample_pair("reference")
    choose_own_images(page)
    for role, image in (("fixed", pair.fixed), ("moving", pair.moving)):
        send(page, role, image.path)
        page.wait_for_function(
            f"() => document.querySelector('.tta-file-{role}')?.innerText"
            f".includes('{image.path.name}')"
        )
    for stop in (False, True):
        page.click(".tta-tab-run")
        page.click(".tta-run")
        page.wait_for_selector(".tta-live", timeout=4 * PATIENCE_MS)
        if stop:
            page.wait_for_selector(".tta-stop:not([disabled])", timeout=4 * PATIENCE_MS)
            page.click(".tta-stop")
        page.wait_for_selector(".tta-map-select", timeout=8 * PATIENCE_MS)
        (made,) = results_in(folder) - before
        before.add(made)
        record = Bundle.open(made).record
        assert record["passes"]["done"] >= 2 and record["complete"] is not stop
