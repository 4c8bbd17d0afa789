"""How long a run holds up Slicer: the event loop watched during a real run of the bundled brains.

    python Testing/benchmarks/bench_desktop.py [--preset standard]

The scene, Qt's event loop, the logic and the background process are the real ones; the desktop
around them is the tests' harness. Views are not drawn. The longest hold while the run goes on
should be under 50 ms; loading the result is given by itself.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "Testing"))


def main() -> int:
    """Run, watch, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--preset", default="quick", help="quick, standard, thorough or paper")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of the network")
    parser.add_argument("--no-preview", action="store_true", help="without the provisional map")
    options = parser.parse_args()

    from support.desktop import Desktop, EventLoopWatch

    with Desktop(views=False) as desktop, tempfile.TemporaryDirectory() as folder:
        module = desktop.load_module(REPOSITORY / "TTAUncertainty" / "TTAUncertainty.py")
        logic = module.TTAUncertaintyLogic()
        logic.machine.threads = options.threads
        from TTAUncertaintyPanel.choices import RunChoices
        from TTAUncertaintyPanel.samples import load_sample_pair

        fixed, moving = load_sample_pair()
        choices = RunChoices(fixedVolume=fixed, movingVolume=moving, preset=options.preset)
        began = time.perf_counter()
        logic.reasonNotToRun(choices)  # the panel asks as soon as the volumes are chosen
        choosing = (time.perf_counter() - began) * 1e3
        with EventLoopWatch() as watch:
            controller = logic.startRun(
                choices,
                showPreview=not options.no_preview,
                output=Path(folder) / "result",
            )
            desktop.wait_until(lambda: controller.ended, 3600)
        state = controller.state
        if state.problem:
            print(state.problem, state.remedy, state.log, sep="\n")
            return 1
        loading = controller.holds.pop("loading the result") * 1e3
        during = sorted(watch.gaps_ms)
        during.remove(min(during, key=lambda gap: abs(gap - loading)))  # the loading itself
        print(f"preset {options.preset}, {state.total} passes in {state.elapsed_s:.1f} s")
        print(f"event loop held up at most {during[-1]:.0f} ms; over 50 ms: ", end="")
        print(sum(gap > 50 for gap in during), "times in", len(during))
        for name, seconds in controller.holds.items():
            print(f"  {name}: at most {seconds * 1e3:.0f} ms")
        print(f"looking at the two volumes once, when they are chosen: {choosing:.0f} ms")
        print(f"loading the result: {loading:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
