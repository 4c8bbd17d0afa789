"""The review as a report; it needs no torch: it is written where the review takes place."""

from .content import Picture, ReviewContent
from .writing import REVIEW_PAGE, make_review_report, write_review
