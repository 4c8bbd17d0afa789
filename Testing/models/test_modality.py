"""CT or MRI: normalised as the publisher does, and never guessed where it could be either."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support.lattices import PLAIN

from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.geometry import Image, Lattice, read_image
from TTAUncertaintyLib.models.adapters.modality import Modality, normalised, recognise

Array = NDArray[np.float64]

SAMPLES = Path(__file__).resolve().parents[2] / "Resources" / "SampleData"


def image_of(values: Array) -> Image:
    """Return a cube of the values, in any order."""
    side = round(len(values) ** (1 / 3))
    cube = values[: side**3].astype(np.float32).reshape(side, side, side)
    return Image(torch.from_numpy(cube), Lattice((side, side, side), np.eye(4)), "the scan")


def scan(*parts: tuple[float, float, float], seed: int = 0) -> Image:
    """Return an image of (share, mean, spread) of its voxels, rounded as scanners do."""
    generator = np.random.default_rng(seed)
    count = 30**3
    values = [
        generator.normal(mean, spread, int(np.ceil(share * count))) for share, mean, spread in parts
    ]
    return image_of(np.round(np.concatenate(values))[:count])


TISSUE, FAT, BRAIN = (0.4, 45.0, 25.0), (0.1, -95.0, 20.0), (0.8, 32.0, 12.0)


def at_least(image: Image, low: float) -> Image:
    return Image(image.intensities.clamp(min=low), image.lattice, image.name)


CTS_WITH_AIR = {
    "chest": scan(TISSUE, FAT, (0.2, -820.0, 60.0), (0.25, -1000.0, 8.0), (0.05, 500.0, 200.0)),
    "filled with -3024": scan(TISSUE, FAT, (0.2, -3024.0, 0.0), (0.3, -1000.0, 8.0)),
    "filled with -1024": scan(TISSUE, FAT, (0.5, -1024.0, 0.0)),
    "abdomen with a little gas": scan((0.79, 45.0, 25.0), (0.2, -95.0, 20.0), (0.01, -985.0, 20.0)),
    "clamped at -1000": at_least(scan(TISSUE, FAT, (0.5, -1000.0, 10.0)), -1000.0),
}


@pytest.mark.parametrize("what", CTS_WITH_AIR)
def test_a_ct_that_shows_air_is_recognised(what: str) -> None:
    assert recognise(CTS_WITH_AIR[what]) is Modality.CT


MRIS = {
    "bright": scan((0.5, 900.0, 150.0), (0.3, 1300.0, 100.0), (0.2, 0.0, 0.0)),
    "bright, stripped": scan((0.15, 900.0, 100.0), (0.85, 0.0, 0.0)),
    "from 0 to 1": image_of(np.linspace(0, 1, 1000)),
    "z-scores": image_of(np.random.default_rng(0).normal(0, 1, 1000)),
}


@pytest.mark.parametrize("what", MRIS)
def test_an_mri_that_no_ct_could_look_like_is_recognised(what: str) -> None:
    assert recognise(MRIS[what]) is Modality.MRI


UNDECIDED = {
    "the inside of a head": scan(BRAIN, (0.2, 8.0, 6.0)),
    "a head, with its skull, without air": scan(BRAIN, (0.2, 1100.0, 300.0)),
    "the same, nothing below 0": at_least(scan(BRAIN, (0.2, 1100.0, 300.0)), 0.0),
    "soft tissue and fat": scan((0.7, 45.0, 25.0), (0.3, -95.0, 20.0)),
    "a masked brain": scan((0.2, 32.0, 12.0), (0.8, 0.0, 0.0)),
    "a masked heart with contrast": scan((0.2, 400.0, 60.0), (0.8, 0.0, 0.0)),
    "a masked vertebra": scan((0.1, 350.0, 200.0), (0.9, 0.0, 0.0)),
    "a ct stored with 1024 added": scan((0.45, 1070.0, 25.0), (0.55, 24.0, 10.0)),
    "lungs alone, masked with 0": scan((0.4, -700.0, 40.0), (0.6, 0.0, 0.0)),
    "an mri of 8 bits": scan((0.4, 120.0, 30.0), (0.6, 0.0, 0.0)),
    "a phase image": image_of(np.random.default_rng(0).uniform(-4096, 4095, 27000)),
    "a difference of images": scan((1.0, 0.0, 200.0)),
}


@pytest.mark.parametrize("what", UNDECIDED)
def test_what_could_be_either_is_not_guessed(what: str) -> None:
    assert recognise(UNDECIDED[what]) is None


def test_the_bundled_brains_of_8_bits_are_not_guessed() -> None:
    assert recognise(read_image(SAMPLES / "mni152_t1_1mm.nii.gz")[0]) is None


# -- normalisation ------------------------------------------------------------------------------


def test_hounsfield_units_are_mapped_from_a_fixed_window() -> None:
    values = torch.linspace(-3024, 3071, PLAIN.array_shape[0])[:, None, None]
    image = Image(values.expand(PLAIN.array_shape).clone(), PLAIN, "the scan")
    found = normalised(image, Modality.CT)
    expected = np.clip((image.intensities.double().numpy() + 1000) / 2000, 0, 1)
    assert np.abs(found.intensities.numpy() - expected).max() < 1e-6
    assert found.lattice == PLAIN and found.name == "the scan"
    assert float(image.intensities.min()) == -3024  # the image itself is left alone


def test_an_mri_is_mapped_from_its_darkest_value_to_the_voxel_of_rank_99_percent() -> None:
    values = np.random.default_rng(0).permutation(np.arange(1000.0)) - 20
    found = normalised(image_of(values), Modality.MRI).intensities.flatten().numpy()
    # the 990th smallest of -20 .. 979 is 969
    expected = np.clip((values + 20) / 989, 0, 1)
    assert np.abs(found - expected).max() < 1e-6
    assert (found == 1).sum() == 11


def test_an_image_without_contrast_in_the_window_is_refused() -> None:
    beyond = image_of(np.linspace(1500, 4000, 1000))
    with pytest.raises(InputError, match="the scan has no contrast between -1000 and 1000"):
        normalised(beyond, Modality.CT)


def test_an_mri_that_is_nearly_all_background_is_refused() -> None:
    with pytest.raises(InputError, match="99 % of the voxels of the scan"):
        normalised(scan((0.995, 0.0, 0.0), (0.005, 500.0, 20.0)), Modality.MRI)
