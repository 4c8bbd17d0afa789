"""The hot spots of a result in the scene, found at once."""

from __future__ import annotations

from TTAUncertaintyLib.review import MatchedReview, Review, match_verdicts
from TTAUncertaintyLib.scene.result import ResultNodes
from TTAUncertaintyLib.scene.review_state import spot_search
from TTAUncertaintyLib.scene.structures import Structures


def find_spots(
    result: ResultNodes, review: Review, structures: Structures | None = None
) -> MatchedReview:
    """Find the hot spots of the map under review and give each its verdict."""
    return match_verdicts(review, spot_search(result, review, structures)())
