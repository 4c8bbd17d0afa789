"""The report shows what was found, where it was found, and nothing that it cannot know."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import torch
from support.calibrations import PROVENANCE
from support.found import (
    BRIGHT,
    DOUBT,
    HOSTILE,
    LATTICE,
    OF_A_RUN,
    calibrated_record,
    findings,
    record,
    volume,
)

from TTAUncertaintyLib.resources import resources_folder
from TTAUncertaintyLib.results import MapKind
from TTAUncertaintyLib.results.report import make_report
from TTAUncertaintyLib.results.report.niivue import NiiVue
from TTAUncertaintyLib.results.report.pictures import OUTSIDE_COLOR
from TTAUncertaintyLib.results.report.png import encode_indexed
from TTAUncertaintyLib.results.report.reading import cautions
from TTAUncertaintyLib.results.report.scales import LinearScale, LogScale, tidy_above
from TTAUncertaintyLib.results.report.slices import FieldOfView, Plane, direction_letters
from TTAUncertaintyLib.results.report.words import percent


@pytest.fixture(autouse=True, scope="module")
def without_niivue() -> Iterator[None]:
    """What every reader sees, whatever is installed here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NiiVue, "installed", lambda: None)
        yield


@pytest.fixture(scope="module")
def page() -> str:
    return make_report(findings(), record())


class Page(HTMLParser):
    """Elements, what they refer to, and the text outside style sheets."""

    VOID = ("meta", "br", "img", "input", "link", "hr")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.references: list[str] = []
        self.identities: list[str] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "poster", "xlink:href"):
                self.references.append(value or "")
            if name == "id":
                self.identities.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", " ".join(Page(html).text))


def section(html: str, identity: str) -> str:
    return html.split(f'<section id="{identity}">')[1].split("</section>")[0]


def layers(html: str, label: str) -> list[np.ndarray]:
    """RGBA or grey pixels of the layers of the picture with a label, from back to front."""
    found = re.search(rf'aria-label="{re.escape(label)}"[^>]*>(.*?)</svg>', html)
    assert found, label
    pictures = []
    for identity in re.findall(r'<use href="#([\w-]+)"', found[1]):
        uri = re.search(rf'id="{identity}"[^>]*href="data:image/png;base64,([^"]+)"', html)
        assert uri
        pictures.append(decode(base64.b64decode(uri[1])))
    return pictures


def decode(png: bytes) -> np.ndarray:
    """Our own PNGs only: 8 bits, grey or indexed, filter "up" in every row."""
    chunks, at = {}, 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        chunks[png[at + 4 : at + 8]] = png[at + 8 : at + 8 + length]
        at += 12 + length
    width, height = (int.from_bytes(chunks[b"IHDR"][n : n + 4], "big") for n in (0, 4))
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert (rows[:, 0] == 2).all()
    pixels = np.cumsum(rows[:, 1:], axis=0, dtype=np.uint64).astype(np.uint8)
    if b"PLTE" not in chunks:
        return pixels
    color = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    opacity = np.frombuffer(chunks[b"tRNS"], np.uint8)
    return np.column_stack([color, opacity])[pixels]


def test_the_page_is_well_formed_and_every_reference_is_in_it(page: str) -> None:
    parsed = Page(page)
    assert parsed.open == []
    assert len(set(parsed.identities)) == len(parsed.identities)
    for reference in parsed.references:
        if reference.startswith("#"):
            assert reference[1:] in parsed.identities, reference
        else:
            assert reference.startswith("data:image/png;base64,"), reference
    for reference in re.findall(r"url\(([^)]*)\)", page):
        assert reference.startswith("#") and reference[1:] in parsed.identities


def test_nothing_is_loaded_and_nothing_runs(page: str) -> None:
    assert not {"script", "link", "iframe", "object", "embed"} & Page(page).tags
    assert "@import" not in page and "http:" not in page and "https:" not in page


def test_hostile_strings_from_files_and_the_record_are_only_text() -> None:
    made = record(notes=[HOSTILE])
    made["inputs"]["moving"] = made["inputs"]["fixed"] | {"path": HOSTILE, "pixel_type": HOSTILE}
    made["model"] |= dict.fromkeys(("name", "title", "licence", "citation"), HOSTILE)
    made["model"]["weights"] |= {"file": HOSTILE, "sha256": HOSTILE}
    made["design"] |= dict.fromkeys(("name", "family", "sampling", "noise"), HOSTILE)
    made["placement"]["start"] = HOSTILE
    made["execution"] = {HOSTILE: HOSTILE}
    made["seconds"] = {HOSTILE: 1.0}
    made["versions"] = {"ttauncertainty": HOSTILE, HOSTILE: HOSTILE}
    made["created"] = HOSTILE
    html = make_report(findings(name=HOSTILE), made)
    assert "<script" not in html.lower()
    assert "script" not in Page(html).tags
    assert words(html).count(HOSTILE) > 15


