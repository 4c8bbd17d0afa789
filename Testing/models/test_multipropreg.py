"""A real pretrained network that nobody here wrote or trained, through the door for one's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
import torch
from support.manifests import write_manifest

from TTAUncertaintyLib.engine import Engine, Execution
from TTAUncertaintyLib.errors import ConsentNeeded
from TTAUncertaintyLib.geometry import (
    Prealignment,
    Start,
    prealign,
    read_image,
    sample,
    start_transform,
)
from TTAUncertaintyLib.models import RegistrationModel, load_model
from TTAUncertaintyLib.models.contract import PreparedPair
from TTAUncertaintyLib.perturbations import Amplitudes, Design, Family
from TTAUncertaintyLib.resources import resources_folder

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = resources_folder() / "SampleData"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The manifest of MultiPropReg; skips, loudly, where its wheel is not at hand."""
    name = "TTAUNCERTAINTY_MULTIPROPREG"
    folder = Path(os.environ.get(name, ROOT / ".oracles" / "multipropreg"))
    if not (folder / "MultiPropReg" / "models" / "pretrained_model_epoch400.ckpt").is_file():
        pytest.skip(
            "NOT TESTED with a third party's network: MultiPropReg is not here. "
            "Run 'python Testing/oracles/get_multipropreg.py'."
        )
    room = tmp_path_factory.mktemp("multipropreg")
    code = room / "multipropreg.py"
    copyfile(ROOT / "Testing" / "support" / "own_multipropreg.py", code)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, str(folder))
        yield write_manifest(
            room,
            code,
            kind="python",
            **{"class": "MultiPropReg"},
            name="multipropreg",
            licence="MIT, Copyright (c) 2021 Alison brie",
            input__shape=[80, 96, 112],  # it was trained on twice that, at 1 mm
            input__multiple=1,
            input__spacing_mm=2,
            input__center="foreground",
            input__orientation="LIA",
            input__array_order="ijk",
            input__affine_alignment=True,
            output__align_corners=False,
        )


@pytest.fixture(scope="module")
def model(manifest: Path) -> Iterator[RegistrationModel]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield load_model(str(manifest), trust_code=True)
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pair(model: RegistrationModel) -> PreparedPair:
    """Colin27 to MNI152, affinely aligned, as this network wants them."""
    fixed, _ = read_image(SAMPLES / "mni152_t1_1mm.nii.gz")
    moving, _ = read_image(SAMPLES / "colin27_t1_1mm.nii.gz")
    start = start_transform(fixed, moving, Start.MASS)
    return model.prepare(fixed, moving, prealign(fixed, moving, start, Prealignment.AFFINE))


def test_it_does_not_run_unasked(manifest: Path) -> None:
    with pytest.raises(ConsentNeeded):
        load_model(str(manifest))


@pytest.mark.slow
def test_it_registers_two_brains_and_the_engine_maps_it(
    model: RegistrationModel, pair: PreparedPair
) -> None:
    design = Design(Family.TRANSLATION, Amplitudes(1.0), outer=4)
    outcome = Engine(model, pair, design, Execution("cpu"), reverse_pass=False).run()
    warped = sample(pair.moving, outcome.prediction[None])
    brain = (pair.fixed > 0.1).numpy()
    before, after = (
        float(np.corrcoef(pair.fixed.numpy()[brain], image.numpy()[brain])[0, 1])
        for image in (pair.moving, warped)
    )
    print(f"correlation in the brain: {before:.3f} before, {after:.3f} after")
    assert after > before + 0.05
    assert outcome.variance is not None
    total = outcome.variance.total.clamp(min=0).sqrt().numpy()
    print(f"total uncertainty in the brain: {total[brain[0, 0]].mean():.3f} mm")
    assert np.isfinite(total).all() and 0 < total[brain[0, 0]].mean() < 5
