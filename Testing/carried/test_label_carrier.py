"""Labels land where ITK puts them, and the passes' disagreement is counted voxel by voxel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from support.lattices import FLIPPED, OBLIQUE, affine, rotation

from TTAUncertaintyLib.carried import LabelCarrier, LabelMap, read_label_map
from TTAUncertaintyLib.carried.structures import Structure
from TTAUncertaintyLib.geometry import DeformableTransform, Lattice

#: Fixed, network and label lattices: oblique, anisotropic and flipped, about one place.
FIXED = OBLIQUE.centered((34, 30, 26), (1.5, 1.7, 2.0), (5.0, -8.0, 3.0))
NETWORK = Lattice((17, 17, 17), FIXED.centered((17, 17, 17), 4.0, FIXED.center).matrix)
SOURCE = FLIPPED.centered((40, 36, 30), (1.6, 1.9, 1.4), (9.0, -5.0, 2.0))
INITIAL = affine(rotation((1, 1, 0), 9.0), (4.0, 2.0, -1.0))


def blobs(lattice: Lattice, count: int = 5) -> LabelMap:
    """Neighbouring cells about random points, inside a ball."""
    k, j, i = np.indices(lattice.array_shape)
    points = lattice.to_world(np.stack((i, j, k), -1))
    generator = np.random.default_rng(3)
    seeds = lattice.center + generator.normal(size=(count, 3)) * 9
    away = np.linalg.norm(points[..., None, :] - seeds, axis=-1)
    numbers = (away.argmin(-1) + 1).astype(np.int16)
    numbers[np.linalg.norm(points - lattice.center, axis=-1) > 20] = 0
    structures = tuple(Structure(10 * n, f"part {n}", (1, 2, 3)) for n in range(1, count + 1))
    return LabelMap(numbers, lattice, structures, Path("labels.nrrd"), "")


def smooth_field(scale_mm: float, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 3, 4, 4, 4, generator=generator) * scale_mm
    return torch.nn.functional.interpolate(
        coarse, NETWORK.array_shape, mode="trilinear", align_corners=True
    )[0]


def answer(offset: torch.Tensor | None = None) -> DeformableTransform:
    plain = DeformableTransform(smooth_field(1.5, 1), NETWORK, INITIAL)
    return plain if offset is None else plain.with_offset(offset)


def by_itk(labels: LabelMap, transform: DeformableTransform) -> np.ndarray:
    image = labels.lattice.stamp(sitk.GetImageFromArray(labels.numbers))
    return sitk.GetArrayFromImage(
        sitk.Resample(
            image, FIXED.blank_itk_image(), transform.to_itk(), sitk.sitkNearestNeighbor, 0
        )
    )


@pytest.fixture(scope="module")
def labels() -> LabelMap:
    return blobs(SOURCE)


def carrier(labels: LabelMap) -> LabelCarrier:
    made = LabelCarrier(labels, FIXED)
    made.begin(answer(), NETWORK)
    return made


def test_the_plain_answer_is_that_of_itk(labels: LabelMap) -> None:
    carried = carrier(labels).result()
    expected = by_itk(labels, answer())
    assert (expected > 0).sum() > 2000
    # a voxel on the edge of two labels may go either way by rounding
    assert (carried.labels != expected).mean() < 2e-4


def test_a_pass_is_what_itk_makes_of_the_transform_with_its_offset(labels: LabelMap) -> None:
    made = carrier(labels)
    offset = torch.tensor([1.3, -0.9, 1.1]).view(3, 1, 1, 1).expand(3, *NETWORK.array_shape)
    made.add(offset.contiguous())
    carried = made.result()
    moved, plain = by_itk(labels, answer(offset)), carried.labels
    assert (moved != plain).mean() > 0.02
    for structure in range(6):
        expected = (moved == structure).astype(float)
        assert np.abs(carried.probability(structure) - expected).mean() < 5e-4


def test_beyond_the_edge_of_the_labels_there_is_no_structure(labels: LabelMap) -> None:
    """A label map that was cut through a structure: what moves over its edge is lost."""
    first = 16
    matrix = labels.lattice.matrix.copy()
    matrix[:3, 3] = labels.lattice.to_world((0, first, 0))
    numbers = (labels.numbers[:, first:] > 0).astype(np.int16)
    size = labels.lattice.size[0], labels.lattice.size[1] - first, labels.lattice.size[2]
    cut = replace(labels, numbers=numbers, lattice=Lattice(size, matrix))
    made, step = carrier(cut), -4.0 * cut.lattice.direction[:, 1]
    offset = torch.from_numpy(step).float().view(3, 1, 1, 1).expand(3, *NETWORK.array_shape)
    made.add(offset.contiguous())
    moved, plain = by_itk(cut, answer(offset)), made.result().labels
    assert ((plain > 0) & (moved == 0)).sum() > 500
    assert np.abs(made.result().probability(1) - (moved == 1)).mean() < 5e-4


def test_shares_volumes_and_overlap_are_those_of_all_passes(labels: LabelMap) -> None:
    made, count = carrier(labels), 6
    shares = np.zeros((6, *FIXED.array_shape))
    volumes, overlaps = [], []
    plain = made.result().labels
    for n in range(count):
        # one vector for a whole pass: the nearest voxel's offset is every voxel's
        step = torch.randn(3, 1, 1, 1, generator=torch.Generator().manual_seed(n))
        offset = step.expand(3, *NETWORK.array_shape).contiguous()
        made.add(offset)
        moved = by_itk(labels, answer(offset))
        shares += np.stack([moved == s for s in range(6)]) / count
        volumes.append(np.bincount(moved.ravel(), minlength=6))
        both = [2 * ((moved == s) & (plain == s)).sum() for s in range(6)]
        sums = [(moved == s).sum() + (plain == s).sum() for s in range(6)]
        overlaps.append(np.array(both) / sums)
    carried = made.result()
    assert carried.passes == count
    for structure in range(6):
        wrong = np.abs(carried.probability(structure) - shares[structure])
        assert wrong.mean() < 1e-3
    spread = np.std(volumes, axis=0, ddof=1)
    np.testing.assert_allclose(carried.volume_spread, spread, rtol=0.05, atol=2)
    np.testing.assert_allclose(carried.overlap, np.mean(overlaps, axis=0), atol=2e-3)


def test_offsets_that_vary_are_followed(labels: LabelMap) -> None:
    made = carrier(labels)
    offset = smooth_field(1.5, 7)
    made.add(offset)
    carried = made.result()
    moved = by_itk(labels, answer(offset))
    for structure in range(1, 6):
        found, expected = carried.probability(structure) > 0.5, moved == structure
        assert 2 * (found & expected).sum() / (found.sum() + expected.sum()) > 0.95


def test_memory_grows_neither_with_passes_nor_with_structures() -> None:
    sizes = []
    for count, passes in ((5, 1), (5, 12), (60, 12)):
        made = carrier(blobs(SOURCE, count))
        for n in range(passes):
            made.add(smooth_field(1.0, n))
        state = made._begun()
        looked_at = len(state.index)
        kept = sum(v.numel() * v.element_size() for v in state._on.values())
        sizes.append((kept - 14 * 8 * count) / looked_at)
    assert sizes[1] == sizes[0]
    assert sizes[2] < 1.2 * sizes[0]


def test_passes_begun_anew_forget_the_earlier_ones(labels: LabelMap) -> None:
    made = carrier(labels)
    made.add(smooth_field(2.0, 1))
    made.begin(answer(), NETWORK)
    fresh = made.result()
    assert fresh.passes == 0 and len(fresh.voxel) == 0


def test_labels_beyond_the_networks_lattice_are_carried_too(labels: LabelMap) -> None:
    small = NETWORK.centered((7, 7, 7), 4.0, NETWORK.center)
    plain = DeformableTransform(torch.zeros(3, *small.array_shape), small, INITIAL)
    made = LabelCarrier(labels, FIXED)
    made.begin(plain, small)
    made.add(torch.ones(3, *small.array_shape))
    assert (made.result().labels != by_itk(labels, plain)).mean() < 2e-4


def test_a_file_is_read_with_its_names(tmp_path: Path, labels: LabelMap) -> None:
    values = np.array([0, *(s.label for s in labels.structures)])[labels.numbers]
    image = labels.lattice.stamp(sitk.GetImageFromArray(values.astype(np.uint8)))
    image.SetMetaData("Segment0_LabelValue", "20")
    image.SetMetaData("Segment0_Name", "Left Putamen")
    image.SetMetaData("Segment0_Color", "1 0.5 0")
    sitk.WriteImage(image, str(tmp_path / "labels.seg.nrrd"))
    read = read_label_map(tmp_path / "labels.seg.nrrd")
    np.testing.assert_array_equal(read.numbers, labels.numbers)
    assert [s.label for s in read.structures] == [10, 20, 30, 40, 50]
    assert read.structures[1] == Structure(20, "Left Putamen", (255, 128, 0))
    assert read.structures[0].name == "label 10"
