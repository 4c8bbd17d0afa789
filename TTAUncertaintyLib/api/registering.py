"""Registering two images from Python."""

from __future__ import annotations

import inspect
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import SimpleITK as sitk

from ..engine import Precision
from ..geometry import Prealignment, Start
from ..models import DEFAULT_MODEL
from ..perturbations import Family, Noise, Preset, Sampling
from ..results import Bundle, Keep
from .choices import job_of
from .images import ImageLike, as_file
from .result import Result
from .running import run_to_end
from .wording import said_in_python

File = str | PathLike[str]
#: The choices that are images.
_IMAGES = (
    *("fixed", "moving", "mask", "fixed_mask", "moving_mask", "leave_out"),
    "moving_labels",
)
TransformLike: TypeAlias = "str | PathLike[str] | sitk.Transform"


def register(
    fixed: ImageLike,
    moving: ImageLike,
    *,
    mask: ImageLike | None = None,
    fixed_mask: ImageLike | None = None,
    moving_mask: ImageLike | None = None,
    leave_out: ImageLike | None = None,
    moving_labels: ImageLike | None = None,
    label_names: File | None = None,
    label_tolerance: float | None = None,
    fixed_series: str | None = None,
    moving_series: str | None = None,
    replace_nonfinite: bool = False,
    output: File | None = None,
    overwrite: bool = False,
    checkpoint: File | None = None,
    keep: Keep | str = Keep.COMPACT,
    keep_registrations: bool = False,
    model: str = DEFAULT_MODEL,
    weights: File | None = None,
    trust_code: bool = False,
    options: Mapping[str, str] | None = None,
    ensemble: Sequence[File] = (),
    calibration: File | None = None,
    use_calibration: bool = True,
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
    start: Start | str = Start.HEADER,
    initial_transform: File | sitk.Transform | None = None,
    prealign: Prealignment | str | None = None,
    use_frame: bool = True,
    tolerance: float | None = None,
    device: str = "auto",
    precision: Precision | str | None = None,
    batch_size: int | None = None,
    threads: int | None = None,
    time_limit: float | None = None,
    reverse_pass: bool = True,
    scheduler: str | None = None,
    tls_ca: File | None = None,
    tls_cert: File | None = None,
    tls_key: File | None = None,
    quiet: bool = False,
) -> Result:
    """Register a moving image to a fixed one, and map where the answer is uncertain.

    The choices are those of ``ttauncertainty run`` and have the same names and defaults. The run
    goes on in a process of its own, as it does for the command line and in Slicer: it can be
    cancelled at any moment, even inside one long pass, a computer that runs out of memory takes
    the run and not the notebook, and PyTorch is not loaded here.

    Parameters
    ----------
    fixed, moving
        A path (NIfTI, NRRD, MetaImage, or a DICOM folder), a `SimpleITK.Image`, a nibabel image,
        or a pair (array, affine) as nibabel has them: the array with axes (i, j, k), the affine,
        shape (4, 4), from (i, j, k, 1) to world **RAS** mm. An array without its affine is
        refused. What is in memory is written to a temporary file for the run.
    mask
        Labels on the fixed image's lattice: where statistics are taken; without, the foreground.
    fixed_mask, moving_mask
        Labels on the voxels of either image: outside, it is background to the network.
    leave_out
        Labels on the fixed image's voxels: metal, a cavity, the couch; left in the image, and left
        out of every statistic and hot spot.
    moving_labels
        Label map of the moving image, in its world: carried onto the fixed one. The result has
        them as `Result.labels` and `Result.structures`.
    label_names
        What they are called: a TSV or CSV with columns label and name, or a colour table.
    label_tolerance
        mm: a structure that is expected farther off is said not to be used.
    fixed_series, moving_series
        UID of the DICOM series, where a folder holds several.
    replace_nonfinite
        Replace NaN and infinite voxels by the smallest finite value instead of refusing them.
    output
        Folder to be made for the result. If None it lies in a temporary folder, which goes when
        the `Result` does: `Result.save` keeps it.
    overwrite
        Replace an older result in `output`.
    checkpoint
        File that keeps the state after every pass; a later run goes on from it.
    keep
        How much of the result is kept on disk: "compact" has maps and transform on the network's
        own voxels, which is all that is known; "all" has maps on the fixed image's; "summary"
        keeps numbers and report alone.
    keep_registrations
        Keep every perturbed registration in the result.
    model
        Name of a model (`models` lists them), or the path of a manifest (.json) of your own.
    weights
        Local weights file.
    trust_code
        Agree to run a model of your own whose file is a program, with all your rights.
    options
        The model's own options, by name.
    ensemble
        More weights of the same network, for the noise "ensemble"; of a network of one's own,
        more manifests.
    calibration
        File that `calibrate` has made; without, the one that comes with the software for this
        model and design, where there is one.
    use_calibration
        False: uncertainty only, no expected error.
    preset
        "quick", "standard", "thorough" or "paper"; what follows changes it.
    family, sampling, outer, replicates, noise, seed
        See `perturbations.Design`: which perturbations, how they are drawn, how many (K), passes
        for each (R; 2 or more give the split in two), and what changes between those.
    translation_mm, rotation_deg, scale, shear, elastic_mm, elastic_spacing_mm
        Amplitudes; see `perturbations.Amplitudes`.
    start
        "header" trusts the headers; "center" and "mass" lay centre on centre.
    initial_transform
        ITK file of a linear transform, fixed to moving, world LPS mm. Or SimpleITK's object.
    prealign
        Linear alignment first: "none", "rigid" or "affine"; without, what the model expects.
    use_frame
        False does not turn the fixed image into the network's frame, where it expects that.
    tolerance
        Stop when the standard error of the map is below this, mm; `outer` is then the most.
    device
        "auto", "cpu", "cuda" or "mps".
    precision
        "f32", "f16" or "bf16"; None takes f32, and less only where memory runs out.
    batch_size, threads
        Perturbations at a time, and CPU threads; None leaves the choice.
    time_limit
        Stop the perturbed passes after this many seconds and keep what there is.
    reverse_pass
        False leaves out the inverse-consistency map.
    scheduler
        Address of a scheduler of Dask, "tls://host:8786": one of its workers makes the passes. The
        images travel there; nothing of them stays.
    tls_ca, tls_cert, tls_key
        Certificate of the scheduler's authority, own certificate, and its key; None takes those of
        Dask's configuration.
    quiet
        Print nothing: no progress, no notes. They stand in the result.

    Returns
    -------
    Result
        Maps in mm on the fixed image, the transform, the warped image, the numbers.

    Raises
    ------
    TTAUncertaintyError
        `InputError`, `DesignError`, `ModelError`, `OutputError`, `ResourceError`,
        `MissingPackage` or `WorkerError` (see `TTAUncertaintyLib.errors`): what is wrong, and
        what to do about it. Nothing is written then.
    KeyboardInterrupt
        On Ctrl-C, or the stop button of a notebook, after the run has been cancelled.
    """
    return _result(dict(locals()))  # before anything else has a name: exactly the choices


