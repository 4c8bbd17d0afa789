"""`python -m TTAUncertaintyLib.training`: make the bundled network, and the head, again."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from TTAUncertaintyLib.models import load_model
from TTAUncertaintyLib.models.adapters.pyramid_flow import read_pyramid_flow
from TTAUncertaintyLib.models.registry import MODELS
from TTAUncertaintyLib.training.head_cases import make_cases
from TTAUncertaintyLib.training.head_fit import CREDIT, Case
from TTAUncertaintyLib.training.head_fit import fit as fit_head
from TTAUncertaintyLib.training.label_maps import find_tissue_maps, load_tissue_probabilities
from TTAUncertaintyLib.training.synthesis import ANYTHING
from TTAUncertaintyLib.training.train import Trainer, TrainingSettings, run_training
from TTAUncertaintyLib.training.weights_file import WEIGHTS_NAME, export_weights

_RESOURCES = Path(__file__).resolve().parents[2] / "Resources"
_OUTPUT = Path("build") / "training"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m TTAUncertaintyLib.training")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: torch decides)")
    commands = parser.add_subparsers(dest="command", required=True)

    train = commands.add_parser("train", help="train, or continue training")
    train.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=_OUTPUT,
        help=f"receives checkpoint.pt and log.jsonl (default: {_OUTPUT})",
    )
    train.add_argument("--seed", type=int, default=TrainingSettings.seed)
    train.add_argument("--steps", type=int, help="length of the run; the stages stay as they are")
    train.add_argument("--workers", type=int, default=1, help="processes that make pairs")
    train.add_argument("--dropout", type=float, default=0.0, help="train with dropout layers")
    train.add_argument(
        "--tissue-maps", type=Path, help="folder of the ICBM152 tissue maps (default: nilearn's)"
    )
    train.add_argument(
        "--anything", action="store_true", help="brains of all sizes, organs, thick slices, edges"
    )
    train.add_argument("--begin", type=Path, metavar="WEIGHTS", help="go on from these weights")
    train.add_argument("--shapes-only", action="store_true", help="random shapes, no brains")

    export = commands.add_parser("export", help="write the weights of a checkpoint")
    export.add_argument(
        "folders",
        type=Path,
        nargs="*",
        default=[_OUTPUT],
        help="training folders; of several that went on from the same weights the mean is written",
    )
    export.add_argument("--output", type=Path, default=_RESOURCES / "Models" / WEIGHTS_NAME)
    export.add_argument("--iterations", type=int, nargs="+", help="of each level, finest first")
    export.add_argument("--bits", type=int, help="significant bits to keep of each weight")

    cases = commands.add_parser("head-cases", help="registrations for the head, one file each")
    cases.add_argument("folder", type=Path, help="where they are kept; goes on where it ended")
    cases.add_argument("--people", type=Path, required=True, help="N_SS.nii.gz and N_glm.nii.gz")
    cases.add_argument(
        "--network",
        action="append",
        default=[],
        metavar="NAME=WEIGHTS",
        help="a published network beside the bundled one and demons; may be repeated",
    )
    cases.add_argument("--left-out", type=int, default=5, help="people kept for the report")

    head = commands.add_parser("head", help="fit the head to such registrations")
    head.add_argument("folder", type=Path)
    head.add_argument("--output", type=Path, default=_RESOURCES / "Calibrations" / "head.npz")

    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.command == "train":
        return _train(options)
    if options.command == "export":
        return _export(options)
    if options.command == "head-cases":
        return _head_cases(options)
    return _head(options)


def _head_cases(options: argparse.Namespace) -> int:
    models = {
        "pyramid-flow": load_model("pyramid-flow"),
        "sitk-demons4": load_model("sitk-demons", None, {"spacing": "4"}),
    }
    for each in options.network:
        name, _, weights = each.partition("=")
        at_2_mm = any(option.name == "spacing" for option in MODELS[name].description.options)
        models[name] = load_model(name, Path(weights), {"spacing": "2"} if at_2_mm else {})
    for path in make_cases(options.folder, options.people, models, options.left_out):
        print(path.stem, flush=True)
    return 0


def _head(options: argparse.Namespace) -> int:
    cases = [Case.read(path) for path in sorted(options.folder.glob("fit-*.npz"))]
    fit_head(cases, {"credit": CREDIT}).save(options.output)
    print(f"{options.output}: {len(cases)} registrations")
    return 0


def _train(options: argparse.Namespace) -> int:
    settings = TrainingSettings(seed=options.seed)
    if options.steps is not None:
        settings = replace(settings, steps=options.steps)
    if options.dropout:
        settings = replace(
            settings, architecture=replace(settings.architecture, dropout=options.dropout)
        )
    if options.anything:
        settings = replace(settings, synthesis=ANYTHING)
    begin = None
    if options.begin is not None:
        begin = read_pyramid_flow(options.begin)
        settings = replace(settings.going_on(), architecture=begin.architecture)
    tissues = None
    if not options.shapes_only:
        tissues = load_tissue_probabilities(options.tissue_maps or find_tissue_maps())
    run_training(Trainer(settings, tissues, begin), options.folder, workers=options.workers)
    return 0


def _export(options: argparse.Namespace) -> int:
    states, settings = [], []
    for folder in options.folders:
        states.append(torch.load(folder / "checkpoint.pt", weights_only=True))
        settings.append(json.loads((folder / "settings.json").read_text(encoding="utf-8")))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    seeds = ", ".join(str(one.pop("seed")) for one in settings)
    if any(one != settings[0] for one in settings):
        raise SystemExit("These folders hold runs of different settings: give runs of the same.")
    about = {"seed": seeds, "settings": json.dumps(settings[0], sort_keys=True)}
    digest = export_weights(
        states, options.output, about, iterations=options.iterations, bits=options.bits
    )
    print(digest, options.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
