"""What can go wrong, each with a sentence that says what to do about it."""

from __future__ import annotations

from pathlib import Path


class TTAUncertaintyError(Exception):
    """Base of every error a person is meant to read.

    Parameters
    ----------
    problem
        What is wrong, naming the thing (a file, an option, a value).
    remedy
        What to do about it. May be empty where the problem says it already.
    """

    #: Exit status of the command line when this error ends it.
    exit_code: int = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy


class InputError(TTAUncertaintyError):
    """An image, transform or mask that cannot be used as it is."""

    exit_code = 2


class DesignError(TTAUncertaintyError):
    """A perturbation design that is not valid."""

    exit_code = 2


class ModelError(TTAUncertaintyError):
    """An unknown model, or weights that are missing, damaged or not this model's."""

    exit_code = 3


class ConsentNeeded(ModelError):  # noqa: N818  (a question, and not an error of anybody's)
    """A model whose file is a program, which the person has not agreed to run.

    Parameters
    ----------
    problem, remedy
        See `TTAUncertaintyError`.
    """

    def __init__(self, problem: str, remedy: str, file: Path, sha256: str) -> None:
        super().__init__(problem, remedy)
        self.file = file
        self.sha256 = sha256


class OutputError(TTAUncertaintyError):
    """A result that cannot be written where it was asked for."""

    exit_code = 4


class ResourceError(TTAUncertaintyError):
    """Too little memory, or a device that is not there."""

    exit_code = 5


class WorkerError(TTAUncertaintyError):
    """The background process ended without a result."""

    exit_code = 6


class MissingPackage(TTAUncertaintyError):  # noqa: N818  (what is missing can be installed)
    """A Python package that the background process needs, PyTorch above all, cannot be loaded."""

    exit_code = 7


class Cancelled(TTAUncertaintyError):  # noqa: N818  (it is not an error of anybody's)
    """The person asked to stop and to keep nothing."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("The run was cancelled; nothing was written.")
