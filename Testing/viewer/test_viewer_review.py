"""What a reviewer does in the page, in a real browser."""

from __future__ import annotations

import http.client
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from support.phantom import FIXED, write
from support.viewer_page import Study, colorfulness, drawn, open_page, settled
from support.viewer_process import ViewerProcess

from TTAUncertaintyLib.geometry import Lattice


@pytest.fixture(scope="module")
def viewer(study: Study, browser: Any, tmp_path_factory: Any) -> Iterator[ViewerProcess]:
    folders = [study.better.folder, study.worse.folder]
    with ViewerProcess(tmp_path_factory.mktemp("review"), *folders) as viewer:
        yield viewer


@pytest.fixture
def page(viewer: ViewerProcess, browser: Any) -> Iterator[Any]:
    page = open_page(browser, viewer.address, ".tta-cell")
    page.click(".tta-tab-map")
    page.wait_for_selector(".tta-map-select")
    settled(page)
    yield page
    page.context.close()


def slide(page: Any, name: str, key: str, times: int = 1) -> None:
    thumb = page.locator(f".tta-{name} [role=slider]").first
    thumb.focus()
    for _ in range(times):
        thumb.press(key)


def see_a_map(page: Any, cell: str = ".tta-cell") -> float:
    """Go where the map is high, wherever another test has left the views; return how colourful."""
    page.keyboard.press("n")
    return colorfulness(drawn(page, lambda now: colorfulness(now) > 3, "a map", cell))


def test_the_most_uncertain_result_is_shown_first(page: Any, study: Study) -> None:
    page.click(".tta-tab-work")
    rows = page.locator(".tta-work tbody tr")
    rows.nth(1).wait_for()
    assert rows.count() == 2
    assert study.worse.folder.name in rows.nth(0).inner_text()
    assert "chosen" in (rows.nth(0).get_attribute("class") or "")
    assert page.locator(".tta-work-place").inner_text() == "1 of 2"


def says(page: Any, name: str, words: str) -> None:
    """Wait until the words beside a slider are these."""
    page.wait_for_function(
        "([name, words]) => document.querySelector(`.tta-${name}-value`)?.innerText === words",
        arg=[name, words],
    )


def test_opacity_and_threshold_change_what_is_drawn(page: Any) -> None:
    shown = see_a_map(page)
    slide(page, "opacity", "Home")
    drawn(page, lambda now: colorfulness(now) < 0.5 * shown, "no opacity")
    slide(page, "opacity", "End")
    opaque = colorfulness(drawn(page, lambda now: colorfulness(now) > 0.9 * shown, "opaque"))
    slide(page, "threshold", "End")
    drawn(page, lambda now: colorfulness(now) < 0.5 * opaque, "all is hidden")
    slide(page, "threshold", "Home")
    drawn(page, lambda now: abs(colorfulness(now) / opaque - 1) < 0.1, "nothing is hidden")


def test_another_map_is_drawn_with_its_own_name(page: Any) -> None:
    see_a_map(page)
    before = settled(page)
    page.keyboard.press("m")
    page.wait_for_function(
        "() => document.querySelector('.tta-map-select')?.innerText.includes('Intrinsic')"
    )
    drawn(page, lambda now: np.abs(now - before).mean() > 0.2, "another map")
    for _ in range(10):  # round the ring, back to the first
        named = page.locator(".tta-map-select").inner_text()
        if "Total" in named:
            break
        page.keyboard.press("m")
        page.wait_for_function(
            "(before) => document.querySelector('.tta-map-select')?.innerText !== before", arg=named
        )
    assert "Total" in page.locator(".tta-map-select").inner_text()


def test_three_views_stand_side_by_side_and_only_the_last_has_the_map(page: Any) -> None:
    page.keyboard.press("l")
    page.wait_for_selector(".tta-side-by-side")
    cells = [f".tta-side-by-side .tta-cell:nth-child({n})" for n in (1, 2, 3)]
    mapped = see_a_map(page, cells[2])
    plain = [colorfulness(settled(page, cell)) for cell in cells[:2]]
    assert max(plain) < 0.5 * mapped
    page.keyboard.press("l")
    page.wait_for_selector(".tta-four-up")


