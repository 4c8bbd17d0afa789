"""What the models are, for a person who chooses: to be had without loading any of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..resources import resources_folder
from .contract import ModelDescription, ModelOption, PublishedFile


def _spacing(*choices: str) -> ModelOption:
    """Return the option of a bundled network that says how fine the lattice is."""
    first = (
        "'auto' is 2 mm, and finer where the images are small. "
        if "auto" in choices
        else "The expected error was made at 2 mm: its bound is wider at another. "
    )
    return ModelOption(
        name="spacing",
        title="Spacing (mm)",
        choices=choices,
        help=f"{first}A finer lattice leaves less error; a pass takes 2.7 times as long at 1.5 mm, "
        "and 10 times at 1 mm.",
    )


PYRAMID_FLOW = ModelDescription(
    name="pyramid-flow",
    title="Pyramid flow (bundled)",
    purpose="Two human brains, skull-stripped; trained on synthetic images. Of two contrasts (T1 "
    "and T2, say) one is given the other's first.",
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
        _spacing("2", "1.5", "1"),
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


PYRAMID_FLOW_ANY = replace(
    PYRAMID_FLOW,
    name="pyramid-flow-any",
    title="Pyramid flow, any anatomy (bundled)",
    purpose="Two images of one region of the body, of any anatomy; trained on synthetic brains of "
    "all sizes, trunks with organs, beating chambers and random shapes. The expected error was not "
    "made from its answers: the bound is wider.",
    spacing_mm=None,
    options=(*PYRAMID_FLOW.options[:-1], _spacing("auto", "2", "1.5", "1")),
)


def bundled_any_weights() -> Path:
    """Return where the weights lie that were trained on any anatomy."""
    return resources_folder() / "Models" / "tta_pyramid_flow_any.safetensors"


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


def _mok(repository: str, commit: str, file: str, size_bytes: int, sha256: str) -> PublishedFile:
    """Return a file of one of T. C. W. Mok's repositories, as it was at a commit."""
    return PublishedFile(
        name=file,
        url=f"https://github.com/cwmok/{repository}/raw/{commit}/Model/{file}",
        page=f"https://github.com/cwmok/{repository}",
        size_bytes=size_bytes,
        sha256=sha256,
    )


def _regularisation(*choices: str) -> ModelOption:
    """Return the option of a network that is asked for a weight of smoothness."""
    return ModelOption(
        name="regularisation",
        title="Regularisation",
        choices=choices,
        help="The weight of smoothness, 0 to 1, that the network is asked for: more for a smoother "
        "field that follows the images less.",
    )


CLAPIRN = ModelDescription(
    name="clapirn-lite",
    title="cLapIRN lite (OASIS)",
    purpose="T1 brain MRI of different people, skull-stripped and affinely aligned; the smoothness "
    "of the field can be chosen.",
    licence="MIT, Copyright (c) 2021 Tony Mok",
    citation="Mok, Chung: Conditional Deformable Image Registration with Convolutional Neural "
    "Network. MICCAI 2021.",
    spacing_mm=1.0,
    expects_affine_alignment=True,
    published=_mok(
        "Conditional_LapIRN",
        "18edd4f215f35506bad715e98195836362a9ecec",
        "LDR_OASIS_NCC_unit_disp_add_fea4_reg01_10_lite_stagelvl3_60000.pth",
        2115225,
        "c67ac1c8535a45f856d79c89686fb49a7eb9b349b7d7b9f704010d7a5c3d9089",
    ),
    options=(
        _regularisation("0.1", "0.05", "0.2", "0.4", "0.7", "1"),
        ModelOption(
            name="spacing",
            title="Spacing (mm)",
            choices=("1", "2"),
            help="1 mm is what it was trained at; 2 mm takes an eighth of the time.",
        ),
    ),
    frame_reference=_mni_template,
)

