"""Does a small 3D U-Net say more of the error between two people than the head's trees?

    python Testing/benchmarks/unet_study.py make build/unet PEOPLE
    python Testing/benchmarks/unet_study.py train build/unet build/unet/seed1.pt --seed 1
    python Testing/benchmarks/unet_study.py report build/unet build/unet/seed1.pt ...

The people, the pairs that are reported and the truth are the head's (`training.head_cases`); the
bundled network, Quick. Both get the same features; the U-Net sees the two images as well, around
each place, begins with what the head says, and is trained on sixty pairs of the ten people, less
those of two, who choose the number of steps. With more files the report is of their mean, too.

Beside them the report has what no map can know: at each place the mean of the true error of all
other places near it. It tells how much of the error varies slowly; it is no strict limit.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from head_study import figures, with_interval
from scipy.spatial import cKDTree
from scipy.special import ndtri
from torch import Tensor, nn

from TTAUncertaintyLib.calibration import shipped_head
from TTAUncertaintyLib.cues.features import FEATURES, compute_features
from TTAUncertaintyLib.engine import Engine, place, prepare
from TTAUncertaintyLib.geometry import sample
from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.perturbations import DesignRequest, Preset
from TTAUncertaintyLib.training.head_cases import People, Spec, at_boundaries, made_of

#: The last five people are reported, as for the head; of the ten others the last two choose.
_REPORTED, _CHOOSING = 5, 2

#: How far the moving person stands from the fixed one in the list.
_FITTED_STEPS, _REPORTED_STEPS = (1, 2, 3, 4, 5, 6), (1, 2)

#: How near a place's neighbours are, mm, whose true error is asked; and of how many places.
_NEAR_MM, _ASKED = (2.0, 4.0, 8.0), 8_000

#: Size of a random box of training, voxels; a feature's values beyond this many deviations; points
#: of the curve that makes a feature's values normal.
_BOX, _LARGEST, _KNOTS = 48, 4.0, 257

_RATE, _WIDTH, _SPACING_MM = 2e-3, 16, 2.0


@dataclass(frozen=True)
class Volumes:
    """A registration of two people, as the U-Net gets it."""

    name: str
    #: float16 [C, D, H, W]: features, normal-scored, and both images; 0 outside the anatomy.
    inputs: Tensor
    #: float32 [D, H, W]: what the head says, mm.
    head: Tensor
    #: float32 [n, 3], voxels (i, j, k), and [n], mm.
    at: Tensor
    error: Tensor

    @property
    def fixed(self) -> str:
        """Whom the fixed image is of."""
        return self.name.split("-")[1]

    def mirrored(self, axis: int) -> Volumes:
        """Mirror an axis of the arrays, 0 to 2: no feature has a side."""
        at = self.at.clone()
        at[:, 2 - axis] = self.head.shape[axis] - 1 - at[:, 2 - axis]
        return Volumes(self.name, self.inputs.flip(axis + 1), self.head.flip(axis), at, self.error)

    def cropped(self, generator: np.random.Generator) -> Volumes:
        """Return a random box that holds boundaries, about one of them."""
        middle = self.at[int(generator.integers(len(self.at)))].numpy()[::-1]
        shape = np.array(self.head.shape)
        size = np.minimum(shape, _BOX)
        low = np.clip((middle - size / 2).round().astype(int), 0, shape - size)
        box = tuple(slice(a, a + n) for a, n in zip(low, size, strict=True))
        at = self.at - torch.from_numpy(low[::-1].copy()).float()
        limit = torch.from_numpy(size[::-1].copy()).float() - 1
        there = ((at >= 0) & (at <= limit)).all(dim=1)
        return Volumes(
            self.name,
            self.inputs[(slice(None), *box)],
            self.head[box],
            at[there],
            self.error[there],
        )


class UNet(nn.Module):
    """Three levels; returns the logarithm of the expected error over what the head says."""

    def __init__(self, channels: int, width: int = _WIDTH) -> None:
        super().__init__()
        self.enter = nn.Conv3d(channels, width, 1)
        self.down0 = _double(width, width)
        self.down1 = _double(width, 2 * width)
        self.down2 = _double(2 * width, 4 * width)
        self.up1 = _double(6 * width, 2 * width)
        self.up0 = _double(3 * width, width)
        self.leave = nn.Conv3d(width, 1, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map [1, C, D, H, W] to [1, 1, D, H, W]."""
        fine = self.down0(F.leaky_relu(self.enter(inputs), 0.1))
        middle = self.down1(F.avg_pool3d(fine, 2, ceil_mode=True))
        coarse = self.down2(F.avg_pool3d(middle, 2, ceil_mode=True))
        middle = self.up1(torch.cat([middle, _like(coarse, middle)], 1))
        fine = self.up0(torch.cat([fine, _like(middle, fine)], 1))
        found: Tensor = self.leave(F.dropout3d(fine, 0.2, self.training))
        return found


