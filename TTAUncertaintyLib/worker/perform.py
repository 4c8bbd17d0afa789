"""Doing a job: read, place, run the engine, write the bundle."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..calibration import Head
from ..engine import (
    Engine,
    Progress,
    check_checkpoint,
    load_checkpoint,
    place,
    prepare,
    save_checkpoint,
    use_threads,
)
from ..errors import InputError
from ..geometry import read_image, read_linear_transform
from ..models import RegistrationModel, load_member, load_model
from ..perturbations import Noise
from ..results import (
    Findings,
    Provenance,
    Recorder,
    check_apart,
    check_output,
    check_space,
    find,
    make_record,
    new_folder,
    remarks_on_findings,
    remarks_on_images,
    volumes_written,
    write_record,
    write_report,
)
from ..results.files import REGISTRATIONS_FOLDER
from .audit import AuditWork, check_audit
from .between_jobs import give_memory_back
from .calibrations import choose_calibration
from .expected import ExpectedWork
from .job import Job
from .labels import LabelWork
from .masks import Masks
from .messages import Voice
from .previews import Previews

#: Of larger pairs, both images together, the next run waits for the report.
_MOST_VOXELS_BESIDE = 50_000_000


@dataclass
class _Clock:
    """Wall time of each phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began


@dataclass(frozen=True, eq=False)
class Done:
    """A job whose result has taken its place; the report may come after it."""

    job: Job
    #: Whether every pass of the design was made, or as many as the tolerance took.
    complete: bool
    #: What the report shows.
    findings: Findings
    record: dict[str, Any]
    #: The job's output, absolute.
    folder: Path

    def write_report(self) -> bool:
        """Write the report into the result, where that is still there; return whether it was."""
        before = torch.get_num_threads()
        use_threads(self.job.threads)
        try:
            return write_report(self.folder, self.findings, self.record)
        finally:
            if self.job.threads is not None:
                torch.set_num_threads(before)

    def stands_beside(self) -> Callable[[Job], bool]:
        """Return what tells whether another job may go on while the report is written.

        It may not where both write to the same place, where the number of torch's threads was
        chosen, which is the whole process's, nor where the two would need too much memory.
        """
        images = self.findings.fixed, self.findings.moving
        large = sum(image.intensities.numel() for image in images) > _MOST_VOXELS_BESIDE
        alone, folder = large or self.job.threads is not None, self.folder
        return lambda job: not alone and job.output.absolute() != folder


def perform(
    job: Job,
    voice: Voice,
    stop_requested: Callable[[], bool] = lambda: False,
    load: Callable[..., RegistrationModel] = load_model,
) -> bool:
    """Do a job, its report included; arguments, errors and return as of `carry_out`."""
    done = carry_out(job, voice, stop_requested, load)
    done.write_report()
    return done.complete


