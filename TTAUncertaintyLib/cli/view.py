"""`ttauncertainty view`: Slicer's views of a result, in the browser."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..errors import ResourceError
from ..extras import Extra, need

_EPILOG = """examples:
  ttauncertainty view                       choose images and run in the page
  ttauncertainty view result                look at one result
  ttauncertainty view study/*               a work list, the most uncertain first

The page is for this computer alone; its address ends with a key that is made anew at each start.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "view",
        help="look at results, review them, and run, in the browser",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundles", nargs="*", type=Path, metavar="BUNDLE", help="result folder")
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("ttauncertainty-results"),
        metavar="FOLDER",
        help="where runs that are started in the page put their results",
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--port", type=int, default=0, help="instead of a free one")
    parser.add_argument(
        "--host", default="127.0.0.1", help="another address to listen on; mind what that means"
    )
    parser.add_argument(
        "--largest-upload",
        type=float,
        default=1.0,
        metavar="GB",
        help="what an image may have that is sent from the page (default: 1)",
    )
    parser.set_defaults(do=do)


def do(options: argparse.Namespace) -> int:
    """Carry out the command."""
    need(Extra.VIEWER, "The viewer")
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    from ..viewer.server import serve

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        serve(
            [path.absolute() for path in options.bundles],
            options.results.absolute(),
            options.host,
            options.port,
            not options.no_browser,
            say,
            round(options.largest_upload * 1024**3),
        )
    except OSError as error:
        raise ResourceError(
            f"The viewer cannot listen on {options.host}, port {options.port} ({error.strerror}).",
            "Choose another --port, or none for a free one.",
        ) from error
    return 0
