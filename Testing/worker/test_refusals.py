"""Bad input: a clear word about what is wrong, the right exit status, and nothing written."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from support.phantom import FIXED, phantom, write, write_pair

from TTAUncertaintyLib.errors import (
    DesignError,
    InputError,
    ModelError,
    OutputError,
    ResourceError,
    TTAUncertaintyError,
)
from TTAUncertaintyLib.geometry import Lattice
from TTAUncertaintyLib.perturbations import DesignRequest, Family, Noise, Preset, Sampling
from TTAUncertaintyLib.worker import Job
from TTAUncertaintyLib.worker.messages import Voice
from TTAUncertaintyLib.worker.perform import perform


@pytest.fixture
def job(tmp_path: Path) -> Job:
    fixed, moving = write_pair(tmp_path / "images")
    quick = DesignRequest(Preset.QUICK)
    return Job(fixed, moving, tmp_path / "result", design=quick, prealign=None)


def spoiled(job: Job, spoil: Callable[[np.ndarray], None]) -> Job:
    array = phantom(FIXED)
    spoil(array)
    write(job.fixed, array)
    return job


def with_nan(job: Job) -> Job:
    return spoiled(job, lambda a: a.__setitem__((3, 4, 5), np.nan))


def constant(job: Job) -> Job:
    return spoiled(job, lambda a: a.fill(7))


def two_dimensional(job: Job) -> Job:
    sitk.WriteImage(sitk.GetImageFromArray(phantom(FIXED)[5]), str(job.fixed))
    return job


def four_dimensional(job: Job) -> Job:
    stack = sitk.JoinSeries([FIXED.stamp(sitk.GetImageFromArray(phantom(FIXED)))] * 2)
    sitk.WriteImage(stack, str(job.fixed))
    return job


def vector_image(job: Job) -> Job:
    path = job.moving.with_name("vector.nrrd")
    array = np.stack([phantom(FIXED)] * 3, axis=-1)
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=True), str(path))
    return replace(job, moving=path)


def empty_file(job: Job) -> Job:
    job.moving.write_bytes(b"")
    return job


def text_file(job: Job) -> Job:
    job.fixed.write_text("this is not an image")
    return job


def absurd_spacing(job: Job) -> Job:
    write(job.fixed, phantom(FIXED), Lattice.from_geometry(FIXED.size, (2, 2, 600), (0, 0, 0)))
    return job


def far_apart(job: Job) -> Job:
    far = FIXED.transformed(np.array([[1, 0, 0, 900], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    write(job.fixed, phantom(FIXED), far)
    return job


def tiny_image(job: Job) -> Job:
    small = Lattice.from_geometry((8, 8, 8), (2, 2, 2), (-8, -8, -8))
    write(job.fixed, phantom(small), small)
    return job


def few_slices(job: Job) -> Job:
    slab = FIXED.centered((FIXED.size[0], FIXED.size[1], 3), FIXED.spacing, FIXED.center)
    write(job.fixed, phantom(slab), slab)
    return job


def mask_elsewhere(job: Job) -> Job:
    mask = job.fixed.with_name("mask.nrrd")
    other = FIXED.resampled(4.0)
    write(mask, np.ones(other.array_shape, np.float32), other, sitk.sitkUInt8)
    return replace(job, mask=mask)


def corrupt_weights(job: Job) -> Job:
    weights = job.fixed.with_name("weights.safetensors")
    weights.write_bytes(b"\x40\x00\x00\x00\x00\x00\x00\x00{}")
    return replace(job, weights=weights)


def folder_with_other_things(job: Job) -> Job:
    job.output.mkdir()
    (job.output / "thesis.docx").write_text("three years of work")
    return job


def below_a_file(job: Job) -> Job:
    return replace(job, output=job.fixed / "result")


def designed(**changes: object) -> Callable[[Job], Job]:
    return lambda job: replace(job, design=replace(job.design, **changes))  # type: ignore[arg-type]


CASES = [
    ("missing file", lambda j: replace(j, fixed=Path("nowhere.nii")), InputError, "does not exist"),
    ("empty file", empty_file, InputError, "empty"),
    ("not an image", text_file, InputError, "cannot be read"),
    ("2D", two_dimensional, InputError, "flat"),
    ("4D", four_dimensional, InputError, "four-dimensional"),
    ("vector", vector_image, InputError, "3 components"),
    ("constant", constant, InputError, "constant"),
    ("NaN", with_nan, InputError, "--replace-nonfinite"),
    ("absurd spacing", absurd_spacing, InputError, "600 mm"),
    ("no overlap", far_apart, InputError, "do not overlap"),
    ("too small", tiny_image, InputError, "at least 32 mm"),
    ("few slices", few_slices, InputError, "spans 75 x 72 x 9 mm; the network needs at least"),
    ("mask elsewhere", mask_elsewhere, InputError, "does not lie on"),
    ("other things in the folder", folder_with_other_things, OutputError, "holds other things"),
    ("folder below a file", below_a_file, OutputError, ""),
    ("unknown model", lambda j: replace(j, model="voxelmoph"), ModelError, "pyramid-flow"),
    ("missing weights", lambda j: replace(j, weights=Path("no.file")), ModelError, "not exist"),
    ("corrupt weights", corrupt_weights, ModelError, "weights.safetensors"),
    ("weights not bundled", lambda j: replace(j, model="lapirn"), ModelError, "--weights"),
    ("K = 1", designed(outer=1), DesignError, "at least 2"),
    ("R = 0", designed(replicates=0), DesignError, "at least 1"),
    ("negative amplitude", designed(translation_mm=-1.0), DesignError, "not negative"),
    ("no such orthogonal design", designed(outer=7), DesignError, "Take 8"),
    (
        "folding",
        designed(family=Family.ELASTIC, sampling=Sampling.RANDOM, elastic_mm=60.0),
        DesignError,
        "folds",
    ),
    ("no dropout", designed(noise=Noise.DROPOUT), DesignError, "no dropout"),
    ("no such device", lambda j: replace(j, device="cuda:93"), ResourceError, "cuda:93"),
]


@pytest.mark.parametrize(
    ("change", "kind", "words"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_bad_input_is_refused_in_words_and_nothing_is_written(
    job: Job, change: Callable[[Job], Job], kind: type[TTAUncertaintyError], words: str
) -> None:
    bad = change(job)
    before = sorted(job.output.parent.rglob("*"))
    with pytest.raises(kind) as refusal:
        perform(bad, Voice(io.StringIO()))
    assert words in str(refusal.value)
    assert refusal.value.exit_code != 0
    assert sorted(job.output.parent.rglob("*")) == before


def test_nan_is_replaced_when_asked_and_the_record_says_how_many(job: Job) -> None:
    assert perform(replace(with_nan(job), replace_nonfinite=True), Voice(io.StringIO()))
    record = (job.output / "result.json").read_text()
    assert '"nonfinite_replaced": 1' in record


def test_images_far_apart_register_from_their_centres_of_mass(job: Job) -> None:
    from TTAUncertaintyLib.geometry import Start

    assert perform(replace(far_apart(job), start=Start.MASS), Voice(io.StringIO()))
    assert (job.output / "result.json").is_file()


def test_what_is_to_be_known_of_an_image_is_said_and_kept(job: Job) -> None:
    content = bytearray(gzip.decompress(job.fixed.read_bytes()))
    struct.pack_into("<hh", content, 252, 1, 2)  # qform and sform are both stated
    place = struct.unpack_from("<f", content, 280 + 12)[0]
    struct.pack_into("<f", content, 280 + 12, place + 7.0)  # and 7 mm apart
    job.fixed.write_bytes(gzip.compress(bytes(content)))
    heard = io.StringIO()
    assert perform(job, Voice(heard))
    words = "puts voxels up to 7.0 mm away from its qform"
    assert words in heard.getvalue()
    assert words in (job.output / "result.json").read_text(encoding="utf-8")
    assert words in (job.output / "report.html").read_text(encoding="utf-8")
