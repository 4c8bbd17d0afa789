"""Where things are: lattices, images in and out, resampling, linear transforms.

World coordinates are LPS in mm throughout; arrays have axes (k, j, i), vectors components
(i, j, k) or (x, y, z).
"""

from .deformable import DeformableTransform
from .files import ImageFile, read_image, read_labels, sha256
from .image import Image
from .lattice import Lattice, Matrix
from .linear import Start, itk_transform, matrix_of, read_linear_transform, start_transform
from .prealignment import Prealignment, prealign
from .resample import resample_array, resample_image
from .sampling import affine_grid, affine_map, identity_map, sample

__all__ = [
    "DeformableTransform",
    "Image",
    "ImageFile",
    "Lattice",
    "Matrix",
    "Prealignment",
    "Start",
    "affine_grid",
    "affine_map",
    "identity_map",
    "itk_transform",
    "matrix_of",
    "prealign",
    "read_image",
    "read_labels",
    "read_linear_transform",
    "resample_array",
    "resample_image",
    "sample",
    "sha256",
    "start_transform",
]
