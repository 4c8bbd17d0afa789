"""The transform of a result, however it is kept. Works without torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Lattice, Matrix, itk_transform, matrix_of, read_vectors
from ..geometry.linear import without_affine
from .bundle import Bundle


@dataclass(frozen=True, eq=False)
class StoredTransform:
    """phi(y) = initial(y + u(y)), from fixed points to moving points, world LPS mm."""

    #: u: float64, axes (k, j, i, component), components (x, y, z), mm.
    displacement: NDArray[np.float64]
    #: Of u; it is zero beyond.
    lattice: Lattice
    #: Shape (4, 4), affine: what is left of the transform there.
    initial: Matrix

    @classmethod
    def read(cls, bundle: Bundle) -> StoredTransform:
        """Read the answer of a result.

        Raises
        ------
        InputError
            If its file is damaged, or none is kept.
        """
        path = bundle.transform
        try:
            if path.suffix != ".nrrd":
                return cls._from_itk(sitk.CompositeTransform(sitk.ReadTransform(str(path))))
            vectors, lattice = read_vectors(path)
            known = bundle.record["transform"]["beyond_lattice_fixed_to_moving_lps"]
            initial = np.array(known, float)
        except (InputError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} cannot be read.",
                "The result folder is damaged: run the registration again.",
            ) from error
        return cls(without_affine(vectors, lattice, initial), lattice, initial)

    @classmethod
    def _from_itk(cls, composite: sitk.CompositeTransform) -> StoredTransform:
        if composite.GetNumberOfTransforms() != 2:
            raise ValueError("no affine transform of a displacement field")
        field = sitk.DisplacementFieldTransform(composite.GetBackTransform())
        image = field.GetDisplacementField()
        initial = matrix_of(composite.GetNthTransform(0))
        return cls(sitk.GetArrayFromImage(image), Lattice.of(image), initial)

    def to_itk(self) -> sitk.Transform:
        """Return the transform as ITK applies it."""
        field = self.lattice.stamp(sitk.GetImageFromArray(self.displacement, isVector=True))
        return sitk.CompositeTransform(
            [itk_transform(self.initial), sitk.DisplacementFieldTransform(field)]
        )


def read_transform(bundle: Bundle) -> sitk.Transform:
    """Return the answer of a result as ITK applies it; see `StoredTransform.read`."""
    return StoredTransform.read(bundle).to_itk()