def test_the_other_layout_looks_at_the_same_place(page: Any) -> None:
    thumb = ".tta-slice-slider [role=slider]"
    axial = f".tta-four-up .tta-cell:nth-child(1) {thumb}"
    mapped = f".tta-side-by-side .tta-cell:nth-child(3) {thumb}"

    def slice_of(slider: str) -> float:
        return float(page.locator(slider).get_attribute("aria-valuenow") or "nan")

    def goes_to(slider: str, slice_mm: float) -> None:
        page.wait_for_function(
            "([slider, mm]) => Math.abs(document.querySelector(slider)?.ariaValueNow - mm) < 1.5",
            arg=[slider, slice_mm],
        )

    middle = slice_of(axial)
    page.locator(axial).focus()
    for _ in range(9):
        page.locator(axial).press("ArrowRight")
    place = slice_of(axial)
    assert abs(place - middle) > 6
    settled(page)  # the slider is ahead of the views
    page.keyboard.press("l")
    goes_to(mapped, place)
    page.keyboard.press("l")
    goes_to(axial, place)


def test_the_anatomy_is_drawn_around_what_is_high_in_3d(page: Any) -> None:
    cell = ".tta-four-up .tta-cell:nth-child(2)"
    shown = settled(page, cell)

    def changed(now: np.ndarray, before: np.ndarray) -> float:
        return float((np.abs(now - before).max(axis=2) > 6).mean())

    page.click(".tta-3d input")
    without = drawn(page, lambda now: changed(now, shown) > 0.1, "no anatomy", cell, 0.0)
    page.click(".tta-3d input")
    drawn(page, lambda now: changed(now, without) > 0.1, "the anatomy again", cell)


def test_a_verdict_is_in_the_exported_report(page: Any, study: Study) -> None:
    page.click(".tta-tab-review")
    page.keyboard.press("n")
    page.wait_for_selector(".tta-spots tr.chosen")
    slider = page.locator(".tta-four-up .tta-slice-slider [role=slider]").first

    def is_empty(now: np.ndarray) -> bool:
        if colorfulness(now) > 2:  # the slider itself has some colour
            slider.press("Home")  # again, where going to the place came in between
        return colorfulness(now) < 2

    before = drawn(page, is_empty, "far below")
    page.keyboard.press("n")
    page.wait_for_selector(".tta-spots tr.chosen")
    drawn(page, lambda now: np.abs(now - before).mean() > 0.5, "the views went there")
    page.keyboard.press("r")
    page.wait_for_selector(".tta-spots .tta-reject")
    page.fill(".tta-spot-comment input", "Torn <here>")
    page.press(".tta-spot-comment input", "Enter")
    with page.expect_download() as download:
        page.click(".tta-export")
    packed = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    review = json.loads(packed.read("review.json"))
    (place,) = (place for place in review["places"] if place["comment"])
    assert (place["verdict"], place["comment"]) == ("reject", "Torn <here>")
    html = packed.read("review.html").decode()
    assert "Rejected" in html and "Torn &lt;here&gt;" in html
    assert len(re.findall("data:image/png", html)) >= 4  # the views, and the place
    assert "Torn" in packed.read("hot_spots.csv").decode("utf-8-sig")
    kept = json.loads((study.worse.folder / "review.json").read_text())
    assert kept["places"] == review["places"]


def test_structures_that_are_sent_are_named_and_judged(page: Any, tmp_path: Path) -> None:
    page.click(".tta-tab-review")
    first = np.arange(FIXED.size[0]) < FIXED.size[0] // 2
    halves = np.broadcast_to(np.where(first, 3, 8), FIXED.array_shape).astype(np.float32)
    labels = write(tmp_path / "halves.nrrd", halves, FIXED, sitk.sitkUInt8)
    page.set_input_files(".tta-file-structures input", str(labels))
    page.wait_for_selector(".tta-structures:has-text('label 3')")
    words = page.locator(".tta-structures").first.inner_text()
    assert "Label 8" in words and "cm³" in words and "tolerance" not in words
    found = page.locator(".tta-spots tbody tr").all_inner_texts()
    assert found and all(re.search("[Ll]abel [38]", row) for row in found)
    elsewhere = write(tmp_path / "elsewhere.nrrd", halves, far_from(FIXED), sitk.sitkUInt8)
    page.set_input_files(".tta-file-structures input", str(elsewhere))
    page.wait_for_selector(".tta-problem")
    assert "Label 8" in page.locator(".tta-structures").first.inner_text()  # as before


