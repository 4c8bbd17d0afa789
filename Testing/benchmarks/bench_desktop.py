r"""How long the panel holds up Slicer: the event loop watched during all that takes time.

    python Testing/benchmarks/bench_desktop.py [--preset standard] [--result FOLDER]
    Slicer --disable-settings --python-code \
        "import runpy; runpy.run_path('Testing/benchmarks/bench_desktop.py', run_name='in_slicer')"

A run of the bundled brains with its live map, opening the result that it made, the first search for
hot spots, an export with pictures, structures, surfaces, other layouts, and the perturbed
registrations. The scene, Qt's event loop, the panel, the views and the background process are the
real ones. By the first line the desktop around them is the tests' harness, and the views are drawn
off screen, by the processor where there is no graphics card; by the second it is a real Slicer, in
which TTAUNCERTAINTY_TEST_PYTHON names a Python with PyTorch if Slicer's own has none. No step
should hold the event loop for more than 300 ms: beside the time that passed stands the main
thread's processor time, which other programs on the computer do not change.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "Testing"), str(REPOSITORY)]


class Report:
    """Watches the event loop while something goes on, and prints how long it was held.

    Parameters
    ----------
    desktop
        `support.desktop.Desktop`.
    """

    def __init__(self, desktop: Any) -> None:
        self._desktop = desktop
        self.longest_ms = self.busiest_ms = 0.0

    def watch(self, what: str, begin: Callable[[], Any], done: Callable[[], Any]) -> Any:
        """Begin something, wait until it is done, and print a line."""
        from support.desktop import EventLoopWatch

        with EventLoopWatch() as watch:
            begun = begin()
            self._desktop.wait_until(done, 3600)
            self._desktop.process_events(0.3)
        busiest_ms = max(watch.busy_ms)
        self.longest_ms = max(self.longest_ms, watch.longest_ms)
        self.busiest_ms = max(self.busiest_ms, busiest_ms)
        say(
            f"{what}: {sum(watch.gaps_ms) / 1e3:.1f} s, held at most {watch.longest_ms:.0f} ms, "
            f"of the processor {busiest_ms:.0f} ms; over 50 ms {len(watch.over(50))} times, over "
            f"300 ms {len(watch.over(300))} times, by the processor "
            f"{sum(busy > 300 for busy in watch.busy_ms)} times"
        )
        return begun


def say(line: str) -> None:
    """Print a line where the program was started; in Slicer `print` writes to its console."""
    print(line, file=sys.__stdout__, flush=True)


def main() -> int:
    """Run, watch, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--preset", default="quick", help="quick, standard, thorough or paper")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of the network")
    parser.add_argument("--result", type=Path, help="take this result folder in place of a run")
    options = parser.parse_args()

    from support.desktop import Desktop
    from support.small_result import PYTHON

    from TTAUncertaintyLib.sample_data import sample_pair

    with Desktop(views=True) as desktop, tempfile.TemporaryDirectory() as folder:
        desktop.load_module(REPOSITORY / "TTAUncertainty" / "TTAUncertainty.py")
        panel = desktop.open("TTAUncertainty")
        panel.logic.machine.threads = options.threads
        if sys.executable != PYTHON:
            panel.logic.machine.python = PYTHON
        panel.logic.machine.resultsFolder = Path(folder)
        ui, report = panel.ui, Report(desktop)
        report.watch(
            "loading a sample pair",
            lambda: ui.emptyLabel.linkActivated.emit("sample:reference"),
            lambda: panel.parameters.movingVolume is not None,
        )
        bundle = options.result
        if bundle is None:
            panel.parameters.preset = options.preset
            panel.parameters.keepRegistrations = True
            report.watch("a run", ui.runButton.click, lambda: panel.logic.run.ended)
            run = panel.logic.run
            if run.state.problem:
                say(f"{run.state.problem}\n{run.state.remedy}\n{run.state.log}")
                return 1
            for name, seconds in run.holds.items():
                say(f"  {name}: at most {seconds * 1e3:.0f} ms")
            bundle = run.state.output
        before = panel.result
        desktop.answer(str(bundle))
        report.watch("opening a result", ui.openResultButton.click, lambda: panel.result != before)

        def unfold() -> None:
            ui.reviewSection.collapsed = False

        report.watch("the first hot spots", unfold, lambda: ui.hotSpotsTable.rowCount > 0)
        desktop.answer(folder)
        report.watch("an export", ui.exportButton.click, lambda: "Written" in ui.exportLabel.text)
        from TTAUncertaintyPanel.samples import load_sample_labels

        labels = load_sample_labels(sample_pair("reference").fixed_labels)
        panel.parameters.structures = labels
        report.watch(
            "structures",
            lambda: ui.reviewTabs.setCurrentIndex(1),
            lambda: ui.structuresTable.rowCount > 0,
        )
        report.watch("surfaces in 3D", lambda: ui.map3dCheck.click(), lambda: True)
        report.watch("views side by side", ui.threeUpButton.click, lambda: True)
        report.watch("four views again", ui.quadButton.click, lambda: True)
        if ui.playButton.enabled:
            report.watch(
                "reading the registrations",
                ui.playButton.click,
                lambda: ui.passSlider.value > 0,
            )
        say(
            f"the longest of all: {report.longest_ms:.0f} ms, of the processor "
            f"{report.busiest_ms:.0f} ms"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
elif __name__ == "in_slicer":  # whose own `__main__` is another
    import slicer

    slicer.util.exit(main())
