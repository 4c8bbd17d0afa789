"""The page on a network of the heart: its files run, beside a stand-in for the publisher's code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from support.images import waves
from support.lattices import OBLIQUE

from TTAUncertaintyLib.geometry import identity_map
from TTAUncertaintyLib.models import load_member, load_model

PAGE = Path(__file__).resolve().parents[2] / "docs" / "HEART_NETWORK.md"

#: Answers in the publisher's convention: arrays (y, x, z), the first component along the last axis,
#: in halves of the field of view. Along x it grows with x, along z it is the moving image.
STAND_IN = """
import torch

class Network(torch.nn.Module):
    def __init__(self, more):
        super().__init__()
        self.more = more
        self.grid_1 = torch.zeros(1).cuda()

    def forward(self, moving, fixed):
        assert moving.shape == fixed.shape == (1, 1, 96, 96, 16) and moving.is_contiguous()
        x = torch.arange(96.0).view(1, 1, 1, 96, 1).expand_as(moving)
        y = torch.full_like(moving, 3.0)
        return torch.cat((moving * 2 / 15, (2 + 0.1 * x) * 2 / 95, (y + self.more) * 2 / 95), 1), 0

def build_model(path):
    return Network(torch.load(path, weights_only=True))
"""


def test_its_files_make_five_members_that_answer_as_the_publisher_means_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("Code", "Models_cv_full"):
        (tmp_path / name).mkdir()
    for name in ("GP_TF", "TransBlock", "Functions"):
        (tmp_path / "Code" / f"{name}.py").touch()
    (tmp_path / "Code" / "acdc_results.py").write_text(STAND_IN)
    for fold in range(5):
        torch.save(float(fold), tmp_path / "Models_cv_full" / f"fold{fold}_lvl3_best.pth")
    code, manifests = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "heart.py").write_text(code)
    exec(compile(manifests, str(PAGE), "exec"), {})
    monkeypatch.delitem(sys.modules, "acdc_results", raising=False)
    cuda = torch.Tensor.cuda

    model = load_model("fold0.json", trust_code=True)
    member = load_member("fold0.json", Path("fold4.json"), trust_code=True)
    assert torch.Tensor.cuda is cuda
    assert [m.weights.path.name[:5] for m in (model, member) if m.weights] == ["fold0", "fold4"]

    pair = model.prepare(waves(OBLIQUE, 1), waves(OBLIQUE, 2), np.eye(4))
    assert pair.moving.shape == (1, 1, 16, 96, 96)
    assert np.allclose(pair.fixed_lattice.spacing, (1.25, 1.25, 5.0))
    assert np.allclose(pair.fixed_lattice.center, OBLIQUE.center)
    model.place(torch.device("cpu"))
    both = [torch.cat((image, 0.5 * image)) for image in (pair.moving, pair.fixed)]
    found = model.predict(*both) - identity_map((16, 96, 96))
    i = torch.arange(96.0).expand(2, 16, 96, 96)
    expected = torch.stack((2 + 0.1 * i, torch.full_like(i, 3.0), both[0][:, 0]), 1)
    assert float((found - expected).abs().max()) < 1e-4
    apart = member.predict(pair.moving, pair.fixed) - model.predict(pair.moving, pair.fixed)
    assert float((apart - torch.tensor([0, 4.0, 0]).view(1, 3, 1, 1, 1)).abs().max()) < 1e-4
    monkeypatch.delitem(sys.modules, "acdc_results")