def test_landmarks_that_are_sent_are_measured_and_exported(page: Any, tmp_path: Path) -> None:
    page.click(".tta-tab-review")
    assert page.locator(".tta-landmarks").count() == 0
    voxels = np.array([[12, 14, 10], [16, 12, 12], [14, 18, 11]], dtype=float)
    places = FIXED.to_world(voxels)
    send_points(page, "fixed", tmp_path / "f.csv", places)
    page.wait_for_selector(".tta-file-fixed-landmarks:has-text('f.csv')")
    assert page.locator(".tta-landmarks").count() == 0  # of one image only
    send_points(page, "moving", tmp_path / "m.csv", places[:2])
    page.wait_for_selector(".tta-problem:has-text('3 landmarks on the fixed image and 2')")
    send_points(page, "moving", tmp_path / "far.csv", places + 1000.0)
    page.wait_for_selector(".tta-problem:has-text('outside the moving image')")
    assert page.locator(".tta-landmarks").count() == 0
    moved = places + np.array([[3.0, 0, 0], [0, 4.0, 0], [0, 0, 5.0]])
    send_points(page, "moving", tmp_path / "m.csv", moved)
    rows = page.locator(".tta-landmarks tbody tr")
    rows.nth(2).wait_for()
    assert [row.split()[:2] for row in rows.all_inner_texts()] == [
        ["P1", "3.00"],
        ["P2", "4.00"],
        ["P3", "5.00"],
    ]
    assert "3 landmarks, paired by name" in page.inner_text(".tta-panel")
    sliders_mm = places * (1, -1, 1)  # Slicer's sagittal slices count to the left, coronal to front
    for number in (0, 1):
        rows.nth(number).click()
        for cell, axis in ((1, 2), (3, 0), (4, 1)):  # axial, sagittal, coronal
            view = f".tta-four-up .tta-cell:nth-child({cell}) .tta-slice-slider [role=slider]"
            page.wait_for_function(
                "([slider, mm]) => Math.abs(slider.ariaValueNow - mm) < 1.5",
                arg=[page.locator(view).element_handle(), float(sliders_mm[number, axis])],
                timeout=20_000,
            )
    with page.expect_download() as download:
        page.click(".tta-export")
    with zipfile.ZipFile(download.value.path()) as packed:
        table = packed.read("landmarks.csv").decode("utf-8-sig")
    assert table.count("\n") == 4 and "P2" in table
    send_points(page, "fixed", tmp_path / "other.csv", places[:2])  # the first of another pair
    page.wait_for_selector(".tta-file-moving-landmarks:has-text('Choose a file')")
    assert page.locator(".tta-landmarks").count() == 0
    send_points(page, "moving", tmp_path / "m2.csv", moved[:2])
    rows.nth(1).wait_for()
    assert rows.count() == 2


def send_points(page: Any, side: str, path: Path, places: np.ndarray) -> None:
    rows = [f"P{n},{x},{y},{z}" for n, (x, y, z) in enumerate(places.tolist(), 1)]
    path.write_text("\n".join(["label,l,p,s", *rows]))
    page.set_input_files(f".tta-file-{side}-landmarks input", str(path))


def far_from(lattice: Lattice) -> Lattice:
    away = np.eye(4)
    away[:3, 3] = 1000.0
    return Lattice(lattice.size, away @ lattice.matrix)


def test_the_report_of_the_run_opens_as_a_page_that_may_run_nothing(
    page: Any, viewer: ViewerProcess
) -> None:
    report = page.context.request.get(f"http://127.0.0.1:{viewer.port}/tta/report.html")
    assert report.status == 200 and "Registration uncertainty" in report.text()
    policy = report.headers["content-security-policy"]
    assert "sandbox" in policy and "default-src 'none'" in policy