def carry_out(
    job: Job,
    voice: Voice,
    stop_requested: Callable[[], bool] = lambda: False,
    load: Callable[..., RegistrationModel] = load_model,
) -> Done:
    """Do a job up to the moment when its result can be used: all but its report is there.

    Parameters
    ----------
    stop_requested
        Asked after every pass; True ends the loop, and what there is is kept.
    load
        Loads the model, as `load_model` does.

    Returns
    -------
    Done
        Which has the report still to write.

    Raises
    ------
    TTAUncertaintyError
        With a sentence for the person; nothing is written then.
    """
    began = time.monotonic()
    _check_places(job)
    _check_combination(job)
    remarks = _said(voice, use_threads(job.threads))
    clock = _Clock()

    voice.say("phase", phase="reading")
    with clock.phase("reading"):
        fixed, fixed_file = read_image(job.fixed, job.fixed_series, job.replace_nonfinite)
        moving, moving_file = read_image(job.moving, job.moving_series, job.replace_nonfinite)
        fixed_file = replace(fixed_file, name=job.fixed_name or "")
        moving_file = replace(moving_file, name=job.moving_name or "")
        masks = Masks.read(job, fixed, moving)
        every = fixed_file, moving_file, *masks.files.values()
        files = [file for file in every if file is not None]
        for text in [f"{file.path.name} {note}" for file in files for note in file.notes]:
            voice.say("note", text=text)
        remarks += _said(voice, remarks_on_images(fixed, moving))
        labels = None if job.moving_labels is None else LabelWork(job, fixed, moving)
        remarks += _said(voice, [] if labels is None else labels.remarks)
        model = load(job.model, job.weights, job.options, job.trust_code)
        ensemble = job.design.noise is Noise.ENSEMBLE
        others = [(path, job.options, job.trust_code) for path in job.ensemble]
        members = [model, *(load_member(job.model, *each) for each in others)] if ensemble else []

    voice.say("phase", phase="aligning")
    with clock.phase("aligning"), ThreadPoolExecutor(1) as beside:
        finding_regions = beside.submit(masks.regions, fixed)
        known = job.initial_transform
        start = job.start if known is None else read_linear_transform(known)
        seen = masks.seen(fixed, moving)
        placement = place(*seen, model, start, job.prealign, job.use_frame)
        pair = prepare(*seen, model, placement)
        region, left_out = finding_regions.result()
        audit = AuditWork(job, fixed, moving, region) if job.transform else None
        design = job.design.resolve(pair.moving_lattice)
        engine = Engine(
            model,
            pair,
            design,
            job.execution,
            job.reverse_pass,
            job.full_covariance,
            members,
            tolerance_mm=job.tolerance_mm,
        )
        calibration, uncalibrated = choose_calibration(job, engine)
        name = model.description.name
        expected = None if calibration is None else ExpectedWork(calibration, pair, name)
        if job.checkpoint is not None and load_checkpoint(engine, job.checkpoint):
            voice.say("note", text=f"Going on after {engine.perturbed} passes of an earlier run.")

    voice.say("phase", phase="registering")
    with new_folder(job.output, job.overwrite) as folder, contextlib.ExitStack() as stack:
        with clock.phase("network"):
            recorder = None
            observers: list[Callable[[int, Tensor], None]] = []
            if labels is not None and audit is None:
                labels.watch(engine)
                observers.append(labels.add)
            if job.keep_registrations:
                recorder = Recorder(folder / REGISTRATIONS_FOLDER, engine, moving, moving_file)
                stack.callback(recorder.close)
                observers.append(recorder.add)
            engine.observer = _all_of(observers)
            kept_bytes = 0 if recorder is None else recorder.needed_bytes
            check_space(folder, fixed.lattice, pair.fixed_lattice, job.keep, kept_bytes)
            previews = None
            if job.previews is not None:
                previews = stack.enter_context(Previews(job.previews, voice, began))
            for _ in _steps(engine, job, voice, stop_requested):
                if previews is not None:
                    previews.update(engine, moving)
                if expected is not None:
                    expected.update(engine)

        voice.say("phase", phase="writing")
        kept = recorder is not None and recorder.finish()
        with volumes_written(folder, job.keep, moving_file.pixel_type) as write:
            with clock.phase("mapping"):
                outcome = engine.finish()
                give_memory_back()
                if audit is None:
                    findings = find(outcome, fixed, moving, region, left_out)
                    write(findings)  # while the expected error is made
                calibrated = None
                if expected is not None and outcome.whole:
                    calibrated = expected.maps(outcome)
                    if calibrated.unlike:
                        remarks += _said(voice, [calibrated.unlike])
                elif expected is not None:
                    early = "stopped by itself" if outcome.converged else "was stopped early"
                    uncalibrated = f"The run {early}; a calibration is of whole runs."
                audited = None
                if audit is not None:
                    findings, calibration, uncalibrated = audit.find(engine, outcome, calibrated)
                    findings = replace(findings, left_out=left_out)
                    audited = audit.record(findings, outcome)
                elif calibrated is not None:
                    findings = findings.with_expected_error(calibrated)
                calibrated = None  # what it is made of is as large as the images
                give_memory_back()
                if labels is not None:
                    by_head = isinstance(calibration, Head)
                    carried = labels.finish(findings, outcome, engine, by_head)
                    findings = replace(findings, labels=carried)
            write(findings)
            if audited is None:
                masked = masks.statistics is not None
                remarks += _said(voice, remarks_on_findings(findings, outcome, masked))
            else:
                remarks += _said(voice, list(audited["suspicions"]))
            outcome = replace(outcome, notes=(*remarks, *outcome.notes))
            provenance = Provenance(
                fixed_file,
                moving_file,
                model,
                design,
                job.execution,
                placement,
                clock.seconds,
                masks.files,
                audited,
                calibration,
                uncalibrated,
            )
            record = make_record(findings, outcome, provenance, job.keep, kept)
        write_record(folder, findings, record)
    if job.checkpoint is not None and outcome.complete:
        job.checkpoint.unlink(missing_ok=True)
    return Done(job, outcome.complete, findings, record, job.output.absolute())