def test_the_spread_is_called_uncertainty_and_never_error(page: str) -> None:
    text = words(page)
    assert "uncertainty" in section(page, "reading")
    assert "small does not mean correct" in text and "not been calibrated" in text
    for sentence in re.findall(r"[^.:]*\berrors?\b[^.:]*", text, flags=re.IGNORECASE):
        assert "not an error" in sentence or "systematic error" in sentence, sentence
    headings = re.findall(r"<(h\d|th|dt|figcaption|p class=.legend-title.)>(.*?)</", page)
    assert not [heading for _, heading in headings if "error" in heading.lower()]


def test_the_reading_names_the_worst_place_and_the_median(page: str) -> None:
    x, y, z = LATTICE.to_world(BRIGHT).tolist()
    text = words(section(page, "reading")).replace("\u00a0", " ").replace("\u2212", "-")
    numbers = re.search(r"RAS (-?\d+), (-?\d+), (-?\d+)", text)
    assert numbers
    found = np.array([int(n) for n in numbers.groups()])
    # the block is flat: its peak is any of its voxels
    assert np.abs(found - (-x, -y, z)).max() <= 2.5 * 4.0 + 0.5
    assert "median of 0.50 mm" in text and "2.90 mm" in text


@pytest.mark.parametrize("plane", list(Plane))
def test_a_bright_voxel_lies_where_the_crosshair_of_its_world_point_is(plane: Plane) -> None:
    field_of_view = FieldOfView.around(volume(1, 1) > 0, LATTICE)
    point = LATTICE.to_world(BRIGHT)
    view = field_of_view.section(plane, point)
    values = view.sample(torch.from_numpy(volume(0, 1)), LATTICE, outside=0.0)
    row, column = np.argwhere(values > 0.5).mean(axis=0)
    across, down = view.place(point)
    step = view.lattice.spacing
    assert step[0] == pytest.approx(step[1])  # square pixels, whatever the voxels are
    assert (column + 0.5) * step[0] == pytest.approx(across, abs=0.6 * step[0])
    assert (row + 0.5) * step[1] == pytest.approx(down, abs=0.6 * step[1])


def test_true_size_is_kept_on_an_anisotropic_lattice() -> None:
    # 5 voxels of 4 mm down, of 2 mm across, in the sagittal plane
    field_of_view = FieldOfView.around(volume(1, 1) > 0, LATTICE)
    view = field_of_view.section(Plane.SAGITTAL, LATTICE.to_world(BRIGHT))
    values = view.sample(torch.from_numpy(volume(0, 1)), LATTICE, outside=0.0)
    rows, columns = np.nonzero(values > 0.5)
    pixel = float(view.lattice.spacing[0])
    assert (np.ptp(rows) + 1) * pixel == pytest.approx(5 * 4.0, abs=2 * pixel)
    assert (np.ptp(columns) + 1) * pixel == pytest.approx(5 * 2.0, abs=2 * pixel)


def test_the_patients_right_is_on_the_left_and_the_letters_say_so() -> None:
    field_of_view = FieldOfView.around(volume(1, 1) > 0, LATTICE)
    letters = {plane: field_of_view.section(plane, LATTICE.center).letters for plane in Plane}
    assert letters[Plane.AXIAL] == ("R", "L", "A", "P")
    assert letters[Plane.CORONAL] == ("R", "L", "S", "I")
    assert letters[Plane.SAGITTAL] == ("A", "P", "S", "I")
    for plane in Plane:
        view = field_of_view.section(plane, LATTICE.center)
        corners = view.lattice.corners()
        # the rightmost pixels lie further to the side that their letter names
        axis = {"L": 0, "P": 1}[letters[plane][1]]
        places = view.lattice.to_voxel(corners)
        right = corners[places[:, 0] > 0.5, axis].mean()
        left = corners[places[:, 0] <= 0.5, axis].mean()
        assert right > left


def test_an_oblique_edge_gets_two_letters() -> None:
    assert direction_letters([1, 0, 0]) == "L"
    assert direction_letters([-0.9, 0.1, 0]) == "R"
    assert direction_letters([0.5, 0.1, 0.8]) == "SL"


