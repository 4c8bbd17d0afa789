"""What the models are, for a person who chooses: to be had without loading any of them."""

from __future__ import annotations

from pathlib import Path

from ..resources import resources_folder
from .contract import ModelDescription, ModelOption, PublishedFile

PYRAMID_FLOW = ModelDescription(
    name="pyramid-flow",
    title="Pyramid flow (bundled)",
    purpose="Two human brains of the same contrast, skull-stripped; trained on synthetic images. "
    "Fails on inverted contrast and on other species: see its card.",
    licence="Apache-2.0",
    citation="Trained here after Hoffmann et al.: SynthMorph. IEEE TMI 41 (2022).",
    spacing_mm=2.0,
    expects_affine_alignment=True,
)


def bundled_weights() -> Path:
    """Return where the weights that come with the library lie."""
    return resources_folder() / "Models" / "tta_pyramid_flow.safetensors"


def _mni_template() -> Path:
    """Return the bundled MNI152 brain: it lies as LapIRN's training images do."""
    return resources_folder() / "SampleData" / "mni152_t1_1mm.nii.gz"


LAPIRN = ModelDescription(
    name="lapirn",
    title="LapIRN (OASIS, displacement)",
    purpose="T1 brain MRI of different people, skull-stripped and affinely aligned.",
    licence="MIT, Copyright (c) 2020 TonyMok",
    citation="Mok, Chung: Large Deformation Diffeomorphic Image Registration with Laplacian "
    "Pyramid Networks. MICCAI 2020.",
    spacing_mm=2.0,
    expects_affine_alignment=True,
    published=PublishedFile(
        name="LapIRN_disp_fea7.pth",
        url="https://github.com/cwmok/LapIRN/raw/master/Model/LapIRN_disp_fea7.pth",
        page="https://github.com/cwmok/LapIRN",
        size_bytes=3717631,
        sha256="9485191cb215e69b6b43ec4d64eb4fd4be4dcec6fce9f59209d8510378cdc2c0",
    ),
    options=(
        ModelOption(
            name="spacing",
            title="Spacing (mm)",
            choices=("2", "1"),
            help="1 mm is what it was trained at, and takes eight times as long.",
        ),
    ),
    frame_reference=_mni_template,
)
