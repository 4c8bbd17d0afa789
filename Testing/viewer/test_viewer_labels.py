"""Labels, masks and a registration made elsewhere: sent to the page, run, and looked at there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from support.phantom import FIXED, MOVING, write, write_moving_labels, write_pair
from support.viewer_page import PATIENCE_MS, colorfulness, drawn, open_page
from support.viewer_process import ViewerProcess

from TTAUncertaintyLib.geometry import itk_transform
from TTAUncertaintyLib.geometry.stored import sha256
from TTAUncertaintyLib.results import Bundle, MapKind

NAMES = "label\tname\tcolor\n4\tLeft <half>\t#e63c3c\n7\tRight half\t#3c5ae6\n"
RED, BLUE = (230, 60, 60), (60, 90, 230)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("labels")


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, Path]:
    """What is sent, by what it is for."""
    fixed, moving = write_pair(folder / "in")
    names = folder / "in" / "names.tsv"
    names.write_text(NAMES)
    shapes = {"fixed_mask": FIXED, "moving_mask": MOVING, "leave_out": FIXED}
    masks = {}
    for role, lattice in shapes.items():
        mask = np.zeros(lattice.array_shape, np.uint8)
        mask[(slice(10, 13) if role == "leave_out" else slice(1, None)),] = 1
        masks[role] = write(folder / "in" / f"{role}.nrrd", mask, lattice, sitk.sitkUInt8)
    labels = write_moving_labels(folder / "in" / "labels.seg.nrrd")
    return {
        "fixed": fixed,
        "moving": moving,
        "moving_labels": labels,
        "label_names": names,
        **masks,
    }


@pytest.fixture(scope="module")
def viewer(browser: Any, folder: Path) -> Iterator[ViewerProcess]:
    with ViewerProcess(folder / "viewer", "--results", folder / "results") as viewer:
        yield viewer


@pytest.fixture
def page(viewer: ViewerProcess, browser: Any) -> Iterator[Any]:
    page = open_page(browser, viewer.address, ".tta-tab-run")
    yield page
    page.context.close()


def send(page: Any, files: dict[str, Path]) -> None:
    page.click(".tta-tab-run")
    page.wait_for_selector(".tta-run_pair")
    if page.locator(".tta-file-fixed").count() == 0:
        page.click(".tta-run_pair")
        page.locator(".v-overlay--active .v-list-item", has_text="of your own").click()
        page.wait_for_selector(".tta-file-fixed")
    for role, path in files.items():
        if role not in ("fixed", "moving"):  # of the others, one group is open at a time
            masks = role in ("fixed_mask", "moving_mask", "leave_out")
            title = page.locator(".tta-files .v-expansion-panel-title").nth(int(masks))
            if title.get_attribute("aria-expanded") != "true":
                title.click()
        page.set_input_files(f".tta-file-{role} input", str(path))
        page.wait_for_selector(f".tta-file-{role}:has-text('{path.name}')")


def run(page: Any, folder: Path) -> Bundle:
    before = results_in(folder)
    page.click(".tta-run")
    page.wait_for_selector(".tta-running")
    page.wait_for_selector(".tta-running", state="detached", timeout=8 * PATIENCE_MS)
    (made,) = results_in(folder) - before
    return Bundle.open(made)


def results_in(folder: Path) -> set[Path]:
    made = folder / "results"
    return set(made.iterdir()) if made.is_dir() else set()


@pytest.fixture(scope="module")
def made(viewer: ViewerProcess, browser: Any, files: dict[str, Path], folder: Path) -> Bundle:
    """A run of all of it, from the page."""
    page = open_page(browser, viewer.address, ".tta-tab-run")
    send(page, files)
    page.click(".tta-advanced .v-expansion-panel-title")
    field = page.locator(".tta-run_labelToleranceMm input")
    field.fill("0.5")
    field.press("Tab")
    made = run(page, folder)
    page.context.close()
    return made


def near(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(picture - color).max(axis=2) < 45).sum())


def yellowish(picture: np.ndarray) -> int:
    """Count what may be a thin yellow line: pictures come with fewer colours than pixels."""
    red, green, blue = np.moveaxis(picture, -1, 0)
    return int(((red - blue > 50) & (green - blue > 30) & (np.abs(red - green) < 60)).sum())


def test_every_file_that_was_sent_is_in_the_record(made: Bundle, files: dict[str, Path]) -> None:
    record = made.record
    for role in ("fixed", "moving", "fixed_mask", "moving_mask", "leave_out"):
        assert record["inputs"][role]["sha256"] == sha256(files[role]), role
    assert record["labels"]["sha256"] == sha256(files["moving_labels"])
    assert record["labels"]["tolerance_mm"] == 0.5
    assert [one["name"] for one in record["labels"]["structures"]] == ["Left <half>", "Right half"]


def test_the_structures_are_listed_and_a_click_draws_one(page: Any, made: Bundle) -> None:
    page.click(".tta-tab-review")
    rows = page.locator(".tta-carried tbody tr")
    rows.nth(1).wait_for()
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(made.labels)))
    for row, label, name in ((rows.nth(0), 4, "Left <half>"), (rows.nth(1), 7, "Right half")):
        cells = row.locator("td").all_inner_texts()
        assert cells[0] == name
        assert float(cells[1]) == pytest.approx((labels == label).sum() * 0.015, abs=0.006)
        low, high = (float(end) for end in cells[2].replace("–", " ").split())
        assert low < float(cells[1]) < high
        assert "Not to be used at 0.5 mm" in (row.get_attribute("title") or "")
    rows.nth(1).click()
    page.wait_for_selector(".tta-carried tr.chosen:has-text('Right half')")
    rows.nth(1).click()
    page.wait_for_selector(".tta-carried tr.chosen", state="detached")


def test_outlines_and_bands_are_drawn_over_the_image(page: Any, made: Bundle) -> None:
    page.click(".tta-tab-map")
    page.wait_for_selector(".tta-map-select")
    thumb = page.locator(".tta-opacity [role=slider]").first
    thumb.focus()
    thumb.press("Home")

    def choose(title: str) -> None:
        page.locator(".tta-outlines button", has_text=title).click()

    plain = drawn(page, lambda now: colorfulness(now) < 3, "no map")

    def labels(now: np.ndarray) -> bool:
        return all(near(now, color) > near(plain, color) + 20 for color in (RED, BLUE))

    def edges(now: np.ndarray) -> bool:
        return yellowish(now) > yellowish(plain) + 100

    for title, shown in (("Labels", labels), ("Bands", labels), ("Edges", edges)):
        choose(title)
        lines = drawn(page, shown, title)
        red, green, blue = np.moveaxis(lines, -1, 0)
        orange = (np.abs(red - green - 40) < 15) & (np.abs(green - blue - 45) < 20)
        assert (int(orange.sum()) > 300) is (title == "Bands"), title
        choose("Off")
        drawn(page, lambda now, shown=shown: not shown(now), "no outlines")
    structures = page.locator(".tta-outlines button", has_text="Structures")
    assert structures.is_disabled()
    assert "No structures" in (structures.get_attribute("title") or "")


def test_a_mask_that_lies_elsewhere_is_refused_in_words(
    page: Any, made: Bundle, files: dict[str, Path], folder: Path
) -> None:
    before = results_in(folder)
    send(page, {"fixed_mask": files["moving_mask"]})
    page.click(".tta-run")
    words = "moving_mask.nrrd does not lie on the voxels of fixed.nii.gz."
    page.wait_for_selector(f".tta-problem:has-text('{words}')")
    assert "upload-" not in page.locator(".tta-problem").inner_text()
    assert results_in(folder) == before
    page.locator(".tta-files .v-expansion-panel-title").nth(1).click()  # as it was before the run
    page.click(".tta-drop-fixed_mask")
    page.wait_for_selector(".tta-file-fixed_mask:has-text('Choose a file')")


def test_a_registration_made_elsewhere_is_audited(page: Any, made: Bundle, folder: Path) -> None:
    shift = np.eye(4)
    shift[:3, 3] = (3.0, -2.0, 2.0)
    path = folder / "in" / "shift.tfm"
    sitk.WriteTransform(itk_transform(shift), str(path))
    send(page, {"transform": path})
    audited = run(page, folder)
    assert audited.record["audit"]["name"] == "shift.tfm"
    assert audited.record["audit"]["transform"][0]["sha256"] == sha256(path)
    apart = sitk.GetArrayFromImage(sitk.ReadImage(str(audited.map_files[MapKind.DISAGREEMENT])))
    assert np.nanmedian(apart) < 2.0
    page.click(".tta-tab-map")
    page.wait_for_selector(".tta-map-select:has-text('Expected error')")
    page.click(".tta-map-select")
    page.locator(".v-overlay--active .v-list-item", has_text="Distance from second opinion").click()
    page.wait_for_selector(".tta-map-select:has-text('Distance from second opinion')")
