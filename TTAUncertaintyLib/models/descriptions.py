"""What the models are, for a person who chooses: to be had without loading any of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..resources import resources_folder
from .contract import ModelDescription, ModelOption, PublishedFile

PYRAMID_FLOW = ModelDescription(
    name="pyramid-flow",
    title="Pyramid flow (bundled)",
    purpose="Two human brains, skull-stripped; trained on synthetic images. Of two contrasts (T1 "
    "and T2, say) one is given the other's first. Fails on other species: see its card.",
    licence="Apache-2.0",
    citation="Trained here after Hoffmann et al.: SynthMorph. IEEE TMI 41 (2022).",
    spacing_mm=2.0,
    expects_affine_alignment=True,
    options=(
        ModelOption(
            name="contrast",
            title="Contrast of the images",
            choices=("auto", "one", "two"),
            help="'two' gives one image the other's contrast first (T1 and T2, say), in two more "
            "passes; 'auto' does so where the images show that they differ.",
        ),
    ),
)


def bundled_weights() -> Path:
    """Return where the weights that come with the library lie."""
    return resources_folder() / "Models" / "tta_pyramid_flow.safetensors"


PYRAMID_FLOW_DROPOUT = replace(
    PYRAMID_FLOW,
    name="pyramid-flow-dropout",
    title="Pyramid flow with dropout (bundled)",
    purpose="The bundled network, trained with dropout layers: its own noise can be switched on "
    "(noise source dropout), to see what intrinsic spread means. Otherwise take the one without.",
)


def bundled_dropout_weights() -> Path:
    """Return where the weights that were trained with dropout lie."""
    return resources_folder() / "Models" / "tta_pyramid_flow_dropout.safetensors"


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


def _modality_option(image: str) -> ModelOption:
    return ModelOption(
        name=f"{image}_modality",
        title=f"Modality of the {image} image",
        choices=("auto", "mri", "ct"),
        help="How its intensities are normalised. 'auto' recognises a CT that shows air, in "
        "Hounsfield units, and an MRI that no CT could look like; it asks where it cannot tell.",
    )


def _gradicon_weights(release: str) -> PublishedFile:
    """Return the weights of a release; about 283 MB, the publisher gives neither size nor hash."""
    return PublishedFile(
        name=f"{release}_Step_2_final.trch",
        url="https://github.com/uncbiag/uniGradICON/releases/download/"
        f"{release}_weights/Step_2_final.trch",
        page="https://github.com/uncbiag/uniGradICON",
    )


UNIGRADICON = ModelDescription(
    name="unigradicon",
    title="uniGradICON",
    purpose="Two CTs or two MRIs of the same region, at least roughly alike in their field of view "
    "and not turned; trained on lungs and abdomen (CT), knees and brains (MRI). Needs no alignment "
    "and ignores any. Weights of about 283 MB; a pass takes about 2.5 GB of memory.",
    licence="Apache-2.0",
    citation="Tian, Greer, Kwitt, Vialard, San José Estépar, Bouix, Rushmore, Niethammer: "
    "uniGradICON: A Foundation Model for Medical Image Registration. MICCAI 2024.",
    spacing_mm=None,
    expects_affine_alignment=False,
    published=_gradicon_weights("unigradicon"),
    options=(_modality_option("fixed"), _modality_option("moving")),
)

MULTIGRADICON = replace(
    UNIGRADICON,
    name="multigradicon",
    title="multiGradICON",
    purpose="Like uniGradICON, and for a CT and an MRI, or MRIs of different contrast, as well. "
    "Needs no alignment and ignores any. Weights of about 283 MB; a pass takes about 2.5 GB of "
    "memory.",
    citation="Demir, Tian, Greer, Kwitt, Vialard, San José Estépar, Bouix, Rushmore, Ebrahim, "
    "Niethammer: multiGradICON: A Foundation Model for Multimodal Medical Image Registration. "
    "WBIR 2024.",
    published=_gradicon_weights("multigradicon"),
)


def _synthmorph_weights(name: str) -> PublishedFile:
    """Return a file of the publisher's folder; it gives neither sizes nor hashes."""
    return PublishedFile(
        name=name,
        url=f"https://surfer.nmr.mgh.harvard.edu/ftp/data/voxelmorph/synthmorph/{name}",
        page="https://github.com/voxelmorph/voxelmorph#synthmorph",
    )


