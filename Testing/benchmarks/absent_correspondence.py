"""DIRAC's masks of absent correspondence, beside the gap of the round trip that this software maps.

    python Testing/benchmarks/absent_correspondence.py FOLDER [--picture OUT.png]

FOLDER is laid out as `Testing/support/reference.py` says. The rule is the publisher's (Mok and
Chung, MICCAI 2022): where the gap of the way there and back, in units of half the field of view and
smoothed, exceeds its mean over the brain by 0.015. Here on the network's own lattice.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from TTAUncertaintyLib.geometry import Prealignment, identity_map, prealign, read_image
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.networks.displacement_fields import compose_displacements
from TTAUncertaintyLib.models.registry import MODELS

_ABOVE_MEAN = 0.015


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reference", type=Path)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.reference / "tumour"
    published = MODELS["dirac"].description.published
    assert published is not None
    model = load_model("dirac", folder / published.name)
    fixed, moving = (
        read_image(folder / f"BraTSReg_002_0{name}_t1ce.nii.gz")[0] for name in ("1_0262", "0_0000")
    )
    initial = prealign(fixed, moving, np.eye(4), Prealignment.AFFINE)
    pair = model.prepare(fixed, moving, initial)
    place = identity_map(pair.fixed.shape[2:])
    with torch.inference_mode():
        there = model.predict(pair.moving, pair.fixed) - place
        back = model.predict(pair.fixed, pair.moving) - place
        gap = compose_displacements(back, there)
    size = torch.tensor(pair.fixed_lattice.size).view(1, 3, 1, 1, 1)
    unit = (2 * gap / (size - 1)).norm(dim=1, keepdim=True)
    brain = pair.fixed > 0.02
    limit = unit[brain].mean() + _ABOVE_MEAN
    smooth = F.avg_pool3d(F.avg_pool3d(unit, 3, 1, 1), 3, 1, 1)
    absent = (smooth > limit) & brain
    spacing = torch.from_numpy(pair.fixed_lattice.spacing).float().view(1, 3, 1, 1, 1)
    gap_mm = (gap * spacing).norm(dim=1, keepdim=True)
    voxel_ml = pair.fixed_lattice.voxel_volume / 1000
    print(f"marked as absent: {float(absent.sum()) * voxel_ml:.1f} ml", end=" ")
    print(f"of {float(brain.sum()) * voxel_ml:.0f} ml of brain")
    for name, where in (("there", absent), ("elsewhere in the brain", brain & ~absent)):
        values = gap_mm[where]
        print(
            f"gap {name}: median {values.median():.2f} mm, 95 % below {values.quantile(0.95):.2f}"
        )
    highest = gap_mm[brain].sort(descending=True).values[int(absent.sum()) - 1]
    same = (gap_mm >= highest) & brain
    share = float(absent[same].float().mean())
    print(f"of the brain's largest gaps of that volume, {share:.0%} lie there")
    if options.picture is not None:
        picture(options.picture, pair.fixed[0, 0], gap_mm[0, 0], absent[0, 0])


def picture(path: Path, image: torch.Tensor, gap: torch.Tensor, absent: torch.Tensor) -> None:
    """Draw the slice with most of the mask: image with its outline, and the gap."""
    from matplotlib import pyplot

    k = int(absent.sum((1, 2)).argmax())
    figure, axes = pyplot.subplots(1, 2, figsize=(8, 4), layout="constrained")
    for axis, values, colours in ((axes[0], image[k], "gray"), (axes[1], gap[k], "inferno")):
        shown = axis.imshow(values.numpy(), cmap=colours)
        axis.contour(absent[k].numpy(), [0.5], colors="cyan", linewidths=1)
        axis.set_axis_off()
    axes[0].set_title("after treatment, and DIRAC's mask")
    axes[1].set_title("gap of the round trip")
    figure.colorbar(shown, ax=axes[1], label="mm")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
