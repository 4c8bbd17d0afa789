"""The folder of an evaluation: a page that opens offline, and the same numbers as CSV and JSON."""

from .writing import EVALUATION_FILE, write_evaluation

__all__ = ["EVALUATION_FILE", "write_evaluation"]
