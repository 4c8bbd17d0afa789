"""What is said where a model's weights are missing, and what to do about it."""

from __future__ import annotations

from slicer.i18n import tr as _

from TTAUncertaintyLib.models import models
from TTAUncertaintyLib.store import Lack, Weights


def problem_of(weights: Weights) -> str:
    """Return why a run cannot begin with these weights; empty if it can."""
    entry = models().get(weights.model)
    problems = {
        Lack.MODEL: _("Choose a model from the list."),
        Lack.CHOSEN_FILE: _(
            "The weights file {path} is not there any more: choose it again under Model."
        ),
        Lack.BUNDLED_FILE: _(
            "The weights of {title} are missing: install the extension TTAUncertainty again."
        ),
        Lack.WEIGHTS: _(
            "Get the weights of {title} under Model: download them, or install them from a file."
        ),
        Lack.CONSENT: _(
            "{title} is a program, and nobody agreed to run it: add it again under Model."
        ),
    }
    title = "" if entry is None else entry.description.title
    lack = weights.lack
    return "" if lack is None else problems[lack].format(title=title, path=weights.file)