def _all_of(
    observers: list[Callable[[int, Tensor], None]],
) -> Callable[[int, Tensor], None] | None:
    """Return an observer that calls all of them; None for none."""

    def observe(n: int, offset: Tensor) -> None:
        for each in observers:
            each(n, offset)

    return observe if observers else None


def _said(voice: Voice, notes: list[str]) -> list[str]:
    """Say what a person should know, and return it: it is recorded too."""
    for note in notes:
        voice.say("note", text=note)
    return notes


def _steps(
    engine: Engine, job: Job, voice: Voice, stop_requested: Callable[[], bool]
) -> Iterator[None]:
    """Make the engine's steps, reporting each, until all are made or it is to stop."""
    told: set[str] = set()
    began = time.monotonic()
    for progress in engine:
        voice.say("progress", device=str(engine.device), **_plain(progress))
        for note in engine.notes:
            if note not in told:
                voice.say("note", text=note)
        told.update(engine.notes)
        yield
        if job.checkpoint is not None:
            save_checkpoint(engine, job.checkpoint)
        late = job.time_limit_s is not None and time.monotonic() - began > job.time_limit_s
        if late or stop_requested():
            voice.say("note", text=f"Stopped after {engine.perturbed} perturbed passes.")
            return


def _check_places(job: Job) -> None:
    """Find out before the passes, and not after them, that something cannot be written."""
    check_output(job.output, job.overwrite)
    needed = {
        "The fixed image": job.fixed,
        "The moving image": job.moving,
        "The mask": job.mask,
        "The mask of the fixed image": job.fixed_mask,
        "The mask of the moving image": job.moving_mask,
        "What is left out": job.leave_out,
        "The labels": job.moving_labels,
        "The names of the labels": job.label_names,
        "The initial transform": job.initial_transform,
        "The weights file": job.weights,
        "The calibration": job.calibration,
        "The checkpoint": job.checkpoint,
    }
    several = {"weights file": job.ensemble, "transform": job.transform}
    several["inverse"] = job.inverse_transform
    needed |= {f"The {what} {p.name}": p for what, files in several.items() for p in files}
    check_apart(job.output, needed)
    if job.checkpoint is not None:
        check_checkpoint(job.checkpoint)


def _check_combination(job: Job) -> None:
    check_audit(job)
    if job.moving_labels is not None and job.checkpoint is not None:
        raise InputError(
            "A run that carries labels cannot be resumed: a checkpoint does not hold them.",
            "Leave out --checkpoint, or the labels.",
        )
    if job.label_names is not None and job.moving_labels is None:
        raise InputError(
            "There are names of labels, and no labels.", "Give the label map: --moving-labels."
        )
    if job.keep_registrations and job.checkpoint is not None:
        raise InputError(
            "A run that keeps its registrations cannot be resumed: a checkpoint holds their sums, "
            "not the registrations themselves.",
            "Leave out --checkpoint, or do not keep the registrations.",
        )


def _plain(progress: Progress) -> dict[str, object]:
    known = progress.convergence
    return {
        "phase": progress.phase.value,
        "done": progress.done,
        "total": progress.total,
        "perturbed": progress.perturbed,
        "elapsed_s": round(progress.elapsed_s, 2),
        "left_s": None if progress.left_s is None else round(progress.left_s, 1),
        "standard_error": None
        if known is None
        else {"mm": round(known.standard_error_mm, 6), "fraction": round(known.fraction, 6)},
    }
