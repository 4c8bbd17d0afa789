"""Make the sample images of TTAUncertainty from their published sources.

    python make_sample_data.py \
        --colin27-head ch2.nii.gz --colin27-brain ch2bet.nii.gz \
        --mni-t1 mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz \
        --mni-grey mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz \
        --mni-white mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz \
        --colin27-afids tpl-MNIColin27_desc-groundtruth_afids.fcsv \
        --mni-afids tpl-MNI152NLin2009bSym_res-1_desc-groundtruth_afids.fcsv \
        --lung FOLDER --output .

The Colin27 files are those of MRIcron (Debian package ``mricron-data``), the MNI152 files
those inside the nilearn wheel, the landmarks those of the AFIDs project (in its repository
``afids/autoafids``). The lung's CTs and masks are those of elastix's tests (Debian source package
``elastix``), its points those of ITKElastix. NOTICE.md holds their copyright notices. Without the
files of the brains, or of the lung, theirs stay as they are.

Everything is deterministic: the one random element, the irregular outline and the texture of
the painted lesion, comes from a fixed seed. Only numpy and SimpleITK are needed. Voxel values and
geometry depend on nothing else; the bytes of a gzip stream, hence the SHA-256 sums in
``sample_data.json``, may also depend on the version of the compression library.

Axis order is SimpleITK's: arrays are indexed (k, j, i), world coordinates are LPS in mm. No image
of a brain is resampled: cropping is the only geometric operation, so a voxel of such an image lies
exactly where it lies in its source. The lung is sampled anew.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

FloatArray = npt.NDArray[np.float64]
LabelArray = npt.NDArray[np.uint8]

MARGIN_MM = 4.0
"""Empty border kept around the brain, so that a perturbed image does not touch its edge."""

BACKGROUND, CSF, GREY, WHITE = 0, 1, 2, 3
CAVITY, OEDEMA = 1, 2

MARKUPS_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/"
    "Resources/Schema/markups-schema-v1.0.3.json#"
)

COLIN27_AFIDS_SHIFT_LPS_MM = (0.0, 0.0, 2.0)
"""From the copy of Colin27 that the landmarks were placed on to MRIcron's copy.

