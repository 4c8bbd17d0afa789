"""Known deformations through a network, from Python: what its maps are worth, and calibrations."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, OutputError
from ..evaluation.kinds import Deformation
from ..extras import Extra, need
from ..humanize import about
from ..models import DEFAULT_MODEL
from ..perturbations import (
    PAPER_FAMILIES,
    DesignRequest,
    Family,
    Noise,
    Preset,
    Sampling,
)
from ..sample_data import sample_images
from .choices import design_of

if TYPE_CHECKING:
    from ..calibration import Calibration
    from ..calibration.fitting import Check
    from ..evaluation.measuring import Measurement
    from ..evaluation.results_table import Evaluation
    from ..evaluation.study import Study
    from ..models import RegistrationModel

File = str | PathLike[str]
Files = Mapping[str, File] | Sequence[File]

#: The images that are taken where none are named.
_BUNDLED = ("mni152", "colin27")

EVALUATED_KINDS = (Deformation.SMOOTH.value, Deformation.AFFINE.value)
CALIBRATED_KINDS = (
    Deformation.SMOOTH.value,
    Deformation.FINE.value,
    Deformation.AFFINE.value,
    Deformation.PAPER_AFFINE.value,
)


def evaluate(
    output: File,
    *,
    overwrite: bool = False,
    title: str = "",
    compare: Mapping[str, DesignRequest | Mapping[str, Any]] | None = None,
    paper: bool = False,
    images: Files = (),
    masks: Mapping[str, File] | None = None,
    labels: Mapping[str, File] | None = None,
    kinds: Sequence[str] = EVALUATED_KINDS,
    cases: int = 2,
    first_case: int = 0,
    prealign: bool = False,
    keep: File | None = None,
    model: str = DEFAULT_MODEL,
    weights: File | None = None,
    trust_code: bool = False,
    options: Mapping[str, str] | None = None,
    preset: Preset | str = Preset.STANDARD,
    family: Family | str | None = None,
    sampling: Sampling | str | None = None,
    outer: int | None = None,
    replicates: int | None = None,
    noise: Noise | str | None = None,
    seed: int = 0,
    translation_mm: float | None = None,
    rotation_deg: float | None = None,
    scale: float | None = None,
    shear: float | None = None,
    elastic_mm: float | None = None,
    elastic_spacing_mm: float | None = None,
    device: str = "auto",
    threads: int | None = None,
    quiet: bool = False,
    command: str = "TTAUncertaintyLib.evaluate(...)",
) -> Evaluation:
    """Measure how well the maps predict errors that are known.

    Images are deformed by known maps and registered; each map is compared with the error. The
    choices are those of ``ttauncertainty evaluate``. It runs in this process, and needs PyTorch.

    Parameters
    ----------
    output
        Folder to be made: a page that opens offline, and the numbers as CSV and JSON.
    overwrite
        Replace an older evaluation.
    title
        Of the page.
    compare
        Further designs by name, each a `DesignRequest` or its fields.
    paper
        The paper's four families too, 50 passes each.
    images
        Image files, one of each subject: names with files, or files alone; the bundled brains if
        there are none.
    masks
        Label files by the names of the images: where errors count; without, the foreground.
    labels
        Label files by the names of the images: structures to tell apart.
    kinds
        Known deformations: names of `evaluation.kinds.Deformation`, or "reapplied".
    cases
        How many of each image and kind.
    first_case
        Number of the first: others than those that settings were chosen on.
    prealign
        Align as the model expects first, instead of leaving all of it to the network.
    keep
        Folder for every measurement: an interrupted run goes on from them.
    model, weights, trust_code, options
        As in `register`.
    preset, family, sampling, outer, replicates, noise, seed
        As in `register`.
    translation_mm, rotation_deg, scale, shear, elastic_mm, elastic_spacing_mm
        As in `register`.
    device, threads, quiet
        As in `register`.
    command
        What the page says that it was made by.

    Raises
    ------
    TTAUncertaintyError
        What is wrong, and what to do about it.
    KeyboardInterrupt
        On Ctrl-C; what was kept stays.
    """
    choices = dict(locals())
    need(Extra.LAB, "An evaluation")
    from ..calibration.fitting import left_out
    from ..evaluation.assembling import assemble
    from ..evaluation.page import EVALUATION, write_evaluation
    from ..evaluation.study import as_json
    from ..models.contract import describe
    from ..results import check_output

    folder = Path(output)
    check_output(folder, overwrite, EVALUATION)
    network = _model(choices)
    others = {name: _request(each) for name, each in (compare or {}).items()}
    study = _study(choices, others | baselines(paper, network.has_dropout))
    found = _measured(study, network, device, keep, quiet)
    described = describe(network)
    predicted = left_out(found, "subject", described) if len(study.subjects) > 1 else []
    evaluation = assemble(
        title or f"{network.description.title}: does the map predict the error?",
        found,
        predicted,
        described,
        as_json(study)["subjects"],
        command,
        [] if predicted else ["One subject alone: nothing to calibrate on."],
    )
    write_evaluation(folder, evaluation, overwrite)
    if not quiet:
        for summary in evaluation.summaries:
            r, rho, naurc = (summary.metrics[m].mean for m in ("pearson", "spearman", "naurc"))
            print(f"  {r:6.2f} {rho:6.2f} {naurc:6.2f}  {summary.passes:4}  {summary.method}")
        print("  Pearson, Spearman, nAURC, passes in all; means over cases")
        print(f"\nEvaluation: {(folder / 'evaluation.html').absolute()}")
    return evaluation


def calibrate(
    output: File,
    *,
    overwrite: bool = False,
    images: Files = (),
    masks: Mapping[str, File] | None = None,
    labels: Mapping[str, File] | None = None,
    kinds: Sequence[str] = CALIBRATED_KINDS,
    cases: int = 2,
    first_case: int = 0,
    prealign: bool = False,
    keep: File | None = None,
    model: str = DEFAULT_MODEL,
    weights: File | None = None,
    trust_code: bool = False,
    options: Mapping[str, str] | None = None,
    preset: Preset | str = Preset.STANDARD,
    family: Family | str | None = None,
    sampling: Sampling | str | None = None,
    outer: int | None = None,
    replicates: int | None = None,
    noise: Noise | str | None = None,
    seed: int = 0,
    translation_mm: float | None = None,
    rotation_deg: float | None = None,
    scale: float | None = None,
    shear: float | None = None,
    elastic_mm: float | None = None,
    elastic_spacing_mm: float | None = None,
    device: str = "auto",
    threads: int | None = None,
    quiet: bool = False,
) -> Calibration:
    """Learn what a network's cues mean in mm of error, from deformations that are known.

    The choices are those of ``ttauncertainty calibrate``. It runs in this process, and needs
    PyTorch. Images of at least two subjects are needed, better of five or more.

    Parameters
    ----------
    output
        JSON file to be made: what `register` takes as `calibration`.
    overwrite
        Replace an older calibration.
    images, masks, labels, kinds, cases, first_case, prealign, keep
        As in `evaluate`.
    model, weights, trust_code, options
        As in `register`.
    preset, family, sampling, outer, replicates, noise, seed
        As in `register`.
    translation_mm, rotation_deg, scale, shear, elastic_mm, elastic_spacing_mm
        As in `register`.
    device, threads, quiet
        As in `register`.

    Raises
    ------
    TTAUncertaintyError
        What is wrong, and what to do about it.
    KeyboardInterrupt
        On Ctrl-C; what was kept stays.
    """
    choices = dict(locals())
    need(Extra.LAB, "A calibration")
    from ..calibration import check_place, write_calibration
    from ..calibration.fitting import fit
    from ..evaluation.study import as_json
    from ..models.contract import describe

    check_place(Path(output), overwrite)
    study, network = _study(choices), _model(choices)
    found = _measured(study, network, device, keep, quiet)
    calibration, checks = fit(found, describe(network), as_json(study)["subjects"])
    try:
        write_calibration(Path(output), calibration)
    except OSError as error:
        raise OutputError(f"{output} cannot be written: {error.strerror}.") from error
    if not quiet:
        print("\n".join(_lines(checks)))
        print(f"\nCalibration: {output}")
    return calibration


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


def _request(design: DesignRequest | Mapping[str, Any]) -> DesignRequest:
    return design if isinstance(design, DesignRequest) else DesignRequest.from_dict(dict(design))


def _named(files: Files) -> list[tuple[str, Path]]:
    if isinstance(files, Mapping):
        return [(name, Path(file)) for name, file in files.items()]
    if isinstance(files, (str, PathLike)):
        raise InputError(f"images is {files!r}, and not a list of files.", "Give a list.")
    return [(Path(file).name.partition(".")[0], Path(file)) for file in files]


def _study(choices: Mapping[str, Any], others: Mapping[str, DesignRequest] | None = None) -> Study:
    """Return the study that choices ask for.

    Raises
    ------
    InputError
        If an image or a mask has no name of its own, or there are no cases.
    """
    from ..evaluation.study import Study, Subject
    from ..geometry import Prealignment

    images = _named(choices["images"])
    images = images or [(name, sample_images()[name].path) for name in _BUNDLED]
    masks, labels = dict(_named(choices["masks"] or {})), dict(_named(choices["labels"] or {}))
    unknown = (set(masks) | set(labels)) - {name for name, _ in images}
    if unknown:
        raise InputError(
            f"There is a mask or a label file for {', '.join(sorted(unknown))}, but no such image.",
            "Name both alike: the image a=brain.nii.gz, its mask a=mask.nii.gz.",
        )
    if choices["cases"] < 1:
        raise InputError("There has to be at least one case of each image and kind.")
    first = choices["first_case"]
    return Study(
        tuple(Subject(name, path, masks.get(name), labels.get(name)) for name, path in images),
        tuple(dict.fromkeys(choices["kinds"])),
        tuple(range(first, first + choices["cases"])),
        design_of(choices),
        others or {},
        None if choices["prealign"] else Prealignment.NONE,
    )


def _model(choices: Mapping[str, Any]) -> RegistrationModel:
    from ..engine import use_threads
    from ..models import load_model

    for note in use_threads(choices["threads"]):
        print(f"note: {note}")
    weights = choices["weights"]
    return load_model(
        choices["model"],
        None if weights is None else Path(weights),
        dict(choices["options"] or {}),
        choices["trust_code"],
    )


def _measured(
    study: Study, model: RegistrationModel, device: str, keep: File | None, quiet: bool
) -> list[Measurement]:
    """Measure a study, with a line for each case and the time left."""
    from ..engine import Execution
    from ..evaluation.measurement_cache import MeasurementCache
    from ..evaluation.study import measure_study

    if not quiet:
        print(f"{study.count} cases through {model.description.title}")
    found, began, made = [], time.monotonic(), 0
    kept = MeasurementCache(None if keep is None else Path(keep))
    for step in measure_study(study, model, Execution(device), kept):
        found.append(step.measurement)
        made += not step.was_kept
        if quiet:
            continue
        left = ""
        if made and step.number < step.of:
            each = (time.monotonic() - began) / made
            left = f", about {about(each * (step.of - step.number))} left"
        error = float(step.measurement.error.mean())
        again = " (kept from before)" if step.was_kept else ""
        print(
            f"  {step.number}/{step.of} {step.measurement.name}: mean error {error:.2f} mm"
            f"{again}{left}",
            flush=True,
        )
    return found


def _lines(checks: Iterable[Check]) -> list[str]:
    from ..calibration.fitting import summary

    checks = list(checks)
    lines = []
    for what in sorted({check.left_out for check in checks}, reverse=True):
        s = summary([check for check in checks if check.left_out == what])
        lines += [
            "",
            f"On cases of the {what} that was left out (means over "
            f"{sum(check.left_out == what for check in checks)} cases):",
            f"  coverage of the 90 % bound  {s['coverage']:.2f} "
            f"({s['least_coverage']:.2f} to {s['largest_coverage']:.2f} by case), mean bound "
            f"{s['bound_mm']:.2f} mm",
            f"  expected error against the error: mean absolute difference {s['mae_mm']:.2f} mm "
            f"(a constant {s['constant_mae_mm']:.2f}, inverse consistency alone "
            f"{s['inverse_mae_mm']:.2f})",
            f"  nAURC {s['naurc']:.2f} (inverse consistency alone {s['inverse_naurc']:.2f})",
        ]
    return lines
