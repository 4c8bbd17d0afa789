"""Takes the pictures of the panel and its views anew, from a real run on the bundled images.

    python Testing/screenshots/make_screenshots.py [FOLDER] [--only NAME ...]

Scene, views and run are Slicer's and ours; the window around them is the tests' harness, and looks
like Slicer's without its toolbars. Needs the packages of `.[slicer]` and about three minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "Testing"), str(REPOSITORY), str(Path(__file__).parent)]

import tour  # noqa: E402


def main() -> int:
    """Take the pictures that are asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = REPOSITORY / "Resources" / "Screenshots"
    parser.add_argument("folder", type=Path, nargs="?", default=default, help="where they go")
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"of {', '.join(tour.STOPS)}")
    options = parser.parse_args()
    names = options.only or list(tour.STOPS)
    unknown = sorted(set(names) - set(tour.STOPS))
    if unknown:
        parser.error(f"there is no picture {', '.join(unknown)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    too_large = []
    for name, png in tour.pictures(names):
        path = options.folder / f"{name}.png"
        path.write_bytes(png)
        print(f"{path.name}: {len(png) / 1000:.0f} kB", flush=True)
        if len(png) > tour.MOST_BYTES:
            too_large.append(name)
    if too_large:
        print(
            f"Larger than {tour.MOST_BYTES / 1000:.0f} kB: {', '.join(too_large)}", file=sys.stderr
        )
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())
