"""Which of the two bundled networks images are offered, whatever lattice they lie on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.reference import reference_file

from TTAUncertaintyLib.geometry import Image, Lattice, read_image, resample_array
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.offers import are_brains, is_brain_alone
from TTAUncertaintyLib.sample_data import sample_images

BRAINS = ("mni152", "colin27", "colin27-lesion")
PATIENTS = ("people/1000_SS.nii.gz", "tumour/BraTSReg_002_00_0000_t1ce.nii.gz")
LUNGS = ("lung-baseline", "lung-followup")
OTHERS = (
    "cardiac/acdc/patient001/patient001_frame01.nii.gz",
    "cardiac/mms/A0S9V9/A0S9V9_ED.nii.gz",
    "knee/knee3D_R.nii.gz",
    "liver/dataset18/cyc_1_10.force_direction.mha",
    "lung/3DCT_lung_baseline.mha",
    "head-ct/test_vol_01006_2mm.nii.gz",
)


def sample(name: str) -> Image:
    return read_image(sample_images()[name].path)[0]


def told(image: Image) -> bool | None:
    return is_brain_alone(image.intensities.numpy(), image.lattice)


@pytest.mark.parametrize("name", BRAINS)
def test_a_brain_without_its_skull_is_known(name: str) -> None:
    assert told(sample(name))


@pytest.mark.parametrize(
    "name", ["people/1000_SS.nii.gz", "tumour/BraTSReg_002_00_0000_t1ce.nii.gz"]
)
def test_so_is_a_patients(name: str) -> None:
    assert told(read_image(reference_file(name))[0])


@pytest.mark.parametrize("name", OTHERS)
def test_other_anatomy_is_no_brain(name: str) -> None:
    assert told(read_image(reference_file(name))[0]) is False


def test_the_bundled_lung_is_no_brain() -> None:
    assert told(sample("lung-baseline")) is False


def test_the_order_of_the_axes_and_their_signs_say_nothing() -> None:
    image = sample("colin27")
    values = image.intensities.numpy()
    for axes in ((2, 0, 1), (1, 0, 2)):
        turned = values.transpose(axes)[::-1, :, ::-1]
        assert is_brain_alone(turned, Lattice(turned.shape[::-1], image.lattice.matrix))


def test_thick_slices_and_a_negative_background_say_nothing() -> None:
    image = sample("colin27")
    thick = image.intensities.numpy()[::4] - 1000
    matrix = image.lattice.matrix @ np.diag([1.0, 1.0, 4.0, 1.0])
    assert is_brain_alone(thick, Lattice(thick.shape[::-1], matrix))


@pytest.mark.parametrize("degrees", [15, 35])
def test_an_oblique_anisotropic_lattice_shows_the_same_brain(degrees: float) -> None:
    image = sample("colin27")
    turn, c, s = np.eye(4), np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn[:3, :3] = [[c, -s, 0], [s, c, 0], [0, 0, -1]]
    size, spacing = (150, 90, 60), (1.5, 2.5, 4.0)
    matrix = turn @ np.diag([*spacing, 1.0])
    middle = matrix[:3, :3] @ ((np.array(size) - 1) / 2)
    matrix[:3, 3] = image.lattice.center - middle
    lattice = Lattice(size, matrix)
    values = resample_array(image.intensities[None], image.lattice, lattice, outside=0.0)[0]
    assert is_brain_alone(values.numpy(), lattice)


def test_the_size_counts() -> None:
    image = sample("colin27")
    small = Lattice(image.lattice.size, image.lattice.matrix @ np.diag([0.4, 0.4, 0.4, 1.0]))
    assert not is_brain_alone(image.intensities.numpy(), small)  # a macaque's


@pytest.mark.parametrize("fill", [0.0, 1.0, np.nan])
def test_of_an_image_of_one_value_nothing_is_told(fill: float) -> None:
    values: NDArray[np.float64] = np.full((60, 60, 60), fill)
    assert is_brain_alone(values, Lattice((60, 60, 60), np.diag([3.0, 3.0, 3.0, 1.0]))) is None


def test_of_a_brain_amid_what_is_no_number_nothing_is_told() -> None:
    image = sample("colin27")
    values = image.intensities.numpy()
    assert is_brain_alone(np.where(values == 0, np.nan, values), image.lattice) is None


@pytest.mark.parametrize(
    ("images", "both"),
    [((True, True), True), ((True, False), False), ((None, False), None), ((None, None), None)],
)
def test_a_pair_is_of_brains_if_both_are_and_unknown_if_one_is(
    images: tuple[bool | None, ...], both: bool | None
) -> None:
    assert are_brains(images) is both


@pytest.mark.parametrize(
    ("model", "contrast", "images", "noted"),
    [
        ("pyramid-flow", "one", BRAINS[:2], ""),
        ("pyramid-flow", "two", BRAINS[:2], "the model pyramid-flow-any leaves less"),
        ("pyramid-flow", "one", LUNGS, "the model pyramid-flow-any."),
        ("pyramid-flow-any", "one", BRAINS[:2], "the model pyramid-flow."),
        ("pyramid-flow-any", "two", BRAINS[:2], ""),
        ("pyramid-flow-any", "one", LUNGS, ""),
    ],
)
def test_a_run_with_the_other_network_says_so(
    model: str, contrast: str, images: tuple[str, str], noted: str
) -> None:
    fixed, moving = map(sample, images)
    notes = load_model(model, None, {"contrast": contrast}).prepare(fixed, moving, np.eye(4)).notes
    said = [note for note in notes if "pyramid-flow" in note]
    assert len(said) == bool(noted) and all(noted in note for note in said)
