"""What all pairs of a study have in common: how they are registered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..geometry import sha256
from ..perturbations import Preset
from ..worker import Job
from .pairs import Pair

#: Fields of a job that are a pair's own, or say where and how fast, and nothing of the result.
_NOT_SETTINGS = (
    *("fixed", "moving", "mask", "initial_transform", "output", "overwrite"),
    *("fixed_name", "moving_name", "transform_name", "fixed_series", "moving_series"),
    *("previews", "checkpoint"),
    *("device", "batch_size", "channels_last", "threads", "time_limit_s", "trust_code"),
    *("scheduler", "tls_ca", "tls_cert", "tls_key"),
)

#: Fields that name files: what counts is what is in them.
_FILES = ("weights", "calibration")

_NOWHERE = Path("nowhere")

#: Choices of a single run that belong to a pair, or to the cohort.
_NOT_OF_ALL = (
    *("fixed", "moving", "mask", "initial_transform", "fixed_series", "moving_series"),
    *("fixed_mask", "moving_mask", "leave_out", "moving_labels", "label_names"),
    *("label_tolerance", "output", "overwrite", "checkpoint", "time_limit", "keep_registrations"),
    *("scheduler", "tls_ca", "tls_cert", "tls_key", "quiet", "replace_nonfinite"),
)


def of_all(choices: Iterable[str]) -> set[str]:
    """Return those choices of a single run that can be made for all pairs of a study."""
    return set(choices) - set(_NOT_OF_ALL)


@dataclass(frozen=True)
class Settings:
    """How the pairs of a study are registered.

    Parameters
    ----------
    job
        Of any pair: its own files are put in by `job_of`.
    """

    job: Job

    @classmethod
    def of(cls, choices: Mapping[str, Any]) -> Settings:
        """Return the settings that a person's choices ask for: see `api.choices.job_of`."""
        from ..api.choices import job_of

        nowhere: dict[str, Path | None] = {
            "fixed": _NOWHERE,
            "moving": _NOWHERE,
            "output": _NOWHERE,
        }
        # of a cohort, it is the cohort that is on a scheduler, and not each pair
        nowhere |= dict.fromkeys(("scheduler", "tls_ca", "tls_cert", "tls_key"))
        job = job_of({**choices, **nowhere})
        files = {name: getattr(job, name) for name in _FILES}
        found: dict[str, Any] = {n: p.absolute() for n, p in files.items() if p is not None}
        if job.model.endswith(".json"):  # a manifest of the person's own
            found["model"] = str(Path(job.model).absolute())
        return cls(replace(job, ensemble=tuple(p.absolute() for p in job.ensemble), **found))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Read what `to_json` wrote."""
        return cls(Job.from_json(text))

    def to_json(self) -> str:
        """Return a text that another process understands."""
        return self.job.to_json(indent=None)

    def job_of(self, pair: Pair, output: Path, threads: int | None = None) -> Job:
        """Return the job of a pair; `threads` holds where the person has not said how many.

        Raises
        ------
        InputError
            If the pair's preset is none.
        """
        design = self.job.design
        if pair.preset:
            try:
                design = replace(design, preset=Preset(pair.preset))
            except ValueError:
                known = ", ".join(preset.value for preset in Preset)
                raise InputError(
                    f"There is no preset '{pair.preset}'.", f"Choose one of {known}."
                ) from None
        return replace(
            self.job,
            fixed=pair.files["fixed"],
            moving=pair.files["moving"],
            mask=pair.files.get("mask"),
            initial_transform=pair.files.get("initial_transform"),
            output=output,
            model=pair.model or self.job.model,
            design=design,
            threads=self.job.threads or threads,
        )

    @cached_property
    def described(self) -> dict[str, Any]:
        """What the results depend on, JSON-ready; files by their SHA-256.

        Raises
        ------
        InputError
            If a file cannot be read.
        """
        names = [each.name for each in fields(Job) if each.name not in _NOT_SETTINGS]
        values = json.loads(self.to_json())
        found = {name: values[name] for name in names}
        try:
            for name in _FILES:
                path = getattr(self.job, name)
                found[name] = None if path is None else sha256(path)
            found["ensemble"] = [sha256(path) for path in self.job.ensemble]
        except OSError as error:
            raise InputError(f"{error.filename} cannot be read: {error.strerror}.") from error
        return found

    def sha256_of(self, pair: Pair) -> str:
        """Return the SHA-256 of what a pair's result depends on besides its images."""
        own = self.described | {"own_model": pair.model, "own_preset": pair.preset}
        return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say in words what two descriptions of settings differ in."""
    said = []
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            said += differences(old, new)
        elif old != new:
            said.append(f"{name.replace('_', ' ')}: {_short(old)}, now {_short(new)}")
    return said


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