SYMNET = ModelDescription(
    name="symnet",
    title="SYMNet (OASIS)",
    purpose="T1 brain MRI of different people, skull-stripped and affinely aligned; its map can be "
    "inverted.",
    licence="MIT, Copyright (c) 2020 TonyMok",
    citation="Mok, Chung: Fast Symmetric Diffeomorphic Image Registration with Convolutional "
    "Neural Networks. CVPR 2020.",
    spacing_mm=1.0,
    expects_affine_alignment=True,
    published=_mok(
        "Fast-Symmetric-Diffeomorphic-Image-Registration-with-Convolutional-Neural-Networks",
        "e59968b103503f7b3c307bd4fd93648d0f8980c1",
        "SYMNet_neurite_oasis_smo30_update_80000.pth",
        3464633,
        "e27a7eebedf6c0dd9a6823e5f65986ec2b11998f60eef68b45ff978c3efa3f79",
    ),
    options=CLAPIRN.options[1:],
    frame_reference=_mni_template,
)

DIRAC = ModelDescription(
    name="dirac",
    title="DIRAC (brain tumours)",
    purpose="Contrast-enhanced T1 MRI of one brain with a tumour, before and after treatment, "
    "skull-stripped.",
    licence="MIT, Copyright (c) 2022 Tony Mok",
    citation="Mok, Chung: Unsupervised Deformable Image Registration with Absent Correspondences "
    "in Pre-operative and Post-Recurrence Brain Tumor MRI Scans. MICCAI 2022.",
    spacing_mm=None,
    expects_affine_alignment=True,
    published=_mok(
        "DIRAC",
        "b093c60908dc7286eab7da96c8b3fe4c49b0befc",
        "Brats_NCC_disp_fea6b5_AdaIn64_t1ce_fbcon_occ01_inv5_a0015_aug_mean_fffixed_github_"
        "stagelvl3_64000.pth",
        3947961,
        "2f49ed7dc7a076068c598d5fcccedab77dab2101e6176dcfcbef89ae351d0587",
    ),
    options=(_regularisation("0.3", "0.1", "0.5", "1"),),
)

MULTIPROPREG = ModelDescription(
    name="multipropreg-t2-t1",
    title="MultiPropReg, T2 to T1",
    purpose="A T2 brain MRI (moving) onto a T1 (fixed), skull-stripped and affinely aligned.",
    licence="MIT, Copyright (c) 2021 Alison brie",
    citation="Liu, Li, Fan, Zhao, Huang, Luo: Learning Deformable Image Registration From "
    "Optimization: Perspective, Modules, Bilevel Training and Beyond. IEEE TPAMI 44 (2022).",
    spacing_mm=1.0,
    expects_affine_alignment=True,
    published=PublishedFile(
        name="MPR-T2-to-T1atlas.zip",
        url="https://github.com/Alison-brie/MultiPropReg/raw/"
        "ec9a4e36da413d22bd30fe4b1721d2d9b024af6e/models/MPR-T2-to-T1atlas.zip",
        page="https://github.com/Alison-brie/MultiPropReg",
        size_bytes=1816914,
        sha256="60149d12d3af84ebc7e660f9ac570511901af040313c3a0faaf53d1caf167519",
        converted_sha256="0af11bb6bc5ccd656aac99a01a7f1b9198cd3f2f5d9d7fb4ac50752141a37509",
    ),
    options=CLAPIRN.options[1:],
    frame_reference=_mni_template,
)


PDD_NET = ModelDescription(
    name="pdd-net",
    title="PDD-Net (abdominal CT)",
    purpose="Abdominal CT of different people, in Hounsfield units, affinely aligned. A pass takes "
    "minutes on a CPU, and 3 GB of memory.",
    licence="Apache-2.0",
    citation="Heinrich: Closing the Gap between Deep and Conventional Image Registration using "
    "Probabilistic Dense Displacement Networks. MICCAI 2019.",
    spacing_mm=2.0,
    expects_affine_alignment=True,
    published=PublishedFile(
        name="dense_reg_mind2_feat_epoch2999.pth",
        url="https://github.com/multimodallearning/pdd_net/raw/"
        "8573113d044ec6e3c20b7acd6977404613c10a8f/dense_reg_mind2_feat_epoch2999.pth",
        page="https://github.com/multimodallearning/pdd_net",
        size_bytes=1087650,
        sha256="edbeb707c320464eea1dd4926b51bd9c57b4cb60832fe5b011b0f5f8b031d04b",
    ),
    options=(
        ModelOption(
            name="spacing",
            title="Spacing (mm)",
            choices=("2", "4"),
            help="2 mm is what it was trained at; 4 mm takes hardly less time.",
        ),
    ),
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
