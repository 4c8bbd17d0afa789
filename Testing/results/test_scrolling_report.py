"""The volumes in a report are the findings, and a reader's own browser shows them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from support.chromium import chromium
from support.found import BRIGHT, HOSTILE, LATTICE, OF_A_RUN, calibrated_record, findings

from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.results.report import make_report
from TTAUncertaintyLib.results.report.niivue import NiiVue
from TTAUncertaintyLib.results.report.slices import FieldOfView
from TTAUncertaintyLib.results.report.views import Views
from TTAUncertaintyLib.results.report.volumes import LEVELS, grid
from TTAUncertaintyLib.results.report.words import place

#: What else a page may not be made to do.
ENDING = "</script><script>alert('x')</script>"
#: Chromium draws with its own software, wherever it runs.
WEBGL = ("--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
PATIENCE_MS = 60_000


def stub() -> NiiVue:
    return NiiVue(gzip.compress(ENDING.encode()), f"{HOSTILE} {ENDING}")


def made(niivue: NiiVue | None, name: str = "fixed") -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NiiVue, "installed", lambda: niivue)
        return make_report(findings(OF_A_RUN, name), calibrated_record())


@pytest.fixture(scope="module")
def page() -> str:
    return made(stub())


def stored(page: str, name: str) -> bytes:
    found = re.search(rf'<script type="text/plain" id="look-{name}">([^<]*)</script>', page)
    assert found, name
    return base64.b64decode(found[1])


def image(page: str, name: str, folder: Path) -> sitk.Image:
    path = folder / f"{name}.nii.gz"
    path.write_bytes(stored(page, f"volume-{name}"))
    return sitk.ReadImage(str(path), imageIO="NiftiImageIO")


def facts(page: str) -> dict[str, Any]:
    found = re.search(r'id="look-facts">([^<]*)</script>', page)
    assert found
    return dict(json.loads(found[1]))


@pytest.mark.parametrize("kind", [MapKind.TOTAL, MapKind.JACOBIAN, MapKind.EXPECTED_ERROR])
def test_a_map_in_the_page_has_the_findings_values_at_their_places(
    page: str, kind: MapKind, tmp_path: Path
) -> None:
    levels = image(page, kind.value, tmp_path)
    told = facts(page)["maps"][kind.value]
    true = findings(OF_A_RUN)
    compared = 0
    for voxel in [BRIGHT, (10, 6, 8), (17, 10, 15), (25, 14, 20)]:
        i, j, k = voxel
        box = true.maps[kind][k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2]
        if np.ptp(box) > 0:  # beside an edge, interpolation has a say
            continue
        index = levels.TransformPhysicalPointToIndex(LATTICE.to_world(voxel).tolist())
        along = (levels[index] - 1) / LEVELS
        scale = told["top"]
        value = told["factor"] ** (2 * along - 1) if scale is None else along * scale
        level = scale or 2 * value * np.log(told["factor"])
        assert value == pytest.approx(float(box[1, 1, 1]), abs=level / LEVELS)
        compared += 1
    assert compared >= 2


def test_a_large_image_takes_no_more_voxels_than_a_page_holds() -> None:
    large = Lattice.from_geometry(
        (512, 300, 400), (0.5, 0.9, 0.7), (40, -30, 35), LATTICE.direction
    )
    view = FieldOfView.around(np.zeros((2, 2, 2), bool), large)
    coarse = grid(view, 0.5, 600_000)
    assert 500_000 < np.prod(coarse.size) <= 600_000
    assert coarse.extent == pytest.approx(view.high - view.low, abs=2 * coarse.spacing[0])
    fine = grid(view, 4.0, 600_000)
    assert fine.spacing == pytest.approx(4.0)
    assert fine.linear[0, 0] < 0 and fine.linear[1, 1] < 0 and fine.linear[2, 2] > 0  # R, A, S


def test_nothing_is_painted_outside_the_region(page: str, tmp_path: Path) -> None:
    levels = sitk.GetArrayFromImage(image(page, "total", tmp_path))
    cells = float(np.prod(image(page, "total", tmp_path).GetSpacing()))
    volume = float(findings().region.sum()) * LATTICE.voxel_volume
    assert (levels > 0).sum() * cells == pytest.approx(volume, rel=0.15)
    assert (levels == 0).any()


def test_the_legend_ends_where_the_colours_end(page: str) -> None:
    views = Views(findings(OF_A_RUN))
    for kind, told in facts(page)["maps"].items():
        scale = views.scale(MapKind(kind))
        ends = scale.unlimited(np.array([told["top"] or told["factor"]]))
        assert ends == pytest.approx(1.0)


def test_what_lies_outside_the_calibration_is_hatched(page: str, tmp_path: Path) -> None:
    hatching = sitk.GetArrayFromImage(image(page, "outside", tmp_path)).astype(bool)
    found = findings(OF_A_RUN)
    assert found.outside is not None
    marked = found.outside & found.region
    grid = image(page, "outside", tmp_path)
    share = hatching.sum() * np.prod(grid.GetSpacing()) / (marked.sum() * LATTICE.voxel_volume)
    assert 0.1 < share < 0.35  # lines, with the map between them
    told = facts(page)["maps"]
    assert told["expected_error"]["mark"]["name"] == "outside"
    assert told["total"]["mark"] is None and told["jacobian"]["mark"]["name"] == "folds"


def test_only_our_own_program_runs_and_text_from_outside_ends_nothing() -> None:
    page = made(stub(), HOSTILE)
    programs = re.findall(r'<script type="module">(.*?)</script>', page, flags=re.DOTALL)
    assert len(programs) == 1
    digest = base64.b64encode(hashlib.sha256(programs[0].encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{digest}' blob:"
    kinds = re.findall(r'<script type="([^"]*)"', page)
    assert len(kinds) == page.lower().count("<script")
    assert set(kinds) == {"module", "application/json", "text/plain"}
    assert "alert(" not in re.sub(r"&lt;.*?&gt;", "", page).replace("alert(&", "")


def test_without_niivue_the_page_is_todays_and_says_how_to_get_it() -> None:
    page = made(None)
    assert "<script" not in page and 'id="look"' not in page
    assert "pip install --no-deps ipyniivue" in page
    assert "script-src" not in page and "default-src 'none'" in page


@pytest.mark.parametrize("broken", ["nothing", "another widget", "no licence"])
def test_a_package_that_is_not_as_expected_is_as_none(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    static = tmp_path / "ipyniivue" / "static"
    static.mkdir(parents=True)
    (tmp_path / "ipyniivue" / "__init__.py").write_text("raise RuntimeError('never run')")
    licence = tmp_path / "ipyniivue-9.dist-info" / "licenses" / "LICENSE"
    licence.parent.mkdir(parents=True)
    licence.write_text("words")
    library = "a" * 100_000 + "export%7BNVImage%2CNiivue%7D%3B"
    (static / "widget.js").write_text(f'var x="{library}";')
    monkeypatch.syspath_prepend(str(tmp_path))
    found = NiiVue.installed()
    assert found is not None and found.licence == "words"
    assert gzip.decompress(found.module).decode().endswith("export{NVImage,Niivue};")
    if broken == "nothing":
        (static / "widget.js").unlink()
    elif broken == "another widget":
        (static / "widget.js").write_text(f'var x="{library.replace("NVImage", "Other")}";')
    else:
        licence.unlink()
    assert NiiVue.installed() is None


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with the true NiiVue, and with hostile names."""
    niivue = NiiVue.installed()
    if niivue is None:
        pytest.skip("NOT TESTED: ipyniivue is not installed (see CONTRIBUTING.md).")
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(made(niivue, HOSTILE), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium(WEBGL) as made:
        yield made


@pytest.fixture
def opened(browser: Any, report: Path) -> Iterator[Any]:
    """The page once it can be looked around in; what it asked for and said."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.asked, page.trouble = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda problem: page.trouble.append(str(problem)))
    page.on("dialog", lambda dialog: page.trouble.append(dialog.message))
    page.on(
        "console", lambda said: page.trouble.append(said.text) if said.type == "error" else None
    )
    page.goto(report.as_uri())
    page.wait_for_selector("#look-crosshair:not(:empty)")
    yield page
    page.context.close()


def text_of(page: Any, identity: str) -> str:
    return str(page.locator(identity).inner_text()).replace("\u00a0", " ")


def slide(page: Any, name: str, value: int) -> None:
    page.locator(f"#look-{name}").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


def go_to_bright(page: Any) -> None:
    x, y, z = LATTICE.to_world(BRIGHT).tolist()
    button = page.locator("#look button[data-ras]").first
    button.evaluate(f"(button) => button.dataset.ras = '{-x},{-y},{z}'")
    button.click()


def picture(page: Any) -> np.ndarray:
    """The slices as they are drawn, int [height, width, 3]."""
    from PIL import Image

    page.wait_for_timeout(300)
    shot = page.locator("#look .stage").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def test_the_page_asks_for_nothing_and_opens_at_the_worst_place(opened: Any, report: Path) -> None:
    assert opened.trouble == []
    assert [url for url in opened.asked if not url.startswith("blob:")] == [report.as_uri()]
    worst = findings(OF_A_RUN).numbers.hot_spots[0]
    said = text_of(opened, "#look-crosshair")
    assert said.startswith(place(worst.position_ras_mm).replace("\u00a0", " "))
    value = re.search(r": ([\d.]+) mm$", said)
    assert value and float(value[1]) == pytest.approx(worst.peak, abs=0.02)


def test_a_place_of_the_list_is_where_the_crosshair_goes(opened: Any) -> None:
    spots = findings(OF_A_RUN).numbers.hot_spots
    opened.locator("#places button[data-ras]").first.click()
    said = text_of(opened, "#look-crosshair")
    assert said.startswith(place(spots[0].position_ras_mm).replace("\u00a0", " "))
    opened.select_option("#look-map", "total")
    go_to_bright(opened)
    assert text_of(opened, "#look-crosshair").endswith(": 2.90 mm")


def test_map_opacity_and_threshold_change_what_is_seen(opened: Any) -> None:
    opened.select_option("#look-map", "total")
    go_to_bright(opened)
    pictures = [picture(opened)]
    slide(opened, "threshold", 80)
    pictures.append(picture(opened))
    slide(opened, "opacity", 0)
    plain = picture(opened)
    assert text_of(opened, "#look-opacity + output") == "0 %"
    whole, above = (int((np.abs(seen - plain).max(-1) > 8).sum()) for seen in pictures)
    assert whole > 10_000
    assert 100 < above < whole / 5  # the bright block alone
    opened.select_option("#look-map", "")
    assert opened.locator("#look-opacity").is_disabled()


def test_the_value_under_the_pointer_is_told(opened: Any) -> None:
    opened.select_option("#look-map", "total")
    stage = opened.locator("#look .stage")
    box = stage.bounding_box()
    said = set()
    for share in (0.1, 0.2, 0.3):
        stage.hover(position={"x": share * box["width"], "y": box["height"] / 3})
        said.add(text_of(opened, "#look-pointer"))
    assert any(words.endswith("mm: 0.50 mm") for words in said), said


def test_on_paper_it_is_todays_report(opened: Any) -> None:
    assert opened.locator("#look").is_visible()
    opened.emulate_media(media="print")
    assert not opened.locator("#look").is_visible()
    assert not opened.locator("#places button").first.is_visible()
    assert opened.locator("#glance").is_visible()


def test_without_webgl_it_is_todays_report(report: Path) -> None:
    with chromium((*WEBGL, "--disable-3d-apis")) as browser:
        page = browser.new_page()
        page.goto(report.as_uri())
        page.wait_for_timeout(1500)
        assert not page.locator("#look").is_visible()
        assert not page.locator("nav a[href='#look']").is_visible()
        assert not page.locator("#places button").first.is_visible()
        assert page.locator("#glance").is_visible()