def test_the_page_paints_the_bright_place_and_leaves_the_background_free(page: str) -> None:
    point = LATTICE.to_world(BRIGHT)
    for plane in Plane:
        label = f"{plane.title}: total uncertainty over the warped image"
        grey, color = layers(page, label)
        assert grey.shape == color.shape[:2]
        opacity = color[..., 3]
        assert opacity.max() > 200
        assert opacity[grey == 0].max(initial=0) < 40  # beside the region nothing is drawn
        row, column = np.argwhere(opacity > 180).mean(axis=0)
        view = FieldOfView.around(findings().region, LATTICE).section(plane, point)
        across, down = view.place(point)
        pixel = float(view.lattice.spacing[0])
        # the crosshair of the page goes through the peak, one of the block's voxels
        assert (column + 0.5) * pixel == pytest.approx(across, abs=4.0)
        assert (row + 0.5) * pixel == pytest.approx(down, abs=4.0)


def test_a_voxel_without_estimate_is_transparent_and_a_fold_stands_out() -> None:
    from TTAUncertaintyLib.results.report.colors import DIVERGING, color_table
    from TTAUncertaintyLib.results.report.pictures import Gallery

    gallery = Gallery()
    view = FieldOfView.around(volume(1, 1) > 0, LATTICE).section(Plane.AXIAL, LATTICE.center)
    values = np.array([[np.nan, 1.0, 0.5, -0.2]], np.float32)
    gallery.add_map(view, values, LogScale(2.0), color_table(DIVERGING), folds=True)
    uri = re.search(r"base64,([^\"]+)", gallery.definitions())
    assert uri
    nothing, unchanged, half, fold = decode(base64.b64decode(uri[1]))[0].tolist()
    assert nothing[3] == 0 and unchanged[3] < 5
    assert half[2] > half[0] and half[3] > 200  # blue
    assert fold == [0xD9, 0xFF, 0x3F, 255]


def test_the_legends_numbers_come_from_the_data(page: str) -> None:
    kinds = (MapKind.TOTAL, MapKind.INTRINSIC, MapKind.INVERSE_CONSISTENCY)
    for kind in kinds:
        inside = findings().maps[kind][findings().region]
        top = tidy_above(float(np.percentile(inside, 99.5)))
        label = f'aria-label="Legend: {kind.facts.title}, 0 to {top:.12g} mm"'
        assert label in page, label
        assert f"≥ {top:.12g}" in page


@pytest.mark.parametrize(
    ("value", "top"), [(0.0, 1), (0.37, 0.4), (2.3, 2.5), (2.5, 2.5), (9.1, 10), (47.0, 50)]
)
def test_a_legend_ends_at_the_next_tidy_number(value: float, top: float) -> None:
    assert tidy_above(value) == pytest.approx(top)
    ticks = LinearScale(tidy_above(value)).ticks()
    assert ticks[0] == (0, "0") and float(ticks[-1][1]) == pytest.approx(top)
    for position, label in ticks:
        assert float(label) == pytest.approx(position * top)


@pytest.mark.parametrize("width_mm", [6.0, 12.0])
def test_a_wrong_place_stands_out_of_a_registration_that_is_good_elsewhere(width_mm: float) -> None:
    """A shift of 6 mm in one place of a head: there are the brightest colours, and nowhere else."""
    rng = np.random.default_rng(0)
    z, y, x = np.indices((70, 90, 70)) * 2.0
    away = (z - 60) ** 2 + (y - 70) ** 2 + (x - 80) ** 2
    shift = 6 * np.exp(-away / (2 * width_mm**2))
    good = np.abs(rng.normal(0, 0.3, shift.shape))
    scale = LinearScale.of((good + shift).ravel())
    colors = scale.position(good + shift)
    assert colors[shift > 4].min() > 0.9
    assert (colors[shift < 0.1] > 0.5).mean() < 1e-3
    assert scale.top <= 6
    # where nothing stands out, the legend ends at the 99.5th percentile
    assert LinearScale.of(good.ravel()).top == tidy_above(float(np.percentile(good, 99.5)))


def test_half_and_twice_lie_equally_far_from_one() -> None:
    half, one, twice = LogScale(4.0).position(np.array([0.5, 1.0, 2.0]))
    assert one == pytest.approx(0.5) and twice - one == pytest.approx(one - half)
    assert [label for _, label in LogScale(3.0).ticks()] == ["0.33", "0.5", "1", "2", "3"]


def test_the_shares_add_up(page: str) -> None:
    text = section(page, "terms").replace("\u00a0", " ")
    total = findings().numbers.root_mean[MapKind.TOTAL] ** 2
    share = findings().numbers.root_mean[MapKind.INTRINSIC] ** 2 / total
    assert percent(share).replace("\u00a0", " ") in text


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.049, "4.9 %"),
        (0.5, "50.0 %"),
        (0.998, "99.80 %"),
        (0.99999, "99.9990 %"),
        (2.5e-5, "0.0025 %"),
    ],
)
def test_nearly_everything_is_not_everything(share: float, said: str) -> None:
    assert percent(share).replace("\u00a0", " ") == said