def test_a_tab_that_is_closed_while_it_waits_leaves_the_others_alone(
    page: Any, viewer: ViewerProcess, browser: Any
) -> None:
    other = open_page(browser, viewer.address, ".tta-cell")
    other.route("**/tta/review*", lambda _route: None)  # never answered
    other.click(".tta-tab-review")
    other.click(".tta-export")
    other.wait_for_selector(".tta-over")
    other.context.close()
    later = open_page(browser, viewer.address, ".tta-cell")
    later.click(".tta-tab-map")  # the tabs show the same panel
    slide(later, "opacity", "End")
    for tab in (page, later):
        says(tab, "opacity", "100 %")
        assert tab.locator(".tta-over").count() == 0
    later.context.close()


def test_a_page_that_loses_its_connection_comes_back_as_it_was(page: Any) -> None:
    sockets = []

    def pass_through(socket: Any) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket("**/ws*", pass_through)
    page.reload()
    page.wait_for_selector(".tta-cell")
    shown = see_a_map(page)
    slide(page, "opacity", "Home")
    drawn(page, lambda now: colorfulness(now) < 0.5 * shown, "no opacity, as the viewer knows")
    page.evaluate("window.isTheOldPage = true")
    sockets[-1].close()
    page.wait_for_selector(".tta-lost")
    page.wait_for_function("() => !window.isTheOldPage")
    says(page, "opacity", "0 %")
    slide(page, "opacity", "End")
    says(page, "opacity", "100 %")
    settled(page)


def test_two_tabs_show_the_same(page: Any, viewer: ViewerProcess, browser: Any) -> None:
    other = open_page(browser, viewer.address, ".tta-cell")
    other.click(".tta-tab-map")
    slide(page, "opacity", "Home")
    says(other, "opacity", "0 %")
    settled(other)
    slide(other, "opacity", "End")
    says(page, "opacity", "100 %")
    other.context.close()


def test_the_next_result_of_the_list_takes_its_place(page: Any, study: Study) -> None:
    page.click(".tta-tab-review")
    page.keyboard.press("n")
    page.wait_for_selector(".tta-spots tr.chosen")
    page.keyboard.press("r")
    page.wait_for_selector(".tta-spots .tta-reject")
    page.keyboard.press("]")
    page.wait_for_function(
        "() => document.querySelector('.tta-work-place')?.innerText === '2 of 2'"
    )
    page.wait_for_selector(".tta-spots .tta-reject", state="detached")
    assert page.locator(".tta-problem").count() == 0
    settled(page)
    page.keyboard.press("[")
    page.wait_for_function(
        "() => document.querySelector('.tta-work-place')?.innerText === '1 of 2'"
    )
    page.wait_for_selector(".tta-spots .tta-reject")  # as it was decided


def test_the_registrations_are_played_and_the_map_builds_up(page: Any) -> None:
    page.click(".tta-tab-teach")
    page.wait_for_selector(".tta-pass")
    slide(page, "pass", "End")
    page.wait_for_function("() => document.querySelector('.tta-teach-label')?.innerText.length > 3")
    last = colorfulness(drawn(page, lambda now: colorfulness(now) > 3, "all passes have a map"))
    slide(page, "pass", "Home")
    drawn(page, lambda now: colorfulness(now) < 0.5 * last, "one pass has no spread")
    page.click(".tta-back")
    settled(page)


def test_the_keys_are_listed(page: Any) -> None:
    page.keyboard.press("?")
    page.wait_for_selector(".tta-keys-card")
    assert "Next hot spot" in page.locator(".tta-keys-card").inner_text()
    page.keyboard.press("Escape")


