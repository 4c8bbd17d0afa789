"""Where things are: lattices, images in and out, resampling, linear transforms.

World coordinates are LPS in mm throughout; arrays have axes (k, j, i), vectors components
(i, j, k) or (x, y, z).
"""

from typing import TYPE_CHECKING

from ..lazy_imports import lazily
from .image import Image
from .lattice import Lattice, Matrix
from .linear import (
    Prealignment,
    Start,
    itk_transform,
    matrix_of,
    read_linear_transform,
    start_transform,
)
from .outliers import outliers, without_outliers
from .stored import (
    StoredImage,
    files_of,
    image_sha256,
    read_lattice,
    read_stored,
    read_stored_labels,
    sha256,
)

if TYPE_CHECKING:
    from .deformable import DeformableTransform, points_on
    from .files import ImageFile, read_image, read_labels
    from .prealignment import prealign, thin_slab
    from .resample import resample_array, resample_image
    from .sampling import affine_grid, affine_map, identity_map, sample, sample_grid
else:
    __getattr__ = lazily(
        __name__,
        deformable=("DeformableTransform", "points_on"),
        files=("ImageFile", "read_image", "read_labels"),
        prealignment=("prealign", "thin_slab"),
        resample=("resample_array", "resample_image"),
        sampling=("affine_grid", "affine_map", "identity_map", "sample", "sample_grid"),
    )

__all__ = [
    "DeformableTransform",
    "Image",
    "ImageFile",
    "Lattice",
    "Matrix",
    "Prealignment",
    "Start",
    "StoredImage",
    "affine_grid",
    "affine_map",
    "files_of",
    "identity_map",
    "image_sha256",
    "itk_transform",
    "matrix_of",
    "outliers",
    "points_on",
    "prealign",
    "read_image",
    "read_labels",
    "read_lattice",
    "read_linear_transform",
    "read_stored",
    "read_stored_labels",
    "resample_array",
    "resample_image",
    "sample",
    "sample_grid",
    "sha256",
    "start_transform",
    "thin_slab",
    "without_outliers",
]
