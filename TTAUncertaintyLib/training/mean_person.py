"""A mean of several people, blurred as an atlas is, with the labels that most of them have there.

So that the head also learns what it is to register an atlas: what is shown is sharper on one side
than on the other, and some of the anatomy of each lies on none of the other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from ..evaluation.study import registered
from ..geometry import DeformableTransform, Image, Prealignment, read_image, read_labels
from ..models import load_model

#: What the people are registered by: first to one of them, then to the mean that this gives.
_REGISTERED_BY: tuple[tuple[str, dict[str, str]], ...] = (
    ("pyramid-flow", {}),
    ("sitk-demons", {"spacing": "2"}),
)


def mean_person(people: Path, names: Sequence[str], folder: Path, name: str) -> None:
    """Write NAME_SS.nii.gz and NAME_glm.nii.gz into a folder, unless they are there.

    Parameters
    ----------
    people
        Folder of brains, N_SS.nii.gz, with labels on their voxels, N_glm.nii.gz.
    names
        Of the people; the mean lies on the lattice of the first.
    """
    written = [folder / f"{name}_{what}.nii.gz" for what in ("SS", "glm")]
    if all(path.exists() for path in written):
        return
    images = [read_image(people / f"{each}_SS.nii.gz")[0] for each in names]
    mean = images[0]
    maps: list[DeformableTransform] = []
    for which, options in _REGISTERED_BY:
        model = load_model(which, None, options)
        maps = [registered(mean, image, model, Prealignment.AFFINE) for image in images]
        warped = [m.warp(image, mean.lattice) for m, image in zip(maps, images, strict=True)]
        brains = [w.intensities / w.intensities[w.intensities > 0].median() for w in warped]
        mean = Image(torch.stack(brains).mean(0), mean.lattice, name)
    onto = mean.lattice.blank_itk_image()
    labels = [
        _carried(people / f"{each}_glm.nii.gz", transform, onto)
        for each, transform in zip(names, maps, strict=True)
    ]
    for path, array in zip(written, (mean.intensities.numpy(), _most(labels)), strict=True):
        partial = path.with_name(f".{path.name}")
        stamped = mean.lattice.stamp(sitk.GetImageFromArray(array))
        sitk.WriteImage(stamped, str(partial), useCompression=True, imageIO="NiftiImageIO")
        partial.replace(path)


def _carried(path: Path, transform: DeformableTransform, onto: sitk.Image) -> NDArray[np.int16]:
    labels, _ = read_labels(path)
    found = sitk.Resample(labels.to_itk(), onto, transform.to_itk(), sitk.sitkNearestNeighbor, 0)
    return sitk.GetArrayFromImage(found).astype(np.int16)


def _most(labels: Sequence[NDArray[np.int16]]) -> NDArray[np.int16]:
    """Return the label that most have in a voxel, the smallest of those that as many have."""
    found = np.zeros_like(labels[0])
    most: NDArray[np.int16] = np.zeros(found.shape, np.int16)
    for label in np.unique(np.concatenate([np.unique(each) for each in labels])):
        votes: NDArray[np.int16] = np.sum([each == label for each in labels], 0, dtype=np.int16)
        more = votes > most
        found[more], most[more] = label, votes[more]
    return found
