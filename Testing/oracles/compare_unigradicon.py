"""Compare uniGradICON as restated here with its publisher's code, on seeded random weights.

    .oracles/unigradicon/bin/python Testing/oracles/compare_unigradicon.py [--full] [--ct IMAGE ...]

The environment is made of requirements-unigradicon.txt and, without what they depend on, of
`unigradicon` 1.0.6 and `icon_registration` 1.1.9. What these import for training alone is stood in
for by empty modules; ITK is the genuine one.

- The state dict: names and shapes, and strict loading, both ways.
- The map in [0, 1] of the publisher's network and of ours, in single precision; with --full at the
  published 175 x 175 x 175 voxels too, timed.
- What the tests remember of the publisher's answers: `Testing/support/gradicon_reference.py`.
- The normalisation of real images: --ct adds CTs to the bundled MRIs.
- From two images to millimetres: the publisher's `preprocess` and `register_pair` (without
  instance optimisation) against our adapter, on oblique and anisotropic lattices.

Ends with status 1 above a bound.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

import itk
import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "Testing")]

from support import gradicon_reference as reference  # noqa: E402

from TTAUncertaintyLib.engine.outcome import transform_of  # noqa: E402
from TTAUncertaintyLib.geometry import Image, read_image  # noqa: E402
from TTAUncertaintyLib.models.adapters.modality import Modality, normalised  # noqa: E402
from TTAUncertaintyLib.models.adapters.unigradicon import UniGradICON  # noqa: E402
from TTAUncertaintyLib.models.networks.gradicon import GradICONNetwork  # noqa: E402

PARAMETERS = 70_680_916
#: Of the [0, 1] map: a length of the lattice is 1.
MAP_BOUND = 1e-5
#: Of intensities in [0, 1].
INTENSITY_BOUND = 1e-6
#: mm, over fields of view of some 150 mm.
WORLD_BOUND = 2e-3

SAMPLES = ROOT / "Resources" / "SampleData"


def publishers_code() -> Any:
    """Import `unigradicon`, with empty modules for what only its training imports."""
    for name in ("torchvision", "torchvision.utils", "tensorboard", "torch.utils.tensorboard"):
        sys.modules[name] = types.ModuleType(name)
    for name in ("footsteps", "girder_client", "blosc", "yaml"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torch.utils.tensorboard"].SummaryWriter = object  # type: ignore[attr-defined]
    import unigradicon

    return unigradicon


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """Give every tensor of a network seeded random values: displacements of some voxels."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if "batchNorms" in name and name.endswith(("weight", "running_var")):
                tensor.copy_(1 + 0.2 * noise.clamp(-2, 2))
            elif tensor.dim() > 1:
                tensor.copy_(noise * (1.5 / tensor[0].numel()) ** 0.5)
            else:
                tensor.copy_(0.1 * noise)
            if "lastConv" in name:
                tensor.mul_(0.15)
    return network.eval().requires_grad_(False)


def smooth(shape: tuple[int, int, int], seed: int) -> Tensor:
    """Return a random image in [0, 1] with structures of some voxels, [1, 1, D, H, W]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((1, 1, *(n // 6 + 2 for n in shape)), generator=generator)
    return nn.functional.interpolate(coarse, size=shape, mode="trilinear", align_corners=True)


def publishers_map(theirs: Any, moving: Tensor, fixed: Tensor) -> Tensor:
    """Return phi_AB at the voxels, as the publisher's `forward` evaluates it."""
    theirs.identity_map.isIdentity = True
    return theirs.regis_net(moving, fixed)(theirs.identity_map)


class Report:
    """Prints one line a comparison, and remembers whether all were within their bounds."""

    def __init__(self) -> None:
        self.failed = False

    def line(self, what: str, difference: float, bound: float, note: str = "") -> None:
        """Report a difference."""
        bad = not difference <= bound
        self.failed |= bad
        verdict = "TOO LARGE" if bad else "ok"
        print(f"{what:58s} {difference:9.2e} (bound {bound:.0e}) {verdict}  {note}", flush=True)