def test_without_two_perturbations_the_page_says_so_and_shows_no_uncertainty() -> None:
    made = record(
        complete=False, passes={"asked": 16, "done": 1, "used": 0, "perturbations_used_K": 0}
    )
    html = make_report(findings((MapKind.INVERSE_CONSISTENCY, MapKind.JACOBIAN)), made)
    text = words(html)
    assert "without uncertainty" in text and "Stopped early" in text
    assert 'id="places"' not in html and 'id="terms"' not in html
    assert "Total uncertainty" not in text
    assert Page(html).open == []


def test_a_run_that_stopped_by_itself_is_not_one_that_was_stopped_early() -> None:
    known = {
        "standard_error_mm": 0.0314,
        "standard_error_fraction": 0.06,
        "total_mm": 0.52,
        "tolerance_mm": 0.05,
        "stopped_by_itself": True,
    }
    fewer = {"asked": 32, "done": 24, "used": 24, "perturbations_used_K": 12}
    html = make_report(findings(), record(passes=fewer, convergence=known))
    text = words(html)
    assert "Stopped early" not in text
    assert "stopped by itself after 24 of 32 passes" in text
    assert "change the map by less than 0.031 mm" in text and "below the 0.05" in text
    assert Page(html).open == []
    known |= {"tolerance_mm": None, "stopped_by_itself": False}
    text = words(make_report(findings(), record(convergence=known)))
    assert "0.031 mm" in text and "by itself" not in text
    assert "not estimated" in words(make_report(findings(), record(convergence=None)))


def test_single_passes_get_no_split_and_the_page_says_how_to_get_one() -> None:
    made = record()
    made["design"] |= {"replicates_R": 1, "noise": None}
    kinds = (MapKind.TOTAL, MapKind.INVERSE_CONSISTENCY, MapKind.JACOBIAN)
    html = make_report(findings(kinds), made)
    terms = words(section(html, "terms"))
    assert "not asked for" in terms and "Standard" in terms
    assert "share" not in terms
    assert Page(html).open == []


def test_what_limits_a_result_is_said_first() -> None:
    part = findings()
    part.maps[MapKind.JACOBIAN][:, :, :10] = np.nan
    part.maps[MapKind.JACOBIAN][8:12, 8:12, 15:18] = -0.5
    made = record(complete=False, notes=["Smaller batches."])
    made["model"]["weights"]["published"] = False
    said = " ".join(cautions(part, made))
    for word in ("Stopped early", "covered", "folds", "Unknown weights", "Smaller batches"):
        assert word in said
    assert cautions(findings(), record()) == []


def test_an_empty_region_still_gives_a_page() -> None:
    nothing = replace(findings(), mask=np.zeros(LATTICE.array_shape, bool))
    assert Page(make_report(nothing, record())).open == []


def test_an_indexed_png_is_read_back_by_another_program(tmp_path: Any) -> None:
    import SimpleITK as sitk

    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (7, 5)).astype(np.uint8)
    rgba = rng.integers(0, 256, (256, 4)).astype(np.uint8)
    file = tmp_path / "picture.png"
    file.write_bytes(encode_indexed(picture, rgba))
    read = sitk.GetArrayFromImage(sitk.ReadImage(str(file)))
    np.testing.assert_array_equal(read, rgba[picture][..., : read.shape[-1]])


# -- with a calibration ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def calibrated() -> str:
    return make_report(findings(OF_A_RUN), calibrated_record())


def test_a_calibrated_result_shows_its_errors_and_on_what_they_rest(calibrated: str) -> None:
    found = findings(OF_A_RUN)
    said = words(section(calibrated, "error")).replace("\u00a0", " ")
    for kind in (MapKind.EXPECTED_ERROR, MapKind.ERROR_BOUND):
        mean = float(found.maps[kind][found.region].mean())
        assert f"{mean:.2f} mm" in said and kind.facts.title in said
    for fact in ("12 registrations", "subject-one", "affine, smooth", "2026-11-20", "91 %", "85 %"):
        assert fact in said, fact
    assert "2.5 times" in said and "stays unseen" in said
    assert "<b>two" in said and "b" not in Page(calibrated).tags
    header = words(calibrated.split("<header>")[1].split("</header>")[0])
    assert "calibrated on 12 registrations of 2 subjects, 2026-11-20" in header