The header of MRIcron's ch2.nii.gz puts the same voxels two millimetres higher. Found by moving the
surroundings of all 32 points on Colin27 over those on MNI152 (8 mm around each): their correlation
is .73 as the points were published, .83 with this shift, and lower with any other;
Testing/packaging/test_sample_data.py repeats it.
"""

LESION_SEED = 27
LESION_CENTRE_LPS_MM = (-36.0, -26.0, 24.0)
"""In the right frontal lobe: LPS x is negative on the right, y negative in front."""
LESION_RADII_MM = (22.0, 26.0, 22.0)
OEDEMA_WIDTH_MM = 16.0

MNI_LICENCE = (
    "McConnell Brain Imaging Centre notice: use, copy, modify and distribute for any purpose "
    "without fee, with the copyright notice (see NOTICE.md)"
)
COLIN27_SOURCE = (
    "Colin27 single-subject average (27 scans of one volunteer; Holmes et al. 1998), as "
    "distributed with MRIcron: ch2.nii.gz and ch2bet.nii.gz"
)
MNI_SOURCE = (
    "ICBM 152 nonlinear symmetric 2009a (Fonov et al. 2009, 2011), the skull-stripped 8-bit "
    "version distributed with nilearn: mni_icbm152_{t1,gm,wm}_tal_nlin_sym_09a_converted.nii.gz"
)
AFIDS_SOURCE = (
    "Anatomical fiducials (AFIDs) placed by trained raters, mean over raters; Lau et al. 2019, "
    "Taha et al. 2023; afids/autoafids"
)
AFIDS_LICENCE = "CC BY 4.0 and MIT (see NOTICE.md)"

LUNG_SOURCE = (
    "elastix 5.3.1 (Debian source package), Testing/Data: 3DCT_lung_baseline.mha and "
    "3DCT_lung_followup.mha with their masks, sampled anew at 2 mm; landmarks of ITKElastix, "
    "CT_3D_lung_*_point_set_corrected.txt"
)
LUNG_LICENCE = "Apache-2.0, Copyright 2014 University Medical Center Utrecht and contributors"
LUNG_SPACING_MM = 2.0


@dataclass(frozen=True)
class Entry:
    """What ``sample_data.json`` says of one file, apart from its checksum."""

    name: str
    file: str
    role: str
    title: str
    description: str
    source: str
    licence: str
    labels: tuple[str, ...] = ()  #: what the labels 1, 2, ... mean


TISSUES = ("Cerebrospinal fluid", "Grey matter", "White matter")

ENTRIES = (
    Entry(
        "mni152",
        "mni152_t1_1mm.nii.gz",
        "fixed",
        "MNI152 T1 (fixed)",
        "Average T1-weighted brain of 152 adults, skull-stripped, 1 mm.",
        MNI_SOURCE,
        MNI_LICENCE,
    ),
    Entry(
        "colin27",
        "colin27_t1_1mm.nii.gz",
        "moving",
        "Colin27 T1 (moving)",
        "T1-weighted brain of one man, average of 27 scans, skull-stripped, 1 mm.",
        COLIN27_SOURCE,
        MNI_LICENCE,
    ),
    Entry(
        "colin27-lesion",
        "colin27_lesion_t1_1mm.nii.gz",
        "moving",
        "Colin27 T1 with a painted lesion (moving)",
        "Colin27 with a synthetic resection cavity in the right frontal lobe, filled with "
        "fluid, and oedema around it. The lesion is painted: nobody had it. It has no "
        "counterpart in MNI152, so no registration is right inside it.",
        COLIN27_SOURCE + "; lesion painted by make_sample_data.py",
        MNI_LICENCE,
    ),
    Entry(
        "mni152-tissues",
        "mni152_tissues_1mm.nii.gz",
        "labels",
        "MNI152 tissues",
        "1 cerebrospinal fluid, 2 grey matter, 3 white matter: the most probable class of the "
        "published grey and white matter maps, the rest of the brain being fluid.",
        MNI_SOURCE,
        MNI_LICENCE,
        TISSUES,
    ),
    Entry(
        "colin27-tissues",
        "colin27_tissues_1mm.nii.gz",
        "labels",
        "Colin27 tissues",
        "1 cerebrospinal fluid, 2 grey matter, 3 white matter: three-class k-means of the "
        "intensities with a light neighbourhood prior. Not a manual segmentation; deep grey "
        "nuclei partly count as white matter.",
        COLIN27_SOURCE + "; segmented by make_sample_data.py",
        MNI_LICENCE,
        TISSUES,
    ),
    Entry(
        "colin27-lesion-mask",
        "colin27_lesion_mask_1mm.nii.gz",
        "labels",
        "Painted lesion of Colin27",
        "1 cavity, 2 oedema, in the space of colin27_lesion_t1_1mm.nii.gz.",
        "painted by make_sample_data.py",
        MNI_LICENCE,
        ("Cavity", "Oedema"),
    ),
    Entry(
        "mni152-landmarks",
        "mni152_afids.mrk.json",
        "landmarks",
        "MNI152 landmarks",
        "32 anatomical points that raters found on the MNI152 template, world LPS mm.",
        AFIDS_SOURCE + ": tpl-MNI152NLin2009bSym, which is 2009a in finer voxels",
        AFIDS_LICENCE,
    ),
    Entry(
        "colin27-landmarks",
        "colin27_afids.mrk.json",
        "landmarks",
        "Colin27 landmarks",
        "The same 32 points on Colin27, world LPS mm, moved by 2 mm into the frame of this image.",
        AFIDS_SOURCE + ": tpl-MNIColin27",
        AFIDS_LICENCE,
    ),
    *(
        entry
        for which, role, time in (
            ("baseline", "fixed", "first"),
            ("followup", "moving", "second"),
        )
        for entry in (
            Entry(
                f"lung-{which}",
                f"lung_{which}_ct_2mm.nii.gz",
                role,
                f"Lung CT, {time} time ({role})",
                f"CT of a right lung, the {time} of two times, Hounsfield units, 2 mm.",
                LUNG_SOURCE,
                LUNG_LICENCE,
            ),
            Entry(
                f"lung-{which}-mask",
                f"lung_{which}_mask_2mm.nii.gz",
                "labels",
                f"Lung CT, {time} time: lung",
                f"The right lung in the CT of the {time} time.",
                LUNG_SOURCE,
                LUNG_LICENCE,
                ("Right lung",),
            ),
            Entry(
                f"lung-{which}-landmarks",
                f"lung_{which}_points.mrk.json",
                "landmarks",
                f"Lung CT, {time} time: landmarks",
                f"51 corresponding points in the CT of the {time} time, world LPS mm.",
                LUNG_SOURCE,
                LUNG_LICENCE,
            ),
        )
    ),
)

PAIRS = (
    {
        "name": "reference",
        "fixed": "mni152",
        "moving": "colin27",
        "fixed_labels": "mni152-tissues",
        "moving_labels": "colin27-tissues",
        "fixed_landmarks": "mni152-landmarks",
        "moving_landmarks": "colin27-landmarks",
        "description": "Two healthy brains in the same world frame, a few millimetres apart.",
    },
    {
        "name": "lesion",
        "fixed": "mni152",
        "moving": "colin27-lesion",
        "fixed_labels": "mni152-tissues",
        "moving_labels": "colin27-lesion-mask",
        "fixed_landmarks": "mni152-landmarks",
        "moving_landmarks": "colin27-landmarks",
        "description": "The moving brain has a lesion that the fixed one lacks: a registration "
        "has nothing to match there, and the uncertainty should say so.",
    },
    {
        "name": "lung",
        "fixed": "lung-baseline",
        "moving": "lung-followup",
        "fixed_labels": "lung-baseline-mask",
        "moving_labels": "lung-followup-mask",
        "fixed_landmarks": "lung-baseline-landmarks",
        "moving_landmarks": "lung-followup-landmarks",
        "description": "A right lung at two times, 35 mm apart as the headers lie, with 51 points "
        "that correspond.",
    },
)


def brain_mask(tight_brain: sitk.Image) -> sitk.Image:
    """Smooth brain mask with sulcal fluid, from a tightly stripped brain.

    The published stripping of Colin27 follows the cortex so tightly that the sulci are empty,
    and leaves streaks of single voxels; MNI152 keeps its sulcal fluid. A registration would see
    the difference between the two strippings instead of the anatomy.

    Parameters
    ----------
    tight_brain
        3D image, zero outside the brain, isotropic 1 mm voxels.

    Returns
    -------
    sitk.Image
        3D uint8 mask (0 or 1) on the same lattice.
    """
    mask = sitk.BinaryMorphologicalOpening(
        sitk.Cast(tight_brain > 0, sitk.sitkUInt8), [2, 2, 2], sitk.sitkBall
    )
    components = sitk.RelabelComponent(sitk.ConnectedComponent(mask), sortByObjectSize=True)
    # Padded, since a closing at the border of the image would stick to it.
    padding = [10, 10, 10]
    mask = sitk.ConstantPad(sitk.Cast(components == 1, sitk.sitkUInt8), padding, padding, 0)
    mask = sitk.BinaryMorphologicalClosing(mask, [6, 6, 6], sitk.sitkBall)
    return sitk.Crop(sitk.BinaryFillhole(mask), padding, padding)


def crop_to(image: sitk.Image, mask: sitk.Image, margin_mm: float = MARGIN_MM) -> sitk.Image:
    """Crop an image to the bounding box of a mask, plus a margin where the image has one.

    Parameters
    ----------
    image, mask
        3D images on one lattice; the mask is 0 or 1.
    margin_mm
        Border around the box, in mm.

    Returns
    -------
    sitk.Image
        The cropped image. Spacing and direction are kept and the origin moves with the corner,
        so that every voxel stays where it was in the world (LPS, mm).
    """
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(mask)
    box = statistics.GetBoundingBox(1)
    start, stop = [], []
    for axis in range(3):
        border = int(np.ceil(margin_mm / image.GetSpacing()[axis]))
        start.append(max(0, box[axis] - border))
        stop.append(min(image.GetSize()[axis], box[axis] + box[axis + 3] + border))
    size = [b - a for a, b in zip(start, stop, strict=True)]
    return sitk.RegionOfInterest(image, size, start)


def k_means_intensities(values: LabelArray, classes: int) -> FloatArray:
    """Class centres of 8-bit intensities by Lloyd's algorithm on their histogram.

    In one dimension and with 256 possible values the iteration runs to its fixed point; starting
    from equally spaced quantiles it needs no random numbers.

    Parameters
    ----------
    values
        uint8 intensities, shape (N,).
    classes
        Number of classes.

    Returns
    -------
    ndarray
        Centres in increasing order, shape (classes,), in units of the image.
    """
    counts = np.bincount(values, minlength=256).astype(np.float64)
    levels = np.arange(256, dtype=np.float64)
    quantiles = (np.arange(classes) + 0.5) / classes
    centres = np.quantile(values, quantiles).astype(np.float64)
    while True:
        nearest = np.abs(levels[:, None] - centres[None, :]).argmin(axis=1)
        updated = np.array(
            [np.average(levels[nearest == c], weights=counts[nearest == c]) for c in range(classes)]
        )
        if np.array_equal(updated, centres):
            return centres
        centres = updated


def segment_tissues(
    image: LabelArray, mask: npt.NDArray[np.bool_], neighbour_weight: float = 0.35, sweeps: int = 3
) -> LabelArray:
    """Three tissue classes of a T1 image: k-means, then iterated conditional modes.

    Each class has the mean and the standard deviation of its k-means cluster; the cost of a label
    is the negative Gaussian log-likelihood minus ``neighbour_weight`` for every one of the six
    neighbours with that label (Besag 1986). The weight is light: it removes specks and leaves
    thin structures.

    Parameters
    ----------
    image
        uint8 intensities, shape (K, J, I).
    mask
        The brain, shape (K, J, I).
    neighbour_weight
        Reward per agreeing face neighbour, in nats.
    sweeps
        Number of synchronous updates.

    Returns
    -------
    ndarray
        uint8 labels, shape (K, J, I): 0 outside the mask, 1 CSF, 2 grey, 3 white matter.
    """
    centres = k_means_intensities(image[mask], 3)
    intensities = image.astype(np.float64)
    nearest = np.abs(intensities[..., None] - centres).argmin(axis=-1)
    spread = np.array([intensities[mask & (nearest == c)].std() for c in range(3)])
    likelihood_cost = 0.5 * ((intensities[..., None] - centres) / spread) ** 2 + np.log(spread)
    labels = nearest
    for _ in range(sweeps):
        cost = likelihood_cost.copy()
        for c in range(3):
            members = np.pad((labels == c) & mask, 1).astype(np.float64)
            for axis in range(3):
                for shift in (-1, 1):
                    inner = np.roll(members, shift, axis=axis)[1:-1, 1:-1, 1:-1]
                    cost[..., c] -= neighbour_weight * inner
        labels = cost.argmin(axis=-1)
    return np.where(mask, labels + 1, BACKGROUND).astype(np.uint8)


def most_probable_tissue(
    grey: LabelArray, white: LabelArray, mask: npt.NDArray[np.bool_]
) -> LabelArray:
    """Most probable of three tissues, fluid being what is neither grey nor white.

    Parameters
    ----------
    grey, white
        Probability maps scaled to 0..255, shape (K, J, I).
    mask
        The brain, shape (K, J, I).

    Returns
    -------
    ndarray
        uint8 labels, shape (K, J, I): 0 outside the mask, 1 CSF, 2 grey, 3 white matter.
    """
    g, w = grey.astype(np.int16), white.astype(np.int16)
    labels = np.stack([255 - g - w, g, w]).argmax(axis=0) + 1
    return np.where(mask, labels, BACKGROUND).astype(np.uint8)


def smooth_noise(like: sitk.Image, scale_mm: float, generator: np.random.Generator) -> FloatArray:
    """Gaussian random field with zero mean and unit variance.

    Parameters
    ----------
    like
        Image whose lattice the field is drawn on.
    scale_mm
        Standard deviation of the Gaussian that white noise is smoothed with, in mm.
    generator
        Source of randomness.

    Returns
    -------
    ndarray
        Field of shape (K, J, I), without unit.
    """
    white = sitk.GetImageFromArray(generator.standard_normal(like.GetSize()[::-1]))
    white.CopyInformation(like)
    field = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(white, scale_mm))
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float64)


def world_coordinates(image: sitk.Image) -> FloatArray:
    """World coordinates of every voxel centre: shape (3, K, J, I), LPS, mm."""
    index = np.indices(image.GetSize()[::-1])[::-1].astype(np.float64)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    matrix = direction * np.array(image.GetSpacing())
    origin = np.array(image.GetOrigin()).reshape(3, 1, 1, 1)
    return np.asarray(np.einsum("ab,bkji->akji", matrix, index) + origin)


def paint_lesion(image: sitk.Image, tissues: LabelArray) -> tuple[sitk.Image, sitk.Image]:
    """Paint a fluid-filled resection cavity with surrounding oedema into a T1 brain.

    The cavity is an ellipsoid whose outline is made irregular by smooth noise; it is clipped by
    the brain, so it opens onto the surface as after the removal of a superficial tumour. Oedema
    spreads through white matter around it and fades outwards. Nothing is displaced: outside the
    mask the image equals the original voxel for voxel, and the true map there is unchanged.

    Parameters
    ----------
    image
        Skull-stripped T1 image, uint8.
    tissues
        Labels 1 CSF, 2 grey, 3 white matter on the lattice of the image, shape (K, J, I).

    Returns
    -------
    painted : sitk.Image
        The image with its lesion, uint8.
    mask : sitk.Image
        uint8 labels: 1 cavity, 2 oedema, 0 where the image is unchanged.
    """
    generator = np.random.default_rng(LESION_SEED)
    original = sitk.GetArrayFromImage(image).astype(np.float64)
    brain = tissues != BACKGROUND
    # Most voxels of the fluid class are sulci, mixed with cortex; pure fluid is its dark end.
    fluid = float(np.percentile(original[tissues == CSF], 8))
    grey = float(np.median(original[tissues == GREY]))
    white = float(np.median(original[tissues == WHITE]))

    centre = np.array(LESION_CENTRE_LPS_MM).reshape(3, 1, 1, 1)
    radii = np.array(LESION_RADII_MM).reshape(3, 1, 1, 1)
    ellipsoid = np.sqrt((((world_coordinates(image) - centre) / radii) ** 2).sum(axis=0))
    # About the distance to the outline in mm, positive outside.
    outside = (ellipsoid - 1.0) * float(np.mean(LESION_RADII_MM))
    outside += 3.0 * smooth_noise(image, 7.0, generator) + 0.8 * smooth_noise(image, 2.5, generator)

    # A margin of about one voxel looks like partial volume.
    cavity_weight = 1.0 / (1.0 + np.exp(np.clip(outside / 0.7, -40.0, 40.0)))
    fluid_texture = fluid + 1.2 * smooth_noise(image, 1.2, generator)

    white_membership = sitk.GetImageFromArray((tissues == WHITE).astype(np.float64))
    white_membership.CopyInformation(image)
    in_white = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(white_membership, 1.2))
    fingers = outside + 3.5 * smooth_noise(image, 5.0, generator)
    oedema_weight = np.clip(1.0 - fingers / OEDEMA_WIDTH_MM, 0.0, 1.0) * np.clip(in_white, 0.0, 1.0)
    # Oedema is darker than white matter on T1, close to grey matter.
    oedema_depth = 0.95 * (white - grey)

    painted = original - oedema_depth * oedema_weight
    painted = (1.0 - cavity_weight) * painted + cavity_weight * fluid_texture
    # Within the brain no voxel becomes 0: 0 means outside.
    painted = np.where(brain, np.clip(np.rint(painted), 1, 255), 0.0)

    # What would differ by less than the eye sees is left as it was: the mask is then exact.
    touched = sitk.GetImageFromArray(
        (brain & ((cavity_weight > 0.1) | (oedema_depth * oedema_weight > 2.0))).astype(np.uint8)
    )
    touched = sitk.RelabelComponent(
        sitk.ConnectedComponent(sitk.BinaryFillhole(touched)), sortByObjectSize=True
    )
    lesion = sitk.GetArrayFromImage(touched) == 1
    painted = np.where(lesion, painted, original)
    labels = np.where(lesion, np.where(cavity_weight > 0.5, CAVITY, OEDEMA), BACKGROUND)

    painted_image = sitk.GetImageFromArray(painted.astype(np.uint8))
    painted_image.CopyInformation(image)
    label_image = sitk.GetImageFromArray(labels.astype(np.uint8))
    label_image.CopyInformation(image)
    return painted_image, label_image


def image_like(array: LabelArray, like: sitk.Image) -> sitk.Image:
    """Image of a (K, J, I) array on the lattice of another image."""
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(like)
    return image


def without_metadata(image: sitk.Image) -> sitk.Image:
    """Copy of an image without the source file's header entries, which no longer describe it."""
    copy = sitk.Image(image)
    for key in copy.GetMetaDataKeys():
        copy.EraseMetaData(key)
    return copy


