"""Manufactured cases: the truth takes one image to the other, whatever the lattice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.lattices import FLIPPED
from support.phantom import write
from support.predictors import StandIn
from torch import Tensor

from TTAUncertaintyLib.cues import Cue
from TTAUncertaintyLib.errors import InputError
from TTAUncertaintyLib.evaluation.cases import KnownCase, manufacture, reapplied
from TTAUncertaintyLib.evaluation.fields import draw
from TTAUncertaintyLib.evaluation.kinds import Deformation
from TTAUncertaintyLib.evaluation.measurement_cache import MeasurementCache
from TTAUncertaintyLib.evaluation.measuring import measure
from TTAUncertaintyLib.evaluation.study import Study, Subject, measure_study
from TTAUncertaintyLib.geometry import Image, Lattice, affine_map, identity_map, points_on, sample
from TTAUncertaintyLib.perturbations import DesignRequest, Family, Preset, Sampling

#: A hundred mm a side, oblique, flipped and anisotropic.
LATTICE = FLIPPED.centered((44, 50, 40), (2.2, 2.0, 2.6), (12.0, -8.0, 30.0))


def head(name: str = "head") -> Image:
    """A smooth ball with structure, 0 around it."""
    generator = torch.Generator().manual_seed(5)
    k, j, i = np.indices(LATTICE.array_shape)
    points = LATTICE.to_world(np.stack((i, j, k), -1)) - LATTICE.center
    radius = torch.from_numpy(np.linalg.norm(points, axis=-1))
    inside = ((34 - radius) / 4).clamp(0, 1).float()
    coarse = torch.rand(1, 1, 8, 10, 9, generator=generator)
    texture = torch.nn.functional.interpolate(
        coarse, LATTICE.array_shape, mode="trilinear", align_corners=True
    )[0, 0]
    return Image(inside * (300 + 700 * texture), LATTICE, name)


def through_truth(case: KnownCase, offset_mm: tuple[float, ...] = (0.0, 0.0, 0.0)) -> Tensor:
    """Return the moving image at the truth of every fixed voxel, or beside it."""
    points = points_on(case.truth, case.fixed.lattice) + torch.tensor(offset_mm).view(3, 1, 1, 1)
    at = affine_map(torch.tensor(case.moving.lattice.inverse), points)
    return sample(case.moving.intensities[None, None], at[None])[0, 0]


def fits_best_at_its_truth(case: KnownCase) -> bool:
    """Tell whether the images look most alike where the truth says, and not 2 mm beside it."""
    mask = torch.from_numpy(case.mask)

    def alike(offset_mm: tuple[float, ...]) -> float:
        return correlation(through_truth(case, offset_mm), case.fixed.intensities, mask)

    steps = 2.0 * np.vstack((np.eye(3), -np.eye(3)))
    return alike((0.0, 0.0, 0.0)) > max(alike(tuple(step.astype("f4"))) for step in steps)


def correlation(first: Tensor, second: Tensor, mask: Tensor) -> float:
    return float(torch.corrcoef(torch.stack((first[mask], second[mask])))[0, 1])


@pytest.mark.parametrize("kind", list(Deformation))
@pytest.mark.parametrize("seed", [0, 1])
def test_the_truth_takes_the_moving_image_to_the_fixed_one(kind: Deformation, seed: int) -> None:
    image = head()
    case = manufacture(image, kind, seed)
    assert fits_best_at_its_truth(case)
    kept = case.moving if seed % 2 == 0 or kind.folds else None
    assert kept is None or torch.equal(kept.intensities, image.intensities)


@pytest.mark.parametrize("seed", range(6))
def test_structures_go_with_the_anatomy(seed: int) -> None:
    """The label of a fixed voxel is that of the moving image at its truth, or the image's own."""
    image = head()
    labels = 1 + (image.intensities.numpy() > 600).astype(np.int32)
    case = manufacture(image, Deformation.SMOOTH, seed, labels=labels)
    assert case.labels is not None and case.labels.shape == case.fixed.lattice.array_shape
    bright, dark = (
        case.fixed.intensities[torch.from_numpy(case.mask & (case.labels == n))] for n in (2, 1)
    )
    assert float(bright.mean()) > 1.3 * float(dark.mean())
    beside = np.roll(case.labels, 4, axis=2)
    there = case.fixed.intensities[torch.from_numpy(case.mask & (beside == 2))]
    assert float(there.mean()) < float(bright.mean())


