"""`ttauncertainty evaluate-result`: a result against landmarks and labels."""

from __future__ import annotations

import argparse
import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..extras import Extra, need
from ..results import Bundle, check_output

if TYPE_CHECKING:
    from ..evaluation.page import KnownTruth
    from ..review.table import Table

_EXAMPLES = """examples:
  ttauncertainty evaluate-result result --fixed-landmarks F.mrk.json --moving-landmarks M.mrk.json
  ttauncertainty evaluate-result result --fixed-labels fixed-seg.nii.gz \\
      --moving-labels moving-seg.nii.gz --label-names 1=Liver 2=Spleen -o checked

Landmarks: Slicer's .mrk.json or .fcsv, in the frame that they name, or a .csv whose first line
names its columns: label,r,a,s or label,l,p,s or label,x,y,z (LPS). They give the error of the
transform at these points. Labels give overlap and surface distance, which are no such errors.
"""

_ROLES = ("fixed_landmarks", "moving_landmarks", "fixed_labels", "moving_labels")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate-result",
        help="hold a result against landmarks or labels of both images",
        description="Measure a result where its truth is known: target registration error at "
        "landmarks, overlap of labels, and the maps beside them.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(do=do)
    parser.add_argument("result", type=Path, help="result folder")
    for what in ("landmarks", "labels"):
        for which in ("fixed", "moving"):
            parser.add_argument(
                f"--{which}-{what}", type=Path, metavar="FILE", help=f"on the {which} image"
            )
    parser.add_argument(
        "--label-names",
        type=_named,
        nargs="+",
        default=[],
        metavar="LABEL=NAME",
        help="what the labels are called",
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="folder to be made: a page, tables as CSV, and JSON"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an older folder")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def do(options: argparse.Namespace) -> int:
    """Carry out the command."""
    need(Extra.LAB, "Holding a result against the truth")
    from ..evaluation.page import TRUTH, TRUTH_PAGE, write_known_truth

    given = {role for role in _ROLES if getattr(options, role) is not None}
    for what in ("landmarks", "labels"):
        if len(given & {f"fixed_{what}", f"moving_{what}"}) == 1:
            raise InputError(f"There are {what} of one image only.", "Give those of both images.")
    if not given:
        raise InputError(
            "There is nothing to hold the result against.",
            "Give --fixed-landmarks and --moving-landmarks, or --fixed-labels and --moving-labels.",
        )
    if options.output is not None:
        check_output(options.output, options.overwrite, TRUTH)
    truth = _measured(options)
    if options.output is not None:
        write_known_truth(options.output, truth, options.overwrite)
    if options.json:
        print(json.dumps(truth.as_dict(), indent=2))
        return 0
    print("\n".join(_lines(truth)))
    if options.output is not None:
        print(f"\nPage: {(options.output / TRUTH_PAGE).absolute()}")
    return 0


def _measured(options: argparse.Namespace) -> KnownTruth:
    from ..evaluation.known_labels import evaluate_known_labels
    from ..evaluation.known_landmarks import evaluate_known_landmarks
    from ..evaluation.known_result import KnownResult
    from ..evaluation.page import KnownTruth
    from ..geometry import image_sha256, sha256

    bundle = Bundle.open(options.result)
    result = KnownResult.of(bundle)
    landmarks, labels = None, []
    if options.fixed_landmarks is not None:
        landmarks = evaluate_known_landmarks(
            result, options.fixed_landmarks, options.moving_landmarks
        )
    if options.fixed_labels is not None:
        names = dict(options.label_names)
        labels = evaluate_known_labels(result, options.fixed_labels, options.moving_labels, names)
    files = {}
    for role in _ROLES:
        path = getattr(options, role)
        if path is not None:
            hashed = image_sha256(path) if role.endswith("labels") else sha256(path)
            files[role] = {"path": str(path.resolve()), "sha256": hashed}
    return KnownTruth(bundle.record, result.maps, files, landmarks, labels)


def _lines(truth: KnownTruth) -> list[str]:
    from ..evaluation import known_tables
    from ..evaluation.known_labels import NOT_AN_ERROR
    from ..evaluation.page.known_truth import error_words

    lines = []
    if truth.landmarks is not None:
        before, after = error_words(truth.landmarks)
        lines += [
            "",
            f"{len(truth.landmarks.findings)} landmarks, paired {truth.landmarks.paired}",
            f"  distance before registration  {before}",
            f"  target registration error     {after}",
            "",
            *_columns(known_tables.maps_at_landmarks(truth.landmarks.maps)),
        ]
    if truth.labels:
        main = [volume for volume in truth.maps if volume.key in ("total", "expected_error")]
        table = known_tables.labels(truth.labels, main)
        lines += ["", *_columns(table), "", *textwrap.wrap(NOT_AN_ERROR, 100)]
    return lines


def _columns(table: Table) -> list[str]:
    """Return a table for a terminal, without counts of voxels and columns that are empty."""
    cells = [[column.shown(row[n]) for row in table.rows] for n, column in enumerate(table.columns)]
    said = [any(cell not in ("", "–") for cell in column) for column in cells]
    used = [n for n, c in enumerate(table.columns) if said[n] and not c.title.startswith("Voxels")]
    heads = {n: textwrap.wrap(table.columns[n].heading, 13) for n in used}
    tallest = max(len(head) for head in heads.values())
    columns = []
    for n in used:
        column = [""] * (tallest - len(heads[n])) + heads[n] + cells[n]
        width = max(len(cell) for cell in column)
        words = all(isinstance(row[n], str) for row in table.rows)
        columns.append([cell.ljust(width) if words else cell.rjust(width) for cell in column])
    return ["  ".join(line).rstrip() for line in zip(*columns, strict=True)]


def _named(text: str) -> tuple[int, str]:
    label, equals, name = text.partition("=")
    if not (equals and name and label.isdigit()):
        raise argparse.ArgumentTypeError(f"'{text}' is not LABEL=NAME, such as 1=Liver")
    return int(label), name