def make_sample_images(
    colin27_head: Path, colin27_brain: Path, mni_t1: Path, mni_grey: Path, mni_white: Path
) -> dict[str, sitk.Image]:
    """Make every sample image; keys are the names in ``ENTRIES``.

    Raises
    ------
    RuntimeError
        If a source file cannot be read.
    ValueError
        If the files of one subject are not on one lattice.
    """
    head, tight = sitk.ReadImage(str(colin27_head)), sitk.ReadImage(str(colin27_brain))
    t1, grey, white = (sitk.ReadImage(str(path)) for path in (mni_t1, mni_grey, mni_white))
    for first, second in ((head, tight), (t1, grey), (t1, white)):
        if not first.IsSameImageGeometryAs(second):
            raise ValueError("The files of one subject have to be on one lattice.")

    colin_mask = brain_mask(tight)
    colin = crop_to(sitk.Mask(head, colin_mask), colin_mask)
    colin_mask = crop_to(colin_mask, colin_mask)
    colin_tissues = segment_tissues(
        sitk.GetArrayFromImage(colin), sitk.GetArrayFromImage(colin_mask) > 0
    )

    mni_mask = sitk.BinaryFillhole(sitk.Cast(t1 > 0, sitk.sitkUInt8))
    mni = crop_to(t1, mni_mask)
    mni_tissues = most_probable_tissue(
        sitk.GetArrayFromImage(crop_to(grey, mni_mask)),
        sitk.GetArrayFromImage(crop_to(white, mni_mask)),
        sitk.GetArrayFromImage(crop_to(mni_mask, mni_mask)) > 0,
    )

    lesioned, lesion_mask = paint_lesion(colin, colin_tissues)
    return {
        "mni152": mni,
        "colin27": colin,
        "colin27-lesion": lesioned,
        "mni152-tissues": image_like(mni_tissues, mni),
        "colin27-tissues": image_like(colin_tissues, colin),
        "colin27-lesion-mask": lesion_mask,
    }


