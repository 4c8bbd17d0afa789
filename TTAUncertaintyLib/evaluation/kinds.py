"""The kinds of known deformation."""

from __future__ import annotations

from enum import Enum

#: The kind of a case whose deformation was found between two of the subjects.
REAPPLIED = "reapplied"


class Deformation(Enum):
    """Kinds of known deformation; the value is the name on the command line."""

    SMOOTH = "smooth"  #: random, multi-scale, folding-free, 5 to 8 mm rms
    FINE = "fine"  #: the same, 2 to 4 mm rms on shorter scales
    AFFINE = "affine"  #: random rotation, translation, scale, shear, 4 to 12 mm rms
    PAPER_TRANSLATION = "paper-translation"  #: up to 10 % of the field of view
    PAPER_AFFINE = "paper-affine"  #: shear of up to 0.1 and scale of 0.8 to 1.2
    PAPER_NONLINEAR = "paper-nonlinear"  #: two composed B-splines; they fold, as published

    @property
    def meaning(self) -> str:
        """One line for a person."""
        return _MEANING[self]

    @property
    def folds(self) -> bool:
        """Whether it may fold, and so has no inverse."""
        return self is Deformation.PAPER_NONLINEAR


_MEANING = {
    Deformation.SMOOTH: "random smooth fields, 5 to 8 mm rms, folding-free",
    Deformation.FINE: "random fields of shorter scales, 2 to 4 mm rms, folding-free",
    Deformation.AFFINE: "random affine maps, 4 to 12 mm rms",
    Deformation.PAPER_TRANSLATION: "the paper's translations, up to 10 % of the field of view",
    Deformation.PAPER_AFFINE: "the paper's affine maps, shear to 0.1, scale 0.8 to 1.2",
    Deformation.PAPER_NONLINEAR: "the paper's two composed B-spline fields, which fold",
}


def kind_names() -> list[str]:
    """Return the names of all kinds, those of a study's own included."""
    return [kind.value for kind in Deformation] + [REAPPLIED]