def _double(entering: int, leaving: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n in (entering, leaving):
        layers += [
            nn.Conv3d(n, leaving, 3, padding=1),
            nn.GroupNorm(4, leaving),
            nn.LeakyReLU(0.1),
        ]
    return nn.Sequential(*layers)


def _like(coarse: Tensor, fine: Tensor) -> Tensor:
    return F.interpolate(coarse, size=fine.shape[2:], mode="trilinear", align_corners=False)


def expected(network: UNet, case: Volumes) -> Tensor:
    """Return the expected error where the truth is known, [n], mm: read in between, as a map is."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        factor = network(case.inputs[None].float())[0, 0]
    log = case.head.log() + factor.float()
    whole = log.exp()[None, None]
    size = torch.tensor(case.head.shape[::-1]).float()
    grid = (2 * case.at / (size - 1) - 1)[None, :, None, None]
    return F.grid_sample(whole, grid, align_corners=True)[0, 0, :, 0, 0]


def make(folder: Path, people: Path) -> None:
    """Keep every registration that is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name.removesuffix("_SS.nii.gz") for path in people.glob("*_SS.nii.gz"))
    fitted, reported = names[:-_REPORTED], names[-_REPORTED:]
    wanted = [
        (what, group, step)
        for what, group, steps in (
            ("test", reported, _REPORTED_STEPS),
            ("fit", fitted, _FITTED_STEPS),
        )
        for step in steps
    ]
    model, head, read = load_model("pyramid-flow"), shipped_head(), People(people, folder)
    for what, group, step in wanted:
        for n, fixed in enumerate(group):
            moving = group[(n + step) % len(group)]
            path = folder / f"{what}-{fixed}-{moving}.npz"
            if path.exists():
                continue
            # the seed that the head's cases have, where it has them, so that the truth is the same
            seed = (100 if what == "test" else 0) + n + len(group) * (step > 1)
            spec = Spec(path.stem, "people", fixed, moving, seed)
            images, _, alignment = made_of(spec, read)
            pair = prepare(*images, model, place(*images, model, prealignment=alignment))
            design = DesignRequest(Preset.QUICK).resolve(pair.moving_lattice)
            outcome = Engine(model, pair, design).run()
            features = compute_features(outcome, pair)
            at, error = at_boundaries(spec, outcome, features, read)
            whole = features.on_lattice(features.values)
            says = torch.from_numpy(head.expected(features.values.numpy()))
            where = features.region.nonzero()
            box = tuple(
                slice(int(a), int(b) + 1)
                for a, b in zip(where.amin(dim=0), where.amax(dim=0), strict=True)
            )
            low = np.array([s.start for s in box])[::-1]
            shown = [
                pair.fixed[0, 0],
                sample(pair.moving.float(), outcome.prediction[None])[0, 0],
            ]
            partial = path.with_suffix(".partial.npz")
            np.savez(
                partial,
                f=whole[box].movedim(-1, 0).half().numpy(),
                i=torch.stack([image[box] for image in shown]).half().numpy(),
                h=features.on_lattice(says)[box].numpy(),
                at=(at - low).astype(np.float32),
                e=error,
            )
            partial.replace(path)
            print(path.stem, flush=True)


