"""Where things are: lattices, images in and out, resampling, linear transforms.

World coordinates are LPS in mm throughout; arrays have axes (k, j, i), vectors components
(i, j, k) or (x, y, z).
"""

from typing import TYPE_CHECKING

from ..lazy_imports import lazily
from .carrying import NO_WEIGHT, carried, marked, taking_part
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
    read_vectors,
    sha256,
)

if TYPE_CHECKING:
    from .deformable import DeformableTransform, Warping, points_on
    from .files import ImageFile, read_image, read_labels
    from .prealignment import prealign, thin_slab
    from .resample import carried_slabs, resample_array, resample_image, resampled_slabs
    from .sampling import affine_grid, affine_map, identity_map, sample, sample_grid
else:
    __getattr__ = lazily(__name__)