SYNTHMORPH_SHAPES = ModelDescription(
    name="synthmorph-shapes",
    title="SynthMorph shapes",
    purpose="Two MR images of any, also of different contrast, skull-stripped; trained on images "
    "of random shapes and on no anatomy. Large: at 1 mm a GPU is needed.",
    licence="Apache-2.0 is that of the publisher's repository; it names none for the weights.",
    citation="Hoffmann, Billot, Greve, Iglesias, Fischl, Dalca: SynthMorph: Learning "
    "Contrast-Invariant Registration Without Acquired Images. IEEE TMI 41 (2022).",
    spacing_mm=1.0,
    expects_affine_alignment=True,
    published=_synthmorph_weights("shapes-dice-vel-3-res-8-16-32-256f.h5"),
    options=(
        ModelOption(
            name="spacing",
            title="Spacing (mm)",
            choices=("1", "2"),
            help="It was trained at 1 mm; 2 mm takes an eighth of the time and memory, and nobody "
            "has measured what it costs in accuracy.",
        ),
    ),
)

SYNTHMORPH_BRAINS = replace(
    SYNTHMORPH_SHAPES,
    name="synthmorph-brains",
    title="SynthMorph brains",
    purpose="Two brain MR images of any, also of different contrast, skull-stripped; trained on "
    "images made from label maps of brains. Large: at 1 mm a GPU is needed.",
    published=_synthmorph_weights("brains-dice-vel-0.5-res-16-256f.h5"),
    frame_reference=_mni_template,
)


def _optimisation(
    name: str, title: str, purpose: str, citation: str, licence: str = "Apache-2.0 (SimpleITK, ITK)"
) -> ModelDescription:
    """Return the description of a registration by optimisation."""
    return ModelDescription(
        name=name,
        title=title,
        purpose=purpose,
        licence=licence,
        citation=citation,
        spacing_mm=2.0,
        expects_affine_alignment=True,
        needs_weights=False,
        options=(
            ModelOption(
                name="spacing",
                title="Spacing (mm)",
                choices=("2", "3", "4"),
                help="Of the lattice that it works on: a coarser one is faster and misses finer "
                "structures.",
            ),
        ),
    )


SITK_BSPLINE = _optimisation(
    "sitk-bspline",
    "B-spline (SimpleITK)",
    "Any anatomy, any contrasts: mutual information is maximised, with control points 24 mm apart. "
    "A brain at 2 mm takes about 16 s a pass.",
    "Rueckert et al.: Nonrigid registration using free-form deformations. IEEE TMI 18 (1999). "
    "Mattes et al.: PET-CT image registration in the chest using free-form deformations. "
    "IEEE TMI 22 (2003).",
)

SITK_DEMONS = _optimisation(
    "sitk-demons",
    "Diffeomorphic demons (SimpleITK)",
    "Any anatomy, two images of the same contrast: intensities are compared directly, after "
    "their histograms were matched. A brain at 2 mm takes about 6 s a pass; bias fields lead it "
    "astray.",
    "Vercauteren et al.: Diffeomorphic demons: efficient non-parametric image registration. "
    "NeuroImage 45 (2009).",
)

GREEDY = _optimisation(
    "greedy",
    "Greedy (needs picsl-greedy)",
    "Any anatomy, contrasts that differ little from place to place: local cross-correlation is "
    "maximised. A brain at 2 mm takes about 9 s a pass. The Python package picsl-greedy has to be "
    "installed.",
    "Yushkevich et al.: Fast automatic segmentation of hippocampal subfields and medial temporal "
    "lobe subregions in 3 Tesla and 7 Tesla T2-weighted MRI. Alzheimer's & Dementia 12 (2016).",
    "Apache-2.0",
)