def test_the_same_seed_makes_the_same_case() -> None:
    first, again = (manufacture(head(), Deformation.SMOOTH, 4) for _ in range(2))
    assert torch.equal(first.fixed.intensities, again.fixed.intensities)
    other = manufacture(head(), Deformation.SMOOTH, 6)
    assert first.fixed.intensities.shape != other.fixed.intensities.shape or not torch.equal(
        first.fixed.intensities, other.fixed.intensities
    )


def test_where_two_scanners_had_their_origins_is_no_deformation(tmp_path: Path) -> None:
    far = np.eye(4)
    far[:3, 3] = (300.0, -50.0, 450.0)
    shapes = {"a": LATTICE, "b": Lattice(LATTICE.size, far @ LATTICE.matrix)}
    for name, lattice in shapes.items():
        write(tmp_path / f"{name}.nii.gz", head().intensities.numpy(), lattice)
    subjects = tuple(Subject(name, tmp_path / f"{name}.nii.gz") for name in shapes)
    study = Study(subjects, ("reapplied",), (0,), REQUEST)
    steps = list(measure_study(study, Resting()))
    assert [step.measurement.subject for step in steps] == ["a", "b"]
    for step in steps:  # the same image twice: next to nothing was to be found
        assert step.measurement.displacement_mm < 2
        assert float(step.measurement.error.max()) < 5


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(InputError, match="no anatomy"):
        manufacture(head(), Deformation.AFFINE, 0, np.zeros(LATTICE.array_shape, bool))


def test_a_map_between_two_images_can_be_applied_again() -> None:
    image, other = head("a"), head("b")
    field = draw(Deformation.SMOOTH, LATTICE, torch.Generator().manual_seed(1))
    case = reapplied(image, field, other, 0)
    assert case.truth is field and case.kind == "reapplied"
    assert fits_best_at_its_truth(case)


class Resting(StandIn):
    """Answers with no displacement, whatever it sees."""

    def predict(self, moving: Tensor, fixed: Tensor) -> Tensor:
        return identity_map(fixed.shape[2:])[None].expand(len(moving), -1, -1, -1, -1).clone()


REQUEST = DesignRequest(
    Preset.QUICK,
    family=Family.TRANSLATION,
    sampling=Sampling.RANDOM,
    outer=4,
    translation_mm=2.0,
)


def test_the_error_of_no_displacement_is_the_displacement() -> None:
    case = manufacture(head(), Deformation.AFFINE, 0)
    found = measure(case, Resting(), REQUEST, {"twice": REQUEST})
    assert float(found.error.square().mean().sqrt()) == pytest.approx(
        found.displacement_mm, rel=1e-4
    )
    assert float(found.error.mean()) > 2
    # a predictor that ignores the perturbation is moved by it: a translation, everywhere alike
    total = found.cues[Cue.TOTAL]
    assert float(total.std()) < 1e-3 * float(total.mean())
    assert torch.allclose(found.others["twice"], total, atol=1e-4)
    assert found.passes == {"twice": 4}


def test_what_was_measured_is_found_again_and_only_for_the_same_question(tmp_path: Path) -> None:
    found = measure(manufacture(head(), Deformation.AFFINE, 0), Resting(), REQUEST)
    kept = MeasurementCache(tmp_path / "kept")
    question = {"kind": "affine", "seed": 0}
    assert kept.load(question) is None
    kept.save(question, found)
    again = kept.load(question)
    assert again is not None and again.name == found.name and again.design == found.design
    assert torch.equal(again.error, found.error)
    assert all(torch.equal(again.cues[cue], found.cues[cue]) for cue in Cue if cue in found.cues)
    assert kept.load({"kind": "affine", "seed": 1}) is None
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(file.read_bytes()[:500])
    assert kept.load(question) is None  # damaged: made again