def compare_state(report: Report, theirs: nn.Module, ours: nn.Module) -> None:
    """Names, shapes and number of parameters; our dict into theirs."""
    shapes = [
        {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        for network in (theirs, ours)
    ]
    report.line(
        "state dict: tensors that differ", len(set(shapes[0].items()) ^ set(shapes[1].items())), 0
    )
    count = sum(parameter.numel() for parameter in ours.parameters())
    report.line("state dict: parameters more or fewer", abs(count - PARAMETERS), 0, f"{count:,}")
    theirs.load_state_dict(ours.state_dict(), strict=True)


def compare_map(
    report: Report, publisher: Any, ours: nn.Module, shape: tuple[int, int, int]
) -> None:
    """The publisher's network against ours, at one shape."""
    theirs = publisher.make_network([1, 1, *shape], include_last_step=True).eval()
    theirs.regis_net.load_state_dict(ours.state_dict(), strict=True)
    moving, fixed = smooth(shape, 1), smooth(shape, 2)
    with torch.no_grad():
        begun = time.perf_counter()
        expected = publishers_map(theirs, moving, fixed)
        between = time.perf_counter()
        displacement = ours(moving, fixed)
        ended = time.perf_counter()
    found = theirs.identity_map + displacement
    largest = float((expected - theirs.identity_map).abs().max())
    note = (
        f"displacements up to {largest:.3f}; {between - begun:.1f} s, ours {ended - between:.1f} s"
    )
    what = "map at " + " x ".join(map(str, shape))
    report.line(what, float((found - expected).abs().max()), MAP_BOUND, note)


def compare_remembered(report: Report, publisher: Any) -> None:
    """The publisher's answer with few features, against the numbers in the tests."""
    # make_network gives every U-Net its published features; for once they are fewer
    networks = publisher.networks
    full = networks.tallUNet2
    networks.tallUNet2 = lambda dimension: networks.UNet2(
        len(reference.UP), [[2, *reference.DOWN], list(reference.UP)], dimension
    )
    try:
        theirs = publisher.make_network([1, 1, *reference.SHAPE], include_last_step=True).eval()
    finally:
        networks.tallUNet2 = full
    with torch.no_grad():
        reference.draw(theirs.regis_net.state_dict())
        answer = publishers_map(theirs, *reference.images())[0]
    found = np.array([answer[:, d, h, w].tolist() for d, h, w in reference.PLACES])
    expected = np.array(reference.MAP).reshape(-1, 3)
    gap = float(np.abs(found - expected).max()) if len(expected) else float("nan")
    report.line("what the tests remember", gap, 1e-6, "" if gap < 1e-6 else str(found.tolist()))


def compare_normalisation(report: Report, publisher: Any, path: Path, modality: Modality) -> None:
    """The publisher's `preprocess` against ours, on a file."""
    theirs = itk.array_from_image(publisher.preprocess(itk.imread(str(path)), modality.value))
    ours = normalised(read_image(path)[0], modality).intensities.numpy()
    report.line(
        f"{modality.value}: {path.name}", float(np.abs(theirs - ours).max()), INTENSITY_BOUND
    )


# -- from two images to millimetres -------------------------------------------------------------


class Smaller(UniGradICON):
    """The adapter at a size that a comparison has the time for."""

    shape = (72, 72, 72)


def turned(axis: tuple[float, float, float], degrees: float) -> np.ndarray:
    """Return a rotation matrix."""
    transform = sitk.VersorTransform(
        list(np.asarray(axis) / np.linalg.norm(axis)), np.deg2rad(degrees)
    )
    return np.array(transform.GetMatrix()).reshape(3, 3)


def scan(
    size: tuple[int, int, int],
    spacing: tuple[float, float, float],
    direction: np.ndarray,
    seed: int,
) -> sitk.Image:
    """Return an image with intensities between 0 and 2000."""
    values = smooth((size[2], size[1], size[0]), seed)[0, 0].numpy() ** 2 * 2000
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing)
    image.SetOrigin((31.0, -57.0, 118.0 + seed))
    image.SetDirection(direction.ravel().tolist())
    return image


