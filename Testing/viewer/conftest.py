"""A result on a phantom, a real headless browser, and what both said when a test fails."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from support import graphics
from support.chromium import chromium
from support.phantom import write_pair
from support.viewer_page import FLAGS, Study

from TTAUncertaintyLib.perturbations import DesignRequest, Preset, Sampling
from TTAUncertaintyLib.results import Bundle
from TTAUncertaintyLib.worker import Job
from TTAUncertaintyLib.worker.run import Phase, Run

for _name in ("slicer", "trame_slicer"):
    pytest.importorskip(_name, reason="NOT TESTED: the viewer's packages are not installed.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    known = getattr(item, "funcargs", {})
    if report.failed:
        if "viewer" in known:
            report.sections.append(("the viewer's output", known["viewer"].output))
        for context in known["browser"].contexts if "browser" in known else ():
            for page in context.pages:
                with contextlib.suppress(Exception):  # it may be what hangs
                    words = page.locator("body").inner_text(timeout=5_000)
                    report.sections.append((f"the page {page.url}", words))
    return report


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A small perturbation spreads less than a large one."""
    folder = tmp_path_factory.mktemp("study")
    fixed, moving = write_pair(folder / "images")
    bundles = []
    for name, shift_mm in (("a-better", 0.3), ("b-worse", 3.0)):
        design = DesignRequest(
            Preset.STANDARD, sampling=Sampling.RANDOM, outer=2, translation_mm=shift_mm
        )
        job = Job(
            fixed,
            moving,
            folder / name,
            design=design,
            threads=1,
            reverse_pass=False,
            keep_registrations=True,
        )
        with Run(job) as run:
            state = run.wait(240)
        assert state.phase is Phase.FINISHED, state
        bundles.append(Bundle.open(job.output))
    return Study(bundles[1], bundles[0], fixed, moving)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, headless."""
    graphics.require()
    with chromium(FLAGS) as made:
        yield made
