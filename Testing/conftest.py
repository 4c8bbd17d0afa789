"""What all tests share: the device they run on, and hypothesis without dice."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

# The same examples on every run: a failure in one place is a failure in all. No deadline, since
# the first call of a torch function may take a second.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("repeatable")

# `make fuzz`: other examples every time, and those that failed before first (.hypothesis/).
settings.register_profile(
    "fuzz", settings.get_profile("repeatable"), derandomize=False, max_examples=1500
)

# The tensors here are small: sharing them out costs more than it saves, thirty times more where
# other programs want the same cores. One thread also adds in the same order on every machine.
torch.set_num_threads(1)

# A shell starts what runs in its background deaf to Ctrl-C, and every child would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests never see, or change, the weights that the person has installed.
os.environ["TTAUNCERTAINTY_CACHE"] = str(Path(tempfile.mkdtemp(prefix="tta-cache-")))
atexit.register(shutil.rmtree, os.environ["TTAUNCERTAINTY_CACHE"], ignore_errors=True)


@pytest.fixture(
    params=[
        "cpu",
        pytest.param(
            "cuda",
            marks=[
                pytest.mark.cuda,
                pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
            ],
        ),
    ]
)
def device(request: pytest.FixtureRequest) -> str:
    """Name of the device that the loop runs on."""
    return str(request.param)
