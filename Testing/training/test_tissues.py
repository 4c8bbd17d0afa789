"""Tissue classes by intensity."""

from __future__ import annotations

import torch

from TTAUncertaintyLib.training.tissues import dice, tissue_classes


def test_k_means_finds_three_tissues() -> None:
    image = torch.cat([torch.full((50,), v) for v in (0.0, 0.2, 0.5, 0.9)]).view(1, 10, 20)
    labels = tissue_classes(image, image > 0)
    assert labels.flatten()[::50].tolist() == [0, 1, 2, 3]
    assert dice(labels, labels) == 1.0
