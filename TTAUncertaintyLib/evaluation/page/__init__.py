"""The folder of an evaluation: a page that opens offline, and the same numbers as CSV and JSON."""

from .known_truth import TRUTH, TRUTH_FILE, TRUTH_PAGE, KnownTruth, write_known_truth
from .page import EVALUATION, EVALUATION_FILE, write_evaluation