def markups_of(
    afids: Path, shift_lps_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> dict[str, Any]:
    """Markups document of Slicer, LPS, of a file of AFIDs, each point moved by the shift.

    Their files are .fcsv in RAS whose points are labelled with numbers; what a point is called
    stands in its description. Here the label is the name.
    """
    lines = afids.read_text(encoding="utf-8").splitlines()
    if "# CoordinateSystem = 0" not in lines:
        raise ValueError(f"{afids} is not in RAS.")
    points = []
    for row in csv.reader(line for line in lines if line and not line.startswith("#")):
        r, a, s = (float(value) for value in row[1:4])
        position = (at + by for at, by in zip((-r, -a, s), shift_lps_mm, strict=True))
        points.append((row[11], row[12], tuple(position)))
    return markups_document(points)


def markups_document(points: Iterable[tuple[str, str, tuple[float, ...]]]) -> dict[str, Any]:
    """Markups document of Slicer of points: identifier, name, position in LPS mm."""
    markups = {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "controlPoints": [
            {
                "id": number,
                "label": name,
                "position": [round(at, 4) for at in position],
                "positionStatus": "defined",
            }
            for number, name, position in points
        ],
    }
    return {"@schema": MARKUPS_SCHEMA, "markups": [markups]}


def make_lung(folder: Path) -> tuple[dict[str, sitk.Image], dict[str, dict[str, Any]]]:
    """Make images, masks and landmarks of the lung, each image on a lattice of its own."""
    images, landmarks = {}, {}
    for which, points in (("baseline", "fixed"), ("followup", "moving")):
        source = sitk.ReadImage(str(folder / f"3DCT_lung_{which}.mha"))
        mask = sitk.ReadImage(str(folder / f"3DCT_lung_{which}_mask.mha")) > 0
        target = lattice_inside(source, LUNG_SPACING_MM)
        images[f"lung-{which}"] = sitk.Resample(source, target)
        nearest = sitk.sitkNearestNeighbor
        images[f"lung-{which}-mask"] = sitk.Resample(mask, target, sitk.Transform(), nearest)
        file = folder / f"CT_3D_lung_{points}_point_set_corrected.txt"
        rows = [line.split() for line in file.read_text("utf-8").splitlines()[2:] if line.strip()]
        landmarks[f"lung-{which}-landmarks"] = markups_document(
            (str(n), f"point {n}", tuple(map(float, row))) for n, row in enumerate(rows, 1)
        )
    return images, landmarks


def lattice_inside(image: sitk.Image, spacing_mm: float) -> sitk.Image:
    """Empty image of isotropic voxels in the middle of an image, whose ends are inside it."""
    size, spacing = np.array(image.GetSize()), np.array(image.GetSpacing())
    count = np.floor((size - 1) * spacing / spacing_mm).astype(int) + 1
    target = sitk.Image(count.tolist(), image.GetPixelID())
    target.SetSpacing([spacing_mm] * 3)
    target.SetDirection(image.GetDirection())
    first = ((size - 1) - (count - 1) * spacing_mm / spacing) / 2
    target.SetOrigin(image.TransformContinuousIndexToPhysicalPoint(first.tolist()))
    return target


def write_sample_data(
    images: dict[str, sitk.Image], landmarks: dict[str, dict[str, Any]], output: Path
) -> None:
    """Write all that was made, and ``sample_data.json`` with the checksums, into a folder.

    What was not made anew has to be there already, and stays.
    """
    output.mkdir(parents=True, exist_ok=True)
    records = []
    for entry in ENTRIES:
        path = output / entry.file
        if entry.name in landmarks:
            text = json.dumps(landmarks[entry.name], indent=1) + "\n"
            path.write_text(text, encoding="utf-8")
        elif entry.name in images:
            sitk.WriteImage(without_metadata(images[entry.name]), str(path), useCompression=True)
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        records.append({**asdict(entry), "sha256": checksum})
    document = {"schema_version": 1, "images": records, "pairs": list(PAIRS)}
    text = json.dumps(document, indent=2, ensure_ascii=True) + "\n"
    (output / "sample_data.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Read the command line and make everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for option, meaning in (
        ("--colin27-head", "Colin27 with its skull (ch2.nii.gz)"),
        ("--colin27-brain", "Colin27 tightly stripped (ch2bet.nii.gz)"),
        ("--mni-t1", "MNI152 2009a symmetric T1, stripped"),
        ("--mni-grey", "grey matter map of the same"),
        ("--mni-white", "white matter map of the same"),
        ("--colin27-afids", "landmarks on Colin27 (.fcsv)"),
        ("--mni-afids", "landmarks on MNI152 2009b symmetric (.fcsv)"),
    ):
        parser.add_argument(option, type=Path, help=meaning)
    parser.add_argument("--lung", type=Path, help="folder with the CTs, masks and points")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    images, landmarks = {}, {}
    if arguments.lung is not None:
        images, landmarks = make_lung(arguments.lung)
    brains = (
        arguments.colin27_head,
        arguments.colin27_brain,
        arguments.mni_t1,
        arguments.mni_grey,
        arguments.mni_white,
    )
    afids = arguments.colin27_afids, arguments.mni_afids
    if all((*brains, *afids)):
        images |= make_sample_images(*brains)
        landmarks |= {
            "colin27-landmarks": markups_of(afids[0], COLIN27_AFIDS_SHIFT_LPS_MM),
            "mni152-landmarks": markups_of(afids[1]),
        }
    elif any((*brains, *afids)):
        parser.error("The brains need all seven files.")
    write_sample_data(images, landmarks, arguments.output)


if __name__ == "__main__":
    main()