PAIRS = {
    "plain": (
        scan((60, 70, 50), (2.0, 2.5, 3.0), np.eye(3), 3),
        scan((64, 60, 70), (2.2, 2.0, 2.4), np.eye(3), 4),
    ),
    "oblique, anisotropic": (
        scan((60, 70, 50), (2.0, 2.5, 3.0), turned((1, 2, -1), 24), 5),
        scan((80, 60, 44), (1.8, 2.7, 3.5), turned((0, 1, 1), -15), 6),
    ),
}
MODALITIES = {"fixed_modality": "mri", "moving_modality": "mri"}


def compare_worlds(report: Report, publisher: Any, weights: Path, name: str, folder: Path) -> None:
    """Where both send world points, with the same weights, from the same files."""
    paths = [folder / "fixed.nrrd", folder / "moving.nrrd"]
    for image, path in zip(PAIRS[name], paths, strict=True):
        sitk.WriteImage(image, str(path))
    theirs = publisher.make_network([1, 1, *Smaller.shape], include_last_step=True).eval()
    theirs.regis_net.load_state_dict(torch.load(weights, weights_only=True), strict=True)
    fixed, moving = (publisher.preprocess(itk.imread(str(path)), "mri") for path in paths)
    with contextlib.redirect_stdout(io.StringIO()):
        phi, _ = publisher.icon_registration.itk_wrapper.register_pair(theirs, moving, fixed)

    model = Smaller(weights, MODALITIES)
    one, other = (read_image(path)[0] for path in paths)
    pair = model.prepare(one, other, np.eye(4))
    with torch.inference_mode():
        answer = model.predict(pair.moving, pair.fixed)[0]
    transform = transform_of(answer, pair.moving_lattice, pair.fixed_lattice).to_itk()

    points = inside(one, 400)
    expected = np.array([list(phi.TransformPoint(point.tolist())) for point in points])
    found = np.array([transform.TransformPoint(point.tolist()) for point in points])
    rest = transform_of(
        answer * 0 + identity(answer.shape), pair.moving_lattice, pair.fixed_lattice
    ).to_itk()
    still = np.array([rest.TransformPoint(point.tolist()) for point in points])
    moved = np.linalg.norm(expected - still, axis=1).max()
    gap = np.linalg.norm(found - expected, axis=1).max()
    report.line(
        f"world, mm: {name}", float(gap), WORLD_BOUND, f"displacements up to {moved:.1f} mm"
    )


def identity(shape: torch.Size) -> Tensor:
    """Return every voxel's own index, [3, D, H, W], components (i, j, k)."""
    axes = torch.meshgrid(*(torch.arange(n) for n in shape[1:]), indexing="ij")
    return torch.stack(axes[::-1]).float()


def inside(image: Image, count: int) -> np.ndarray:
    """Return random world points that lie clear of the border, shape (count, 3)."""
    generator = np.random.default_rng(0)
    size = np.array(image.lattice.size)
    return image.lattice.to_world(generator.uniform(2, size - 3, (count, 3)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only what the tests remember")
    parser.add_argument("--full", action="store_true", help="175 x 175 x 175 as well: minutes")
    parser.add_argument("--ct", type=Path, nargs="*", default=[], help="CTs to normalise")
    options = parser.parse_args()
    publisher = publishers_code()
    report = Report()
    compare_remembered(report, publisher)
    if options.quick:
        return int(report.failed)
    for name in ("mni152_t1_1mm.nii.gz", "colin27_t1_1mm.nii.gz"):
        compare_normalisation(report, publisher, SAMPLES / name, Modality.MRI)
    for path in options.ct:
        for modality in Modality:
            compare_normalisation(report, publisher, path, modality)
    ours = randomised(GradICONNetwork())
    small = publisher.make_network([1, 1, 66, 66, 66], include_last_step=True)
    compare_state(report, small.regis_net, ours)
    for shape in ((66, 72, 81), *([(175, 175, 175)] if options.full else [])):
        compare_map(report, publisher, ours, shape)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "random.trch"
        torch.save(ours.state_dict(), weights)
        print(f"state dict as saved: {weights.stat().st_size:,} bytes")
        for name in PAIRS:
            compare_worlds(report, publisher, weights, name, Path(folder))
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