def curves(folder: Path) -> np.ndarray:
    """Return quantiles of each feature over the registrations that are fitted to, [F, knots]."""
    rows = []
    for path in sorted(folder.glob("fit-*.npz"))[::4]:
        with np.load(path) as file:
            values = file["f"].reshape(len(FEATURES), -1)
        values = values[:, np.isfinite(values[0])]
        rows.append(values[:, :: 1 + values.shape[1] // 10_000].astype(np.float32))
    return np.quantile(np.concatenate(rows, 1), np.linspace(0, 1, _KNOTS), axis=1).T


def read_all(folder: Path, what: str, known: np.ndarray) -> list[Volumes]:
    """Return the registrations, their features made normal by these curves."""
    levels = ndtri(np.linspace(0, 1, _KNOTS)).clip(-_LARGEST, _LARGEST)
    found = []
    for path in sorted(folder.glob(f"{what}-*.npz")):
        with np.load(path) as file:
            features, images, head = file["f"].astype(np.float32), file["i"], file["h"]
            at, error = file["at"], file["e"]
        outside = ~np.isfinite(features[0])
        scored = np.stack(
            [np.interp(f, curve, levels) for f, curve in zip(features, known, strict=True)]
        )
        scored[:, outside] = 0
        inputs = np.concatenate([scored.astype(np.float16), images, ~outside[None]])
        head[outside] = 1.0
        found.append(
            Volumes(path.stem, *map(torch.from_numpy, (inputs.astype(np.float16), head, at, error)))
        )
    return found


def train(folder: Path, output: Path, seed: int, steps: int) -> None:
    """Train, and keep the weights at the step that the people who choose found best."""
    known = curves(folder)
    cases = read_all(folder, "fit", known)
    people = sorted({case.fixed for case in cases})
    apart = set(people[-_CHOOSING:])
    fitted = [case for case in cases if not apart & set(case.name.split("-"))]
    # only the fixed one of such a pair is apart for certain
    choosing = [case for case in cases if case.fixed in apart]
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    network = UNet(len(cases[0].inputs))
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=1e-2)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    print(f"{len(fitted)} fitted, {len(choosing)} choose", flush=True)
    best, began, total = np.inf, time.perf_counter(), 0.0
    for step in range(1, steps + 1):
        case = fitted[int(generator.integers(len(fitted)))].cropped(generator)
        for axis in range(3):
            if generator.random() < 0.5:
                case = case.mirrored(axis)
        says = expected(network.train(), case)
        loss = deviance(says, case.error)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        plan.step()
        total += float(loss.detach())
        if step == 1 or step % 100 == 0 or step == steps:
            with torch.no_grad():
                network.eval()
                said = [expected(network, case) for case in choosing]
            losses = [deviance(s, c.error) for s, c in zip(said, choosing, strict=True)]
            mine = float(torch.stack(losses).mean())
            both = zip(said, choosing, strict=True)
            found = np.mean([figures(s.numpy(), c.error.numpy()) for s, c in both], axis=0)
            line = {
                "step": step,
                "fitted": total / min(step, 100),
                "choosing": mine,
                "figures": found.round(3).tolist(),
            }
            print(json.dumps(line), f"{time.perf_counter() - began:.0f} s", flush=True)
            total = 0.0
            if mine < best:
                best = mine
                state = {"network": network.state_dict(), "curves": torch.from_numpy(known)}
                torch.save(state, output)


def deviance(says: Tensor, error: Tensor) -> Tensor:
    """Return half the gamma deviance, up to what does not depend on what is said."""
    says = says.clamp(min=0.02)
    return (error / says + says.log()).mean()


def of_neighbours(case: Volumes, radius_mm: float, places: np.ndarray) -> Tensor:
    """Return the mean true error of the others within a radius of these places, mm."""
    at, error = _SPACING_MM * case.at.double().numpy(), case.error.numpy()
    near = cKDTree(at).query_ball_point(at[places], radius_mm)
    means = [
        error[[n for n in found if n != place]].mean() if len(found) > 1 else error.mean()
        for place, found in zip(places, near, strict=True)
    ]
    return torch.tensor(np.array(means), dtype=torch.float32)


def report(folder: Path, weights: list[Path]) -> None:
    """Print the figures of the head, of each network's and of their mean's expected error."""
    networks, known = [], np.empty(0)
    for path in weights:
        state = torch.load(path, weights_only=True)
        known = state["curves"].numpy()
        networks.append(UNet(known.shape[0] + 3).eval())
        networks[-1].load_state_dict(state["network"])
    rows: dict[str, list[list[float]]] = {}
    cases = read_all(folder, "test", known)
    for case in cases:
        with torch.no_grad():
            said = {path.stem: expected(n, case) for path, n in zip(weights, networks, strict=True)}
        if len(said) > 1:
            said["their mean"] = torch.stack(list(said.values())).mean(dim=0)
        silent = UNet(len(case.inputs)).eval()
        with torch.no_grad():
            said = {"head": expected(silent, case)} | said
        asked = np.random.default_rng(0).permutation(len(case.error))[:_ASKED]
        truth = dict.fromkeys(said, case.error)
        for radius in _NEAR_MM:
            name = f"the true error within {radius:.0f} mm"
            said[name], truth[name] = of_neighbours(case, radius, asked), case.error[asked]
        for name, values in said.items():
            rows.setdefault(name, []).append(
                [
                    *figures(values.numpy(), truth[name].numpy()),
                    float(deviance(values, truth[name])),
                ]
            )
    subjects = [case.fixed for case in cases]
    print("| expected error by | Pearson | Spearman | nAURC | half deviance |")
    print(f"|{'---|' * 5}")
    for name, found in rows.items():
        cells = [with_interval([row[n] for row in found], subjects) for n in range(4)]
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("people", type=Path)
    training = commands.add_parser("train")
    training.add_argument("folder", type=Path)
    training.add_argument("output", type=Path)
    training.add_argument("--seed", type=int, default=1)
    training.add_argument("--steps", type=int, default=2400)
    reporting = commands.add_parser("report")
    reporting.add_argument("folder", type=Path)
    reporting.add_argument("weights", type=Path, nargs="+")
    options = parser.parse_args()
    if options.command == "make":
        make(options.folder, options.people)
    elif options.command == "train":
        train(options.folder, options.output, options.seed, options.steps)
    else:
        report(options.folder, options.weights)


if __name__ == "__main__":
    main()
