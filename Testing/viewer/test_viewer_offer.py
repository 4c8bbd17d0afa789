"""The bundled network that the images ask for is offered before the run, and a click takes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.viewer_page import open_page
from support.viewer_process import ViewerProcess

from TTAUncertaintyLib.models import MODELS
from TTAUncertaintyLib.models.offers import why_offered
from TTAUncertaintyLib.sample_data import sample_pair

FOR_BRAINS, FOR_ANY = "pyramid-flow", "pyramid-flow-any"
OWN = "Two images of your own"
BUNDLED_LUNG = "Bundled: a lung CT of two times"
BUNDLED_LESION = "Bundled: Colin 27 with a lesion on MNI 152"


@pytest.fixture(scope="module")
def viewer(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ViewerProcess]:
    with ViewerProcess(tmp_path_factory.mktemp("offer")) as viewer:
        yield viewer


@pytest.fixture
def page(viewer: ViewerProcess, browser: Any) -> Iterator[Any]:
    """The page where images are sent, with the network for brains."""
    page = open_page(browser, viewer.address, ".tta-own")
    page.click(".tta-own")
    page.wait_for_selector(".tta-file-fixed")
    choose_model(page, FOR_BRAINS)
    yield page
    page.context.close()


def choose(page: Any, what: str, title: str) -> None:
    page.click(f".tta-{what}")
    page.locator(".v-overlay--active .v-list-item").get_by_text(title, exact=True).click()


def choose_model(page: Any, model: str) -> None:
    choose(page, "run_model", MODELS[model].description.title)
    wait_for_model(page, model)


def wait_for_model(page: Any, model: str) -> None:
    """Wait until the page says what the server takes a model for."""
    page.locator(".tta-form").get_by_text(MODELS[model].description.purpose).wait_for()


def send(page: Any, pair: str, *roles: str) -> None:
    for role in roles or ("fixed", "moving"):
        send_file(page, role, getattr(sample_pair(pair), role).path)


def send_file(page: Any, role: str, path: Path) -> None:
    page.set_input_files(f".tta-file-{role} input", str(path))
    page.wait_for_selector(f".tta-file-{role}:has-text('{path.name}')")


def wait_for_offer(page: Any, model: str) -> None:
    """Wait for the offer of a model, with the words of the panel."""
    page.locator(".tta-offer").get_by_text(why_offered(model == FOR_BRAINS)).wait_for()
    assert page.locator(".tta-take-offered").inner_text() == MODELS[model].description.title


def wait_for_none(page: Any) -> None:
    page.wait_for_selector(".tta-offer", state="detached")


def test_one_image_offers_nothing(page: Any) -> None:  # comes first: what is sent stays
    send(page, "lung", "fixed")
    choose(page, "run_pair", BUNDLED_LUNG)  # which is read after what was sent
    wait_for_offer(page, FOR_ANY)
    choose(page, "run_pair", OWN)
    wait_for_none(page)


def test_two_images_that_are_no_brains_offer_the_network_for_any_anatomy(page: Any) -> None:
    send(page, "lung")
    wait_for_offer(page, FOR_ANY)
    page.click(".tta-take-offered")
    wait_for_model(page, FOR_ANY)
    wait_for_none(page)


def test_two_brains_offer_the_network_for_brains_and_only_where_it_is_not_chosen(
    page: Any,
) -> None:
    send(page, "lung")
    wait_for_offer(page, FOR_ANY)
    send(page, "reference")
    wait_for_none(page)
    choose_model(page, FOR_ANY)
    wait_for_offer(page, FOR_BRAINS)
    page.click(".tta-take-offered")
    wait_for_model(page, FOR_BRAINS)
    wait_for_none(page)


def test_a_damaged_image_offers_nothing_and_is_no_problem_yet(page: Any, tmp_path: Path) -> None:
    send(page, "lung")
    wait_for_offer(page, FOR_ANY)
    cut = tmp_path / "cut.nii.gz"
    cut.write_bytes(sample_pair("lung").moving.path.read_bytes()[:-100_000])
    send_file(page, "moving", cut)
    wait_for_none(page)
    choose_model(page, FOR_ANY)
    choose(page, "run_pair", BUNDLED_LESION)  # which is read after what was sent
    wait_for_offer(page, FOR_BRAINS)
    choose(page, "run_pair", OWN)
    choose_model(page, FOR_BRAINS)
    wait_for_none(page)
    assert page.locator(".tta-problem").count() == 0


def test_a_page_takes_nothing_that_is_not_offered(page: Any) -> None:
    send(page, "lung")
    choose_model(page, FOR_ANY)
    page.evaluate(
        """() => {
            const rows = window.trame.state.get("run_rows");
            const offer = { value: "sitk-demons", title: "Demons", about: "Better:" };
            window.trame.state.set("run_rows", { ...rows, offer });
        }"""
    )
    page.click(".tta-take-offered:has-text('Demons')")
    choose(page, "run_preset", "Standard")
    wait_for_none(page)
    wait_for_model(page, FOR_ANY)