def audit(
    fixed: ImageLike,
    moving: ImageLike,
    transform: TransformLike | Sequence[TransformLike],
    *,
    inverse: TransformLike | Sequence[TransformLike] = (),
    **choices: Any,
) -> Result:
    """Review a registration that was made elsewhere, with the network's as a second opinion.

    Parameters
    ----------
    fixed, moving
        As for `register`.
    transform
        Fixed world to moving world, LPS mm: an ITK transform file, a displacement field (NIfTI,
        NRRD or MetaImage, as ANTs and elastix write them), a `SimpleITK.Transform`; or several,
        applied to points in this order.
    inverse
        Moving to fixed, for the inverse-consistency gap; empty without one.
    choices
        Those of `register`, for the second opinion: it does not start from the transform.

    Returns
    -------
    Result
        As of `register`. Its maps are "disagreement", "second_opinion_bound", "local_mismatch",
        "jacobian", with an inverse "inverse_consistency", and where there is a calibration
        "expected_error" and "error_bound" of the given transform.

    Raises
    ------
    TTAUncertaintyError
        As `register`; also where the transform cannot be read, or sends nothing of the fixed image
        into the moving one.
    TypeError
        For a choice that `register` has not.
    """
    known = inspect.signature(register).parameters
    for name in choices:
        if name not in known:
            raise TypeError(f"audit() has no choice '{name}': those of register() are allowed.")
    values = {n: p.default for n, p in known.items() if p.default is not inspect.Parameter.empty}
    given = {"fixed": fixed, "moving": moving, "transform": transform}
    return _result(values | choices | given | {"inverse_transform": inverse})


def _result(choices: dict[str, Any]) -> Result:
    """Run what was chosen, by the names of `register` and `audit`."""
    quiet, output = bool(choices["quiet"]), choices["output"]
    folder = Path(tempfile.mkdtemp(prefix="ttauncertainty-"))
    try:
        with said_in_python():
            for role in _IMAGES:
                if choices[role] is not None:
                    choices[role], understood = as_file(choices[role], role, folder)
                    if understood and not quiet:
                        print(understood)
            start = choices["initial_transform"]
            if start is not None:
                choices["initial_transform"] = _transform_file(start, folder, "initial_transform")
            for role in ("transform", "inverse_transform"):
                choices[role] = [
                    _transform_file(each, folder, f"{role}_{n}")
                    for n, each in enumerate(_several(choices.get(role, ())))
                ]
            choices["output"] = folder / "result" if output is None else output
            choices["options"] = choices["options"] or {}
            bundle = Bundle.open(run_to_end(job_of(choices), quiet))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Result(bundle, temporary=folder)


def _several(given: Any) -> Sequence[Any]:
    one = isinstance(given, (str, PathLike, sitk.Transform))
    return [given] if one else list(given)


def _transform_file(given: Any, folder: Path, name: str) -> Any:
    """Return the file of a transform; one in memory is written first."""
    if not isinstance(given, sitk.Transform):
        return given
    path = folder / f"{name}.h5"
    sitk.WriteTransform(given, str(path))
    return path
