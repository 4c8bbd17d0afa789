"""`ttauncertainty evaluate`: does the map predict the error, where the error is known."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from ..errors import DesignError
from ..evaluation.kinds import Deformation
from ..perturbations import PAPER_FAMILIES, DesignRequest, Family, Noise, Preset, Sampling
from .study import add_study, measured, model_of, study_of

_EXAMPLES = """examples:
  ttauncertainty evaluate --preset quick -o evaluation
  ttauncertainty evaluate --images a.nii.gz b.nii.gz c.nii.gz --paper --keep measurements \\
      -o evaluation
  ttauncertainty evaluate --compare "affine:preset=thorough,replicates=1" -o evaluation

The maps of the design, every cue that comes without further passes, and a calibration made on the
other subjects are compared with the true error of deformations that are known. Landmarks and
labels of real pairs: 'ttauncertainty evaluate-result'.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure how well the maps predict known errors",
        description="Deform images by known maps, register them, and measure how well each map of "
        "uncertainty predicts the error.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(do=do)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to be made")
    parser.add_argument("--overwrite", action="store_true", help="replace an older evaluation")
    parser.add_argument("--title", default="", help="of the page")
    designs = parser.add_argument_group("designs to compare")
    designs.add_argument(
        "--compare",
        type=_named_design,
        action="append",
        default=[],
        metavar="NAME:KEY=VALUE,...",
        help="one more design; keys as in a job file's design (preset, family, outer, ...)",
    )
    designs.add_argument(
        "--paper", action="store_true", help="the paper's four families, 50 passes each"
    )
    add_study(parser, (Deformation.SMOOTH.value, Deformation.AFFINE.value), 2)


def do(options: argparse.Namespace) -> int:
    """Carry out the command."""
    from ..calibration.fitting import left_out
    from ..evaluation.assembling import assemble
    from ..evaluation.page import EVALUATION, write_evaluation
    from ..evaluation.study import as_json
    from ..models.contract import describe
    from ..results import check_output

    check_output(options.output, options.overwrite, EVALUATION)
    model = model_of(options)
    others = dict(options.compare) | baselines(options.paper, model.has_dropout)
    study = study_of(options, others)
    if not options.quiet:
        print(f"{study.count} cases through {model.description.title}")
    found = measured(study, model, options)
    about = describe(model)
    predicted = left_out(found, "subject", about) if len(study.subjects) > 1 else []
    notes = [] if predicted else ["One subject alone: nothing to calibrate on."]
    evaluation = assemble(
        options.title or f"{model.description.title}: does the map predict the error?",
        found,
        predicted,
        about,
        as_json(study)["subjects"],
        shlex.join(["ttauncertainty", *sys.argv[1:]]),
        notes,
    )
    write_evaluation(options.output, evaluation, options.overwrite)
    if not options.quiet:
        for summary in evaluation.summaries:
            r, rho, naurc = (summary.metrics[m].mean for m in ("pearson", "spearman", "naurc"))
            print(f"  {r:6.2f} {rho:6.2f} {naurc:6.2f}  {summary.passes:4}  {summary.method}")
        print("  Pearson, Spearman, nAURC, passes in all; means over cases")
        print(f"\nEvaluation: {(options.output / 'evaluation.html').absolute()}")
    return 0


def baselines(paper: bool, has_dropout: bool) -> dict[str, DesignRequest]:
    """Return the designs that are measured beside one's own, by name.

    Parameters
    ----------
    paper
        The paper's four families.
    has_dropout
        Monte Carlo dropout: as many passes as each of those, of the network's own noise alone.
    """
    found = {}
    if paper:
        found = {
            f"paper: {family.value}": DesignRequest(Preset.PAPER, family=family)
            for family in PAPER_FAMILIES
        }
    if has_dropout:
        found["MC dropout"] = DesignRequest(
            Preset.QUICK,
            Family.TRANSLATION,
            Sampling.RANDOM,
            outer=50,
            noise=Noise.DROPOUT,
            translation_mm=0.0,
        )
    return found


def _named_design(text: str) -> tuple[str, DesignRequest]:
    name, colon, changes = text.partition(":")
    values: dict[str, object] = {}
    for change in changes.split(",") if changes else []:
        key, equals, value = change.strip().partition("=")
        if not equals:
            raise argparse.ArgumentTypeError(f"'{change}' is not KEY=VALUE")
        values[key] = _value(value)
    if not (name and colon):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME:KEY=VALUE,...")
    try:
        return name, DesignRequest.from_dict(values)
    except DesignError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _value(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