def test_what_one_tab_writes_is_said_of_the_place_where_it_began(
    page: Any, viewer: ViewerProcess, browser: Any, study: Study
) -> None:
    """Another tab goes elsewhere, and writes on the whole, while this one writes."""
    other = open_page(browser, viewer.address, ".tta-cell")
    for tab in (page, other):
        tab.click(".tta-tab-review")
        tab.wait_for_selector(".tta-spots tbody tr:nth-child(2)")
    rows = ".tta-spots tbody tr"
    page.click(f"{rows}:nth-child(1)")
    page.wait_for_selector(f"{rows}:nth-child(1).chosen")
    field, whole = ".tta-spot-comment input", ".tta-overall-comment input"
    page.focus(field)
    page.fill(field, "of the first")
    other.click(f"{rows}:nth-child(2)")
    page.wait_for_selector(f"{rows}:nth-child(2).chosen")
    assert page.input_value(field) == "of the first"  # not taken from under the writer's hands
    page.press(field, "Enter")
    page.wait_for_selector(f"{rows}:nth-child(1) .tta-chip, {rows}:nth-child(2).chosen")
    for tab, words in ((page, "one"), (other, "two")):
        tab.focus(whole)
        tab.fill(whole, words)
    page.press(whole, "Enter")
    other.wait_for_timeout(500)
    other.press(whole, "Enter")
    page.wait_for_function(
        "field => document.querySelector(field).value === 'one / two'", arg=whole
    )
    kept = json.loads((study.worse.folder / "review.json").read_text())
    said = {tuple(place["position_lps_mm"]): place["comment"] for place in kept["places"]}
    assert list(said.values()).count("of the first") == 1
    assert kept["comment"] == "one / two"
    other.context.close()


def test_a_review_that_another_program_changed_is_not_written_over(page: Any, study: Study) -> None:
    file = study.worse.folder / "review.json"
    page.click(".tta-tab-review")
    page.click(".tta-verdicts-overall .tta-do-accept")
    page.wait_for_function("() => document.body.innerText.includes('Kept in the result')")
    theirs = json.loads(file.read_text()) | {"reviewer": "somebody else"}
    file.write_text(json.dumps(theirs))
    page.click(".tta-verdicts-overall .tta-do-reject")
    page.wait_for_function("() => document.body.innerText.includes('Another program has changed')")
    assert json.loads(file.read_text()) == theirs
    file.unlink()
    page.click(".tta-verdicts-overall .tta-do-check")
    page.wait_for_timeout(300)


_POINT = b'{"position": [1, 2, 3], "label": "A"}'
HOSTILE = {
    "nested.json": b"[" * 100_000,
    "large-number.json": b'{"markups": [{"controlPoints": [{"position": [1e999, 0, 0]}]}]}',
    "long-number.json": b'{"markups": [{"controlPoints": [{"position": [1'
    + b"0" * 400
    + b", 0, 0]}]}]}",
    "many.csv": b"label,x,y,z\n" + b"".join(b"%d,1,2,3\n" % n for n in range(200_000)),
    "many.json": b'{"markups": [{"controlPoints": [%s]}]}' % b", ".join([_POINT] * 200_000),
    "utf-16.csv": "label,x,y,z\nA,1,2,3\n".encode("utf-16"),
    "nul.csv": b"label,x,y,z\nA\0,1,2,3,,,\n",
    "%FCmlaut.csv": b"x\n",
    "..%2F..%2Fetc%2Fpasswd.csv": b"x\n",
    "n" * 300 + ".fcsv": b"x,y\n",
    "%1B%5B2J%00.csv": b"x\n",
}


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name[:20])
def test_a_hostile_file_of_landmarks_is_refused_and_the_viewer_goes_on(
    viewer: ViewerProcess, page: Any, name: str
) -> None:
    def put(role: str, named: str, body: bytes) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", viewer.port, timeout=120)
        headers = {
            "Cookie": f"ttauncertainty_{viewer.port}={viewer.token}",
            "X-File-Name": named,
        }
        connection.request("PUT", f"/tta/upload/{role}", body=body, headers=headers)
        return connection.getresponse().status

    sent_before = set(viewer.temporary.glob("*/upload-*"))
    assert put("fixed-landmarks", name, HOSTILE[name]) == 422
    assert put("calibration", f"{name}.json", HOSTILE[name]) == 422
    assert set(viewer.temporary.glob("*/upload-*")) == sent_before
    page.wait_for_selector(".tta-problem")
    assert "mistake in the software" not in page.locator(".tta-problem").inner_text()
