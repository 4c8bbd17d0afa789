"""The bundled network written down as simply as it can be, to hold the fast one to.

One image after the other, everything concatenated, `grid_sample` and `InstanceNorm` as torch has
them, no part computed ahead. It takes the fast network's weights and shares none of its code.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from TTAUncertaintyLib.geometry import identity_map
from TTAUncertaintyLib.models.networks.pyramid_flow import PyramidFlowNetwork

SLOPE, FLOOR, SCALE = 0.2, 0.1, 0.05


def plain_pyramid_flow(network: PyramidFlowNetwork, moving: Tensor, fixed: Tensor) -> Tensor:
    """Return what `network` should for [B, 1, D, H, W] images: displacements [B, 3, D, H, W]."""
    w = dict(network.state_dict())
    a = network.architecture
    first, second = _encode(w, a, moving), _encode(w, a, fixed)
    flow = torch.zeros((len(fixed), 3, *second[-1].shape[2:]))
    hidden = None
    for level in reversed(range(len(second))):
        context = []
        if hidden is not None:
            flow = _doubled(flow)
            context = [F.interpolate(_conv(w, f"contexts.{level}", hidden, 0), scale_factor=2.0)]
        for _ in range(a.iterations[level]):
            warped = _sampled(first[level], flow)
            force, stiffness = _force(second[level], warped)
            compared = [second[level], warped, *context]
            if a.correlation[level]:
                compared.append(_correlation(second[level], warped))
            compared += [flow, force, stiffness]
            out, hidden = _regress(network, w, f"regressors.{level}", torch.cat(compared, 1))
            velocity = out + w["step_sizes"][level] * force / (stiffness + FLOOR)
            step = velocity / 2**a.squaring_steps
            for _ in range(a.squaring_steps):
                step = step + _sampled(step, step)
            flow = step + _sampled(flow, step)
    flow = _doubled(flow)
    if network.full_resolution is None or hidden is None:
        return flow
    name = "full_resolution"
    one, two = (_normed(w, f"{name}.features", x, 1, 1) for x in (moving, fixed))
    warped = _sampled(one, flow)
    force, stiffness = _force(two, warped)
    compared = [two, warped, force, stiffness]
    gathered = F.leaky_relu(_conv(w, f"{name}.gather", torch.cat(compared, 1), 1, 2), SLOPE)
    seen = torch.cat([gathered, _conv(w, f"{name}.context", hidden, 0)], 1)
    out, _ = _regress(network, w, f"{name}.regressor", seen)
    fine = torch.zeros_like(flow)
    for k in range(2):
        for j in range(2):
            for i in range(2):
                fine[:, :, k::2, j::2, i::2] = out[:, 4 * k + 2 * j + i :: 8]
    velocity = fine + w[f"{name}.step_size"] * force / (stiffness + FLOOR)
    return velocity + _sampled(flow, velocity)


Weights = dict[str, Tensor]


def _encode(w: Weights, a: object, image: Tensor) -> list[Tensor]:
    features = _normed(w, "stem", image, 1, 2)
    levels = []
    for level in range(len(a.encoder_channels)):  # type: ignore[attr-defined]
        features = F.avg_pool3d(features, 2) if level else features
        for block in range(2 if level else 1):
            features = _normed(w, f"encoders.{level}", features, 1, 1, 3 * block)
        levels.append(features)
    return levels


def _conv(w: Weights, name: str, x: Tensor, padding: int, stride: int = 1) -> Tensor:
    return F.conv3d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride, padding)


def _normed(w: Weights, name: str, x: Tensor, padding: int, stride: int, first: int = 0) -> Tensor:
    x = _conv(w, f"{name}.{first}", x, padding, stride)
    scale, shift = w[f"{name}.{first + 1}.weight"], w[f"{name}.{first + 1}.bias"]
    return F.leaky_relu(F.instance_norm(x, weight=scale, bias=shift), SLOPE)


def _regress(
    network: PyramidFlowNetwork, w: Weights, name: str, x: Tensor
) -> tuple[Tensor, Tensor]:
    hidden = F.leaky_relu(_conv(w, f"{name}.enter", x, 1), SLOPE)
    hidden = hidden + F.leaky_relu(_conv(w, f"{name}.refine", hidden, 1), SLOPE)
    dropout = network.get_submodule(f"{name}.dropout")
    assert isinstance(dropout, nn.Dropout3d)
    hidden = F.dropout3d(hidden, dropout.p, dropout.training)
    return SCALE * _conv(w, f"{name}.leave", hidden, 1), hidden


def _sampled(volume: Tensor, displacement: Tensor) -> Tensor:
    shape = displacement.shape[2:]
    half = torch.tensor([max(n - 1, 1) / 2 for n in reversed(shape)])
    grid = (identity_map(shape) + displacement).movedim(1, -1) / half - 1
    return F.grid_sample(volume, grid, padding_mode="border", align_corners=True)


def _doubled(flow: Tensor) -> Tensor:
    return 2 * F.interpolate(flow, scale_factor=2.0, mode="trilinear", align_corners=False)


def _correlation(fixed: Tensor, moving: Tensor) -> Tensor:
    fixed, moving = (F.normalize(x, dim=1, eps=1e-3) for x in (fixed, moving))
    around = F.pad(moving, (1,) * 6, mode="replicate")
    d, h, w = fixed.shape[2:]
    shifts = [(k, j, i) for k in range(3) for j in range(3) for i in range(3)]
    cosines = [(fixed * around[:, :, k : k + d, j : j + h, i : i + w]).sum(1) for k, j, i in shifts]
    return torch.stack(cosines, 1)


def _force(fixed: Tensor, moving: Tensor) -> tuple[Tensor, Tensor]:
    around = F.pad(moving, (1,) * 6, mode="replicate")
    terms = []
    for axis in (4, 3, 2):
        mine = around
        for other in {2, 3, 4} - {axis}:
            mine = mine.narrow(other, 1, around.shape[other] - 2)
        n = moving.shape[axis]
        slope = (mine.narrow(axis, 2, n) - mine.narrow(axis, 0, n)) / 2
        terms.append((((fixed - moving) * slope).mean(1), slope.square().mean(1)))
    stacked = [torch.stack(x, 1) for x in zip(*terms, strict=True)]
    force, stiffness = (
        F.avg_pool3d(F.pad(x, (1,) * 6, mode="replicate"), 3, stride=1) for x in stacked
    )
    return force, stiffness