def test_kinds_of_deformation_are_said_in_words() -> None:
    made = calibrated_record()
    kinds = ["fine", "paper-affine", "reapplied"]
    made["calibration"] |= {"provenance": PROVENANCE | {"kinds": kinds}}
    said = words(section(make_report(findings(OF_A_RUN), made), "error"))
    assert "fine, the paper's affine, found between two of the images;" in said


def test_the_page_without_a_calibration_says_why_and_how_to_make_one() -> None:
    made = record(calibration={"why_not": "There is none <for> this."})
    said = words(section(make_report(findings(), made), "reading"))
    assert "There is none <for> this." in said and "ttauncertainty calibrate" in said


def test_the_worst_places_are_those_of_the_expected_error(calibrated: str) -> None:
    k, j, i = np.array(BRIGHT[::-1]) + DOUBT
    x, y, z = LATTICE.to_world((i, j, k)).tolist()
    text = words(section(calibrated, "places")).replace("\u2212", "-")
    numbers = re.search(r"RAS mm (-?\d+), (-?\d+), (-?\d+)", text)
    assert numbers
    found = np.array([int(n) for n in numbers.groups()])
    assert np.abs(found - (-x, -y, z)).max() <= 2.5 * 4.0 + 0.5
    assert "percentile of the expected error" in text
    assert "1.90 mm" in text and "bound 4.75 mm" in text


def test_only_maps_of_errors_are_hatched_and_there_where_the_marks_are(calibrated: str) -> None:
    point = LATTICE.to_world((np.array(BRIGHT[::-1]) + DOUBT)[::-1])
    pink = [int(OUTSIDE_COLOR[n : n + 2], 16) for n in (1, 3, 5)]
    for plane in Plane:
        for kind in (MapKind.EXPECTED_ERROR, MapKind.ERROR_BOUND):
            grey, _color, marks = layers(calibrated, f"{plane.title}: {kind.facts.title}")
            drawn = marks[..., 3] > 0
            assert (marks[drawn][:, :3] == pink).all()
            view = FieldOfView.around(volume(1, 1) > 0, LATTICE).section(plane, point)
            rows, columns = np.nonzero(drawn)
            finer = marks.shape[0] / grey.shape[0]
            step = float(view.lattice.spacing[0]) / finer
            across, down = view.place(point)
            assert (columns.min() + columns.max() + 1) / 2 * step == pytest.approx(across, abs=4)
            assert (rows.min() + rows.max() + 1) / 2 * step == pytest.approx(down, abs=4)
            box = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert 0.1 < box.mean() < 0.6  # lines and a rim: colours show between them
            assert box[0].mean() > 0.9 and box[:, 0].mean() > 0.9
        assert (
            len(layers(calibrated, f"{plane.title}: total uncertainty over the warped image")) == 2
        )
    inside = findings(OF_A_RUN)
    share = percent(inside.numbers.beyond_calibration)
    assert (
        inside.numbers.beyond_calibration
        == (inside.outside & inside.region).sum() / inside.region.sum()
    )
    legend = f"outside the calibrated range: {share} of the region"
    assert section(calibrated, "error").count(legend) == 2
    assert legend not in section(calibrated, "cues") + section(calibrated, "glance")


def test_a_section_without_marks_has_no_empty_layer() -> None:
    found = replace(findings(OF_A_RUN), outside=np.zeros(LATTICE.array_shape, bool))
    page = make_report(found, calibrated_record())
    assert len(layers(page, "Axial: Expected error")) == 2
    assert "outside the calibrated range: 0\u00a0% of the region" in page


def test_errors_are_painted_in_colors_of_their_own(calibrated: str) -> None:
    assert "url(#ramp-error)" in section(calibrated, "error")
    assert "url(#ramp-error)" not in section(calibrated, "glance") + section(calibrated, "cues")
    assert "url(#ramp-uncertainty)" not in section(calibrated, "error")


def test_the_outline_of_slicers_table_is_the_reports() -> None:
    table = resources_folder() / "ColorTables" / "outside.ctbl"
    pink = [str(int(OUTSIDE_COLOR[n : n + 2], 16)) for n in (1, 3, 5)]
    last = table.read_text(encoding="utf-8").splitlines()[-1].split()
    assert last[0] == "1" and last[2:5] == pink


def test_where_the_calibration_hardly_reaches_it_is_said_first() -> None:
    found = findings(OF_A_RUN)
    wide = replace(found, outside=found.region.copy())
    assert not [said for said in cautions(found, calibrated_record()) if "Beyond" in said]
    assert "Beyond the calibration" in cautions(wide, calibrated_record())[0]
