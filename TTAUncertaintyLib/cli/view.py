"""`ttauncertainty view`: Slicer's views of a result, in the browser."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..errors import InputError, ResourceError
from ..extras import Extra, need

_EPILOG = """examples:
  ttauncertainty view                       choose images and run in the page
  ttauncertainty view result                look at one result
  ttauncertainty view results/*             a work list, the most uncertain first
  ttauncertainty view study                 a study of 'ttauncertainty cohort', to be graded

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
    parser.add_argument(
        "bundles", nargs="*", type=Path, metavar="BUNDLE", help="result folder, or a study"
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("ttauncertainty-results"),
        metavar="FOLDER",
        help="where runs that are started in the page put their results",
    )
    parser.add_argument(
        "--reviewer",
        default="",
        metavar="NAME",
        help="of a study: whose grades these are (default: the name that you work under)",
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
    from ..cohort.reviewing import StudyReview
    from ..cohort.work_list import is_study
    from ..viewer.server import serve

    studies = [path for path in options.bundles if is_study(path)]
    if studies and len(options.bundles) > 1:
        raise InputError("A study is looked at by itself.", f"Name {studies[0]} alone.")
    study = StudyReview(studies[0], options.reviewer) if studies else None

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        serve(
            [] if study is not None else [path.absolute() for path in options.bundles],
            options.results.absolute(),
            options.host,
            options.port,
            not options.no_browser,
            say,
            round(options.largest_upload * 1024**3),
            study,
        )
    except OSError as error:
        raise ResourceError(
            f"The viewer cannot listen on {options.host}, port {options.port} ({error.strerror}).",
            "Choose another --port, or none for a free one.",
        ) from error
    return 0
